//! Starting a process, and waiting for its ports and its end.

use std::sync::Arc;
use std::time::Duration;

use super::request::Request;
use crate::router::respond::Refusal;
use crate::state::{Record, State};

/// The time between two looks at the ports of a process.
const PORT_POLL: Duration = Duration::from_millis(200);

/// Starts a process.
pub(in crate::router) async fn start(
    state: &State,
    request: &mut Request,
) -> Result<Arc<Record>, Refusal> {
    let started = state.start_process(request.order.clone()).await;
    request.claim = None;
    started.map_err(|error| Refusal::unprocessable(format!("failed to start process: {error}")))
}

/// Waits as the request says, within its limit.
pub(super) async fn wait(state: &State, request: &Request, record: &Record) -> Result<(), Refusal> {
    let deadline = deadline(state, request);
    wait_for_ports(state, request, record, deadline).await?;
    if !request.waits {
        return Ok(());
    }
    wait_for_end(state, request, record, deadline).await
}

/// Waits for the end of a process, within the limit of the request.
pub(in crate::router) async fn wait_for_end(
    state: &State,
    request: &Request,
    record: &Record,
    deadline: Option<Duration>,
) -> Result<(), Refusal> {
    let timed_out = || {
        Refusal::unprocessable(format!(
            "process timed out after {} seconds",
            request.timeout
        ))
    };
    within(state, deadline, record.wait())
        .await
        .ok_or_else(timed_out)
}

/// Waits for the ports that the request names, within its limit.
pub(in crate::router) async fn wait_for_ports(
    state: &State,
    request: &Request,
    record: &Record,
    deadline: Option<Duration>,
) -> Result<(), Refusal> {
    let are_open = async {
        while !request
            .ports
            .iter()
            .all(|port| is_open(state, record, *port))
        {
            state.guest.clock().sleep(PORT_POLL).await;
        }
    };
    let timed_out = || {
        Refusal::unprocessable(format!(
            "process timed out waiting for ports after {} seconds",
            request.timeout
        ))
    };
    within(state, deadline, are_open)
        .await
        .ok_or_else(timed_out)
}

/// Returns the end of the request's waits on the guest's clock.
pub(in crate::router) fn deadline(state: &State, request: &Request) -> Option<Duration> {
    let limit = Duration::from_secs(request.timeout);
    let now = state.guest.clock().since_epoch();
    (!limit.is_zero()).then(|| now.saturating_add(limit))
}

async fn within<F: Future>(
    state: &State,
    deadline: Option<Duration>,
    future: F,
) -> Option<F::Output> {
    let Some(deadline) = deadline else {
        return Some(future.await);
    };
    tokio::select! {
        biased;
        output = future => Some(output),
        () = state.guest.clock().sleep_until(deadline) => None,
    }
}

/// Returns `true` if a process listens on a port in a way that can be reached from outside.
fn is_open(state: &State, record: &Record, port: u16) -> bool {
    let pid = record.run().guest_pid;
    state.guest.listeners().iter().any(|listener| {
        // Ports that no process owns are those of test handlers.
        let is_own = listener.pid.is_none_or(|owner| owner == pid);
        let is_loopback = listener.address.starts_with("127.") || listener.address == "::1";
        is_own && listener.port == port && !is_loopback
    })
}
