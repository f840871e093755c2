//! The public list of deviations.

use axum::routing::get;
use axum::{Json, Router};
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::deviations::{AREAS, markdown};

pub(super) fn routes() -> Router {
    Router::new()
        .route("/deviations", get(show))
        .route("/deviations.md", get(text))
}

async fn show() -> Json<Value> {
    Json(json!({"areas": AREAS}))
}

async fn text() -> ([(http::HeaderName, &'static str); 1], String) {
    let kind = "text/markdown; charset=utf-8";
    ([(CONTENT_TYPE, kind)], markdown())
}
