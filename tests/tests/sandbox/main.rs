//! Promise: every operation of a sandbox's API goes from the facade over a socket to the emulator and back, on servers
//! of both ages, with the effect in the sandbox that it should have.
//!
//! The operations are those of `operations.txt` of `blaxel-sandbox`. Each area has a function here that performs all of
//! its operations. Each request is compared with that list, and with the journal of the emulator.

mod areas;
mod support;

use std::collections::BTreeSet;

use blaxel_emulator::blaxel_guest;

use self::support::table::rows;
use self::support::{Age, World};

/// Performs each area as a test of its own, which fails with the names of the operations that it did not perform. The
/// operations that a server of August does not have are called as well.
macro_rules! areas {
    ($($area:ident),+) => {
        const AREAS: &[&str] = &[$(stringify!($area)),+];

        $(
            mod $area {
                use super::*;

                #[tokio::test]
                async fn on_a_current_server() {
                    perform(Age::Current).await;
                }

                #[tokio::test]
                async fn on_a_server_of_august() {
                    perform(Age::August).await;
                }

                async fn perform(age: Age) {
                    let world = World::start(age, areas::$area::prepare).await;
                    areas::$area::perform(&world).await;
                    world.assert_performed_all(stringify!($area), areas::$area::unsent(age));
                }
            }
        )+
    };
}

areas! { processes, files, copies, ports, watch, system, drives, codegen, network, archive, interpreter }

/// Operations of the server that no method of the facade calls: its MCP server, the page of the terminal for browsers,
/// and `HEAD` where `GET` is an operation.
const UNUSED: &[&str] = &[
    "CallSandboxMcp",
    "GetTerminal",
    "HeadProcess",
    "HeadProcessLogs",
    "HeadProcessLogsStream",
    "HeadProcessPorts",
    "HeadProcesses",
    "StreamSandboxMcp",
];

#[test]
fn no_area_and_no_operation_is_left_out() {
    let listed: BTreeSet<&str> = rows().iter().map(|row| row.area).collect();
    let tested: BTreeSet<&str> = AREAS.iter().copied().collect();
    assert_eq!(
        tested, listed,
        "the areas that are tested (left), and listed"
    );

    let served: BTreeSet<&str> = blaxel_guest::operations().collect();
    let tested = rows().iter().filter(|row| AREAS.contains(&row.area));
    let called: BTreeSet<&str> = tested.clone().filter_map(|row| row.served_as()).collect();
    let unused: BTreeSet<&str> = UNUSED.iter().copied().collect();
    let left_out: BTreeSet<&str> = served.difference(&called).copied().collect();
    assert_eq!(left_out, unused, "operations that no test calls (left)");
    // The first page is no route of its own, and programs serve the ports: the interpreter is one.
    let unserved: Vec<_> = tested
        .filter(|row| row.area != "interpreter")
        .filter(|row| row.served_as().is_none_or(|name| !served.contains(name)))
        .map(|row| row.name)
        .collect();
    assert_eq!(unserved, ["OpenPortSocket", "GetWelcome"]);
}
