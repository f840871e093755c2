//! Promise: when the server refuses a request, the error has the right predicate, the server's code
//! and message, and the operation.

use blaxel_core::{ApiVersion, Error};
use blaxel_management::agents::Agent;
use blaxel_management::models::{Model, Provider};
use blaxel_management::sandboxes::Sandbox;
use blaxel_management::workload::EnvVariable;

use crate::support::World;

/// Checks that the error's text has the operation, the status and the server's message.
#[track_caller]
fn assert_contains(error: &Error, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

#[tokio::test]
async fn not_found_and_conflict_have_predicates() {
    let world = World::start().await;
    let agents = world.api().agents();
    let error = agents.get("nobody").await.unwrap_err();
    assert!(error.is_not_found() && !error.is_conflict());
    assert!(error.request_id().is_some());
    assert_contains(&error, &["GetAgent", "404"]);

    agents.create(&Agent::new("bot")).await.unwrap();
    let error = agents.create(&Agent::new("bot")).await.unwrap_err();
    assert!(error.is_conflict() && !error.is_not_found());
    assert_contains(&error, &["CreateAgent", "409", "bot"]);
}

#[tokio::test]
async fn an_invalid_document_is_refused() {
    let world = World::start().await;
    let agents = world.api().agents();
    let error = agents
        .create(&Agent::new("No Name Like This"))
        .await
        .unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(400));
    assert!(!error.is_transient());
    assert_contains(&error, &["CreateAgent", "400", "metadata.name"]);

    let model = Model::of("fast", Provider::from("nobody"), "m");
    let error = world.api().models().create(&model).await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(400));
    assert_contains(&error, &["CreateModel", "spec.runtime.type"]);
}

/// A refusal to create a sandbox has its own format, whose code is a string.
#[tokio::test]
async fn a_refused_sandbox_creation_returns_its_code() {
    let world = World::start().await;
    let sandboxes = world.api().sandboxes();
    let draft = Sandbox::new("box").env(EnvVariable::hidden("KEY", "canary"));
    sandboxes.create(&draft).await.unwrap();
    let error = sandboxes.create(&draft).await.unwrap_err();
    assert!(error.is_conflict());
    assert_eq!(error.code(), Some("SANDBOX_ALREADY_EXISTS"));
    assert_contains(
        &error,
        &["CreateSandbox", "409", "SANDBOX_ALREADY_EXISTS", "box"],
    );
    assert!(!format!("{error} {error:?}").contains("canary"));

    let error = sandboxes
        .create(&Sandbox::new("No Name"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("BAD_REQUEST"));
    assert_eq!(error.status().map(|status| status.as_u16()), Some(400));
}

#[tokio::test]
async fn a_resource_in_use_is_not_deleted() {
    let world = World::start().await;
    let connection = blaxel_management::integrations::IntegrationConnection::to("key", "openai");
    world
        .api()
        .integration_connections()
        .create(&connection)
        .await
        .unwrap();
    let model = Model::of("fast", Provider::OpenAi, "m").connection("key");
    world.api().models().create(&model).await.unwrap();
    let error = world
        .api()
        .integration_connections()
        .delete("key")
        .await
        .unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_contains(&error, &["DeleteIntegrationConnection", "fast"]);
}

#[tokio::test]
async fn an_unknown_api_version_is_refused() {
    let world = World::start().await;
    let version: ApiVersion = "2030-01-01".parse().unwrap();
    let error = world.api_at(version).agents().get("bot").await.unwrap_err();
    assert!(error.is_unknown_version(), "{error}");
    assert!(error.offered_versions().contains(&ApiVersion::DEFAULT));
}
