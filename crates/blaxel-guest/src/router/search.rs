//! Fuzzy search for paths.

use http::Method;
use serde::Serialize;

use super::call::{Call, into_response};
use super::fuzzy;
use super::path::{Paths, relative, requested};
use super::respond::{HandlerResult, Refusal, ok};
use super::route::Route;
use super::scope::{Flow, Limit, Scope, Visit};
use crate::files::FileKind;
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[Route {
    operation: "SearchPaths",
    method: Method::GET,
    pattern: "/filesystem-search/*path",
    since: ServerVersion::August,
    handler: |call| Box::pin(async move { into_response(search(call).await) }),
}];

#[derive(Serialize)]
struct Found {
    matches: Vec<Match>,
    total: usize,
}

#[derive(Serialize)]
struct Match {
    path: String,
    score: i32,
    r#type: &'static str,
}

async fn search(call: Call) -> HandlerResult {
    let limit = Limit::of(&call, 20)?;
    let scope = Scope::of(&call);
    let path = requested(&call);
    // The old server takes the path as the text to search for, too.
    let query = match call.state.version() {
        ServerVersion::August => match path.as_str() {
            "" | "/" | "." => {
                return Err(Refusal::bad_request("query parameter is required in path"));
            }
            path => path.to_owned(),
        },
        ServerVersion::Current => match call.query("query").to_lowercase() {
            query if query.is_empty() => {
                return Err(Refusal::bad_request("query parameter is required"));
            }
            query => query,
        },
    };
    let pattern: Vec<char> = query.chars().collect();
    let root = Paths::of(&call.state).absolute(&path);
    Call::with_files(&call.state, move |files| {
        let mut matches = Vec::new();
        let mut visit = |found: &Visit<'_>| {
            if found.path != root {
                let path = relative(&root, found.path);
                if let Some(score) = fuzzy::score(&pattern, path) {
                    let is_directory = found.kind == FileKind::Directory;
                    let r#type = if is_directory { "directory" } else { "file" };
                    matches.push(Match {
                        path: path.to_owned(),
                        score,
                        r#type,
                    });
                }
            }
            Flow::Continue
        };
        scope
            .walk(files, &root, true, &mut visit)
            .map_err(|error| Refusal::internal(format!("error walking directory: {error}")))?;
        matches.sort_by_key(|found| std::cmp::Reverse(found.score));
        matches.truncate(limit.number().unwrap_or(usize::MAX));
        ok(&Found {
            total: matches.len(),
            matches,
        })
    })
    .await
}
