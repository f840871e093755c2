//! The environment variables of the server.

use std::collections::BTreeMap;

use blaxel_core::__private::lenient::null_as_default;
use http::Method;
use serde::{Deserialize, Serialize};

use super::call::{Call, into_response};
use super::respond::{HandlerResult, Refusal, ok};
use super::route::Route;
use crate::errno::Errno;
use crate::lock::lock;
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[Route {
    operation: "ReloadEnvironment",
    method: Method::POST,
    pattern: "/environment/reload",
    since: ServerVersion::August,
    handler: |call| Box::pin(async move { into_response(reload(call).await) }),
}];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    #[serde(deserialize_with = "null_as_default")]
    generation: i64,
    #[serde(deserialize_with = "null_as_default")]
    environment: BTreeMap<String, String>,
}

async fn reload(call: Call) -> HandlerResult {
    #[derive(Serialize)]
    struct Reloaded {
        generation: i64,
        applied: usize,
        removed: usize,
    }
    let path = call.state.metadata_path.clone();
    let read = Call::with_files(&call.state, move |files| {
        files.read(&path).map_err(|error| match error.errno() {
            Errno::NotFound => Refusal::not_found(error),
            _ => Refusal::internal(error),
        })
    });
    let text = read.await?;
    // The message of a parser could quote a value.
    let document: Document = serde_json::from_slice(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Refusal::internal(format!(
            "malformed metadata at line {line}, column {column}"
        ))
    })?;
    let applied = document.environment.len();
    let removed = lock(&call.state.environment).apply(document.environment);
    ok(&Reloaded {
        generation: document.generation,
        applied,
        removed,
    })
}
