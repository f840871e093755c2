//! Promise: what clients of the platform have met does not harm a program that uses the facades.
//!
//! The emulator plays each incident by name; `calls/incidents.rs` tests what they taught the transport, and the tests of
//! `wait_until` that a state of before is not taken for the result.

use std::collections::BTreeSet;
use std::time::Duration;

use blaxel::sandbox::{Sandbox, SandboxHandle};
use blaxel::{Client, ListParams, Management, Sandboxes};
use blaxel_emulator::blaxel_guest::{ServerVersion, SimulatedGuest};
use blaxel_emulator::{Emulator, Incident};

use crate::support::{client, requests_of, secure_client};

/// Returns an emulator whose sandboxes have a server of this age, and a handle of one.
async fn sandbox(version: ServerVersion) -> (Emulator, SandboxHandle<Client>) {
    let emulator = Emulator::builder().sandbox_servers(move |_, clock| {
        let guest = SimulatedGuest::new(clock.clone());
        blaxel_emulator::blaxel_guest::Server::builder(guest).version(version)
    });
    let emulator = emulator.start().await.unwrap();
    let sandboxes = Sandboxes::new(client(&emulator));
    let handle = sandboxes.ensure(&Sandbox::new("dev")).await.unwrap();
    (emulator, handle)
}

#[tokio::test]
async fn a_sandbox_is_ensured_although_its_name_is_between_two_lives() {
    let emulator = Emulator::start().await.unwrap();
    let sandboxes = Sandboxes::new(client(&emulator));
    emulator.incident(Incident::VanishedCreation);
    let handle = sandboxes.ensure(&Sandbox::new("dev")).await.unwrap();
    assert_eq!(
        handle
            .command("echo")
            .arg("hi")
            .output()
            .await
            .unwrap()
            .stdout,
        "hi\n"
    );
}

#[tokio::test]
async fn a_sandbox_is_ensured_although_the_edge_gave_up() {
    let emulator = Emulator::start().await.unwrap();
    let sandboxes = Sandboxes::new(client(&emulator));
    emulator.incident(Incident::EdgeTimeoutOfCreation);
    sandboxes.ensure(&Sandbox::new("dev")).await.unwrap();
    assert_eq!(requests_of(&emulator, "CreateSandbox"), 1);
}

#[tokio::test]
async fn the_first_read_after_standby_succeeds() {
    let (emulator, handle) = sandbox(ServerVersion::Current).await;
    handle.fs().write("/tmp/a", "text").await.unwrap();
    emulator.clock().advance(Duration::from_secs(60));
    emulator.incident(Incident::FirstCallAfterStandby);
    assert_eq!(handle.fs().read_to_string("/tmp/a").await.unwrap(), "text");
    assert_eq!(emulator.waiting_faults(), 0);
}

/// The whole output, or the caller is told that it is not exact.
#[tokio::test]
async fn output_is_exact_however_its_stream_is_disturbed() {
    for version in [ServerVersion::August, ServerVersion::Current] {
        for incident in [
            Incident::CutLogStream,
            Incident::SplitRecord,
            Incident::KeepaliveInsideALine,
        ] {
            let (emulator, handle) = sandbox(version).await;
            let expected: String = (0..40)
                .map(|n| format!("line {n} of the output, é\n"))
                .collect();
            let script = "for n in $(seq 0 39); do echo \"line $n of the output, é\"; done; exit 3";
            emulator.incident(incident);
            let output = handle.shell(script).output().await.unwrap();
            let shown = format!("{incident} on {version:?}: {output:?}");
            assert_eq!(output.status.code(), Some(3), "{shown}");
            assert!(output.stdout == expected || output.lossy, "{shown}");
            if incident != Incident::KeepaliveInsideALine {
                assert!(!output.lossy, "{shown}");
            }
            // The log stream of a process that has ended, from the beginning.
            emulator.incident(incident);
            let child = handle.shell(script).name("again").spawn().await.unwrap();
            let output = child.wait_with_output().await.unwrap();
            let shown = format!("{incident} on {version:?}, followed: {output:?}");
            assert_eq!(output.status.code(), Some(3), "{shown}");
            assert!(output.stdout == expected || output.lossy, "{shown}");
        }
    }
}

#[tokio::test]
async fn a_walk_has_each_item_although_the_order_changes() {
    let emulator = Emulator::start().await.unwrap();
    let models = Management::new(client(&emulator)).models();
    emulator.incident(Incident::ShuffledList);
    let items = models
        .items_with(&ListParams::new().limit(2))
        .distinct(10)
        .into_vec();
    let names: BTreeSet<_> = items
        .await
        .unwrap()
        .into_iter()
        .map(|it| it.metadata.name)
        .collect();
    assert_eq!(names.len(), 7);
    assert_eq!(emulator.waiting_faults(), 0);
}

#[tokio::test]
async fn calls_go_on_when_a_token_is_refused_once() {
    let emulator = Emulator::start().await.unwrap();
    let management = Management::new(client(&emulator));
    management.agents().all().await.unwrap();
    emulator.incident(Incident::RefusedOnce);
    management.agents().all().await.unwrap();
    assert_eq!(
        emulator.waiting_faults(),
        1,
        "the one for operations that read a single resource"
    );
}

#[tokio::test]
async fn calls_go_on_when_a_token_expires_early() {
    let emulator = Emulator::start().await.unwrap();
    let management = Management::new(client(&emulator));
    management.agents().all().await.unwrap();
    // Two hours are its lifetime, of which the client thinks that ten minutes are left.
    emulator.clock().advance(Duration::from_secs(110 * 60));
    emulator.incident(Incident::ClockSkew);
    management.agents().all().await.unwrap();
}

/// The second delivery finds what the first one made; no command runs under two names.
#[tokio::test]
async fn a_command_that_is_delivered_twice_has_one_outcome() {
    let (emulator, handle) = sandbox(ServerVersion::Current).await;
    emulator.incident(Incident::DuplicateDelivery);
    let output = handle.shell("sleep 0; echo once").output().await.unwrap();
    assert_eq!(output.stdout, "once\n");
    let processes = handle.processes().await.unwrap();
    assert_eq!(processes.len(), 1, "{processes:?}");
}

/// Over HTTP/2, the refusal proves that nothing took place, so even a command is started again.
#[tokio::test]
async fn a_call_that_was_refused_unprocessed_is_sent_again() {
    let emulator = Emulator::builder().tls().start().await.unwrap();
    let sandboxes = Sandboxes::new(secure_client(&emulator));
    emulator.incident(Incident::RefusedStream);
    let handle = sandboxes.ensure(&Sandbox::new("dev")).await.unwrap();
    assert_eq!(requests_of(&emulator, "CreateSandbox"), 2);
    let output = handle.command("echo").arg("hi").output().await.unwrap();
    assert_eq!(output.stdout, "hi\n");
    assert_eq!(requests_of(&emulator, "ExecuteProcess"), 2);
    assert_eq!(handle.processes().await.unwrap().len(), 1);
    assert_eq!(emulator.waiting_faults(), 0);
}

/// Writing a file again is the same as writing it once, so a burst of uploads survives the end of the
/// connection that all of them share.
#[tokio::test]
async fn uploads_go_on_when_the_client_is_told_to_calm_down() {
    let emulator = Emulator::builder().tls().start().await.unwrap();
    let sandboxes = Sandboxes::new(secure_client(&emulator));
    let handle = sandboxes.ensure(&Sandbox::new("dev")).await.unwrap();
    emulator.incident(Incident::CalmDownBurst);
    let mut writes = tokio::task::JoinSet::new();
    for number in 0..12 {
        let handle = handle.clone();
        writes.spawn(async move {
            let contents = format!("contents {number}");
            handle.fs().write(format!("/tmp/{number}"), contents).await
        });
    }
    for written in writes.join_all().await {
        written.unwrap();
    }
    // Large enough for parts.
    let large = vec![b'x'; 12 << 20];
    handle
        .fs()
        .write("/tmp/large", large.clone())
        .await
        .unwrap();
    assert_eq!(emulator.waiting_faults(), 0);
    for number in 0..12 {
        let read = handle.fs().read_to_string(format!("/tmp/{number}")).await;
        assert_eq!(read.unwrap(), format!("contents {number}"));
    }
    assert!(handle.fs().read("/tmp/large").await.unwrap() == large);
}
