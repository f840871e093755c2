//! Archiving sandboxes, and restoring them.

use axum::response::Response;
use blaxel_guest::{Errno, FileKind, Volume};
use http::{Method, StatusCode};

use super::access_level::AccessLevel;
use super::call::Call;
use super::copies::{Copied, Original, not_copied};
use super::records::{self, not_found};
use super::route::{HandlerResult, Route};
use super::snapshots::in_state as wrong_state;
use crate::background::in_background;
use crate::catalog;
use crate::clock::Clock;
use crate::errors::ErrorResponse;
use crate::guests::Ended;
use crate::state::{Collection, OpenStore, Record, SANDBOXES, status};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new_async(
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
async fn archive(call: Call) -> HandlerResult {
    require_feature(&call)?;
    let name = call.path(SANDBOXES.parameter);
    let original = {
        let store = call.engine.store.open();
        let sandbox = in_state(&store, name, status::DEPLOYED)?;
        Original::sandbox(&call, &store, sandbox)
    };
    let mut copy = original.copy_frozen().await?;
    let files = copy.files();
    let size = in_background(move || files.as_ref().map_or(Ok((0, 0)), size_of)).await;
    let size = size.unwrap_or(Err(Errno::Io)).map_err(not_copied)?;
    let (response, ended) = archive_as(&call, name, &mut copy, size)?;
    ended.finish().await;
    Ok(response)
}

fn archive_as(
    call: &Call,
    name: &str,
    copy: &mut Copied,
    size: (u64, u64),
) -> Result<(Response, Ended), ErrorResponse> {
    let mut store = call.engine.store.open();
    let sandbox = in_state(&store, name, status::DEPLOYED)?;
    let contents = copy.take_frozen(call, &store, sandbox)?;
    let ended = call.engine.guests.restart_with(&mut store, name, contents);
    store.archive(name, size);
    let response = records::response(&store, &Collection::top(&SANDBOXES), name)?;
    Ok((response, ended))
}

fn unarchive(call: &Call) -> HandlerResult {
    require_feature(call)?;
    let mut store = call.engine.store.open();
    let name = call.path(SANDBOXES.parameter);
    in_state(&store, name, status::ARCHIVED)?;
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

/// Returns a sandbox, which must have this state.
fn in_state<'a>(
    store: &'a OpenStore,
    name: &str,
    wanted: &str,
) -> Result<&'a Record, ErrorResponse> {
    let record = store.get(&Collection::top(&SANDBOXES), name);
    let record = record.ok_or_else(|| not_found(&SANDBOXES))?;
    match record.status(store.now()) {
        status::TERMINATED => Err(not_found(&SANDBOXES)),
        state if state == wanted => Ok(record),
        state => Err(wrong_state("The sandbox", name, state)),
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
