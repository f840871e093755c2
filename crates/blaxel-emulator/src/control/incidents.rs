//! Incidents by name.

use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::StatusCode;
use serde_json::{Value, json};

use super::Of;
use super::answer::Refused;
use crate::incident::Incident;

pub(super) fn routes() -> Router {
    Router::new()
        .route("/incidents", get(list))
        .route("/incidents/{name}", post(begin))
}

async fn list() -> Json<Value> {
    let shown =
        |incident: Incident| json!({"name": incident.name(), "background": incident.background()});
    Json(json!({"incidents": Incident::all().map(shown).collect::<Vec<_>>()}))
}

async fn begin(Extension(engine): Of, Path(name): Path<String>) -> Result<StatusCode, Refused> {
    let incident: Incident =
        name.parse()
            .map_err(|problem: crate::incident::UnknownIncident| {
                Refused::new(StatusCode::NOT_FOUND, problem.to_string())
            })?;
    incident.begin(&engine);
    Ok(StatusCode::NO_CONTENT)
}
