//! The proxy of a recorder.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Bytes;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::Seen;
use crate::clock::Clock;
use crate::journal::{CredentialKind, Entry, Recording, observe};
use crate::lock::lock;
use crate::mask::{self, Secrets};
use crate::router::{CREDENTIALS, VERSION, WORKSPACE, remove_hop_by_hop};
use crate::workload::Target;

/// The paths of the proxy for the control plane and for the workloads.
pub(super) const API: &str = "/v0";
pub(super) const RUN: &str = "/run";

/// Maximum number of bytes of a body that is recorded.
const LIMIT: usize = 8 << 20;

/// A proxy with what it passes requests on to.
#[derive(Clone)]
pub(super) struct Proxy {
    pub(super) api: Target,
    pub(super) run: Target,
    pub(super) seen: Arc<Seen>,
    pub(super) clock: Clock,
}

impl Proxy {
    /// Serves on a free port. Returns the origin, and the task, which serves until it is aborted.
    pub(super) async fn serve(self) -> io::Result<(String, AbortHandle)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let pass = move |request: Request| {
            let proxy = self.clone();
            async move { proxy.pass(request).await }
        };
        let router = Router::new().fallback(pass);
        let task = tokio::spawn(async move {
            // It ends with an error only if the listener does.
            let _ = axum::serve(listener, router).await;
        });
        Ok((origin, task.abort_handle()))
    }

    /// Passes a request on, and records it.
    async fn pass(&self, mut request: Request) -> Response {
        let path = request.uri().path().to_owned();
        let query = request.uri().query().map(str::to_owned);
        let below = |start: &str| {
            let below = path.strip_prefix(start)?;
            (below.is_empty() || below.starts_with('/')).then_some(below)
        };
        let (target, rest, is_control) = match (below(API), below(RUN)) {
            (Some(rest), _) => (&self.api, rest, true),
            (_, Some(rest)) => (&self.run, rest, false),
            _ => return problem(StatusCode::NOT_FOUND, "the recorder passes /v0 and /run on"),
        };
        self.note(request.headers());
        let entry = self.entry(&request, &path, query.as_deref());
        let secrets = || lock(&self.seen.secrets).clone();
        let recording =
            Recording::begin(&self.seen.journal, &self.clock, entry, Some(LIMIT), secrets);
        request = recording.request(request);
        let method = request.method().clone();
        remove_hop_by_hop(request.headers_mut());
        // Bodies that are compressed could not be read here.
        request.headers_mut().remove(header::ACCEPT_ENCODING);
        let sent = match target.uri(rest, query.as_deref()) {
            Ok(uri) => {
                *request.uri_mut() = uri;
                target
                    .send(request)
                    .await
                    .map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => {
                let message = format!("{target} did not respond: {error}");
                return recording.response(problem(StatusCode::BAD_GATEWAY, &message));
            }
        };
        remove_hop_by_hop(response.headers_mut());
        self.note(response.headers());
        let rest = rest.to_owned();
        recording.response(self.read(response, method, is_control.then_some(rest)))
    }

    /// Reads the documents of a response of the control plane when it has passed.
    fn read(&self, response: Response, method: Method, path: Option<String>) -> Response {
        let Some(path) = path else { return response };
        let (head, body) = response.into_parts();
        let (status, seen) = (head.status, Arc::clone(&self.seen));
        let body = observe(body, LIMIT, move |passed| {
            let is_whole = passed.is_complete && passed.size == passed.kept.len() as u64;
            let mut document = is_whole
                .then(|| serde_json::from_slice::<Value>(&passed.kept).ok())
                .flatten()
                .unwrap_or_default();
            mask::collect(&document, &mut lock(&seen.secrets));
            let kept: Bytes = passed.kept.into();
            let clean = mask::body("application/json", &path, &kept, &Secrets::default());
            if !document.is_null() {
                document = serde_json::from_slice(&clean).unwrap_or_default();
            }
            lock(&seen.documents).see(&method, &path, status, &document);
        });
        Response::from_parts(head, body)
    }

    /// Remembers the credentials and the workspace in headers.
    fn note(&self, headers: &HeaderMap) {
        let mut secrets = lock(&self.seen.secrets);
        for (name, value) in headers {
            let text = value.to_str().unwrap_or_default();
            if !mask::is_secret_header(name) {
                continue;
            }
            // A scheme such as `Bearer` is no secret, and neither is the name of a cookie.
            for part in text.split([' ', ';', ',']) {
                let part = part
                    .split_once('=')
                    .map_or(part, |(name, value)| match value {
                        // The padding of Base64.
                        "" | "=" => name,
                        value => value,
                    });
                if part.len() > "bearer".len() {
                    secrets.add(part);
                }
            }
        }
        drop(secrets);
        if let Some(workspace) = headers.get(WORKSPACE).and_then(|name| name.to_str().ok()) {
            lock(&self.seen.documents).is_of(workspace);
        }
    }

    fn entry(&self, request: &Request, path: &str, query: Option<&str>) -> Entry {
        let secrets = lock(&self.seen.secrets).clone();
        let masked = query.map(|query| mask::parameters(query, |value| secrets.contain(value)));
        let (query, leaked) = masked.map_or((None, None), |it| (Some(it.text), it.leaked));
        let headers = request.headers();
        let version = headers
            .get(VERSION)
            .and_then(|version| version.to_str().ok());
        let mut entry = Entry::arrived(self.clock.now(), SystemTime::now());
        entry.method = request.method().to_string();
        entry.path = path.to_owned();
        entry.query = query;
        entry.secret_in_url = leaked.map(|name| format!("the query parameter `{name}`"));
        entry.version = version.map(str::to_owned);
        // The upstream knows which one it is.
        if CREDENTIALS.iter().any(|name| headers.contains_key(*name)) {
            entry.credential = CredentialKind::ApiKey;
        }
        entry
    }
}

fn problem(status: StatusCode, message: &str) -> Response {
    (
        status,
        Json(json!({"code": status.as_u16(), "error": message})),
    )
        .into_response()
}
