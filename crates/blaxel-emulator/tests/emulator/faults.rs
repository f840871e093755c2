//! Faults that are injected by operation and count.

use std::time::{Duration, Instant};

use blaxel_emulator::{Emulator, Fault};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::support::{as_client, get, post};

#[tokio::test]
async fn a_fault_applies_to_its_operation_the_given_number_of_times() {
    let emulator = Emulator::offline();
    let busy = Fault::json(
        StatusCode::SERVICE_UNAVAILABLE,
        json!({"code": 503, "error": "busy"}),
    )
    .header(header::RETRY_AFTER, HeaderValue::from_static("1"));
    emulator.fault("ListModels", busy, 2).unwrap();
    emulator
        .fault("ListModels", Fault::html(StatusCode::BAD_GATEWAY), 1)
        .unwrap();
    assert_eq!(emulator.waiting_faults(), 3);

    get("/agents").on(&emulator).await.expect(200);
    for _ in 0..2 {
        let reply = get("/models").on(&emulator).await;
        assert_eq!(reply.control_error(503), "busy");
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert!(reply.header("x-request-id").is_some());
    }
    let page = get("/models").on(&emulator).await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (502, Some("text/html"))
    );
    get("/models").on(&emulator).await.expect(200);
    assert_eq!(emulator.waiting_faults(), 0);
    let statuses: Vec<_> = emulator
        .journal()
        .iter()
        .map(|entry| entry.status)
        .collect();
    assert_eq!(statuses, [200, 503, 503, 502, 200].map(Some));
}

#[tokio::test]
async fn a_gateway_fault_has_the_gateways_format() {
    let emulator = Emulator::offline();
    emulator.add_agent("a");
    let gone = Fault::gateway(StatusCode::NOT_FOUND, "WORKLOAD_UNAVAILABLE", true);
    emulator.fault("InvokeAgent", gone, 1).unwrap();
    let url = format!("{}/demo/agents/a", emulator.run_url());
    let reply = post(&url, &json!({"inputs": 1})).on(&emulator).await;
    reply.gateway(404, "WORKLOAD_UNAVAILABLE");
    assert_eq!(reply.json()["error"]["retryable"], true);
    post(&url, &json!({"inputs": 1}))
        .on(&emulator)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_closed_connection_returns_no_response_with_or_without_a_socket() {
    let emulator = Emulator::start().await.unwrap();
    emulator.fault("GetModel", Fault::disconnect(), 2).unwrap();
    let url = format!("{}/models/claude-haiku", emulator.url());
    assert!(as_client(get(&url), &emulator).over_socket().await.is_err());
    let error = get(&url).begin(&emulator.service()).await.unwrap_err();
    assert_eq!(error.kind(), blaxel_core::ErrorKind::Transport, "{error}");
    as_client(get(&url), &emulator)
        .over_socket()
        .await
        .unwrap()
        .expect(200);
    let statuses: Vec<_> = emulator
        .journal()
        .iter()
        .map(|entry| entry.status)
        .collect();
    assert_eq!(statuses, [None, None, Some(200)]);
}

#[tokio::test]
async fn a_response_can_be_lost_after_processing() {
    let emulator = Emulator::offline();
    let lost = Fault::html(StatusCode::GATEWAY_TIMEOUT).after_processing();
    emulator.fault("CreateAgent", lost, 1).unwrap();
    let document = json!({"metadata": {"name": "a"}, "spec": {}});
    assert_eq!(post("/agents", &document).on(&emulator).await.status, 504);
    get("/agents/a").on(&emulator).await.expect(200);
    post("/agents", &document)
        .on(&emulator)
        .await
        .control_error(409);
}

#[tokio::test]
async fn a_response_can_be_delayed() {
    let emulator = Emulator::offline();
    emulator
        .fault("ListModels", Fault::delay(Duration::from_millis(30)), 1)
        .unwrap();
    let began = Instant::now();
    get("/models").on(&emulator).await.expect(200);
    assert!(began.elapsed() >= Duration::from_millis(30));
}

#[test]
fn an_unknown_operation_is_an_error() {
    let emulator = Emulator::offline();
    let error = emulator
        .fault("ListModel", Fault::disconnect(), 1)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`ListModel`") && error.contains("ListModels"),
        "{error}"
    );
    for operation in emulator.operations() {
        emulator.fault(operation, Fault::disconnect(), 0).unwrap();
    }
    assert_eq!(emulator.waiting_faults(), 0);
}
