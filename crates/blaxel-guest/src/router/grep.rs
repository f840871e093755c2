//! Search in the contents of files.

use http::Method;
use serde::Serialize;

use super::call::{Call, into_response};
use super::delete::kind;
use super::glob;
use super::path::{Paths, relative, requested};
use super::respond::{HandlerResult, Refusal, ok};
use super::route::Route;
use super::scope::{Flow, Limit, Scope, Visit};
use crate::files::{FileKind, Files};
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[Route {
    operation: "SearchContents",
    method: Method::GET,
    pattern: "/filesystem-content-search/*path",
    since: ServerVersion::August,
    handler: |call| Box::pin(async move { into_response(grep(call).await) }),
}];

/// The largest number of lines around a match.
const MAX_CONTEXT: usize = 20;
/// The further matches that the old server still takes when it has enough. With more it hangs.
const HANG_AFTER: usize = 100;

#[derive(Serialize)]
struct Found {
    query: String,
    /// `null` if there are none.
    matches: Option<Vec<Match>>,
    total: usize,
}

#[derive(Serialize)]
struct Match {
    path: String,
    line: usize,
    column: usize,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
}

/// A text to search for.
struct Needle {
    /// In lower case, if the case does not matter.
    text: String,
    is_case_sensitive: bool,
    context: usize,
}

async fn grep(call: Call) -> HandlerResult {
    let query = call.query("query");
    if query.is_empty() {
        return Err(Refusal::bad_request("query parameter is required"));
    }
    let is_case_sensitive = call.query("caseSensitive") == "true";
    let limit = match (Limit::of(&call, 100)?, call.state.version()) {
        // The old server stops after the first match if it is to find all.
        (Limit::All, ServerVersion::August) => Limit::Some(1),
        (limit, _) => limit,
    };
    let needle = Needle {
        text: if is_case_sensitive {
            query.clone()
        } else {
            query.to_lowercase()
        },
        is_case_sensitive,
        context: context_lines(&call)?,
    };
    let pattern = call.query("filePattern");
    let scope = Scope::of(&call).with_hidden();
    let paths = Paths::of(&call.state);
    let path = match requested(&call).as_str() {
        "" | "/" | "." => ".".to_owned(),
        path => path.to_owned(),
    };
    // Only the check expands a `~`, the search does not.
    let checked = paths.format(&path)?;
    let (directory, root) = (paths.absolute(&checked), paths.absolute(&path));
    let hangs = call.state.hangs && call.state.version() == ServerVersion::August;
    let searched = Call::with_files(&call.state, move |files| {
        if kind(files, &directory).map_err(Refusal::unprocessable)? != Some(FileKind::Directory) {
            let problem = format!("specified directory does not exist: {checked}");
            return Err(Refusal::bad_request(problem));
        }
        let mut matches = Vec::new();
        // To know whether the old server would hang, its further matches are counted.
        let wanted = limit.number().map_or(usize::MAX, |limit| {
            if hangs { limit + HANG_AFTER + 1 } else { limit }
        });
        let mut visit = |found: &Visit<'_>| {
            let is_searched = found.kind == FileKind::File
                && (pattern.is_empty() || glob::matches(&pattern, found.name));
            if is_searched {
                needle.search(
                    files,
                    found.path,
                    relative(&root, found.path),
                    wanted,
                    &mut matches,
                );
            }
            if matches.len() >= wanted {
                Flow::Stop
            } else {
                Flow::Continue
            }
        };
        scope
            .walk(files, &root, true, &mut visit)
            .map_err(|error| Refusal::internal(format!("error walking directory: {error}")))?;
        let is_hanging = hangs && limit.number().is_some() && matches.len() >= wanted;
        matches.truncate(limit.number().unwrap_or(usize::MAX));
        Ok((matches, is_hanging))
    });
    let (matches, is_hanging) = searched.await?;
    if is_hanging {
        std::future::pending::<()>().await;
    }
    let total = matches.len();
    ok(&Found {
        query,
        matches: (total > 0).then_some(matches),
        total,
    })
}

fn context_lines(call: &Call) -> Result<usize, Refusal> {
    let text = call.query("contextLines");
    if text.is_empty() || call.state.version() == ServerVersion::August {
        return Ok(0);
    }
    let lines = text.parse().ok().filter(|lines| *lines <= MAX_CONTEXT);
    lines.ok_or_else(|| Refusal::bad_request(format!("invalid contextLines: {text}")))
}

impl Needle {
    /// Adds the lines of a file that have the text, until there are `wanted` matches.
    fn search(
        &self,
        files: &dyn Files,
        path: &str,
        shown: &str,
        wanted: usize,
        matches: &mut Vec<Match>,
    ) {
        let Ok(content) = files.read(path) else {
            return;
        };
        let content = String::from_utf8_lossy(&content);
        let lines: Vec<&str> = content.split('\n').collect();
        for (index, line) in lines.iter().enumerate() {
            let place = if self.is_case_sensitive {
                line.find(&self.text)
            } else {
                line.to_lowercase().find(&self.text)
            };
            let Some(place) = place else {
                continue;
            };
            if matches.len() >= wanted {
                return;
            }
            matches.push(Match {
                path: shown.to_owned(),
                line: index + 1,
                column: place + 1,
                text: (*line).to_owned(),
                context: self.context(&lines, index),
            });
        }
    }

    /// Returns the lines around a match, with its own.
    fn context(&self, lines: &[&str], index: usize) -> Option<String> {
        let first = index.saturating_sub(self.context);
        let last = (index + self.context + 1).min(lines.len());
        let lines = lines.get(first..last).filter(|_| self.context > 0)?;
        Some(lines.join("\n"))
    }
}
