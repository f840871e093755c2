//! [`Proxy`], which passes requests on to the platform, and records them.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header};
use hyper::upgrade::{OnUpgrade, on};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::Seen;
use super::addresses::{Addresses, Destination};
use super::bodies::{self, Read};
use super::client::{Client, asks_for_upgrade};
use crate::clock::Clock;
use crate::journal::{CredentialKind, Entry, Recording};
use crate::lock::lock;
use crate::mask::{self, Secrets};
use crate::router::{CREDENTIALS, VERSION, WORKSPACE, redacted_path, remove_hop_by_hop};
use crate::server::Handler;

/// Maximum number of bytes of a body that is recorded, or read as a whole.
const LIMIT: usize = 8 << 20;

/// The header with the address of an upload.
const UPLOAD_URL: &str = "x-blaxel-upload-url";

/// The headers with addresses.
const ADDRESSES: [&str; 2] = ["location", "content-location"];

/// A proxy with what it passes requests on to.
#[derive(Clone)]
pub(super) struct Proxy(Arc<Shared>);

struct Shared {
    addresses: Addresses,
    client: Client,
    seen: Arc<Seen>,
    clock: Clock,
    /// The connections that have another protocol by now. They end with the proxy.
    tunnels: Mutex<JoinSet<()>>,
}

impl Handler for Proxy {
    type Stream = TcpStream;

    fn connected(&self, stream: TcpStream) -> (Self, TcpStream) {
        (self.clone(), stream)
    }

    fn call(&self, request: Request) -> impl Future<Output = Response> + Send {
        self.0.pass(request)
    }
}

impl Proxy {
    pub(super) fn new(addresses: Addresses, client: Client, seen: Arc<Seen>) -> Self {
        Self(Arc::new(Shared {
            addresses,
            client,
            seen,
            clock: Clock::real(),
            tunnels: Mutex::default(),
        }))
    }
}

impl Shared {
    /// Passes a request on, and records it.
    async fn pass(&self, request: Request) -> Response {
        let Some(to) = self.destination(&request) else {
            let problem =
                "the recorder passes requests for /v0, /run and the hosts of the platform";
            return problem_response(StatusCode::NOT_FOUND, problem);
        };
        self.note(request.headers());
        let entry = self.entry(&request, &to);
        let secrets = || lock(&self.seen.secrets).clone();
        let recording =
            Recording::begin(&self.seen.journal, &self.clock, entry, Some(LIMIT), secrets);
        let mut request = recording.request(request);
        let method = request.method().clone();
        let upgrade = request.extensions_mut().remove::<OnUpgrade>();
        let upgrade = upgrade.filter(|_| asks_for_upgrade(request.headers()));
        let sent = match self.outgoing(request, &to, upgrade.is_some()).await {
            Ok(request) => self.client.send(request).await,
            Err(problem) => Err(problem.to_string()),
        };
        let mut response = match sent {
            Ok(response) => response,
            Err(problem) => {
                let origin = to.url.split(['?', '#']).next().unwrap_or_default();
                let origin = redacted(origin);
                let message = format!("cannot pass {method} {origin} on: {problem}");
                return recording.response(problem_response(StatusCode::BAD_GATEWAY, &message));
            }
        };
        self.note(response.headers());
        match upgrade {
            Some(upgrade) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                self.connect(upgrade, on(&mut response));
            }
            _ => remove_hop_by_hop(response.headers_mut()),
        }
        recording.response(self.incoming(response, &method, &to).await)
    }

    /// Returns the server that a request is for.
    fn destination(&self, request: &Request) -> Option<Destination> {
        let uri = request.uri();
        if let Some(url) = self.addresses.upload(uri.path()) {
            return Some(Destination {
                url,
                path: uri.path().to_owned(),
                control: None,
                is_named: false,
            });
        }
        let host = request.headers().get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
        let target = uri.path_and_query().map_or("/", |it| it.as_str());
        self.addresses.destination(host, target)
    }

    /// Returns a request as the platform gets it.
    async fn outgoing(
        &self,
        request: Request,
        to: &Destination,
        is_upgrade: bool,
    ) -> Result<Request, http::Error> {
        let (mut head, mut body) = request.into_parts();
        head.uri = Uri::try_from(to.url.as_str())?;
        // The client chooses.
        head.version = Version::HTTP_11;
        head.extensions.clear();
        let protocol = head.headers.get(header::UPGRADE).cloned();
        remove_hop_by_hop(&mut head.headers);
        if let Some(protocol) = protocol.filter(|_| is_upgrade) {
            let connection = HeaderValue::from_static("upgrade");
            head.headers.insert(header::UPGRADE, protocol);
            head.headers.insert(header::CONNECTION, connection);
        }
        // That of the address is set instead.
        head.headers.remove(header::HOST);
        // Bodies that are compressed could not be read here.
        head.headers.remove(header::ACCEPT_ENCODING);
        let is_whole = to.control.is_some() || head.headers.contains_key(header::CONTENT_LENGTH);
        if is_whole && bodies::is_json(&head.headers) {
            let by = |text: &str| self.addresses.for_platform(text);
            body = self.replaced(body, &mut head.headers, by, |_| {}).await;
        }
        Ok(Request::from_parts(head, body))
    }

    /// Returns a response as the client gets it.
    async fn incoming(&self, response: Response, method: &Method, to: &Destination) -> Response {
        let (mut head, mut body) = response.into_parts();
        let by = |text: &str| self.addresses.for_client(text, to.is_named);
        for (name, value) in &mut head.headers {
            let Ok(text) = value.to_str() else { continue };
            let other = match name.as_str() {
                UPLOAD_URL if !to.is_named => Some(self.addresses.for_upload(text)),
                name if ADDRESSES.contains(&name) => by(text),
                _ => None,
            };
            if let Some(other) = other.and_then(|other| HeaderValue::try_from(other).ok()) {
                *value = other;
            }
        }
        if let Some(path) = to
            .control
            .as_deref()
            .filter(|_| bodies::is_json(&head.headers))
        {
            let status = head.status;
            let see = |document: &Value| {
                if status.is_success() {
                    self.addresses.custom_hosts().see(path, document);
                }
                let clean = mask::document(document, path);
                lock(&self.seen.documents).see(method, path, status, &clean);
            };
            body = self.replaced(body, &mut head.headers, by, see).await;
        }
        Response::from_parts(head, body)
    }

    /// Replaces addresses in a document, unless it is too long. `see` is called with it as it was.
    async fn replaced(
        &self,
        body: Body,
        headers: &mut HeaderMap,
        by: impl Fn(&str) -> Option<String>,
        see: impl FnOnce(&Value),
    ) -> Body {
        let whole = match bodies::read(body, LIMIT).await {
            Read::Whole(whole) => whole,
            Read::Other(body) => return body,
        };
        let Ok(mut document) = serde_json::from_slice::<Value>(&whole) else {
            return Body::from(whole);
        };
        mask::collect(&document, &mut lock(&self.seen.secrets));
        see(&document);
        if !mask::replace_strings(&mut document, &mut |text| by(text)) {
            return Body::from(whole);
        }
        let other = document.to_string();
        headers.insert(header::CONTENT_LENGTH, other.len().into());
        Body::from(other)
    }

    /// Passes what follows a change of the protocol.
    fn connect(&self, client: OnUpgrade, platform: OnUpgrade) {
        let mut tunnels = lock(&self.tunnels);
        while tunnels.try_join_next().is_some() {}
        tunnels.spawn(async move {
            // Either side may go away.
            if let (Ok(client), Ok(platform)) = tokio::join!(client, platform) {
                let (mut client, mut platform) = (TokioIo::new(client), TokioIo::new(platform));
                let _ = copy_bidirectional(&mut client, &mut platform).await;
            }
        });
    }

    /// Remembers the credentials and the workspace in headers.
    fn note(&self, headers: &HeaderMap) {
        let mut secrets = lock(&self.seen.secrets);
        for (name, value) in headers {
            if mask::is_secret_header(name) {
                note_parts(value.to_str().unwrap_or_default(), &mut secrets);
            }
        }
        drop(secrets);
        if let Some(workspace) = headers.get(WORKSPACE).and_then(|name| name.to_str().ok()) {
            lock(&self.seen.documents).is_of(workspace);
        }
    }

    fn entry(&self, request: &Request, to: &Destination) -> Entry {
        let secrets = lock(&self.seen.secrets).clone();
        let query = request.uri().query();
        let masked = query.map(|query| mask::parameters(query, |value| secrets.contain(value)));
        let (query, leaked) = masked.map_or((None, None), |it| (Some(it.text), it.leaked));
        let headers = request.headers();
        let version = headers
            .get(VERSION)
            .and_then(|version| version.to_str().ok());
        let mut entry = Entry::arrived(self.clock.now(), SystemTime::now());
        entry.method = request.method().to_string();
        entry.path = redacted_path(&to.path).to_owned();
        entry.query = query;
        entry.secret_in_url = leaked.map(|name| format!("the query parameter `{name}`"));
        entry.version = version.map(str::to_owned);
        // The platform knows which one it is.
        if CREDENTIALS.iter().any(|name| headers.contains_key(name)) {
            entry.credential = CredentialKind::ApiKey;
        }
        entry
    }
}

/// Remembers the parts of a header. A scheme such as `Bearer` is no secret, and neither is the name of a cookie.
fn note_parts(text: &str, secrets: &mut Secrets) {
    for part in text.split([' ', ';', ',']) {
        let part = match part.split_once('=') {
            // The padding of Base64.
            Some((name, "" | "=")) => name,
            Some((_, value)) => value,
            None => part,
        };
        if part.len() > "bearer".len() {
            secrets.add(part);
        }
    }
}

/// Returns an address without secrets, for messages. The address of an upload may be one as a whole.
fn redacted(url: &str) -> String {
    let (origin, path) = match url
        .find("://")
        .and_then(|at| Some(at + 3 + url[at + 3..].find('/')?))
    {
        Some(at) => url.split_at(at),
        None => (url, ""),
    };
    format!("{origin}{}", redacted_path(path))
}

fn problem_response(status: StatusCode, message: &str) -> Response {
    let body = json!({"code": status.as_u16(), "error": message});
    (status, Json(body)).into_response()
}
