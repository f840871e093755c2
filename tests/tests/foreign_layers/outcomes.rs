//! Promise: a result that a layer creates, or a request that it repeats, does not hide what the
//! transport did.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_core::{
    Body, BoxService, CallContext, Error, HttpService, Idempotency, OperationInfo, open,
};
use blaxel_transport::Client;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tower::Layer;
use tower::retry::{Policy, RetryLayer};
use tower::util::{MapRequestLayer, MapResponseLayer};
use tower_http::timeout::TimeoutLayer;

use super::layers::copy;
use super::rig::{Stack, Step, client, request, transport};

static CREATE: OperationInfo = OperationInfo::new("CreateAgent", Method::POST, "/agents")
    .with_idempotency(Idempotency::ClientNamed);
static DELETE: OperationInfo = OperationInfo::new("DeleteAgent", Method::DELETE, "/agents/a");

/// Returns a client with one layer, at the call's or the attempt's position.
fn layered<L>(script: &'static [Step], layer: L, at_call: bool) -> Client
where
    L: Layer<BoxService> + Clone,
    L::Service: HttpService,
{
    let transport = transport(script, Arc::new(Mutex::new(Vec::new())));
    let builder = Client::builder()
        .api_key("k")
        .workspace("w")
        .transport(transport);
    if at_call {
        builder
            .call_layer(layer)
            .call_layer(Stack(Vec::new()))
            .build()
            .unwrap()
    } else {
        builder
            .attempt_layer(layer)
            .attempt_layer(Stack(Vec::new()))
            .build()
            .unwrap()
    }
}

/// A 408 that a client-side layer creates says nothing about the server.
#[tokio::test(start_paused = true)]
async fn a_client_side_timeout_does_not_rule_out_an_effect() {
    for at_call in [true, false] {
        let layer =
            TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(5));
        let client = layered(&[Step::Silence], layer, at_call);
        let error = open(&client, request(&CREATE)).await.unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::REQUEST_TIMEOUT));
        assert_eq!(
            (error.attempts(), error.maybe_applied()),
            (1, true),
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_tower_timeout_does_not_rule_out_an_effect() {
    for at_call in [true, false] {
        let layer = tower::timeout::TimeoutLayer::new(Duration::from_secs(5));
        let client = layered(&[Step::Silence], layer, at_call);
        let error = open(&client, request(&CREATE)).await.unwrap_err();
        assert_eq!(
            (error.attempts(), error.maybe_applied()),
            (1, true),
            "{error:?}"
        );
    }
}

/// A status from the server itself still proves that the request was refused.
#[tokio::test(start_paused = true)]
async fn a_refusal_by_the_server_rules_out_an_effect() {
    let client = client(transport(&[Step::Status(409)], Arc::default()), &[], &[]);
    let error = open(&client, request(&CREATE)).await.unwrap_err();
    assert_eq!(
        (error.attempts(), error.maybe_applied()),
        (1, false),
        "{error:?}"
    );
}

/// A length that is not that of the body would cut it, or join two requests.
#[tokio::test]
async fn a_layer_cannot_declare_a_wrong_length() {
    for at_call in [true, false] {
        for (name, value) in [("content-length", "3"), ("transfer-encoding", "chunked")] {
            let layer = MapRequestLayer::new(move |mut request: Request<Body>| {
                let value = HeaderValue::from_static(value);
                request.headers_mut().insert(name, value);
                request
            });
            let client = layered(&[], layer, at_call);
            let error = open(&client, request(&CREATE)).await.unwrap_err();
            assert!(error.is_input() && !error.maybe_applied(), "{error:?}");
            assert_eq!(error.attempts(), 0);
        }
    }
}

/// A retry policy that always repeats after a server error.
#[derive(Clone)]
struct Stubborn;

impl Policy<Request<Body>, Response<Body>, Error> for Stubborn {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Body>,
        result: &mut Result<Response<Body>, Error>,
    ) -> Option<std::future::Ready<()>> {
        let again = matches!(result, Ok(response) if response.status().is_server_error());
        again.then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        copy(request)
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_by_a_user_layer_is_counted() {
    for at_call in [true, false] {
        let script = &[Step::Status(500), Step::Status(500), Step::Status(404)];
        let client = layered(script, RetryLayer::new(Stubborn), at_call);
        let error = open(&client, request(&DELETE)).await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert_eq!(
            (error.attempts(), error.maybe_applied()),
            (3, true),
            "{error:?}"
        );
    }
}

/// The response of a layer that answers in place of the transport proves nothing.
#[tokio::test]
async fn a_success_that_a_layer_turns_into_a_failure_may_have_taken_effect() {
    for at_call in [true, false] {
        let layer = MapResponseLayer::new(|mut response: Response<Body>| {
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        });
        let client = layered(&[Step::Status(200)], layer, at_call);
        let error = open(&client, request(&DELETE)).await.unwrap_err();
        assert!(error.maybe_applied(), "{error:?}");
    }
}

/// A call layer reads from the response the number of times its request was sent.
#[tokio::test(start_paused = true)]
async fn a_response_carries_its_number_of_attempts() {
    let seen = Arc::new(Mutex::new(None));
    let note = Arc::clone(&seen);
    let layer = MapResponseLayer::new(move |response: Response<Body>| {
        let context = CallContext::of(response.extensions());
        *note.lock().unwrap() = context.map(CallContext::attempts);
        response
    });
    let client = layered(&[Step::Status(503), Step::Status(200)], layer, true);
    open(&client, request(&DELETE)).await.unwrap();
    let attempts = seen.lock().unwrap().unwrap();
    assert_eq!((attempts.sent, attempts.unclear), (2, true));
}
