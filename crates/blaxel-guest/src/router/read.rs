//! Reading of files and directories.

use axum::response::Response;
use http::header::{ACCEPT, CONTENT_LENGTH, HeaderValue, LAST_MODIFIED};
use http::{Method, StatusCode};

use super::call::{Call, empty, into_response};
use super::content::{http_date, raw};
use super::describe::{File, list};
use super::path::{Paths, requested};
use super::respond::{HandlerResult, Refusal, json, ok};
use super::route::Route;
use crate::errno::Errno;
use crate::files::{FileError, FileKind};
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[
    Route {
        operation: "ReadFile",
        method: Method::GET,
        pattern: "/filesystem/*path",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(read(call).await) }),
    },
    Route {
        operation: "StatFile",
        method: Method::HEAD,
        pattern: "/filesystem/*path",
        since: ServerVersion::August,
        handler: |call| Box::pin(stat(call)),
    },
];

async fn read(call: Call) -> HandlerResult {
    let paths = Paths::of(&call.state);
    let path = paths.format(&requested(&call))?;
    let wants_raw = wants_raw(&call);
    let absolute = paths.absolute(&path);
    let shown = path.clone();
    let response = Call::with_files(&call.state, move |files| {
        let stat = |errno| FileError::new("stat", &absolute, errno);
        let facts = files.metadata(&absolute).map_err(|errno| match errno {
            Errno::NotFound => Refusal::not_found(stat(errno)),
            _ => Refusal::internal(stat(errno)),
        })?;
        if facts.kind == FileKind::Directory {
            let listed = list(files, &paths, &shown);
            return listed
                .map(|listed| Some(json(StatusCode::OK, &listed)))
                .map_err(|error| {
                    Refusal::unprocessable(format!("error listing directory: {error}"))
                });
        }
        if wants_raw {
            return Ok(None);
        }
        let unreadable = |error| Refusal::unprocessable(format!("error reading file: {error}"));
        let content = files.read(&absolute).map_err(unreadable)?;
        ok(&File::with_content(files, &paths, &shown, &facts, &content)).map(Some)
    });
    match response.await? {
        Some(response) => Ok(response),
        None => raw(call, &path).await,
    }
}

/// Returns `true` if a client wants the bytes of a file and not a JSON document with its content.
fn wants_raw(call: &Call) -> bool {
    let accept = call.header(ACCEPT);
    let accepts = |media_type| accept.contains(media_type);
    let is_specific = !accept.is_empty() && !accepts("application/json") && !accepts("*/*");
    accepts("application/octet-stream") || is_specific || call.query("download") == "true"
}

/// Returns what is known about a path in headers. A path that cannot be reached has none.
async fn stat(call: Call) -> Response {
    let mut response = empty();
    if call.state.version() == ServerVersion::August {
        return response;
    }
    let paths = Paths::of(&call.state);
    let Ok(path) = paths.format(&requested(&call)) else {
        return response;
    };
    let absolute = paths.absolute(&path);
    let facts = Call::with_files(&call.state, move |files| {
        files.metadata(&absolute).map_err(Refusal::not_found)
    });
    let Ok(facts) = facts.await else {
        return response;
    };
    let is_directory = facts.kind == FileKind::Directory;
    let kind = if is_directory { "directory" } else { "file" };
    let headers = response.headers_mut();
    headers.insert("x-file-type", HeaderValue::from_static(kind));
    if let Ok(mode) = HeaderValue::from_str(&format!("{:o}", facts.mode)) {
        headers.insert("x-file-mode", mode);
    }
    headers.insert(LAST_MODIFIED, http_date(facts.modified));
    if !is_directory {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(facts.size));
    }
    response
}
