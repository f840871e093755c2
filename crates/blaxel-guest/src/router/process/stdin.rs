//! The standard input of a process.

use std::time::Duration;

use axum::body::to_bytes;
use http::StatusCode;
use serde::Serialize;

use super::find;
use crate::router::call::Call;
use crate::router::respond::{HandlerResult, Refusal, ok};
use crate::state::{Record, StdinError};

/// The largest body: 8 MiB.
const LIMIT: usize = 8 << 20;
/// The bytes that are passed to the guest at once.
const CHUNK: usize = 16 << 10;
/// The time that a body waits for a process that does not read.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Serialize)]
struct Done {
    message: &'static str,
}

/// Handles `POST /process/{identifier}/stdin`.
pub(super) async fn write(call: &mut Call) -> HandlerResult {
    let record = find(&call.state, call.param("identifier"))?;
    if !record.has_open_stdin() {
        return Err(refusal(&record, StdinError::Closed));
    }
    let body = std::mem::take(&mut call.body);
    let mut body = to_bytes(body, LIMIT).await.map_err(|_| {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("stdin body exceeds {LIMIT} bytes"),
        )
    })?;
    let write = async {
        // The semaphore is never closed.
        let _turn = record.stdin_turn.acquire().await;
        while !body.is_empty() {
            record
                .write_stdin(body.split_to(body.len().min(CHUNK)))
                .await?;
        }
        Ok(())
    };
    let written = call.state.guest.clock().timeout(PATIENCE, write).await;
    written
        .unwrap_or(Err(StdinError::Full))
        .map_err(|error| refusal(&record, error))?;
    ok(&Done {
        message: "Data written to stdin",
    })
}

/// Handles `DELETE /process/{identifier}/stdin`.
pub(super) fn close(call: &Call) -> HandlerResult {
    let record = find(&call.state, call.param("identifier"))?;
    if !record.order.has_stdin || !record.is_running() {
        return Err(refusal(&record, StdinError::Closed));
    }
    record.close_stdin();
    ok(&Done {
        message: "Stdin closed",
    })
}

fn refusal(record: &Record, error: StdinError) -> Refusal {
    let name = &record.order.name;
    match error {
        StdinError::Closed => Refusal::new(
            StatusCode::CONFLICT,
            format!("process '{name}' has no open stdin"),
        ),
        StdinError::Full => Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("stdin of process '{name}' is full"),
        ),
    }
}
