//! Promise: a wait ends when a resource has the desired status, and as soon as it cannot reach it
//! any more.

use std::time::Duration;

use blaxel_core::Error;
use blaxel_emulator::{Clock, Emulator, Failure};
use blaxel_management::agents::Agent;
use blaxel_management::custom_domains::{CustomDomain, CustomDomainSpec, DomainKind};
use blaxel_management::jobs::{JobExecution, JobExecutionDraft};
use blaxel_management::sandboxes::{
    ArchiveRestoreState, ArchiveWait, NewSnapshot, Sandbox, Snapshot, SnapshotStatus,
};
use blaxel_management::{Status, Wait};
use serde_json::json;

use crate::support::World;

/// Starts an emulator in which each operation takes ten seconds of its clock.
async fn slow() -> World {
    let lasts = Duration::from_secs(10);
    let builder = Emulator::builder()
        .deploy_time(lasts)
        .delete_time(lasts)
        .execution_time(lasts)
        .snapshot_time(lasts)
        .archive_time(lasts);
    World::of(builder).await
}

fn often() -> Wait {
    Wait::new().every(Duration::from_millis(2))
}

/// Advances the emulator's clock by a second every few milliseconds while `future` runs.
async fn advancing_clock<T>(clock: Clock, awaited: impl Future<Output = T>) -> T {
    let time = async {
        loop {
            tokio::time::sleep(Duration::from_millis(3)).await;
            clock.advance(Duration::from_secs(1));
        }
    };
    tokio::select! {
        outcome = awaited => outcome,
        () = time => unreachable!("time has no end"),
    }
}

#[track_caller]
fn has_failed(error: &Error, why: &str) {
    assert!(error.is_failed(), "{error}");
    assert!(error.to_string().contains(why), "{why:?} in {error}");
}

#[tokio::test]
async fn wait_ends_when_the_deployment_is_ready() {
    let world = slow().await;
    let agents = world.api().agents();
    let made = agents
        .create(&Agent::new("bot").image("demo:1"))
        .await
        .unwrap();
    assert_eq!(made.status, Some(Status::Deploying));
    let (clock, wait) = (world.emulator.clock(), often());
    let deployed = agents.wait_until("bot", &wait, |agent| agent.status == Some(Status::Deployed));
    let deployed = advancing_clock(clock, deployed).await.unwrap();
    assert_eq!(deployed.status, Some(Status::Deployed));
    assert!(world.take().len() > 2, "it looked more than once");
}

#[tokio::test]
async fn wait_ends_when_the_deployment_fails() {
    let world = slow().await;
    let agents = world.api().agents();
    world
        .emulator
        .fail_next(Failure::deployment("agents", "bot"))
        .unwrap();
    agents
        .create(&Agent::new("bot").image("demo:1"))
        .await
        .unwrap();
    let (clock, wait) = (world.emulator.clock(), often());
    let failed = agents.wait_until("bot", &wait, |agent| agent.status == Some(Status::Deployed));
    has_failed(&advancing_clock(clock, failed).await.unwrap_err(), "FAILED");
}

/// A failure from before the change that is awaited does not end the wait.
#[tokio::test]
async fn wait_ignores_a_failure_before_the_change() {
    let world = slow().await;
    let agents = world.api().agents();
    world
        .emulator
        .fail_next(Failure::deployment("agents", "bot"))
        .unwrap();
    agents
        .create(&Agent::new("bot").image("demo:1"))
        .await
        .unwrap();
    world.emulator.clock().advance(Duration::from_secs(11));
    let before = agents.get("bot").await.unwrap();
    assert_eq!(before.status, Some(Status::Failed));

    agents
        .modify("bot", |agent| *agent = agent.clone().image("demo:2"))
        .await
        .unwrap();
    let (clock, wait) = (world.emulator.clock(), often().since(&before));
    let deployed = agents.wait_until("bot", &wait, |agent| agent.status == Some(Status::Deployed));
    advancing_clock(clock, deployed).await.unwrap();
}

#[tokio::test]
async fn wait_ends_when_the_resource_is_deleted() {
    let world = slow().await;
    let agents = world.api().agents();
    agents
        .create(&Agent::new("bot").image("demo:1"))
        .await
        .unwrap();
    agents.delete("bot").await.unwrap();
    let (clock, wait) = (world.emulator.clock(), often());
    let gone = agents.wait_until("bot", &wait, |agent| agent.status == Some(Status::Deployed));
    has_failed(&advancing_clock(clock, gone).await.unwrap_err(), "DELETING");

    world.emulator.clock().advance(Duration::from_secs(11));
    let gone = agents.wait_until("bot", &often(), |_| true).await;
    has_failed(&gone.unwrap_err(), "does not exist");
}

#[tokio::test]
async fn wait_ends_with_every_terminal_state_of_an_execution() {
    let world = slow().await;
    world.emulator.add("jobs", "batch").unwrap();
    let executions = world.api().jobs().executions("batch");
    for outcome in ["succeeded", "failed"] {
        if outcome == "failed" {
            world
                .emulator
                .fail_next(Failure::execution("batch"))
                .unwrap();
        }
        let draft = JobExecutionDraft::new().task(json!({"page": 1}));
        let started = executions.create(&draft).await.unwrap();
        let id = started.execution_id.unwrap();
        let (clock, wait) = (world.emulator.clock(), often());
        let finished = executions.wait_until(&id, &wait, JobExecution::is_finished);
        let finished = advancing_clock(clock, finished).await.unwrap();
        assert_eq!(finished.status.as_ref().unwrap().as_str(), outcome);

        let success = executions
            .wait_until(&id, &often(), JobExecution::is_success)
            .await;
        match outcome {
            "succeeded" => assert!(success.is_ok()),
            outcome => has_failed(&success.unwrap_err(), outcome),
        }
    }
}

#[tokio::test]
async fn wait_ends_when_a_domain_cannot_be_verified() {
    let world = slow().await;
    let domains = world.api().custom_domains();
    let spec = CustomDomainSpec::new()
        .domain_type(DomainKind::Previews)
        .region("us-pdx-1");
    let draft = CustomDomain::new("preview.example.com").spec(spec);
    domains.create(&draft).await.unwrap();
    world
        .emulator
        .fail_next(Failure::verification("preview.example.com"))
        .unwrap();
    domains.verify("preview.example.com").await.unwrap();
    let failed = domains
        .wait_until("preview.example.com", &often(), CustomDomain::is_verified)
        .await;
    has_failed(&failed.unwrap_err(), "verified");

    let verified = domains.verify("preview.example.com").await.unwrap();
    assert!(verified.is_verified());
    domains
        .wait_until("preview.example.com", &often(), CustomDomain::is_verified)
        .await
        .unwrap();
}

#[tokio::test]
async fn wait_ends_when_a_snapshot_is_ready_and_names_one_that_failed() {
    let world = slow().await;
    world.emulator.add("sandboxes", "box").unwrap();
    world.emulator.clock().advance(Duration::from_secs(11));
    let snapshots = world.api().snapshots();
    for (name, fails) in [("good", false), ("bad", true)] {
        if fails {
            world.emulator.fail_next(Failure::snapshot("box")).unwrap();
        }
        let draft = NewSnapshot::of_sandbox("box").name(name);
        let taken = snapshots.create(&draft).await.unwrap();
        assert_eq!(taken.status, Some(SnapshotStatus::Pending));
        let (clock, wait) = (world.emulator.clock(), often());
        let ready = snapshots.wait_until(&taken.id, &wait, Snapshot::is_ready);
        let outcome = advancing_clock(clock, ready).await;
        match fails {
            false => assert_eq!(outcome.unwrap().name, name),
            true => has_failed(&outcome.unwrap_err(), "`bad` of the sandbox `box`"),
        }
    }
}

/// Returns an emulator with a deployed sandbox named `box`.
async fn with_sandbox() -> World {
    let world = slow().await;
    world.emulator.add("sandboxes", "box").unwrap();
    world.emulator.clock().advance(Duration::from_secs(11));
    world
}

fn often_archiving() -> ArchiveWait {
    ArchiveWait::new().every(Duration::from_millis(2))
}

#[tokio::test]
async fn wait_ends_when_a_sandbox_is_archived_and_when_it_is_restored() {
    let world = with_sandbox().await;
    let sandboxes = world.api().sandboxes();
    let begun = sandboxes.archive("box").await.unwrap();
    assert_eq!(begun.status, Some(Status::Archiving));
    let (clock, wait) = (world.emulator.clock(), often_archiving());
    let archived = sandboxes.wait_until_archived("box", &wait, |_| ());
    let archived = advancing_clock(clock, archived).await.unwrap();
    assert_eq!(archived.status, Some(Status::Archived));
    assert!(archived.archive.unwrap().created_at.is_some());

    sandboxes.unarchive("box").await.unwrap();
    let mut steps: Vec<ArchiveRestoreState> = Vec::new();
    let mut follow = |sandbox: &Sandbox| {
        let archive = sandbox.archive.as_ref();
        let restore = archive.and_then(|archive| archive.restore.clone());
        steps.extend(restore.and_then(|restore| restore.state));
    };
    let (clock, wait) = (world.emulator.clock(), often_archiving());
    let restored = sandboxes.wait_until_unarchived("box", &wait, &mut follow);
    let restored = advancing_clock(clock, restored).await.unwrap();
    assert_eq!(restored.status, Some(Status::Deployed));
    assert!(steps.len() > 2, "the progress was reported: {steps:?}");
    assert_eq!(steps.last(), Some(&ArchiveRestoreState::Succeeded));
}

#[tokio::test]
async fn wait_ends_when_archiving_or_restoring_fails() {
    let world = with_sandbox().await;
    let sandboxes = world.api().sandboxes();
    world.emulator.fail_next(Failure::archive("box")).unwrap();
    sandboxes.archive("box").await.unwrap();
    let (clock, wait) = (world.emulator.clock(), often_archiving());
    let failed = sandboxes.wait_until_archived("box", &wait, |_| ());
    let error = advancing_clock(clock, failed).await.unwrap_err();
    has_failed(&error, "`box` is DEPLOYED");

    sandboxes.archive("box").await.unwrap();
    let (clock, wait) = (world.emulator.clock(), often_archiving());
    let archived = sandboxes.wait_until_archived("box", &wait, |_| ());
    advancing_clock(clock, archived).await.unwrap();
    world.emulator.fail_next(Failure::archive("box")).unwrap();
    sandboxes.unarchive("box").await.unwrap();
    let (clock, wait) = (world.emulator.clock(), often_archiving());
    let failed = sandboxes.wait_until_unarchived("box", &wait, |_| ());
    let error = advancing_clock(clock, failed).await.unwrap_err();
    has_failed(&error, "`box` is ARCHIVED");
}

#[tokio::test]
async fn a_workspace_without_archives_is_refused() {
    let builder = Emulator::builder().feature("sandbox-archives", false);
    let world = World::of(builder).await;
    world.emulator.add("sandboxes", "box").unwrap();
    let error = world.api().sandboxes().archive("box").await.unwrap_err();
    assert!(error.is_forbidden(), "{error}");
}
