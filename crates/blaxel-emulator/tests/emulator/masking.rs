//! No secret is in what is kept of requests and responses, wherever it was.

use blaxel_emulator::{Emulator, Recorder};
use http::Method;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{Ask, Reply, address, as_client, ask, in_sandbox, post};

/// Texts with a secret in the place of `§`, as files, outputs and messages have them.
const TEXTS: [&str; 35] = [
    "https://s3.example.com/k?X-Amz-Credential=§&X-Amz-Date=1",
    "https://s3.example.com/k?X-Amz-Date=1&X-Amz-Signature=§",
    "curl 'https://s3.example.com/k?X-Amz-Security-Token=§&a=b'",
    "https://cdn.example.com/k?Policy=a&Signature=§&Key-Pair-Id=b",
    "see https://storage.googleapis.com/k?X-Goog-Signature=§ for it",
    "https://a.blob.core.windows.net/k?sv=1&sig=§&sp=r",
    "https://web.preview.bl.run/?bl_preview_token=§",
    "https://x.example.com/?to=https%3A%2F%2Fy%3Fa%3D1%26X-Amz-Signature%3D§%26b%3D2",
    r#"{"url":"https://s3.example.com/k?a=1\u0026X-Amz-Signature=§\u0026b=2"}"#,
    "postgres://me:§@db.example.com/x",
    "set-cookie: session=§; Path=/",
    "Cookie: a=1; session=§",
    "GET / HTTP/1.1\r\nauthorization: Bearer §\r\naccept: */*",
    "curl -H 'X-Blaxel-Authorization: Bearer §' https://x",
    "it was refused: Bearer § is no key",
    "export GITHUB_TOKEN=§",
    "docker login --password=§ ghcr.io",
    "password: §\nuser: me",
    "{'client_secret': '§', 'a': 1}",
    r#"{"access_token": "§"}"#,
    r#"{"a": {"refresh_token": "§", "n": [{"token": "§"}]}}"#,
    r#"[{"apiKey": "§"}, {"client_secret": "§"}, {"password": "§"}]"#,
    r#"{"headers": {"authorization": "Basic §", "set-cookie": ["a=§", "b=§"]}}"#,
    r#"{"headers": [{"name": "Cookie", "value": "§"}]}"#,
    r#"{"envs": [{"name": "PLAIN", "value": "§", "secret": true}]}"#,
    r#"{"envs": [{"name": "OPENAI_API_KEY", "value": "§"}]}"#,
    r#"{"docker_config": "{\"auths\": {\"ghcr.io\": {\"auth\": \"§\"}}}"}"#,
    r#"{"arguments": "{\"token\": \"§\"}"}"#,
    r#"{"auths": {"ghcr.io": {"auth": "§"}}, "identitytoken": "§"}"#,
    r#"data: {"delta": {"token": "§"}}"#,
    "{\"a\": 1}\n{\"secret\": \"§\"}\n",
    r#"{"token": "§", "and it ends he"#,
    r#"{"envs": [{"name": "PLAIN", "value": "§", "secret": tr"#,
    "http://127.0.0.1:1/uploads/0000000000000000000000000000000000000000?a=1&Signature=§",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI.§",
];

/// Parameters of an address.
const PARAMETERS: [&str; 8] = [
    "X-Amz-Signature=§",
    "a=1&X-Amz-Credential=§&b=2",
    "sig=§",
    "Signature=§",
    "bl_preview_token=§",
    "api_key=§",
    "to=https%3A%2F%2Fx%3Fsig%3D§",
    "to=https://x?token=§",
];

/// Headers of a request.
const HEADERS: [(&str, &str); 8] = [
    ("cookie", "session=§"),
    ("x-amz-security-token", "§"),
    ("x-registry-auth", "§"),
    ("proxy-authorization", "Basic §"),
    ("x-blaxel-preview-token", "§"),
    ("x-client-secret", "§"),
    ("referer", "https://s3.example.com/k?X-Amz-Signature=§"),
    ("x-note", "it is Bearer §"),
];

/// Sends a secret to all of these places, and lets the platform send it back where it can.
async fn scatter(emulator: &Emulator, run: &str, secret: &str, send: impl AsyncFn(Ask) -> Reply) {
    let with = |text: &str| text.replace('§', secret);
    let sandbox = format!("{run}/{}/sandboxes/dev", emulator.workspace());
    let file = format!("{sandbox}/filesystem/tmp/note");
    for text in TEXTS {
        let text = with(text);
        send(ask(Method::PUT, &file).json(&json!({"content": text})))
            .await
            .expect(200);
        // As a member of a document, and as it is.
        send(ask(Method::GET, &file)).await.expect(200);
        let raw = send(ask(Method::GET, format!("{file}?download=true"))).await;
        assert_eq!(raw.bytes, text);
        let kind = match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(_) => "application/json",
            Err(_) if text.starts_with("data:") => "text/event-stream",
            Err(_) => "text/plain",
        };
        let agent = format!("{run}/{}/agents/bot", emulator.workspace());
        let sent = ask(Method::POST, agent).header("content-type", kind);
        send(sent.bytes(text)).await;
    }
    let form = with("grant_type=client_credentials&client_secret=§&sig=§");
    let form = ask(Method::POST, format!("{sandbox}/process"))
        .header("content-type", "application/x-www-form-urlencoded")
        .bytes(form);
    send(form).await;
    for parameters in PARAMETERS {
        send(ask(
            Method::GET,
            format!("{sandbox}/port/3000/?{}", with(parameters)),
        ))
        .await;
    }
    for (name, value) in HEADERS {
        send(ask(Method::GET, &file).header(name, &with(value))).await;
    }
}

#[track_caller]
fn assert_hidden(secret: &str, of: &str, kept: &str) {
    if let Some(place) = kept.find(secret) {
        let around = kept.get(place.saturating_sub(200)..(place + 100).min(kept.len()));
        panic!("{secret} is in {of}: {around:?}");
    }
    // The contents were kept.
    assert!(kept.contains("****"), "{of}");
}

async fn scatter_and_look(secret: &str) {
    let emulator = Emulator::builder()
        .journal_contents(1 << 20)
        .start()
        .await
        .unwrap();
    emulator.add_agent("bot");
    emulator.add("sandboxes", "dev").unwrap();
    let recorder = Recorder::start(&emulator.url(), &emulator.run_url())
        .await
        .unwrap();
    let run = &recorder.variables()[1].1;
    let send = async |request: Ask| as_client(request, &emulator).over_socket().await.unwrap();
    scatter(&emulator, run, secret, send).await;
    for (of, kept) in [
        ("the journal", format!("{:?}", emulator.journal())),
        ("the HAR", emulator.har().to_string()),
        ("the commands", emulator.curl_commands().join("\n")),
        ("the recorded HAR", recorder.har().to_string()),
    ] {
        assert_hidden(secret, of, &kept);
    }
    assert!(!recorder.data().to_string().contains(secret));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_secret_is_in_nothing_that_is_kept(secret in "[A-Za-z][A-Za-z0-9._~-]{10,38}[a-z0-9]") {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(scatter_and_look(&secret));
    }
}

/// Masking hides no more than it has to.
#[tokio::test]
async fn what_is_no_secret_stays() {
    let emulator = Emulator::builder()
        .journal_contents(1 << 20)
        .start()
        .await
        .unwrap();
    emulator.add("sandboxes", "dev").unwrap();
    let text = "https://example.com/?a=b&next_token=c max_tokens: 5, basic rules, 12:30 \"quoted\"";
    let file = in_sandbox(&emulator, "dev", "/filesystem/tmp/note");
    let write = ask(Method::PUT, &file).json(&json!({"content": text}));
    as_client(write, &emulator)
        .over_socket()
        .await
        .unwrap()
        .expect(200);
    let entry = emulator.journal().pop().unwrap();
    assert_eq!(
        entry.request.unwrap().body,
        json!({"content": text}).to_string()
    );
    assert!(entry.secret_in_url.is_none());
    // A signed address is no leak, and one with a key is.
    for (query, is_leak) in [("X-Amz-Signature=abc", false), ("api_key=abc", true)] {
        let uri = format!("http://{}/v0/models?{query}", address(&emulator));
        as_client(post(uri, &json!({})), &emulator)
            .over_socket()
            .await
            .unwrap();
        let entry = emulator.journal().pop().unwrap();
        assert_eq!(entry.secret_in_url.is_some(), is_leak, "{query}");
        assert!(!entry.query.unwrap().contains("abc"));
    }
}
