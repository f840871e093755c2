//! The ports of processes.

mod callback;

use http::Method;
use serde::{Deserialize, Serialize};

use self::callback::Callback;
use super::call::{Call, empty, into_response};
use super::respond::{HandlerResult, Refusal, ok, success};
use super::route::Route;
use crate::port::Listener;
use crate::state::State;
use crate::version::ServerVersion::August;

pub(super) const ROUTES: &[Route] = &[
    Route {
        operation: "ListProcessPorts",
        method: Method::GET,
        pattern: "/network/process/:pid/ports",
        since: August,
        handler: |call| Box::pin(async move { into_response(ports(&call)) }),
    },
    Route {
        operation: "HeadProcessPorts",
        method: Method::HEAD,
        pattern: "/network/process/:pid/ports",
        since: August,
        handler: |_| Box::pin(async { empty() }),
    },
    Route {
        operation: "MonitorProcessPorts",
        method: Method::POST,
        pattern: "/network/process/:pid/monitor",
        since: August,
        handler: |mut call| Box::pin(async move { into_response(monitor(&mut call).await) }),
    },
    Route {
        operation: "StopMonitoringProcessPorts",
        method: Method::DELETE,
        pattern: "/network/process/:pid/monitor",
        since: August,
        handler: |call| Box::pin(async move { into_response(stop_monitoring(&call)) }),
    },
];

/// A port as the API shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PortInfo {
    pid: i64,
    protocol: String,
    local_addr: String,
    local_port: u16,
    remote_addr: &'static str,
    remote_port: u16,
    state: &'static str,
    process_name: String,
}

#[derive(Serialize)]
struct Ports {
    pid: i64,
    ports: Vec<PortInfo>,
}

#[derive(Default, Deserialize)]
struct MonitorRequest {
    callback: Option<String>,
}

fn pid(call: &Call) -> Result<i64, Refusal> {
    let pid = call.param("pid").parse();
    pid.map_err(|_| Refusal::bad_request("invalid PID"))
}

fn ports(call: &Call) -> HandlerResult {
    let pid = pid(call)?;
    let ports = listeners(&call.state, pid)
        .into_iter()
        .map(|port| PortInfo {
            pid,
            protocol: port.protocol,
            local_addr: port.address,
            local_port: port.port,
            remote_addr: "",
            remote_port: 0,
            state: "LISTEN",
            process_name: port.process_name,
        });
    ok(&Ports {
        pid,
        ports: ports.collect(),
    })
}

async fn monitor(call: &mut Call) -> HandlerResult {
    let pid = pid(call)?;
    let request: MonitorRequest = call.take_json().await?;
    let url = request.callback.unwrap_or_default();
    let guest = std::sync::Arc::clone(&call.state.guest);
    let current = current_pid(&call.state, pid);
    call.state.monitors.start(pid, async move {
        // A callback that cannot be called is not reported, as in the server.
        if let Some(callback) = Callback::parse(&url) {
            callback.monitor(&*guest, pid, current).await;
        }
    });
    success("", "Port monitoring started")
}

fn stop_monitoring(call: &Call) -> HandlerResult {
    call.state.monitors.stop(pid(call)?);
    success("", "Port monitoring stopped")
}

/// Returns the ports that a process listens on.
fn listeners(state: &State, pid: i64) -> Vec<Listener> {
    let current = current_pid(state, pid);
    let listeners = state.guest.listeners().into_iter();
    let is_own = |port: &Listener| port.pid.map(i64::from) == Some(current);
    listeners.filter(is_own).collect()
}

/// Returns the current process id of a process that may have been restarted.
fn current_pid(state: &State, pid: i64) -> i64 {
    let record = state.processes.find(&pid.to_string());
    record.map_or(pid, |record| i64::from(record.run().guest_pid))
}
