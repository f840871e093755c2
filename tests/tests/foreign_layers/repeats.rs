//! Promise: the client repeats no request because of what a layer returned. A request that a layer
//! repeated, changed or delayed is counted, and is not sent again unless that is known to be safe.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_core::{
    Body, BoxService, CallOptions, Error, HttpService, Idempotency, OperationInfo, Plane, open,
    raw_request,
};
use blaxel_transport::Client;
use http::{Method, Request, Response, Uri};
use tokio::time::Instant;
use tower::Layer;
use tower::buffer::BufferLayer;
use tower::layer::layer_fn;
use tower::limit::ConcurrencyLimitLayer;
use tower::retry::{Policy, RetryLayer};
use tower::util::MapRequestLayer;

use super::layers::copy;
use super::rig::{Stack, Step, client, request, transport};

static CREATE: OperationInfo = OperationInfo::new("CreateAgent", Method::POST, "/agents")
    .with_idempotency(Idempotency::ClientNamed);
static READ: OperationInfo = OperationInfo::new("GetAgent", Method::GET, "/agents/a");

type Log = Arc<Mutex<Vec<String>>>;

/// Returns a client with a layer at the attempt's position.
fn at_attempt<L>(script: &'static [Step], log: &Log, layer: L) -> Client
where
    L: Layer<BoxService>,
    L::Service: HttpService,
{
    Client::builder()
        .api_key("k")
        .workspace("w")
        .transport(transport(script, Arc::clone(log)))
        .attempt_layer(layer)
        .attempt_layer(Stack(Vec::new()))
        .build()
        .unwrap()
}

/// A retry policy that repeats a failed request once.
#[derive(Clone)]
struct Once(bool);

impl<B> Policy<Request<Body>, Response<B>, Error> for Once {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Body>,
        result: &mut Result<Response<B>, Error>,
    ) -> Option<std::future::Ready<()>> {
        let again = result.is_err() && !std::mem::replace(&mut self.0, true);
        again.then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        copy(request)
    }
}

/// A refused connection at the last attempt proves nothing about the previous one.
#[tokio::test(start_paused = true)]
async fn a_refused_retry_does_not_rule_out_an_effect() {
    let log = Log::default();
    let script = &[Step::Cut, Step::Refuse, Step::Status(200)];
    let client = Client::builder()
        .api_key("k")
        .workspace("w")
        .transport(transport(script, Arc::clone(&log)))
        .attempt_layer(RetryLayer::new(Once(false)))
        .build()
        .unwrap();
    let error = open(&client, request(&CREATE)).await.unwrap_err();
    assert_eq!(
        (log.lock().unwrap().len(), error.attempts()),
        (2, 2),
        "{error:?}"
    );
    assert!(error.maybe_applied(), "{error:?}");
}

/// Wraps a service to send each request twice concurrently, and return the first result when both are
/// there.
fn hedged(inner: BoxService) -> BoxService {
    tower::service_fn(move |request: Request<Body>| {
        let second = copy(&request).unwrap();
        let inner = inner.clone();
        async move { tokio::join!(inner.send(request), inner.send(second)).0 }
    })
    .boxed()
}

/// The attempts of both calls are started before the transport receives either.
#[tokio::test(start_paused = true)]
async fn hedged_requests_are_counted_when_they_arrive() {
    let log = Log::default();
    let client = Client::builder()
        .api_key("k")
        .workspace("w")
        .transport(transport(
            &[Step::Status(404), Step::Status(404)],
            Arc::clone(&log),
        ))
        .call_layer(layer_fn(hedged))
        .call_layer(Stack(Vec::new()))
        .attempt_layer(BufferLayer::new(4))
        .attempt_layer(Stack(Vec::new()))
        .build()
        .unwrap();
    let error = open(&client, request(&CREATE)).await.unwrap_err();
    assert_eq!(error.attempts() as usize, log.lock().unwrap().len());
    assert_eq!(error.attempts(), 2);
}

/// A call's deadline also applies while it waits for the permit of a layer around an attempt.
#[tokio::test(start_paused = true)]
async fn a_deadline_applies_while_an_attempt_layer_is_not_ready() {
    let log = Log::default();
    let script = &[Step::Silence, Step::Status(200)];
    let client = at_attempt(script, &log, ConcurrencyLimitLayer::new(1));
    let silent = tokio::spawn({
        let client = client.clone();
        async move { open(&client, request(&CREATE)).await }
    });
    tokio::task::yield_now().await;
    let start = Instant::now();
    let hurried = client.with_options(CallOptions::new().with_deadline(Duration::from_secs(2)));
    let error = open(&hurried, request(&CREATE)).await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 2, "{error}");
    assert!(error.is_timeout(), "{error}");
    assert_eq!((error.attempts(), error.maybe_applied()), (0, false));
    silent.abort();
}

/// If a layer changes the method of a safe request, the request need not be safe any more.
#[tokio::test(start_paused = true)]
async fn a_changed_method_is_not_retried_like_its_operation() {
    let log = Log::default();
    let layer = MapRequestLayer::new(|mut request: Request<Body>| {
        *request.method_mut() = Method::POST;
        request
    });
    let client = Client::builder()
        .api_key("k")
        .workspace("w")
        .transport(transport(&[Step::Status(503)], Arc::clone(&log)))
        .call_layer(layer)
        .build()
        .unwrap();
    let error = open(&client, request(&READ)).await.unwrap_err();
    assert_eq!(log.lock().unwrap().len(), 1, "{error:?}");
}

/// A layer that follows a redirect keeps the headers it does not know.
#[tokio::test]
async fn a_redirect_by_a_layer_carries_no_credential() {
    let log = Log::default();
    let layer = MapRequestLayer::new(|mut request: Request<Body>| {
        *request.uri_mut() = Uri::from_static("https://elsewhere.example/agents/a");
        request
    });
    let client = at_attempt(&[Step::Status(200)], &log, layer);
    open(&client, request(&READ)).await.unwrap();
    assert_eq!(
        *log.lock().unwrap(),
        ["GET https://elsewhere.example/agents/a false"]
    );
}

fn raw(method: Method, plane: Plane) -> Request<Body> {
    let request = Request::builder().method(method).uri("/agents/a");
    raw_request(plane, request.body(Body::empty()).unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_lost_raw_request_may_have_been_applied_unless_it_is_safe() {
    for (method, applied) in [
        (Method::GET, false),
        (Method::DELETE, true),
        (Method::POST, true),
    ] {
        let client = client(transport(&[Step::Cut], Log::default()), &[], &[]);
        let error = open(&client, raw(method, Plane::Control))
            .await
            .unwrap_err();
        assert_eq!(error.maybe_applied(), applied, "{error:?}");
    }
    let client = client(
        transport(&[Step::Refuse, Step::Refuse], Log::default()),
        &[],
        &[],
    );
    let error = open(&client, raw(Method::DELETE, Plane::Control))
        .await
        .unwrap_err();
    assert!(!error.maybe_applied(), "{error:?}");
}

/// A workload's own 4xx is its response, whether the request is described or raw.
#[tokio::test(start_paused = true)]
async fn a_raw_workload_request_is_retried_exactly_if_its_error_is_transient() {
    let log = Log::default();
    let script = &[Step::Status(429), Step::Status(429), Step::Status(429)];
    let client = client(transport(script, Arc::clone(&log)), &[], &[]);
    let client = client.with_options(CallOptions::new().with_idempotent(true));
    let error = open(&client, raw(Method::POST, Plane::Run))
        .await
        .unwrap_err();
    let retried = log.lock().unwrap().len() > 1;
    assert_eq!(error.is_transient(), retried, "{error:?}");
}
