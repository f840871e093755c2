//! Resources that exist without a request for them.

use std::time::Duration;

use axum::extract::Path;
use axum::routing::{post, put};
use axum::{Extension, Router};
use http::StatusCode;

use super::Of;
use super::answer::Refused;
use crate::state::{FailingWork, Kind, top_kind};

pub(super) fn routes() -> Router {
    Router::new()
        .route("/resources/{collection}/{name}", put(add))
        .route("/resources/{collection}/{name}/fail", post(fail_next))
}

/// Returns the kind of a collection, whose path has `.` in place of `/`.
fn kind_of(collection: &str) -> Result<&'static Kind, Refused> {
    let kind = top_kind(&collection.replace('.', "/"));
    let missing = || {
        let problem = format!("the emulator has no collection {collection:?} at the top level");
        Refused::new(StatusCode::NOT_FOUND, problem)
    };
    kind.ok_or_else(missing)
}

async fn add(
    Extension(engine): Of,
    Path((collection, name)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    let kind = kind_of(&collection)?;
    engine.add_sample(kind, &name, Duration::ZERO);
    Ok(StatusCode::NO_CONTENT)
}

async fn fail_next(
    Extension(engine): Of,
    Path((collection, name)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    let kind = kind_of(&collection)?;
    engine
        .store
        .open()
        .fail_next(FailingWork::Main(kind.path), &name);
    Ok(StatusCode::NO_CONTENT)
}
