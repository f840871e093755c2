//! Promise: a whole client runs on the emulator without a socket, with its default addresses or
//! with the emulator's own, and all of its operations work there.

use blaxel::auth::Variables;
use blaxel::management::agents::Agent;
use blaxel::{Client, ClientBuilder, Credentials, Inference, Management};
use blaxel_emulator::{Emulator, Fault};
use http::StatusCode;
use serde_json::{Value, json};

/// Runs the steps of a program: it creates, lists with a retry, calls, uploads and deletes.
async fn work(emulator: &Emulator, client: Client) {
    let management = Management::new(client.clone());
    let agents = management.agents();
    agents.create(&Agent::new("bot")).await.unwrap();
    let unavailable = Fault::html(StatusCode::SERVICE_UNAVAILABLE);
    emulator.fault("ListAgents", unavailable, 1).unwrap();
    assert_eq!(agents.all().await.unwrap().len(), 1);

    let agent = Inference::new(client).agent("bot");
    let reply: Value = agent.invoke(&json!({"inputs": "Hello"})).await.unwrap();
    assert!(!reply.is_null());
    agents.delete("bot").await.unwrap();
    assert!(agents.find("bot").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_client_works_with_the_default_addresses() {
    let emulator = Emulator::offline();
    let client = Client::builder()
        .api_key(emulator.api_key())
        .workspace(emulator.workspace())
        .transport(emulator.service())
        .build()
        .unwrap();
    work(&emulator, client).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_works_with_the_emulator_s_variables() {
    let emulator = Emulator::offline();
    let variables = Variables::from_iter(emulator.variables());
    let builder = ClientBuilder::from_variables(&variables).unwrap();
    let client = builder.transport(emulator.service()).build().unwrap();
    work(&emulator, client).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_works_with_a_token() {
    let emulator = Emulator::offline();
    let (id, secret) = (emulator.client_id(), emulator.client_secret());
    let client = Client::builder()
        .credentials(Credentials::client_credentials(id, secret).unwrap())
        .workspace(emulator.workspace())
        .transport(emulator.service())
        .build()
        .unwrap();
    work(&emulator, client).await;
}

#[tokio::test]
async fn a_wrong_key_is_refused() {
    let emulator = Emulator::offline();
    let client = Client::builder()
        .api_key("bl_wrong")
        .workspace(emulator.workspace())
        .transport(emulator.service())
        .build()
        .unwrap();
    let error = Management::new(client).agents().list().await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
}

#[tokio::test]
async fn no_other_address_is_reached() {
    let emulator = Emulator::offline();
    let client = Client::builder()
        .api_key(emulator.api_key())
        .workspace(emulator.workspace())
        .api_url("https://api.example.com/v0")
        .transport(emulator.service())
        .build()
        .unwrap();
    let error = Management::new(client).agents().list().await.unwrap_err();
    assert!(error.is_connect(), "{error}");
}
