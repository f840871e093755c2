//! The style, the script and the icon of the page.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
const ICON: &str = include_str!("icon.svg");

pub(super) fn routes() -> Router {
    let file =
        |kind: &'static str, text: &'static str| get(move || async move { file(kind, text) });
    Router::new()
        .route("/page/style.css", file("text/css; charset=utf-8", STYLE))
        .route(
            "/page/script.js",
            file("text/javascript; charset=utf-8", SCRIPT),
        )
        .route("/page/icon.svg", file("image/svg+xml", ICON))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        // Another emulator may be at this address tomorrow.
        (CACHE_CONTROL, "no-cache"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}
