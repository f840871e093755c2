//! Runs calls on a scripted transport under paused time, and records every part of their outcome
//! that a layer could change.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{
    Body, BoxFuture, BoxService, CallOptions, Error, HttpService, Idempotency, OperationInfo,
    Plane, RequestWriter, Source, open,
};
use blaxel_transport::{Client, ClientBuilder, MakeTransport, RetryPolicy};
use http::{HeaderValue, Method};
use tokio::time::Instant;
use tower::layer::util::Identity;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::layers::Wrap;

static READ: OperationInfo = OperationInfo::new("GetAgent", Method::GET, "/agents/a");
static DELETE: OperationInfo = OperationInfo::new("DeleteAgent", Method::DELETE, "/agents/a");
static CREATE: OperationInfo = OperationInfo::new("CreateAgent", Method::POST, "/agents")
    .with_idempotency(Idempotency::ClientNamed);
static CALL: OperationInfo =
    OperationInfo::new("CallAgent", Method::DELETE, "/agents/a").with_plane(Plane::Run);
static INVOKE: OperationInfo =
    OperationInfo::new("InvokeAgent", Method::POST, "/agents/a").with_plane(Plane::Run);
static STREAM: OperationInfo = OperationInfo::new("StreamAgent", Method::POST, "/agents/a")
    .with_plane(Plane::Run)
    .streaming();
static UPLOAD: OperationInfo =
    OperationInfo::new("Upload", Method::PUT, "/upload").with_plane(Plane::Presigned);

static GUEST: OperationInfo =
    OperationInfo::new("ListFiles", Method::GET, "/files").with_plane(Plane::Run);

/// An address that is trusted with the credential, for a request without one.
const PREVIEW: &str = "https://sbx-a-w.us-pdx-1.bl.run/files";

/// A presigned address on an origin that is trusted with the credential.
const PRESIGNED: &str = "https://api.blaxel.ai/v0/uploads/1?signature=x";

/// The transport's reaction to an attempt.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Status(u16),
    /// A body whose second chunk arrives after this many seconds.
    Slow(u64),
    Refuse,
    Cut,
    Silence,
}

use Step::{Cut, Refuse, Silence, Slow, Status};

/// A call, and the transport's reactions to its attempts.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    info: &'static OperationInfo,
    script: &'static [Step],
    options: Option<fn(CallOptions) -> CallOptions>,
}

const fn scenario(info: &'static OperationInfo, script: &'static [Step]) -> Scenario {
    Scenario {
        info,
        script,
        options: None,
    }
}

/// One scenario for each default behavior that a layer once broke.
pub static SCENARIOS: &[Scenario] = &[
    scenario(&READ, &[Status(200)]),
    scenario(&READ, &[Status(404)]),
    scenario(&READ, &[Status(503), Status(200)]),
    scenario(&READ, &[Cut, Status(503), Status(200)]),
    scenario(&DELETE, &[Status(503), Status(404)]),
    scenario(&DELETE, &[Refuse, Status(404)]),
    scenario(&CREATE, &[Refuse, Status(200)]),
    scenario(&CREATE, &[Status(503)]),
    scenario(&CREATE, &[Cut]),
    scenario(&CALL, &[Status(200)]),
    scenario(&CALL, &[Status(503), Status(200)]),
    scenario(&INVOKE, &[Status(401)]),
    scenario(&INVOKE, &[Status(503)]),
    scenario(&STREAM, &[Slow(100)]),
    scenario(&READ, &[Slow(100)]),
    scenario(&UPLOAD, &[Status(200)]),
    scenario(&UPLOAD, &[Status(403)]),
    scenario(&GUEST, &[Status(503), Status(200)]),
    scenario(&GUEST, &[Status(401)]),
    Scenario {
        options: Some(|options| options.with_attempts(1)),
        ..scenario(&READ, &[Status(503)])
    },
    Scenario {
        options: Some(|options| options.with_idempotent(true)),
        ..scenario(&INVOKE, &[Status(503), Status(200)])
    },
    Scenario {
        options: Some(|options| options.with_deadline(Duration::from_secs(2))),
        ..scenario(&CREATE, &[Silence])
    },
    Scenario {
        options: Some(|options| options.with_deadline(Duration::from_secs(2))),
        ..scenario(&READ, &[Slow(3)])
    },
];

/// The outcome of a scenario.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// The method, the address and the presence of a credential of each request that the transport
    /// received.
    sent: Vec<String>,
    result: String,
    seconds: u64,
    /// The names of the calls' spans.
    spans: Vec<String>,
}

type Log = Arc<Mutex<Vec<String>>>;

/// Creates a transport that follows a script, and records the requests it receives.
pub fn transport(script: &'static [Step], log: Log) -> impl HttpService {
    let script = Arc::new(Mutex::new(script.iter().copied().collect::<VecDeque<_>>()));
    tower::service_fn(move |request: http::Request<Body>| {
        let credential = request.headers().contains_key("x-blaxel-authorization");
        let line = format!("{} {} {credential}", request.method(), request.uri());
        log.lock().unwrap().push(line);
        let step = script.lock().unwrap().pop_front();
        let response: BoxFuture<_> = Box::pin(async move {
            // Whatever the layers did to the body, its bytes must arrive.
            let mut body = request.into_body();
            while body.chunk().await?.is_some() {}
            perform(step.expect("an attempt beyond the script")).await
        });
        response
    })
}

async fn perform(step: Step) -> Result<http::Response<Body>, Error> {
    use std::io::{Error as IoError, ErrorKind};
    let lost = |kind: ErrorKind| Error::from_box(IoError::from(kind).into());
    match step {
        Status(status) => Ok(respond(status, Body::from("{}"))),
        Slow(seconds) => Ok(respond(200, slow(seconds))),
        // Proof that nothing was sent, in the form of the SDK's transport.
        Refuse => Err(Error::connect(
            "https://api.example",
            IoError::from(ErrorKind::ConnectionRefused),
        )),
        Cut => Err(lost(ErrorKind::ConnectionReset)),
        Silence => std::future::pending().await,
    }
}

fn respond(status: u16, body: Body) -> http::Response<Body> {
    http::Response::builder().status(status).body(body).unwrap()
}

fn slow(seconds: u64) -> Body {
    let chunks = futures_util::stream::unfold(0, move |sent| async move {
        if sent == 1 {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        let frame = http_body::Frame::data(bytes::Bytes::from_static(b"{}"));
        (sent < 2).then_some((Ok::<_, std::io::Error>(frame), sent + 1))
    });
    Body::new(http_body_util::StreamBody::new(chunks))
}

pub fn request(info: &'static OperationInfo) -> http::Request<Body> {
    request_with(info, None)
}

fn request_with(info: &'static OperationInfo, options: Option<CallOptions>) -> http::Request<Body> {
    let mut writer = RequestWriter::new(info);
    if info.plane() == Plane::Presigned {
        writer.presigned(PRESIGNED, &Source::Code).unwrap();
    }
    if std::ptr::eq(info, &GUEST) {
        writer.address(PREVIEW, &Source::Code).unwrap();
        writer.without_credential();
    }
    if *info.method() == Method::POST {
        writer.body("{}".into(), HeaderValue::from_static("application/json"));
    }
    if let Some(options) = options {
        writer.options(options);
    }
    writer.finish().unwrap()
}

/// Returns a client with these layers, each list from the outermost inwards.
pub fn client(transport: impl HttpService, call: &[Wrap], attempt: &[Wrap]) -> Client {
    let builder = Client::builder()
        .api_key("bl_key")
        .workspace("w")
        .retry(RetryPolicy::new().seed(7))
        .transport(transport);
    build(builder, call, attempt)
}

/// Builds a client with these layers.
pub fn build<T>(
    builder: ClientBuilder<T, Identity, Identity>,
    call: &[Wrap],
    attempt: &[Wrap],
) -> Client
where
    T: MakeTransport<Transport: HttpService>,
{
    builder
        .call_layer(Stack(call.to_vec()))
        .attempt_layer(Stack(attempt.to_vec()))
        .build()
        .unwrap()
}

/// A stack of layers that is used as one layer.
#[derive(Clone)]
pub struct Stack(pub Vec<Wrap>);

impl<S: HttpService> tower::Layer<S> for Stack {
    type Service = BoxService;

    fn layer(&self, inner: S) -> BoxService {
        let wraps = self.0.iter().rev();
        wraps.fold(inner.boxed(), |inner, wrap| wrap.around(inner))
    }
}

/// Runs a scenario through these layers.
pub async fn run(scenario: &Scenario, call: &[Wrap], attempt: &[Wrap]) -> Outcome {
    let log = Log::default();
    let spans = Spans::default();
    let start = Instant::now();
    let guard = tracing::subscriber::set_default(spans.clone());
    let client = client(transport(scenario.script, Arc::clone(&log)), call, attempt);
    let options = scenario.options.map(|set| set(CallOptions::new()));
    let result = exchange(&client, request_with(scenario.info, options)).await;
    drop(guard);
    Outcome {
        sent: log.lock().unwrap().clone(),
        result: match result {
            Ok((status, size)) => format!("{status} {size}"),
            Err(error) => describe(&error),
        },
        seconds: start.elapsed().as_secs(),
        spans: spans.0.lock().unwrap().clone(),
    }
}

async fn exchange(client: &Client, request: http::Request<Body>) -> Result<(u16, usize), Error> {
    let response = open(client, request).await?;
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut size = 0;
    while let Some(chunk) = body.chunk().await? {
        size += chunk.len();
    }
    Ok((status, size))
}

/// Formats every part of the result by which a caller decides.
pub fn describe(error: &Error) -> String {
    format!(
        "{:?} {:?} {:?} attempts={} maybe_applied={} transient={} in {:?}",
        error.kind(),
        error.status(),
        error.delivery(),
        error.attempts(),
        error.maybe_applied(),
        error.is_transient(),
        error.operation().map(|info| info.name()),
    )
}

/// A subscriber that records the names of the calls' spans.
#[derive(Clone, Default)]
struct Spans(Log);

impl Visit for Spans {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "otel.name" {
            self.0.lock().unwrap().push(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.name() == "blaxel.call"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
