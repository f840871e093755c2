//! Promise: an archive is built and deployed in one call, and the presigned address that it is
//! uploaded to receives no credential and no second attempt.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_emulator::{Emulator, Fault};
use blaxel_management::agents::Agent;
use blaxel_management::images::{ImageDraft, ResourceType};
use blaxel_management::sandboxes::{Ensure, Sandbox};
use blaxel_management::upload::{Archive, UploadSource};
use blaxel_management::{Management, Status, Wait};
use blaxel_transport::Client;
use http::StatusCode;

async fn emulator() -> (Emulator, Management<Client>) {
    let emulator = Emulator::builder().real_clock().start().await.unwrap();
    let client = Client::builder()
        .api_key(emulator.api_key())
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        .build()
        .unwrap();
    (emulator, Management::new(client))
}

fn code() -> UploadSource {
    UploadSource::bytes(Archive::Zip, vec![b'z'; 300_000])
}

/// Returns the requested operations, except those by which a wait polls.
fn requested(emulator: &Emulator) -> Vec<(String, Option<u16>)> {
    let mut entries = Vec::new();
    for entry in emulator.journal() {
        let operation = entry.operation.unwrap_or_default();
        if !operation.starts_with("Get") {
            entries.push((operation, entry.status));
        }
    }
    entries
}

#[tokio::test]
async fn an_agent_is_deployed_from_its_code() {
    let (emulator, management) = emulator().await;
    let agents = management.agents();
    let reported = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&reported);
    let code = code().on_progress(move |progress| log.lock().unwrap().push(progress));

    let agent = agents.deploy(&Agent::new("bot"), &code).await.unwrap();
    let wait = Wait::new()
        .every(Duration::from_millis(100))
        .since(&agent.into_resource());
    let deployed = |agent: &Agent| agent.status == Some(Status::Deployed);
    agents.wait_until("bot", &wait, deployed).await.unwrap();

    let reported = reported.lock().unwrap();
    assert!(
        reported.is_sorted_by_key(|progress| progress.sent),
        "{reported:?}"
    );
    let last = reported.last().unwrap();
    assert_eq!((last.sent, last.total, last.attempt), (300_000, 300_000, 1));
    // The emulator refuses an archive that is sent with a credential.
    let names: Vec<_> = requested(&emulator)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["UpdateAgent", "CreateAgent", "PutArchive"]);
}

#[tokio::test]
async fn a_failed_upload_is_retried_with_a_new_address() {
    let (emulator, management) = emulator().await;
    emulator
        .fault("PutArchive", Fault::html(StatusCode::BAD_GATEWAY), 1)
        .unwrap();
    let draft = ImageDraft::new("fetcher", ResourceType::Sandbox);
    management.images().upload(&draft, &code()).await.unwrap();
    let requested = requested(&emulator);
    let expected = [
        ("CreateImage", 200),
        ("PutArchive", 502),
        ("CreateImage", 200),
        ("PutArchive", 200),
    ];
    let expected = expected.map(|(name, status)| (name.to_owned(), Some(status)));
    assert_eq!(requested, expected);
}

/// Concurrent calls that ensure the same sandbox get the same one, and one of them creates it.
#[tokio::test]
async fn concurrent_ensures_create_one_sandbox() {
    let (emulator, management) = emulator().await;
    let ensure = || {
        let sandboxes = management.sandboxes();
        async move {
            let sandbox = Sandbox::new("shared");
            sandboxes.ensure(&sandbox, &Ensure::new()).await.unwrap()
        }
    };
    let (a, b) = tokio::join!(ensure(), ensure());
    assert_ne!(a.is_created(), b.is_created());
    let created = |sandbox: &Sandbox| sandbox.metadata.created_at.clone();
    assert_eq!(created(a.resource()), created(b.resource()));
    let made = requested(&emulator);
    let good = made.iter().filter(|(_, status)| *status == Some(200));
    assert_eq!(good.count(), 1, "{made:?}");
}
