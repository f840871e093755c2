//! Incidents by name.

use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::StatusCode;
use serde_json::{Value, json};

use super::Of;
use super::answer::Refused;
use crate::incident::{Incident, UnknownIncident};

pub(super) fn routes() -> Router {
    Router::new()
        .route("/incidents", get(list))
        .route("/incidents/{name}", post(begin).delete(end))
}

/// Parses the name of an incident.
pub(super) fn named(name: &str) -> Result<Incident, Refused> {
    name.parse().map_err(|problem: UnknownIncident| {
        Refused::new(StatusCode::NOT_FOUND, problem.to_string())
    })
}

async fn list(Extension(engine): Of) -> Json<Value> {
    let shown = |incident: Incident| {
        json!({
            "name": incident.name(),
            "background": incident.background(),
            "waiting": incident.waiting(&engine.faults),
        })
    };
    Json(json!({"incidents": Incident::all().map(shown).collect::<Vec<_>>()}))
}

async fn begin(Extension(engine): Of, Path(name): Path<String>) -> Result<StatusCode, Refused> {
    named(&name)?.begin(&engine.clock, &engine.faults);
    Ok(StatusCode::NO_CONTENT)
}

async fn end(Extension(engine): Of, Path(name): Path<String>) -> Result<StatusCode, Refused> {
    named(&name)?.end(&engine.faults);
    Ok(StatusCode::NO_CONTENT)
}
