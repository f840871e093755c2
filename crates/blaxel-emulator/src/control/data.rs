//! The state of the emulator as a document.

use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use axum::{Extension, Router};
use http::{HeaderName, StatusCode};

use super::Of;
use super::answer::Refused;
use crate::data::Data;
use crate::persist;

/// Maximum size of a document, in bytes.
const LIMIT: usize = 256 << 20;

pub(super) fn routes() -> Router {
    Router::new()
        .route("/data", get(save).put(restore))
        .layer(DefaultBodyLimit::max(LIMIT))
}

async fn save(Extension(engine): Of) -> Result<([(HeaderName, &'static str); 1], String), Refused> {
    let saved = persist::save(&engine);
    let saved = saved.map_err(|problem| Refused::new(StatusCode::CONFLICT, problem.to_string()))?;
    Ok(([(CONTENT_TYPE, "application/json")], saved.to_string()))
}

async fn restore(Extension(engine): Of, text: String) -> Result<StatusCode, Refused> {
    let data: Data = text.parse().map_err(|problem: crate::data::InvalidData| {
        Refused::new(StatusCode::UNPROCESSABLE_ENTITY, problem.to_string())
    })?;
    let restored = persist::restore(&engine, &data);
    restored.map_err(|problem| Refused::new(StatusCode::CONFLICT, problem.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}
