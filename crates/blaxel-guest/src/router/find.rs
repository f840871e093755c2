//! Search for files by the patterns of their names.

use http::Method;
use serde::Serialize;

use super::call::{Call, into_response};
use super::path::{Paths, relative, requested};
use super::respond::{HandlerResult, Refusal, ok};
use super::route::Route;
use super::scope::{Flow, Limit, Patterns, Scope};
use crate::files::FileKind;
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[Route {
    operation: "FindFiles",
    method: Method::GET,
    pattern: "/filesystem-find/*path",
    since: ServerVersion::August,
    handler: |call| Box::pin(async move { into_response(find(call).await) }),
}];

#[derive(Serialize)]
struct Found {
    matches: Vec<Match>,
    total: usize,
}

#[derive(Serialize)]
struct Match {
    path: String,
    r#type: &'static str,
}

async fn find(call: Call) -> HandlerResult {
    let limit = Limit::of(&call, 20)?;
    let wants_directories = match call.query("type").as_str() {
        "" | "file" => false,
        "directory" => true,
        other => {
            return Err(Refusal::bad_request(format!(
                "invalid search type: {other}"
            )));
        }
    };
    let (patterns, scope) = (Patterns::of(&call), Scope::of(&call));
    // A `~` is not expanded here.
    let root = Paths::of(&call.state).absolute(&requested(&call));
    Call::with_files(&call.state, move |files| {
        let mut matches = Vec::new();
        let mut visit = |found: &super::scope::Visit<'_>| {
            let is_directory = found.kind == FileKind::Directory;
            if limit.is_reached(matches.len()) {
                return Flow::Stop;
            }
            if is_directory == wants_directories && (is_directory || patterns.accept(found.name)) {
                let r#type = if is_directory { "directory" } else { "file" };
                matches.push(Match {
                    path: relative(&root, found.path).to_owned(),
                    r#type,
                });
            }
            Flow::Continue
        };
        scope
            .walk(files, &root, false, &mut visit)
            .map_err(|error| Refusal::internal(format!("error walking directory: {error}")))?;
        ok(&Found {
            total: matches.len(),
            matches,
        })
    })
    .await
}
