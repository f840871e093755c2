//! The body of `POST /process`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::router::call::Call;
use crate::router::path::Paths;
use crate::router::respond::{Refusal, missing};
use crate::state::{NameClaim, Order, Restarts, State};
use crate::version::ServerVersion;

/// The time after which a process that is kept alive is killed, unless it says otherwise.
const KEEP_ALIVE: i64 = 600;

/// A checked request.
#[derive(Debug)]
pub(in crate::router) struct Request {
    pub(super) order: Order,
    pub(super) waits: bool,
    pub(super) ports: Vec<u16>,
    /// The limit of the waits in seconds; zero stands for none.
    pub(super) timeout: u64,
    /// Held until the process is started, or could not be.
    pub(super) claim: Option<NameClaim>,
}

/// A request as a client writes it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::router) struct Body {
    command: Option<String>,
    name: Option<String>,
    pub(in crate::router) working_dir: Option<String>,
    env: Option<BTreeMap<String, Option<String>>>,
    pub(in crate::router) wait_for_completion: Option<bool>,
    pub(in crate::router) timeout: Option<i64>,
    wait_for_ports: Option<Vec<i64>>,
    restart_on_failure: Option<bool>,
    max_restarts: Option<i64>,
    pub(in crate::router) keep_alive: Option<bool>,
    stdin: Option<bool>,
}

impl Request {
    /// Reads and checks the body of a request.
    pub(super) async fn read(call: &mut Call) -> Result<Self, Refusal> {
        let mut body: Body = call.take_json().await?;
        if body.command.as_deref().unwrap_or_default().is_empty() {
            let problem = missing("ProcessRequest", "Command");
            return Err(Refusal::bad_request(format!(
                "invalid request body: {problem}"
            )));
        }
        let state = &call.state;
        Self::check_keep_alive(state, &body)?;
        if let Some(path) = body.working_dir.as_mut().filter(|path| !path.is_empty()) {
            *path = Paths::of(state).format(path)?;
        }
        let name = body.name.as_deref().filter(|name| !name.is_empty());
        let claim = match name {
            Some(name) => Some(state.processes.claim(name).ok_or_else(|| {
                Refusal::bad_request(format!(
                    "process with name '{name}' already exists and is running"
                ))
            })?),
            None => None,
        };
        Ok(Self {
            claim,
            ..Self::new(state, body)
        })
    }

    /// Refuses to keep a process alive if the sandbox cannot.
    pub(in crate::router) fn check_keep_alive(state: &State, body: &Body) -> Result<(), Refusal> {
        let is_disabled = || state.variable("BL_DISABLE_KEEPALIVE").is_some();
        if body.keep_alive.unwrap_or_default() && is_disabled() {
            return Err(Refusal::bad_request(
                "keepAlive is not available for this sandbox: it is not included in your current plan",
            ));
        }
        Ok(())
    }

    /// Creates a request from a body without further checks.
    pub(in crate::router) fn new(state: &State, body: Body) -> Self {
        let version = state.version();
        let keep_alive = body.keep_alive.unwrap_or_default();
        let name = body.name.unwrap_or_default();
        let timeout = match body.timeout {
            None if keep_alive => KEEP_ALIVE,
            Some(..0) if keep_alive => KEEP_ALIVE,
            timeout => timeout.unwrap_or_default(),
        };
        let timeout = u64::try_from(timeout).unwrap_or(0);
        let ports = body.wait_for_ports.unwrap_or_default();
        let env = body.env.unwrap_or_default().into_iter();
        let order = Order {
            name: match name.is_empty() {
                true => state.processes.new_name(),
                false => name,
            },
            command: body.command.unwrap_or_default(),
            working_dir: body.working_dir.unwrap_or_default(),
            env: env.map(|(k, v)| (k, v.unwrap_or_default())).collect(),
            restarts: Restarts {
                on_failure: body.restart_on_failure.unwrap_or_default(),
                max: body.max_restarts.unwrap_or_default(),
            },
            keep_alive,
            timeout: Duration::from_secs(timeout),
            has_stdin: body.stdin.unwrap_or_default() && version >= ServerVersion::Current,
            version,
        };
        Self {
            order,
            waits: body.wait_for_completion.unwrap_or_default(),
            // A port that cannot exist is never open.
            ports: ports
                .into_iter()
                .map(|p| u16::try_from(p).unwrap_or(0))
                .collect(),
            timeout,
            claim: None,
        }
    }
}
