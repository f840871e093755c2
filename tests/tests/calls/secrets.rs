//! Promise: no `Display` or `Debug` output shows a secret.

use std::fmt::{Debug, Display};

use blaxel_auth::{Authenticator, AuthorizationServer, Credentials, Variables};
use blaxel_core::{Body, Error, HttpService, Secret, Workspace};
use blaxel_emulator::{Emulator, Workload};
use blaxel_inference::Inference;
use blaxel_management::Management;
use blaxel_management::agents::Agent;
use blaxel_management::upload::UploadUrl;
use blaxel_management::workload::{EnvVariable, TriggerConfiguration};
use blaxel_tests::{API_KEY, Reply, WireServer};
use blaxel_transport::{Client, ClientBuilder, HyperTransport, Proxy};
use serde_json::{Value, json};

const CANARY: &str = "canary-5b1f";

#[track_caller]
fn silent(value: &impl Debug) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!text.contains(CANARY), "{text}");
    }
}

#[track_caller]
fn silent_error(error: &(impl Debug + Display)) {
    silent(error);
    assert!(!error.to_string().contains(CANARY), "{error}");
}

#[test]
fn values_do_not_show_their_secrets() {
    let secret = Secret::from(CANARY);
    silent(&secret);
    assert!(!secret.to_string().contains(CANARY));

    let workspace = "w".parse::<Workspace>().unwrap();
    let key = Credentials::api_key(CANARY)
        .unwrap()
        .with_workspace(workspace);
    silent(&key);
    silent(&Credentials::access_token(CANARY).unwrap());
    silent(&Credentials::client_credentials("id", CANARY).unwrap());
    silent(&Variables::from_iter([("BL_API_KEY", CANARY)]));
    silent(&Credentials::refresh_token(CANARY).unwrap());
    let token = async || Ok::<_, Error>(blaxel_auth::AccessToken::new(CANARY));
    silent(&blaxel_auth::AccessToken::new(CANARY));
    silent(&Credentials::from_fn(token));

    silent(&Body::from(CANARY));
    silent(&EnvVariable::hidden("TOKEN", CANARY));
    let agent = Agent::new("bot").env(EnvVariable::hidden("TOKEN", CANARY));
    silent(&agent);
    silent(&blaxel_management::operations::Create::<Agent>::new(&agent));
    let document = json!({"spec": {"env": [CANARY]}});
    silent(&blaxel_management::operations::Replace::<Agent>::new(
        "bot", &document,
    ));
    let trigger: TriggerConfiguration =
        serde_json::from_value(json!({"callbackSecret": CANARY})).unwrap();
    silent(&trigger);
}

#[test]
fn clients_builders_and_their_parts_do_not_show_secrets() {
    let builder = || Client::builder().api_key(CANARY).workspace("w");
    silent(&builder());
    let client = builder().build().unwrap();
    silent(&client);
    silent(&client.clone().boxed());
    silent(&Management::new(client.clone()));
    silent(&Management::new(client.clone()).agents());
    silent(
        &Inference::new(client.clone())
            .agent("a")
            .header("x-token", CANARY),
    );
    silent(&blaxel_billing::Billing::new(client));

    let variables = Variables::from_iter([("BL_CLIENT_CREDENTIALS", format!("id:{CANARY}"))]);
    silent(&ClientBuilder::from_variables(&variables).unwrap());

    let base = "https://api.blaxel.ai/v0"
        .parse::<blaxel_core::BaseUrl>()
        .unwrap();
    let credentials = Credentials::api_key(CANARY).unwrap();
    let service = tower::service_fn(async |_: http::Request<Body>| {
        Ok::<_, Error>(http::Response::new(Body::empty()))
    });
    silent(&Authenticator::new(&credentials, &base, service.boxed()));
}

#[test]
fn errors_about_bad_secrets_do_not_show_secrets() {
    let broken = format!("two\n{CANARY}");
    silent_error(&Credentials::api_key(broken.as_str()).unwrap_err());
    silent_error(&Credentials::parse_client_credentials(CANARY).unwrap_err());
    let url = format!("https://user:{CANARY}@api.blaxel.ai");
    silent_error(
        &Client::builder()
            .api_key("k")
            .api_url(url)
            .build()
            .unwrap_err(),
    );
    for name in ["BL_API_KEY", "BL_CLIENT_CREDENTIALS"] {
        let variables = Variables::from_iter([(name, broken.as_str()), ("HOME", "/nonexistent")]);
        let builder = ClientBuilder::from_variables(&variables).unwrap();
        silent_error(&builder.build().unwrap_err());
    }
}

/// Addresses with a secret at each place where one can be.
const ADDRESSES: [&str; 11] = [
    "https://user:canary-5b1f@api.blaxel.ai",
    "https://canary-5b1f@api.blaxel.ai",
    "https://user:a@canary-5b1f@api.blaxel.ai",
    "https://user:a#canary-5b1f@api.blaxel.ai",
    "https://user:a/canary-5b1f@api.blaxel.ai",
    "https://user:a?canary-5b1f@api.blaxel.ai",
    "https://user:1/canary-5b1f@api.blaxel.ai",
    "https://user:canary-5b1f",
    "https://api.blaxel.ai/?bl_preview_token=canary-5b1f",
    "https://api.blaxel.ai/#canary-5b1f",
    "http://api.blaxel.ai/canary-5b1f",
];

#[tokio::test]
async fn addresses_do_not_show_their_secrets() {
    let emulator = Emulator::offline();
    let client = || Client::builder().api_key("k").workspace("w");
    for address in ADDRESSES {
        let own = Inference::new(emulator.service()).url_overrides(move |name| {
            (name == "BL_AGENTS_FORCED_URL").then(|| address.to_owned())
        });
        for call in [own.agent("bot").url(address), own.agent("forced")] {
            silent(&call);
            let error = call.invoke::<Value>(&json!({})).await.unwrap_err();
            assert!(error.is_input(), "{address}: {error}");
            silent_error(&error);
        }
        for builder in [
            client().api_url(address),
            client().run_url(address),
            client().trust(address),
        ] {
            silent(&builder);
            silent_error(&builder.build().unwrap_err());
        }
        silent_error(
            &AuthorizationServer::discover(address, &emulator.service())
                .await
                .unwrap_err(),
        );
        silent(&UploadUrl::from(address));
        silent(&UploadUrl::from(
            "https://store.example/canary-5b1f?signature=canary-5b1f",
        ));
        match Proxy::via(address) {
            Ok(proxy) => silent(&HyperTransport::builder().proxy(proxy)),
            Err(error) => silent_error(&error),
        }
        let forward = Emulator::builder().forward(Workload::agent("bot"), address);
        silent_error(&forward.unwrap_err());
        // The offline emulator connects to nothing.
        if let Ok(request) = http::Request::get(address).body(Body::empty())
            && let Err(error) = emulator.service().send(request).await
        {
            silent_error(&error);
        }
    }
}

#[tokio::test]
async fn the_emulator_does_not_show_its_credentials() {
    let emulator = Emulator::builder()
        .api_key(CANARY)
        .client("id", CANARY)
        .start()
        .await
        .unwrap();
    let client = Client::builder()
        .api_key(CANARY)
        .api_url(emulator.url())
        .build()
        .unwrap();
    Management::new(client).agents().list().await.unwrap();
    silent(&emulator);
    silent(&emulator.service());
    silent(&emulator.journal());
    silent(&Emulator::builder().api_key(CANARY).client("id", CANARY));
}

/// Errors of calls: a refused token request, a refused key, an unreachable server and one that
/// sends garbage.
#[tokio::test]
async fn errors_of_calls_do_not_show_secrets() {
    let emulator = Emulator::start().await.unwrap();
    let wrong = Credentials::client_credentials(emulator.client_id(), CANARY).unwrap();
    let builder = || {
        Client::builder()
            .workspace(emulator.workspace())
            .api_url(emulator.url())
    };
    for client in [
        builder().credentials(wrong).build().unwrap(),
        builder().api_key(CANARY).build().unwrap(),
        Client::builder()
            .api_key(CANARY)
            .api_url("http://127.0.0.1:1")
            .build()
            .unwrap(),
    ] {
        let error = Management::new(client).agents().list().await.unwrap_err();
        silent_error(&error);
        let mut cause = error.cause();
        while let Some(lower) = cause {
            silent_error(&format!("{lower} {lower:?}"));
            cause = lower.source();
        }
    }
}

/// The credential is sent in one header, never in an address.
#[tokio::test]
async fn a_credential_is_sent_once_and_in_no_address() {
    let server = WireServer::start(Reply::http("200 OK", "application/json", "[]")).await;
    Management::new(server.client())
        .agents()
        .list()
        .await
        .unwrap();
    let request = server.requests().remove(0);
    let carrying: Vec<_> = request
        .lines()
        .filter(|line| line.contains(API_KEY))
        .collect();
    assert_eq!(
        carrying,
        [format!("x-blaxel-authorization: Bearer {API_KEY}")],
        "{request}"
    );
}

/// A value of the wrong type is described by its type, wherever it is.
#[test]
fn decode_errors_do_not_quote_values() {
    fn decode<T: serde::de::DeserializeOwned>(body: &serde_json::Value) {
        let response = http::Response::new(bytes::Bytes::from(body.to_string()));
        let decoded = blaxel_core::response::json::<T>(&response);
        let Err(error) = decoded else {
            panic!("{body} was decoded");
        };
        silent_error(&error);
        silent_error(&error.cause().unwrap().to_string());
        assert!(error.to_string().contains("expected"), "{error}");
    }
    use blaxel_management::integrations::IntegrationConnection;
    use blaxel_management::sandboxes::PreviewToken;
    use blaxel_management::service_accounts::ApiKey;
    let quoting = format!("a\", expected `{CANARY}");
    for canary in [CANARY, quoting.as_str()] {
        decode::<ApiKey>(&json!(canary));
        decode::<Vec<ApiKey>>(&json!([canary]));
        decode::<PreviewToken>(&json!({"metadata": {"name": "t"}, "spec": canary}));
        decode::<IntegrationConnection>(
            &json!({"metadata": {"name": "c"}, "spec": {"secret": canary}}),
        );
        decode::<u32>(&json!(canary));
    }
}

/// A server that repeats the credential it received: in the body as it is and in Base64, in the code
/// and in other members.
#[tokio::test]
async fn errors_of_a_server_that_repeats_the_credential_do_not_show_it() {
    // Of `canary-5b1f` and of `Bearer canary-5b1f`, without the characters at the end that depend on
    // what follows.
    let encoded = ["Y2FuYXJ5LTViMW", "YW5hcnktNWIxZ"];
    for body in [
        format!(r#"{{"error":"the key {CANARY} is unknown"}}"#),
        format!(
            r#"{{"error":{{"code":"{CANARY}","message":"no","action":"drop {CANARY}","x":"{CANARY}"}}}}"#
        ),
        r#"{"error":"Basic Y2FuYXJ5LTViMWY= is unknown"}"#.to_owned(),
        r#"{"error":"QmVhcmVyIGNhbmFyeS01YjFm is unknown"}"#.to_owned(),
        format!("<html><title>{CANARY}</title></html>"),
        format!("the header was Bearer {CANARY}"),
    ] {
        let server = WireServer::start(Reply::http("401 No", "application/json", &body)).await;
        let client = Client::builder()
            .api_key(CANARY)
            .workspace("w")
            .api_url(server.url())
            .build()
            .unwrap();
        let error = Management::new(client).agents().list().await.unwrap_err();
        silent_error(&error);
        let members = error.api().unwrap().members();
        let shown = format!("{error} {error:?} {members:?}");
        assert!(!shown.contains(CANARY), "{shown}");
        for form in encoded {
            assert!(!shown.contains(form), "{shown}");
        }
    }
}

/// The members of a response can hold anything, such as the request that was refused.
#[test]
fn the_debug_output_of_an_error_does_not_print_the_response() {
    let body = json!({"error": {"message": "no", "request": {"token": CANARY}, "stack": [CANARY]}});
    let (head, ()) = http::Response::builder()
        .status(400)
        .body(())
        .unwrap()
        .into_parts();
    let error = Error::from_response(None, &head, body.to_string().as_bytes());
    silent_error(&error);
    assert_eq!(error.api().unwrap().members()["stack"][0], CANARY);
    let refusal: blaxel_inference::mcp::JsonRpcError =
        serde_json::from_value(json!({"code": -1, "message": "no", "data": CANARY})).unwrap();
    silent_error(&refusal);
}
