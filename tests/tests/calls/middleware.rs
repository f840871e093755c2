//! Promise: the user's own layers have two positions, see the requests that belong there, and
//! change no default behavior.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use blaxel_core::{Body, BoxError, Error, HttpService, Plane, operation, raw_request};
use blaxel_emulator::{Emulator, Fault};
use blaxel_management::Management;
use blaxel_management::agents::Agent;
use blaxel_transport::Client;
use http::StatusCode;
use tower::{Layer, Service};

/// A layer that counts requests by operation, as a user would write it.
#[derive(Clone, Default)]
struct Counter {
    count: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Counting<S> {
    inner: S,
    counter: Counter,
}

impl<S> Layer<S> for Counter {
    type Service = Counting<S>;

    fn layer(&self, inner: S) -> Counting<S> {
        Counting {
            inner,
            counter: self.clone(),
        }
    }
}

impl<S: Service<http::Request<Body>>> Service<http::Request<Body>> for Counting<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> S::Future {
        self.counter.count.fetch_add(1, Ordering::Relaxed);
        let name = operation(&request).map_or("none", |info| info.name());
        let credential = request.headers().contains_key("x-blaxel-authorization");
        let line = format!("{name} {} credential={credential}", request.uri());
        self.counter.seen.lock().unwrap().push(line);
        self.inner.call(request)
    }
}

/// A retry policy that repeats a request once after a 503.
#[derive(Clone)]
struct TryAgain<S>(S);

impl<S: HttpService> Service<http::Request<Body>> for TryAgain<S> {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = blaxel_core::BoxFuture<Result<http::Response<Body>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let inner = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let again = body
                .try_clone()
                .map(|body| http::Request::from_parts(head.clone(), body));
            let response = inner.send(http::Request::from_parts(head, body)).await?;
            match again {
                Some(again) if response.status() == StatusCode::SERVICE_UNAVAILABLE => {
                    inner.send(again).await
                }
                _ => Ok(response),
            }
        })
    }
}

#[tokio::test]
async fn layers_see_operations_and_attempts_at_their_positions() {
    let emulator = Emulator::start().await.unwrap();
    let (operations, attempts) = (Counter::default(), Counter::default());
    let client = Client::builder()
        .api_key(emulator.api_key())
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        .call_layer(operations.clone())
        .call_layer(tower::layer::layer_fn(TryAgain))
        .attempt_layer(attempts.clone())
        .build()
        .unwrap();
    let agents = Management::new(client).agents();

    emulator
        .fault(
            "ListAgents",
            Fault::html(StatusCode::SERVICE_UNAVAILABLE),
            1,
        )
        .unwrap();
    agents.list().await.unwrap();
    agents.create(&Agent::new("bot")).await.unwrap();

    assert_eq!(operations.count.load(Ordering::Relaxed), 2);
    assert_eq!(attempts.count.load(Ordering::Relaxed), 3);
    assert_eq!(
        *operations.seen.lock().unwrap(),
        [
            "ListAgents blaxel://control/agents credential=false",
            "CreateAgent blaxel://control/agents credential=false"
        ]
    );
    let url = emulator.url();
    assert_eq!(
        *attempts.seen.lock().unwrap(),
        [
            format!("ListAgents {url}/agents credential=true"),
            format!("ListAgents {url}/agents credential=true"),
            format!("CreateAgent {url}/agents credential=true"),
        ]
    );
}

#[tokio::test]
async fn the_first_layer_is_the_outermost() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let order = Arc::clone(&order);
        tower::util::MapRequestLayer::new(move |request: http::Request<Body>| {
            order.lock().unwrap().push(name);
            request
        })
    };
    let client = Client::builder()
        .api_key("k")
        .workspace("w")
        .attempt_layer(note("attempt 1"))
        .call_layer(note("call 1"))
        .call_layer(note("call 2"))
        .attempt_layer(note("attempt 2"))
        .transport(tower::service_fn(async |_| {
            Ok::<_, Error>(http::Response::new(Body::from("[]")))
        }))
        .build()
        .unwrap();
    Management::new(client).agents().list().await.unwrap();
    assert_eq!(
        *order.lock().unwrap(),
        ["call 1", "call 2", "attempt 1", "attempt 2"]
    );
}

/// Third-party layers: one that changes the error, one that changes the body.
#[tokio::test]
async fn tower_layers_fit_and_a_boxed_client_is_one_type() {
    let emulator = Emulator::start().await.unwrap();
    let builder = || {
        Client::builder()
            .api_key(emulator.api_key())
            .workspace(emulator.workspace())
            .api_url(emulator.url())
    };
    let plain = builder().build().unwrap();
    let layered = builder()
        .call_layer(tower::timeout::TimeoutLayer::new(Duration::from_secs(5)))
        .call_layer(tower::limit::ConcurrencyLimitLayer::new(2))
        .attempt_layer(tower::util::MapResponseLayer::new(
            |response: http::Response<Body>| {
                response.map(|body| http_body_util::Limited::new(body, 1 << 20))
            },
        ))
        .build()
        .unwrap();
    for client in [plain, layered] {
        let agents = Management::new(client).agents();
        assert!(agents.list().await.unwrap().items.is_empty());
        // A layer that boxes errors passes our own error on as itself.
        let error = agents.get("nobody").await.unwrap_err();
        assert!(error.is_not_found());
    }
}

#[tokio::test]
async fn a_foreign_error_names_the_operation() {
    let broken = tower::service_fn(async |_: http::Request<Body>| {
        Err::<http::Response<Body>, BoxError>("the cable is unplugged".into())
    });
    let client = Client::builder()
        .api_key("k")
        .workspace("w")
        .transport(broken)
        .build()
        .unwrap();
    let error = Management::new(client)
        .agents()
        .get("bot")
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("GetAgent: ") && text.contains("the cable is unplugged"),
        "{text}"
    );
}

/// A layer cannot send the credential elsewhere: the address is checked before the attempt's layer
/// position, and the caller's values of the credential's headers are replaced.
#[tokio::test]
async fn credentials_are_sent_to_trusted_origins_only() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let transport = tower::service_fn(move |request: http::Request<Body>| {
        log.lock().unwrap().push(request);
        std::future::ready(Ok::<_, Error>(http::Response::new(Body::from("[]"))))
    });
    let client = Client::builder()
        .api_key("bl_own")
        .workspace("w")
        .trust("https://mirror.example")
        .transport(transport)
        .build()
        .unwrap();
    let send = async |uri: &str| {
        let request = http::Request::get(uri)
            .header("authorization", "Bearer stray")
            .header("x-blaxel-authorization", "Bearer stray");
        let request = request.body(Body::empty()).unwrap();
        client.send(raw_request(Plane::Control, request)?).await
    };
    for good in [
        "/agents",
        "https://api.blaxel.ai/v0/x",
        "https://agt-a-w.us-pdx-1.bl.run/x",
        "https://mirror.example/x",
    ] {
        send(good).await.unwrap();
        let request = seen.lock().unwrap().pop().unwrap();
        assert!(!request.headers().contains_key("authorization"));
        assert_eq!(request.headers()["x-blaxel-authorization"], "Bearer bl_own");
        assert!(request.headers()["x-blaxel-authorization"].is_sensitive());
        assert_eq!(request.headers()["blaxel-version"], "2026-04-28");
    }
    for bad in [
        "https://evil.example/?token=abc",
        "https://api.blaxel.ai.evil.example/",
        "https://evilbl.run/",
        "http://agt-a-w.us-pdx-1.bl.run/",
        "http://api.blaxel.ai/v0/x",
        "https://api.blaxel.ai:8443/",
    ] {
        let error = send(bad).await.unwrap_err();
        assert!(
            error.is_input() && !error.to_string().contains("abc"),
            "{bad}: {error}"
        );
    }
    assert!(seen.lock().unwrap().is_empty());
}
