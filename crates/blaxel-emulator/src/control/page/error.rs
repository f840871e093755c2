//! Refusals as pages.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;

use super::html::html;
use super::layout::page_with;
use crate::control::answer::Refused;
use crate::engine::Engine;

/// Returns a refusal as a page.
pub(super) fn problem(engine: &Arc<Engine>, refused: Refused) -> Response {
    let (status, text) = refused.into_parts();
    refusal(engine, status, &text)
}

/// Returns a page that says what is wrong.
pub(super) fn refusal(engine: &Engine, status: StatusCode, text: &str) -> Response {
    let main = html(
        "<p class=\"lead\" data-problem>{}</p><p><a class=\"button\" href=\"/_emulator/page\">Back to the overview</a></p>",
        &[&text],
    );
    page_with(engine, status, "none", "This did not work", &main)
}
