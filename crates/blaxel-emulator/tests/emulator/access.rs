//! Credentials, workspaces and unknown paths.

use blaxel_core::{HttpService, OperationInfo, RequestWriter, Source};
use blaxel_emulator::{CredentialKind, Emulator};
use serde_json::json;

use crate::support::{ask, get, post};

#[tokio::test]
async fn missing_and_wrong_credentials_are_rejected_equally() {
    let emulator = Emulator::offline();
    let service = emulator.service().verbatim();
    for (name, value) in [
        ("accept", "*/*"),
        ("authorization", "Bearer wrong"),
        ("x-blaxel-authorization", "Bearer wrong"),
        ("authorization", "Basic Zm9vOmJhcg=="),
        ("authorization", "Bearer"),
        ("authorization", "Bearer a.b.c"),
    ] {
        let reply = get("/models").header(name, value).to(&service).await;
        assert_eq!(
            reply.expect(401),
            json!({"code": 401, "error": "Unauthorized"}),
            "{value}"
        );
    }
}

/// A request that must carry no credential gets none of the service either.
#[tokio::test]
async fn a_request_without_a_credential_gets_none() {
    static MODELS: OperationInfo = OperationInfo::new("ListModels", http::Method::GET, "/models");

    let emulator = Emulator::offline();
    let address = format!("{}/models", emulator.url());
    for (without, status, kind) in [
        (false, 200, CredentialKind::ApiKey),
        (true, 401, CredentialKind::None),
    ] {
        let mut writer = RequestWriter::new(&MODELS);
        writer.address(&address, &Source::Code).unwrap();
        if without {
            writer.without_credential();
        }
        let request = writer.finish().unwrap();
        let response = emulator.service().send(request).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(emulator.journal().last().unwrap().credential, kind);
    }
}

#[tokio::test]
async fn either_header_carries_a_credential_and_the_platforms_own_takes_precedence() {
    let emulator = Emulator::offline();
    let service = emulator.service().verbatim();
    let good = format!("Bearer {}", emulator.api_key());
    for (standard, own, status) in [
        (Some(good.as_str()), None, 200),
        (None, Some(good.as_str()), 200),
        (Some("Bearer replaced"), Some(good.as_str()), 200),
        (Some(good.as_str()), Some("Bearer replaced"), 401),
    ] {
        let mut request = get("/models");
        for (name, value) in [("authorization", standard), ("x-blaxel-authorization", own)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        assert_eq!(request.to(&service).await.status, status);
    }
}

#[tokio::test]
async fn only_the_own_workspace_is_accessible() {
    let emulator = Emulator::builder().workspace("main-team").build();
    let named = |name: &str| get("/models").header("x-blaxel-workspace", name);
    named("main-team").on(&emulator).await.expect(200);
    assert_eq!(
        named("other").on(&emulator).await.control_error(403),
        "Forbidden"
    );

    let service = emulator.service().verbatim();
    let key = format!("Bearer {}", emulator.api_key());
    for (uri, status) in [
        ("/models", 200),
        ("/models?workspace=main-team", 200),
        ("/models?workspace=other", 403),
    ] {
        let reply = get(uri).header("authorization", &key).to(&service).await;
        assert_eq!(reply.status, status, "{uri}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_rejected_with_json() {
    let emulator = Emulator::offline();
    assert_eq!(
        get("/nowhere").on(&emulator).await.control_error(404),
        "Not Found"
    );
    let reply = ask(http::Method::PATCH, "/models").on(&emulator).await;
    assert_eq!(reply.control_error(405), "Method Not Allowed");
    let reply = get("/models/%ff").on(&emulator).await;
    reply.control_error(400);
}

#[tokio::test]
async fn a_body_above_the_limit_is_rejected() {
    let emulator = Emulator::offline();
    let large = json!({"metadata": {"name": "a"}, "spec": {"text": "x".repeat(9 << 20)}});
    post("/agents", &large)
        .on(&emulator)
        .await
        .control_error(413);
    emulator.add_agent("a");
    let uri = format!("{}/demo/agents/a", emulator.run_url());
    post(uri, &large)
        .on(&emulator)
        .await
        .gateway(413, "REQUEST_ENTITY_TOO_LARGE");
}

#[tokio::test]
async fn the_journal_records_requests_without_secrets() {
    let emulator = Emulator::offline();
    let reply = get("/models?limit=2").on(&emulator).await;
    get("/nowhere")
        .header("authorization", "Bearer canary")
        .on(&emulator)
        .await;

    let journal = emulator.journal();
    let [listed, lost] = journal.as_slice() else {
        panic!("{journal:?}")
    };
    assert_eq!(
        (listed.method.as_str(), listed.path.as_str()),
        ("GET", "/v0/models")
    );
    assert_eq!(listed.query.as_deref(), Some("limit=2"));
    assert_eq!(listed.operation.as_deref(), Some("ListModels"));
    assert_eq!(listed.version.as_deref(), Some("2026-04-28"));
    assert_eq!(listed.status, Some(200));
    assert_eq!(listed.credential, CredentialKind::ApiKey);
    assert_eq!(
        reply.header("x-request-id"),
        Some(listed.request_id.as_str())
    );
    assert_eq!((lost.operation.as_deref(), lost.status), (None, Some(404)));
    assert_eq!(lost.credential, CredentialKind::Rejected);
    let shown = format!("{emulator:?} {journal:?} {:?}", emulator.service());
    assert!(
        !shown.contains("canary") && !shown.contains(emulator.api_key()),
        "{shown}"
    );
    assert!(!shown.contains(emulator.client_secret()), "{shown}");

    emulator.clear_journal();
    assert_eq!(emulator.journal(), []);
}
