//! Promise: the facades do not need our client. They run on any tower service, and an operation can
//! be encoded and decoded without any service.

use std::sync::{Arc, Mutex};

use blaxel_billing::{Billing, MetricsQuery, Window};
use blaxel_core::{Body, Endpoints, Error, Operation, call};
use blaxel_inference::{ChatRequest, Inference, Message};
use blaxel_management::Management;
use blaxel_management::agents::Agent;
use blaxel_management::operations::Get;
use bytes::Bytes;
use serde_json::{Value, json};

/// Creates a service that responds by path, and records the paths of its requests.
fn by_path(paths: Arc<Mutex<Vec<String>>>) -> impl blaxel_core::HttpService {
    tower::service_fn(move |request: http::Request<Body>| {
        let path = request.uri().path().to_owned();
        let response = match path.as_str() {
            "/agents" => json!({"data": [{"metadata": {"name": "a"}, "spec": {}}], "meta": {}}),
            "/agents/a" => json!({"output": "hi"}),
            "/models/m/v1/chat/completions" => {
                json!({"choices": [{"message": {"role": "assistant", "content": "yes"}}]})
            }
            "/accounts/acc/metrics" => {
                json!({"summary": {"totalCost": 1.5}, "data": [], "meta": {}})
            }
            _ => Value::Null,
        };
        paths.lock().unwrap().push(path);
        std::future::ready(Ok::<_, Error>(http::Response::new(Body::from(
            response.to_string(),
        ))))
    })
}

#[tokio::test]
async fn every_facade_runs_on_a_service_fn() {
    let paths = Arc::new(Mutex::new(Vec::new()));
    let service = by_path(Arc::clone(&paths));

    let page = Management::new(service.clone())
        .agents()
        .list()
        .await
        .unwrap();
    assert_eq!(page.items[0].metadata.name, "a");

    let inference = Inference::new(service.clone());
    let reply: Value = inference.agent("a").invoke(&json!({})).await.unwrap();
    assert_eq!(reply["output"], "hi");
    let chat = ChatRequest::new([Message::user("well?")]);
    assert_eq!(
        inference.model("m").chat(&chat).await.unwrap().text(),
        Some("yes")
    );

    let query = MetricsQuery::new(Window::month(2026, 4).unwrap());
    let metrics = Billing::new(service).metrics("acc", &query).await.unwrap();
    assert_eq!(metrics.summary.cost, "1.5".parse().unwrap());

    assert_eq!(paths.lock().unwrap().len(), 4);
}

/// Encodes, sends and decodes an operation by hand, like a user of another HTTP client.
#[test]
fn an_operation_works_with_any_http_client() {
    let operation = Get::<Agent>::new("my agent");
    let mut request = operation.encode().unwrap();
    let endpoints = Endpoints::new(
        "https://api.blaxel.ai/v0"
            .parse::<blaxel_core::BaseUrl>()
            .unwrap(),
        "https://run.blaxel.ai"
            .parse::<blaxel_core::BaseUrl>()
            .unwrap(),
    );
    endpoints.resolve(&mut request, None).unwrap();
    assert_eq!(request.uri(), "https://api.blaxel.ai/v0/agents/my%20agent");

    let response = |status: u16, body: &'static str| {
        let response = http::Response::builder().status(status);
        response.body(Bytes::from_static(body.as_bytes())).unwrap()
    };
    type Op<'a> = Get<'a, Agent>;
    let agent = Op::decode(response(
        200,
        r#"{"metadata":{"name":"my agent"},"spec":{}}"#,
    ))
    .unwrap();
    assert_eq!(agent.metadata.name, "my agent");
    let error = Op::decode(response(404, r#"{"error":"Agent not found","code":404}"#)).unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(
        error.to_string(),
        "GetAgent: 404 Not Found: Agent not found"
    );
}

/// A service whose readiness is valid for one call: the facade must call the clone that was ready.
#[tokio::test]
async fn the_ready_service_is_the_one_that_is_called() {
    let inner = tower::service_fn(async |_: http::Request<Body>| {
        Ok::<_, Error>(http::Response::new(Body::from(
            "{\"metadata\":{},\"spec\":{}}",
        )))
    });
    // It panics if it is called without having been polled until ready.
    let limited = tower::limit::ConcurrencyLimit::new(inner, 1);
    let calls = (0..20).map(|_| {
        let service = limited.clone();
        tokio::spawn(async move { call(&service, &Get::<Agent>::new("a")).await })
    });
    for outcome in calls.collect::<Vec<_>>() {
        outcome.await.unwrap().unwrap();
    }
}
