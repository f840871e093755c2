//! [`Incident`], failures of the platform that were seen in public, by name.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use crate::clock::Clock;
use crate::fault::{Fault, Faults, WAKE_SANDBOX, stands_for};

/// The number by which the clock of the emulator is ahead in [`Incident::ClockSkew`].
const SKEW: Duration = Duration::from_secs(10 * 60);

/// The line that old servers send in a silent stream.
const KEEPALIVE: &str = "[keepalive]\n";

/// A failure of the platform that clients of it have met, and that a client should survive.
///
/// [`Emulator::incident`](crate::Emulator::incident) makes it happen once.
///
/// ```
/// use blaxel_emulator::{Emulator, Incident};
///
/// let emulator = Emulator::offline();
/// emulator.incident(Incident::EdgeTimeoutOfCreation);
/// let named: Incident = "cut-log-stream".parse()?;
/// emulator.incident(named);
/// # Ok::<(), blaxel_emulator::UnknownIncident>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Incident {
    /// `vanished-create`: the creation of a sandbox is refused, since there is one of this name, but
    /// reading it is a 404 for a while. It is being deleted, or created by somebody else.
    VanishedCreation,
    /// `edge-504-create`: the creation of a sandbox takes longer than the network in front of the
    /// platform waits. The client gets an HTML page with status 504; the sandbox is created.
    EdgeTimeoutOfCreation,
    /// `first-call-after-standby`: the first call to a sandbox on standby fails, and the next one
    /// works.
    FirstCallAfterStandby,
    /// `cut-log-stream`: the connection of a stream of a process's output ends in its middle.
    CutLogStream,
    /// `split-record`: a stream of a process's output arrives byte by byte, so that lines and
    /// characters arrive in parts.
    SplitRecord,
    /// `keepalive-inside-a-line`: a keepalive is in the middle of a line of a process's output.
    KeepaliveInsideALine,
    /// `stale-failed`: right after an update, the status and the events are those of the failed deployment before.
    StaleFailure,
    /// `preview-not-routable-yet`: the address of a new preview is not found for a while.
    PreviewNotRoutableYet,
    /// `shuffled-list`: the items of a list are in another order than before.
    ShuffledList,
    /// `clock-skew`: the clock of the platform is ten minutes ahead, so tokens expire earlier than
    /// the client expects.
    ClockSkew,
    /// `token-401-once`: a valid credential is refused once.
    RefusedOnce,
    /// `duplicate-delivery`: something between client and server sends a request twice.
    DuplicateDelivery,
    /// `refused-stream`: a request is refused before it is processed, as HTTP/2 can tell.
    RefusedStream,
    /// `calm-down-burst`: a client that sends much at once is told to calm down, which ends its connection
    /// with HTTP/2, and all requests on it.
    CalmDownBurst,
}

/// An incident with its name, what is known of it in public, and the faults that it consists of.
struct Program {
    incident: Incident,
    name: &'static str,
    background: &'static str,
    faults: fn() -> Vec<(&'static str, Fault, u32)>,
}

/// The operations that stream the output of a process.
const STREAMS: [&str; 2] = ["ExecuteProcess", "StreamProcessLogs"];

static PROGRAMS: [Program; 14] = [
    Program {
        incident: Incident::VanishedCreation,
        name: "vanished-create",
        background: "About 237 failures a day before the official TypeScript SDK waited it out (06b4bb4).",
        faults: || {
            let exists = json!({
                "code": "SANDBOX_ALREADY_EXISTS",
                "message": "a fault requested by the test: a sandbox of this name exists",
                "status_code": 409,
            });
            let missing = json!({"code": 404, "error": "Not Found"});
            vec![
                (
                    "CreateSandbox",
                    Fault::json(StatusCode::CONFLICT, exists),
                    1,
                ),
                ("GetSandbox", Fault::json(StatusCode::NOT_FOUND, missing), 2),
            ]
        },
    },
    Program {
        incident: Incident::EdgeTimeoutOfCreation,
        name: "edge-504-create",
        background: "The edge ends a call after a minute; the official TypeScript SDK polls then (bec14a4).",
        faults: || {
            let page = Fault::html(StatusCode::GATEWAY_TIMEOUT).after_processing();
            vec![("CreateSandbox", page, 1)]
        },
    },
    Program {
        incident: Incident::FirstCallAfterStandby,
        name: "first-call-after-standby",
        background: "Reported for the official Python SDK (issue 142) and seen by several integrations.",
        faults: || {
            let code = "UPSTREAM_CONNECT_FAILED";
            vec![(
                WAKE_SANDBOX,
                Fault::gateway(StatusCode::BAD_GATEWAY, code, true),
                1,
            )]
        },
    },
    Program {
        incident: Incident::CutLogStream,
        name: "cut-log-stream",
        background: "Streams of output were cut after ten minutes, and lines were lost or came twice.",
        faults: || STREAMS.map(|name| (name, Fault::cut(64), 1)).into(),
    },
    Program {
        incident: Incident::SplitRecord,
        name: "split-record",
        background: "Output was mixed up when a record arrived in parts (TypeScript SDK c5aa757).",
        faults: || STREAMS.map(|name| (name, Fault::byte_by_byte(), 1)).into(),
    },
    Program {
        incident: Incident::KeepaliveInsideALine,
        name: "keepalive-inside-a-line",
        background: "The sandbox server wrote keepalives beside the output (mended in 61d98e2).",
        faults: || vec![("StreamProcessLogs", Fault::insert(10, KEEPALIVE), 1)],
    },
    Program {
        incident: Incident::StaleFailure,
        name: "stale-failed",
        background: "Deployments were reported as failed because of the one before (toolkit 8649a5b).",
        faults: || {
            let kinds = [
                "GetAgent",
                "GetApplication",
                "GetFunction",
                "GetJob",
                "GetModel",
                "GetSandbox",
            ];
            kinds.map(|name| (name, Fault::outdated(), 1)).into()
        },
    },
    Program {
        incident: Incident::PreviewNotRoutableYet,
        name: "preview-not-routable-yet",
        background: "A preview that was created again was not reachable for seconds (Go SDK 7c9c671).",
        faults: || {
            let code = "ROUTE_NOT_FOUND";
            vec![(
                "CallPreview",
                Fault::gateway(StatusCode::NOT_FOUND, code, true),
                2,
            )]
        },
    },
    Program {
        incident: Incident::ShuffledList,
        name: "shuffled-list",
        background: "The order of lists changed between pages, so items came twice (Python SDK d25b393).",
        faults: || vec![("List*", Fault::reversed(), 1)],
    },
    Program {
        incident: Incident::ClockSkew,
        name: "clock-skew",
        background: "Tokens live for two hours; long loops ended with 401 (Python SDK dbc47f8).",
        faults: Vec::new,
    },
    Program {
        incident: Incident::RefusedOnce,
        name: "token-401-once",
        background: "Renewals of tokens raced with calls (TypeScript SDK 716e957).",
        faults: || {
            let refused = json!({"code": 401, "error": "Unauthorized"});
            let refused = Fault::json(StatusCode::UNAUTHORIZED, refused);
            ["Get*", "List*"]
                .map(|names| (names, refused.clone(), 1))
                .into()
        },
    },
    Program {
        incident: Incident::DuplicateDelivery,
        name: "duplicate-delivery",
        background: "Retries below the client started processes and sandboxes twice (TypeScript SDK 800934e).",
        faults: || {
            ["Create*", "ExecuteProcess"]
                .map(|names| (names, Fault::twice(), 1))
                .into()
        },
    },
    Program {
        incident: Incident::RefusedStream,
        name: "refused-stream",
        background: "The edge drained its connections, and calls that it never processed failed (TypeScript SDK 7955dd9).",
        faults: || {
            ["CreateSandbox", "ExecuteProcess"]
                .map(|name| (name, Fault::refused_stream(), 1))
                .into()
        },
    },
    Program {
        incident: Incident::CalmDownBurst,
        name: "calm-down-burst",
        background: "The edge took the parts of large uploads for an attack (TypeScript SDK a5bdac7, 938f9c6).",
        faults: || {
            ["UploadPart", "WriteFile"]
                .map(|name| (name, Fault::calm_down(), 1))
                .into()
        },
    },
];

impl Incident {
    /// Returns an iterator over all incidents.
    ///
    /// ```
    /// use blaxel_emulator::Incident;
    ///
    /// for incident in Incident::all() {
    ///     println!("{incident}: {}", incident.background());
    /// }
    /// ```
    #[must_use = "an iterator does nothing until it is asked for an item"]
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        PROGRAMS.iter().map(|program| program.incident)
    }

    fn program(self) -> &'static Program {
        // Each incident has a program, as the tests check.
        let found = PROGRAMS.iter().find(|program| program.incident == self);
        found.unwrap_or(&PROGRAMS[0])
    }

    /// Returns the name, such as `cut-log-stream`. See [`all`](Self::all).
    #[must_use]
    pub fn name(self) -> &'static str {
        self.program().name
    }

    /// Returns what is known in public about the incident. See [`all`](Self::all).
    #[must_use]
    pub fn background(self) -> &'static str {
        self.program().background
    }

    /// Returns the faults of an operation in all incidents.
    pub(crate) fn faults_of(operation: &str) -> Vec<(Self, Fault)> {
        let faults = PROGRAMS.iter().flat_map(|program| {
            let faults = (program.faults)().into_iter();
            faults.map(|(name, fault, _)| (program.incident, name, fault))
        });
        faults
            .filter(|(_, name, _)| stands_for(name, operation))
            .map(|(incident, _, fault)| (incident, fault))
            .collect()
    }

    /// Makes the incident happen once.
    pub(crate) fn begin(self, clock: &Clock, waiting: &Faults) {
        if self == Self::ClockSkew {
            clock.advance(SKEW);
        }
        for (operation, fault, times) in (self.program().faults)() {
            waiting.add_of(Some(self.name()), operation, fault, times);
        }
    }

    /// Returns what the incident does: operations, and what happens to their requests.
    pub(crate) fn effects(self) -> Vec<(&'static str, String)> {
        let mut effects = Vec::new();
        if self == Self::ClockSkew {
            let minutes = SKEW.as_secs() / 60;
            effects.push(("*", format!("moves the clock {minutes} minutes ahead")));
        }
        for (operation, fault, times) in (self.program().faults)() {
            let effect = fault.describe();
            effects.push((
                operation,
                match times {
                    1 => effect,
                    _ => format!("{effect}, for {times} requests"),
                },
            ));
        }
        effects
    }

    /// Returns the number of its faults that no request has met yet.
    pub(crate) fn waiting(self, faults: &Faults) -> u32 {
        let all = faults.all().into_values().flatten();
        let own = all.filter(|fault| fault.incident == Some(self.name()));
        own.map(|fault| fault.times).sum()
    }

    /// Removes its faults that no request has met yet. A clock that was moved stays so.
    pub(crate) fn end(self, faults: &Faults) {
        faults.remove_of(self.name());
    }
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Incident {
    type Err = UnknownIncident;

    fn from_str(name: &str) -> Result<Self, UnknownIncident> {
        let found = Self::all().find(|incident| incident.name() == name);
        found.ok_or_else(|| UnknownIncident(name.to_owned()))
    }
}

/// The error for the name of an incident that the emulator does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownIncident(String);

impl fmt::Display for UnknownIncident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<_> = Incident::all().map(Incident::name).collect();
        write!(
            f,
            "unknown incident `{}`: the emulator knows {}",
            self.0,
            known.join(", ")
        )
    }
}

impl std::error::Error for UnknownIncident {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::check_operation;

    #[test]
    fn each_incident_has_a_program_of_operations_that_exist() {
        assert_eq!(Incident::all().len(), Incident::CalmDownBurst as usize + 1);
        for (number, program) in PROGRAMS.iter().enumerate() {
            assert_eq!(program.incident as usize, number, "{}", program.name);
            assert_eq!(program.name.parse(), Ok(program.incident));
            for (operation, _, times) in (program.faults)() {
                check_operation(operation).unwrap();
                assert!(times > 0);
            }
        }
        let unknown = "no-such".parse::<Incident>().unwrap_err();
        assert!(unknown.to_string().contains("split-record"), "{unknown}");
    }
}
