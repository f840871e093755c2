//! The emulator as a whole.

use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Of;
use crate::initial_data;

/// The document of the control, in the format of OpenAPI.
const DOCUMENT: &str = include_str!("openapi.json");

pub(super) fn routes() -> Router {
    Router::new()
        .route("/", get(show))
        .route("/openapi.json", get(document))
        .route("/reset", post(reset))
}

pub(super) async fn show(Extension(engine): Of) -> Json<Value> {
    let variables: Map<String, Value> = engine
        .variables()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    Json(json!({
        "workspace": engine.config.workspace,
        "variables": variables,
        "now": engine.clock.now().as_str(),
        "waiting_faults": engine.faults.waiting(),
    }))
}

async fn document() -> ([(http::HeaderName, &'static str); 1], &'static str) {
    ([(http::header::CONTENT_TYPE, "application/json")], DOCUMENT)
}

async fn reset(Extension(engine): Of) -> StatusCode {
    initial_data::reset(&engine);
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The document names each path of the control, and no other.
    #[test]
    fn the_document_has_the_paths_of_the_control() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let documented: Vec<_> = paths
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().unwrap().keys();
                methods.map(move |method| format!("{} {path}", method.to_uppercase()))
            })
            .collect();
        let mut expected = [
            "DELETE /_emulator/faults",
            "DELETE /_emulator/faults/{operation}",
            "DELETE /_emulator/incidents/{name}",
            "DELETE /_emulator/journal",
            "DELETE /_emulator/resources/{collection}/{name}",
            "DELETE /_emulator/sandboxes/{name}",
            "DELETE /_emulator/sandboxes/{name}/ports/{port}",
            "DELETE /_emulator/scripts/{collection}/{name}",
            "GET /_emulator/",
            "GET /_emulator/callbacks",
            "GET /_emulator/clock",
            "GET /_emulator/data",
            "GET /_emulator/deviations",
            "GET /_emulator/deviations.md",
            "GET /_emulator/events",
            "GET /_emulator/faults",
            "GET /_emulator/incidents",
            "GET /_emulator/journal",
            "GET /_emulator/journal/counts",
            "GET /_emulator/journal/curl",
            "GET /_emulator/journal/har",
            "GET /_emulator/openapi.json",
            "GET /_emulator/operations",
            "GET /_emulator/page",
            "GET /_emulator/resources",
            "GET /_emulator/resources/{collection}/{name}",
            "GET /_emulator/sandboxes",
            "GET /_emulator/sandboxes/{name}/processes/{pid}/output",
            "GET /_emulator/scripts/{collection}/{name}",
            "GET /_emulator/secrets/{name}",
            "GET /_emulator/tasks/{job}/{execution}/{index}",
            "POST /_emulator/assertions",
            "POST /_emulator/clock",
            "POST /_emulator/failures",
            "POST /_emulator/faults",
            "POST /_emulator/images/{type}/{name}/offer",
            "POST /_emulator/incidents/{name}",
            "POST /_emulator/mcp/restart",
            "POST /_emulator/reset",
            "POST /_emulator/resources/{collection}/{name}/fail",
            "POST /_emulator/sandboxes/{name}/code",
            "POST /_emulator/sandboxes/{name}/commands",
            "POST /_emulator/scripts/{collection}/{name}",
            "PUT /_emulator/data",
            "PUT /_emulator/images/{type}/{name}",
            "PUT /_emulator/resources/{collection}/{name}",
            "PUT /_emulator/sandboxes/{name}/ports/{port}",
        ]
        .map(str::to_owned);
        let mut documented: Vec<String> = documented;
        documented.sort();
        expected.sort();
        assert_eq!(documented, expected);
    }
}
