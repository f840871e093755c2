//! Promise: the client reaches an emulator over TLS as it reaches the platform: by HTTP/2, and also by the
//! platform's own addresses through the emulator's proxy.

use blaxel::{Client, Inference, Management};
use blaxel_emulator::Emulator;
use blaxel_transport::{HyperTransport, Proxy, Roots};
use serde_json::{Value, json};

use crate::support::{client, secure_client};

async fn started() -> Emulator {
    Emulator::builder().tls().start().await.unwrap()
}

#[tokio::test]
async fn calls_at_once_share_a_connection() {
    let emulator = started().await;
    emulator.add_agent("bot");
    let client = secure_client(&emulator);
    let management = Management::new(client.clone());
    // The first call learns that the server speaks HTTP/2.
    management.models().all().await.unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..100 {
        let bot = Inference::new(client.clone()).agent("bot");
        let input = json!({"inputs": format!("call {number}")});
        calls.spawn(async move { bot.invoke::<Value>(&input).await.unwrap() });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(|answer| answer["output"].is_string()));
}

#[tokio::test]
async fn an_emulator_that_the_client_does_not_trust_is_not_called() {
    let emulator = started().await;
    let error = Management::new(client(&emulator)).models().all().await;
    let error = error.unwrap_err();
    assert!(!error.maybe_applied(), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(emulator.journal().is_empty());
}

#[tokio::test]
async fn a_client_with_the_addresses_of_the_platform_reaches_it_by_the_proxy() {
    let emulator = started().await;
    emulator.add_agent("bot");
    let variables = emulator.proxy_variables();
    let proxy = &variables.iter().find(|it| it.0 == "HTTPS_PROXY").unwrap().1;
    let transport = HyperTransport::builder()
        .roots(Roots::Added)
        .add_root_certificate(emulator.certificate_authority().unwrap())
        .unwrap()
        .proxy(Proxy::via(proxy).unwrap())
        .build();
    let client = Client::builder()
        .api_key(emulator.api_key())
        .workspace(emulator.workspace())
        .transport(transport)
        .build()
        .unwrap();
    let models = Management::new(client.clone()).models().all().await;
    assert_eq!(models.unwrap().len(), 7);
    let bot = Inference::new(client).agent("bot");
    let answer: Value = bot.invoke(&json!({"inputs": "Hello"})).await.unwrap();
    assert_eq!(answer["output"], "bot heard: Hello");
    let operations: Vec<_> = emulator
        .journal()
        .into_iter()
        .map(|it| it.operation)
        .collect();
    assert_eq!(
        operations,
        [
            Some("ListModels".to_owned()),
            Some("InvokeAgent".to_owned())
        ]
    );
}
