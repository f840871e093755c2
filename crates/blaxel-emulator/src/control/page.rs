//! The page of an emulator for people.
//!
//! Its HTML is made here, from what the control returns to programs too. A small script keeps it up to date; without
//! it, all of the page works by links and forms. Nothing is loaded from elsewhere.

mod actions;
mod chart;
mod costs;
mod deviations;
mod error;
mod failures;
mod files;
mod html;
mod journal;
mod layout;
mod money;
mod overview;
mod request_table;
mod resources;
mod sandboxes;

use axum::Router;
use axum::extract::Request;
use axum::http::header::ACCEPT;
use axum::routing::get;
use http::{Method, Uri};

/// The path of the page, below which its parts are.
pub(super) const PATH: &str = "/_emulator/page";

pub(super) fn routes() -> Router {
    Router::new()
        .route("/page", get(overview::show))
        .route("/page/", get(overview::show))
        .route("/page/resources", get(resources::list))
        .route("/page/resource", get(resources::show))
        .route("/page/sandboxes", get(sandboxes::list))
        .route("/page/process", get(sandboxes::process))
        .route("/page/journal", get(journal::show))
        .route("/page/failures", get(failures::show))
        .route("/page/costs", get(costs::show))
        .route("/page/deviations", get(deviations::show))
        .merge(files::routes())
        .merge(actions::routes())
}

/// Turns a browser's request for `/` into one for the page. Programs get what the API answers there.
pub(super) fn redirect(request: &mut Request) {
    *request.uri_mut() = Uri::from_static(PATH);
}

/// Returns `true` if a browser asks for the page at `/`.
pub(super) fn is_wanted(request: &Request) -> bool {
    let accept = request.headers().get_all(ACCEPT).into_iter();
    let mut accept = accept.filter_map(|value| value.to_str().ok());
    request.method() == Method::GET
        && request.uri().path() == "/"
        && accept.any(|kinds| kinds.contains("text/html"))
}
