//! The whole stack over real sockets, against the emulator.

use std::sync::Arc;
use std::time::Duration;

use blaxel::{Client, Credentials, Inference, Management};
use blaxel_core::ErrorKind;
use blaxel_emulator::{CredentialKind, Emulator};
use blaxel_inference::{ChatRequest, Message};
use blaxel_management::agents::Agent;
use serde_json::{Value, json};

fn signed_in(emulator: &Emulator, secret: &str) -> Client {
    let credentials = Credentials::client_credentials(emulator.client_id(), secret).unwrap();
    Client::builder()
        .credentials(credentials)
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        .run_url(emulator.run_url())
        .build()
        .unwrap()
}

fn tokens_fetched(emulator: &Emulator) -> usize {
    emulator
        .journal()
        .iter()
        .filter(|entry| entry.path.ends_with("/oauth/token"))
        .count()
}

#[tokio::test]
async fn concurrent_first_calls_fetch_one_token() {
    let emulator = Emulator::start().await.unwrap();
    let client = signed_in(&emulator, emulator.client_secret());
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let models = Management::new(client.clone()).models();
            tokio::spawn(async move { models.list().await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(tokens_fetched(&emulator), 1);
    let calls = emulator.journal();
    let calls: Vec<_> = calls
        .iter()
        .filter(|entry| entry.operation.as_deref() == Some("ListModels"))
        .collect();
    assert_eq!(calls.len(), 50);
    for call in calls {
        assert_eq!(call.credential, CredentialKind::AccessToken);
        assert_eq!(call.version.as_deref(), Some("2026-04-28"));
    }
}

#[tokio::test]
async fn a_wrong_secret_error_names_its_source_but_not_the_secret() {
    let emulator = Emulator::start().await.unwrap();
    let client = signed_in(&emulator, "not-the-secret");
    let error = Management::new(client).models().list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials, "{error}");
    let text = format!("{error} {error:?}");
    assert!(
        text.contains("client credentials") && !text.contains("not-the-secret"),
        "{text}"
    );
    assert!(
        !emulator
            .journal()
            .iter()
            .any(|entry| entry.operation.as_deref() == Some("ListModels"))
    );
}

#[tokio::test]
async fn a_wrong_api_key_returns_401() {
    let emulator = Emulator::start().await.unwrap();
    let client = Client::builder()
        .api_key("bl_wrong")
        .api_url(emulator.url())
        .build()
        .unwrap();
    let error = Management::new(client).models().list().await.unwrap_err();
    assert!(
        error.is_unauthorized() && !error.to_string().contains("bl_wrong"),
        "{error}"
    );
}

#[tokio::test]
async fn one_client_serves_all_facades_on_many_tasks() {
    let emulator = Emulator::start().await.unwrap();
    let client = signed_in(&emulator, emulator.client_secret());
    let management = Management::new(client.clone());
    management
        .agents()
        .create(&Agent::new("bot"))
        .await
        .unwrap();
    let inference = Arc::new(Inference::new(client));
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let inference = Arc::clone(&inference);
            tokio::spawn(async move {
                let agent = inference.agent("bot").thread(format!("t-{number}"));
                let reply: Value = agent.invoke(&json!({"inputs": number})).await.unwrap();
                assert_eq!(reply["thread"], format!("t-{number}"));
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(tokens_fetched(&emulator), 1);
}

#[tokio::test]
async fn a_workload_is_called_at_its_own_url() {
    let emulator = Emulator::start().await.unwrap();
    let client = signed_in(&emulator, emulator.client_secret());
    let agents = Management::new(client.clone()).agents();
    let agent = agents.create(&Agent::new("bot")).await.unwrap();
    let call = Inference::new(client)
        .agent("bot")
        .url(agent.metadata.url.unwrap());
    let reply: Value = call.invoke(&json!({"inputs": "Hello"})).await.unwrap();
    assert!(reply["output"].as_str().unwrap().contains("Hello"));
}

/// Promise: the first chunk of a response arrives before the server creates the last one.
#[tokio::test]
async fn a_streamed_response_arrives_while_it_is_generated() {
    let emulator = Emulator::builder()
        .stream_pause(Duration::from_millis(20))
        .start()
        .await
        .unwrap();
    let client = signed_in(&emulator, emulator.client_secret());
    let request = ChatRequest::new([Message::user("one two three four five six seven eight")]);
    let mut stream = Inference::new(client)
        .model("sandbox-openai")
        .stream(&request)
        .await
        .unwrap();
    let start = std::time::Instant::now();
    let (mut first, mut pieces) = (None, 0);
    while let Some(piece) = stream.try_next().await.unwrap() {
        if !piece.text().is_empty() {
            first.get_or_insert_with(|| start.elapsed());
            pieces += 1;
        }
    }
    assert!(pieces > 8, "{pieces} pieces");
    assert!(
        first.unwrap() * 2 < start.elapsed(),
        "{first:?} of {:?}",
        start.elapsed()
    );
}

/// A client is built without a runtime, and its clones work on any runtime.
#[test]
fn a_client_outlives_a_runtime() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let server = runtime();
    let emulator = server.block_on(Emulator::start()).unwrap();
    let client = signed_in(&emulator, emulator.client_secret());
    for _ in 0..2 {
        let models = Management::new(client.clone()).models();
        runtime()
            .block_on(async move { models.list().await })
            .unwrap();
    }
}

#[tokio::test]
async fn clients_of_two_workspaces_are_independent() {
    let one = Emulator::builder().workspace("one").start().await.unwrap();
    let two = Emulator::builder().workspace("two").start().await.unwrap();
    for emulator in [&one, &two] {
        let agents = Management::new(signed_in(emulator, emulator.client_secret())).agents();
        let agent = agents.create(&Agent::new("bot")).await.unwrap();
        assert_eq!(
            agent.metadata.workspace.as_deref(),
            Some(emulator.workspace())
        );
    }
    assert_eq!((tokens_fetched(&one), tokens_fetched(&two)), (1, 1));
}
