//! Standby: the processes of local guests stand still.

use std::time::Duration;

use blaxel_guest::{Clock, LocalGuest, LocalGuestBuilder, Server};
use http::Method;
use serde_json::json;

use crate::requests::call;
use crate::support::{can_isolate, until};

/// The time without requests after which a machine goes on standby.
const AFTER: Duration = Duration::from_millis(400);

/// Returns servers on guests of each kind, with their clocks.
fn servers() -> Vec<(&'static str, Clock, Server)> {
    let mut builders: Vec<(&str, LocalGuestBuilder)> =
        vec![("unconfined", LocalGuest::builder().unconfined())];
    if can_isolate() {
        builders.push(("isolated", LocalGuest::builder()));
    }
    let server = |(kind, builder): (&'static str, LocalGuestBuilder)| {
        let clock = Clock::real();
        let clock = clock.with_standby(AFTER, clock.since_epoch());
        let guest = builder.build(clock.clone()).unwrap();
        (kind, clock, Server::builder(guest).build())
    };
    builders.into_iter().map(server).collect()
}

/// Returns the size of a file without waking the machine.
fn size(server: &Server, path: &str) -> u64 {
    server
        .guest()
        .files()
        .metadata(path)
        .map_or(0, |file| file.size)
}

/// Waits until a file does not grow any more.
async fn until_still(server: &Server, path: &str) -> u64 {
    let mut before = size(server, path);
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        match size(server, path) {
            now if now == before => return now,
            now => before = now,
        }
    }
}

const COUNT: &str = "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo $i; echo $i >> counted; sleep 0.02; \
                     done; exit 7";

#[tokio::test]
async fn processes_stand_still_and_go_on_without_losses() {
    for (kind, clock, server) in servers() {
        let process = json!({"command": COUNT, "name": "count"});
        call(&server, Method::POST, "/process", process).await;
        // It leaves its parent, and has no process of the API any more.
        let daemon =
            "(setsid sh -c 'while :; do echo x >> ticked; sleep 0.02; done' &) ; sleep 0.1";
        let process = json!({"command": daemon, "waitForCompletion": true});
        call(&server, Method::POST, "/process", process).await;
        until("standby", || clock.is_on_standby()).await;
        let counted = until_still(&server, "/blaxel/counted").await;
        let ticked = until_still(&server, "/blaxel/ticked").await;
        assert!(counted > 0 && ticked > 0, "{kind}");
        assert!(clock.is_on_standby(), "{kind}");
        // A request wakes the machine, and nothing was reported as stopped.
        let found = call(&server, Method::GET, "/process/count", json!({})).await;
        assert_eq!(found["status"], "running", "{kind}: {found}");
        until("it goes on", || size(&server, "/blaxel/ticked") > ticked).await;
        let awake = clock.stay_awake();
        until("it ends", || size(&server, "/blaxel/counted") >= 692).await;
        let ended = loop {
            let found = call(&server, Method::GET, "/process/count", json!({})).await;
            if found["status"] != "running" {
                break found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(ended["exitCode"], 7, "{kind}: {ended}");
        let logs = call(&server, Method::GET, "/process/count/logs", json!({})).await;
        let expected: String = (1..=200).map(|number| format!("{number}\n")).collect();
        assert_eq!(logs["stdout"], expected, "{kind}");
        drop(awake);
    }
}

#[tokio::test]
async fn a_shell_with_jobs_does_not_see_that_they_were_stopped() {
    for (kind, clock, server) in servers() {
        let text = "set -m; (while [ ! -e end ]; do sleep 0.02; done; exit 5) & \
                    wait %1; echo waited $?";
        let process = json!({"command": text, "name": "jobs"});
        call(&server, Method::POST, "/process", process).await;
        until("standby", || clock.is_on_standby()).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let put = json!({"content": ""});
        call(&server, Method::PUT, "/filesystem/%2Fblaxel%2Fend", put).await;
        let awake = clock.stay_awake();
        let ended = loop {
            let found = call(&server, Method::GET, "/process/jobs", json!({})).await;
            if found["status"] != "running" {
                break found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let logs = call(&server, Method::GET, "/process/jobs/logs", json!({})).await;
        assert_eq!(ended["exitCode"], 0, "{kind}: {ended} {logs}");
        assert_eq!(logs["stdout"], "waited 5\n", "{kind}");
        drop(awake);
    }
}

#[tokio::test]
async fn what_a_program_has_stopped_itself_stays_so() {
    for (kind, clock, server) in servers() {
        let text = "(while :; do echo x >> self; sleep 0.02; done) & sleep 0.2; kill -STOP $!; \
                    echo stopped; wait";
        let process = json!({"command": text, "name": "self"});
        call(&server, Method::POST, "/process", process).await;
        until("standby", || clock.is_on_standby()).await;
        let before = until_still(&server, "/blaxel/self").await;
        call(&server, Method::GET, "/health", json!({})).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(size(&server, "/blaxel/self"), before, "{kind}");
    }
}

#[tokio::test]
async fn a_machine_on_standby_can_be_ended() {
    for (_, clock, server) in servers() {
        let nap = crate::support::nap();
        let process = json!({"command": format!("sleep {nap} & sleep {nap}")});
        call(&server, Method::POST, "/process", process).await;
        until("it runs", || crate::support::is_running(&nap)).await;
        until("standby", || clock.is_on_standby()).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(server);
        until("all end", || !crate::support::is_running(&nap)).await;
    }
}
