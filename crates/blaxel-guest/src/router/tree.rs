//! Directories as trees. Their paths are always absolute.

use std::collections::BTreeMap;

use axum::response::Response;
use blaxel_core::__private::lenient::null_as_default;
use http::Method;
use serde::Deserialize;

use super::call::{Call, into_response};
use super::delete::{delete_directory, kind};
use super::describe::{Directory, File, Owners, Subdirectory, list};
use super::path::{Paths, base, clean, parent, single_slashes};
use super::permissions::{DIRECTORY, FILE, masked};
use super::respond::{HandlerResult, Refusal, ok, success};
use super::route::Route;
use super::scope::{Flow, Patterns, Scope, Visit};
use super::write::write_file;
use crate::files::{FileError, FileKind, Files};
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[
    Route {
        operation: "ReadTree",
        method: Method::GET,
        pattern: "/filesystem/tree*rest",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(read(call).await) }),
    },
    Route {
        operation: "WriteTree",
        method: Method::PUT,
        pattern: "/filesystem/tree*rest",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(write(call).await) }),
    },
    Route {
        operation: "RemoveDirectory",
        method: Method::DELETE,
        pattern: "/filesystem/tree*rest",
        since: ServerVersion::August,
        handler: |call| Box::pin(delete(call)),
    },
];

/// Returns the path of the tree: what comes after the text of the route, even if it goes on
/// without a slash.
fn root(call: &Call) -> String {
    single_slashes(&format!("/{}", call.param("rest")))
}

/// The limits on a tree with all levels.
struct Limits {
    files: u64,
    bytes: u64,
}

impl Limits {
    fn of(call: &Call) -> Result<Self, Refusal> {
        let number = |name: &str, default: u64, most: u64| {
            let text = call.query(name);
            if text.is_empty() {
                return Ok(default);
            }
            let number = text
                .parse()
                .ok()
                .filter(|number| (1..=most).contains(number));
            number.ok_or_else(|| Refusal::bad_request(format!("invalid {name}: {text}")))
        };
        Ok(Self {
            files: number("maxFiles", 10_000, 100_000)?,
            bytes: number("maxBytes", 32 << 20, 256 << 20)?,
        })
    }
}

async fn read(call: Call) -> HandlerResult {
    let paths = Paths::of(&call.state);
    let root = paths.format(&root(&call))?;
    let is_new = call.state.version() > ServerVersion::August;
    let is_recursive = is_new && call.query("recursive") == "true";
    let with_content = call.query("content") == "true";
    let (limits, scope, patterns) = (Limits::of(&call), Scope::of(&call), Patterns::of(&call));
    Call::with_files(&call.state, move |files| {
        let found = kind(files, &paths.absolute(&root)).map_err(Refusal::unprocessable)?;
        if found != Some(FileKind::Directory) {
            return Err(Refusal::bad_request("path is not a directory"));
        }
        let listed = if is_recursive {
            let limits = limits?;
            all_levels(files, &root, &scope, &patterns, with_content, &limits)?
        } else {
            list(files, &paths, &root).map_err(|error| {
                Refusal::unprocessable(format!("error getting file system tree: {error}"))
            })?
        };
        ok(&listed)
    })
    .await
}

/// Lists all levels, all or nothing.
fn all_levels(
    files: &dyn Files,
    root: &str,
    scope: &Scope,
    patterns: &Patterns,
    with_content: bool,
    limits: &Limits,
) -> Result<Directory, Refusal> {
    let owners = Owners::read(files);
    let root = clean(root);
    let mut tree = Directory {
        name: base(&root).to_owned(),
        path: root.clone(),
        files: Vec::new(),
        subdirectories: Vec::new(),
        recursive: true,
    };
    let mut bytes = 0;
    let mut problem = None;
    let mut visit = |found: &Visit<'_>| {
        let (path, name) = (found.path.to_owned(), found.name);
        if found.kind == FileKind::Directory {
            tree.subdirectories.push(Subdirectory {
                path,
                name: name.to_owned(),
            });
            return Flow::Continue;
        }
        if !patterns.accept(name) {
            return Flow::Continue;
        }
        match describe(files, found, &owners, with_content) {
            Ok(file) => {
                bytes += file
                    .content
                    .as_ref()
                    .map_or(0, |content| content.len() as u64);
                tree.files.push(file);
            }
            Err(error) => problem = Some(format!("error getting file system tree: {error}")),
        }
        if tree.files.len() as u64 > limits.files {
            problem = Some(format!("tree has more than {} files", limits.files));
        } else if bytes > limits.bytes {
            problem = Some(format!("tree has more than {} bytes", limits.bytes));
        }
        if problem.is_some() {
            Flow::Stop
        } else {
            Flow::Continue
        }
    };
    let walked = scope.walk_below(files, &root, &mut visit);
    match (walked, problem) {
        (Err(error), _) => Err(Refusal::unprocessable(format!(
            "error getting file system tree: {error}"
        ))),
        (_, Some(problem)) => Err(Refusal::unprocessable(problem)),
        (Ok(()), None) => Ok(tree),
    }
}

fn describe(
    files: &dyn Files,
    found: &Visit<'_>,
    owners: &Owners,
    with_content: bool,
) -> Result<File, FileError> {
    let facts = files
        .link_metadata(found.path)
        .map_err(|errno| FileError::new("lstat", found.path, errno))?;
    let mut file = File::new(found.path.to_owned(), found.name, &facts, owners);
    if with_content && facts.kind == FileKind::File {
        let content = files.read(found.path)?;
        file.content = Some(String::from_utf8_lossy(&content).into_owned());
    }
    Ok(file)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TreeRequest {
    #[serde(deserialize_with = "null_as_default")]
    files: BTreeMap<String, String>,
}

async fn write(mut call: Call) -> HandlerResult {
    let paths = Paths::of(&call.state);
    let root = paths.format(&root(&call))?;
    let request: TreeRequest = call.take_json().await?;
    Call::with_files(&call.state, move |files| {
        let refused =
            |what: &str, error: FileError| Refusal::unprocessable(format!("{what}: {error}"));
        create(
            files,
            &paths.absolute(&root),
            "error creating root directory",
        )?;
        // One after the other, without undoing those before a failure.
        for (name, content) in &request.files {
            let path = clean(&format!("{root}/{name}"));
            create(files, parent(&path), "error creating parent directory")?;
            write_file(files, &path, content.as_bytes(), FILE)
                .map_err(|error| refused("error writing file", error))?;
        }
        let listed = list(files, &paths, &root)
            .map_err(|error| refused("error getting updated file system tree", error))?;
        ok(&listed)
    })
    .await
}

/// Creates a directory if there is none.
fn create(files: &dyn Files, path: &str, problem: &str) -> Result<(), Refusal> {
    if kind(files, path).map_err(Refusal::unprocessable)? == Some(FileKind::Directory) {
        return Ok(());
    }
    files
        .create_dir_all(path, masked(DIRECTORY))
        .map_err(|error| Refusal::unprocessable(format!("{problem}: {error}")))
}

async fn delete(call: Call) -> Response {
    let root = root(&call);
    let absolute = Paths::of(&call.state).absolute(&root);
    let is_recursive = call.query("recursive") == "true";
    let deleted = Call::with_files(&call.state, move |files| {
        delete_directory(files, &absolute, is_recursive).map_err(|problem| {
            Refusal::unprocessable(format!("error deleting directory: {problem}"))
        })?;
        success(&root, "Directory deleted successfully")
    });
    into_response(deleted.await)
}
