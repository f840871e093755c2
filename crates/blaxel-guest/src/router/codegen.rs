//! The operations that call a provider of code models.
//!
//! No provider is called. Without a key the refusals are those of the server; with one, every
//! accepted request is refused because the provider cannot be reached.

use blaxel_core::__private::lenient::null_as_default;
use http::{Method, StatusCode};
use serde::Deserialize;

use super::call::{Call, into_response};
use super::delete::kind;
use super::path::{Paths, requested};
use super::respond::{HandlerResult, Refusal};
use super::route::Route;
use crate::files::FileKind;
use crate::lock::lock;
use crate::state::State;
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[
    Route {
        operation: "ApplyEdit",
        method: Method::PUT,
        pattern: "/codegen/fastapply/*path",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(apply(call).await) }),
    },
    Route {
        operation: "RankFiles",
        method: Method::GET,
        pattern: "/codegen/reranking/*path",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(rerank(call).await) }),
    },
];

/// A provider of code models, of which the environment has a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    Relace,
    Morph,
}

impl Provider {
    /// Returns the provider that a server uses.
    pub(super) fn of(state: &State) -> Option<Self> {
        let environment = lock(&state.environment);
        let mut providers = [Self::Relace, Self::Morph].into_iter();
        providers.find(|provider| environment.get(provider.key()).is_some())
    }

    fn key(self) -> &'static str {
        match self {
            Self::Relace => "RELACE_API_KEY",
            Self::Morph => "MORPH_API_KEY",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Relace => "relace",
            Self::Morph => "morph",
        }
    }

    /// Returns `true` if it ranks files.
    pub(super) fn ranks(self) -> bool {
        self == Self::Relace
    }
}

fn provider(call: &Call) -> Result<Provider, Refusal> {
    Provider::of(&call.state).ok_or_else(|| {
        Refusal::bad_request(
            "codegen tools are not configured, follow this documentation to configure it: \
             https://docs.blaxel.ai/Sandboxes/Codegen",
        )
    })
}

/// Returns the refusal of a request that a provider would have to answer.
pub(super) fn unreachable() -> Refusal {
    Refusal::unprocessable("the provider cannot be reached from a simulated sandbox")
}

async fn apply(mut call: Call) -> HandlerResult {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Request {
        #[serde(deserialize_with = "null_as_default")]
        code_edit: String,
    }
    provider(&call)?;
    let paths = Paths::of(&call.state);
    let path = paths.absolute(&paths.format(&requested(&call))?);
    let request: Request = call.take_json().await?;
    if request.code_edit.is_empty() {
        return Err(Refusal::bad_request(
            "invalid request body: codeEdit is required",
        ));
    }
    let found = Call::with_files(&call.state, move |files| {
        kind(files, &path)
            .map_err(|error| Refusal::unprocessable(format!("failed to check path: {error}")))
    });
    if found.await? == Some(FileKind::Directory) {
        return Err(Refusal::bad_request("path is a directory, not a file"));
    }
    Err(unreachable())
}

async fn rerank(call: Call) -> HandlerResult {
    let provider = provider(&call)?;
    if call.query("query").is_empty() {
        return Err(Refusal::bad_request("query parameter is required"));
    }
    let paths = Paths::of(&call.state);
    let path = paths.absolute(&paths.format(&requested(&call))?);
    let found = Call::with_files(&call.state, move |files| {
        kind(files, &path)
            .map_err(|error| Refusal::unprocessable(format!("failed to check directory: {error}")))
    });
    if found.await? != Some(FileKind::Directory) {
        return Err(Refusal::bad_request("path is not a directory"));
    }
    if !provider.ranks() {
        return Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "code reranking is only available with Relace. Set RELACE_API_KEY to use this feature",
        ));
    }
    Err(unreachable())
}
