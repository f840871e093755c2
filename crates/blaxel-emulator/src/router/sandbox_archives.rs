//! Archiving sandboxes, and restoring them.

use blaxel_guest::{Errno, FileKind, Volume};
use http::{Method, StatusCode};

use super::access_level::AccessLevel;
use super::call::Call;
use super::records::{self, not_found};
use super::route::{HandlerResult, Route};
use super::snapshots::{in_state, not_copied};
use crate::catalog;
use crate::clock::Clock;
use crate::errors::ErrorResponse;
use crate::state::{Collection, OpenStore, SANDBOXES, status};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "ArchiveSandbox",
            Method::POST,
            ["/v0/sandboxes/{sandboxName}/archive"],
            AccessLevel::Workspace,
            archive,
        ),
        Route::new(
            "UnarchiveSandbox",
            Method::POST,
            ["/v0/sandboxes/{sandboxName}/unarchive"],
            AccessLevel::Workspace,
            unarchive,
        ),
    ]
}

/// Ends the machine of a sandbox, and keeps its files and the settings of its processes.
fn archive(call: &Call) -> HandlerResult {
    require_feature(call)?;
    let name = call.path(SANDBOXES.parameter);
    let mut store = call.engine.store.open();
    require_state(&store, name, status::DEPLOYED)?;
    let guests = &call.engine.guests;
    let contents = guests.contents_of(&store, name).map_err(not_copied)?;
    let size = contents.files.as_ref().map_or(Ok((0, 0)), size_of);
    let size = size.map_err(not_copied)?;
    guests.restart_with(&mut store, name, contents);
    store.archive(name, size);
    records::response(&store, &Collection::top(&SANDBOXES), name)
}

fn unarchive(call: &Call) -> HandlerResult {
    require_feature(call)?;
    let mut store = call.engine.store.open();
    let name = call.path(SANDBOXES.parameter);
    require_state(&store, name, status::ARCHIVED)?;
    store.unarchive(name);
    records::response(&store, &Collection::top(&SANDBOXES), name)
}

fn require_feature(call: &Call) -> Result<(), ErrorResponse> {
    let enabled = call.engine.config.features.get(catalog::ARCHIVES);
    if enabled == Some(&true) {
        return Ok(());
    }
    let message = "The workspace does not have the feature sandbox-archives.";
    Err(ErrorResponse::explained(
        StatusCode::FORBIDDEN,
        "Forbidden",
        message,
    ))
}

/// Requires that there is a sandbox, and that it has this state.
fn require_state(store: &OpenStore, name: &str, wanted: &str) -> Result<(), ErrorResponse> {
    let record = store.get(&Collection::top(&SANDBOXES), name);
    match record.map(|record| record.status(store.now())) {
        None | Some(status::TERMINATED) => Err(not_found(&SANDBOXES)),
        Some(state) if state == wanted => Ok(()),
        Some(state) => Err(in_state("The sandbox", name, state)),
    }
}

/// Returns the number of files on a disk and their size in bytes. What cannot be read does not count.
fn size_of(disk: &Volume) -> Result<(u64, u64), Errno> {
    let files = disk.files(Clock::standing())?;
    let mut directories = vec!["/".to_owned()];
    let mut count = 0;
    while let Some(path) = directories.pop() {
        for entry in files.read_dir(&path).unwrap_or_default() {
            match entry.kind {
                FileKind::Directory => {
                    directories.push(format!("{}/{}", path.trim_end_matches('/'), entry.name));
                }
                _ => count += 1,
            }
        }
    }
    Ok((count, disk.space().used))
}
