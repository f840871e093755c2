//! A sandbox for tests, called without a socket.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use blaxel_guest::{Builder, Clock, Files, Server, ServerVersion, SimulatedGuest};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tower_service::Service as _;

/// A server whose clock stands still.
pub(crate) struct Sandbox(pub(crate) Server);

/// A response that has been read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn august() -> Self {
        Self::with(|builder| builder.version(ServerVersion::August))
    }

    pub(crate) fn both() -> [Self; 2] {
        [Self::august(), Self::new()]
    }

    pub(crate) fn with(set: impl FnOnce(Builder) -> Builder) -> Self {
        let builder = Server::builder(SimulatedGuest::new(Clock::standing()));
        Self(set(builder).build())
    }

    pub(crate) fn files(&self) -> Arc<dyn Files> {
        self.0.guest().files()
    }

    pub(crate) fn clock(&self) -> Clock {
        self.0.guest().clock().clone()
    }

    /// Writes files, and the directories above them.
    pub(crate) fn put_files(&self, files: &[(&str, &str)]) {
        for (path, content) in files {
            let (directory, _) = path.rsplit_once('/').unwrap();
            self.files()
                .create_dir_all(&format!("{directory}/"), 0o755)
                .unwrap();
            self.files().write(path, content.as_bytes(), 0o644).unwrap();
        }
    }

    /// Returns the content of a file as text.
    pub(crate) fn content(&self, path: &str) -> String {
        String::from_utf8(self.files().read(path).unwrap()).unwrap()
    }

    pub(crate) async fn open(&self, request: Request<Body>) -> http::Response<Body> {
        self.0.router().call(request).await.unwrap()
    }

    /// A server of a version whose clock is tokio's, which the test pauses.
    pub(crate) fn running(version: ServerVersion, set: impl FnOnce(&SimulatedGuest)) -> Self {
        let guest = SimulatedGuest::new(Clock::real());
        set(&guest);
        Self(Server::builder(guest).version(version).build())
    }

    /// Starts a process from JSON.
    pub(crate) async fn execute(&self, process: &Value) -> Answer {
        self.call("POST /process", process.to_string()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.open(request).await.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    /// Sends a request with a body; `call` is a method and a path, such as `GET /health`.
    pub(crate) async fn call(&self, call: &str, body: impl Into<Body>) -> Answer {
        self.call_with(call, &[], body).await
    }

    pub(crate) async fn call_with(
        &self,
        call: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        self.send(request(call, headers, body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(&format!("GET {path}"), Body::empty()).await
    }
}

pub(crate) fn request(
    call: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Request<Body> {
    let (method, path) = call.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

/// The content type of [`form`].
pub(crate) const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=edge");

/// Returns the text of a form. A field is its name, the name of its file or an empty one, and its
/// value.
pub(crate) fn form(fields: &[(&str, &str, &str)]) -> String {
    let field = |(name, file, value): &(&str, &str, &str)| {
        let file = match *file {
            "" => String::new(),
            file => format!("; filename=\"{file}\""),
        };
        format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"
        )
    };
    fields.iter().map(field).collect::<String>() + "--edge--\r\n"
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Returns the message of an error response.
    pub(crate) fn error(&self) -> String {
        self.json()["error"]
            .as_str()
            .unwrap_or_else(|| panic!("no error: {self:?}"))
            .to_owned()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// Returns the member `key` of each element of a list.
pub(crate) fn each<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    list.iter()
        .map(|element| element[key].as_str().unwrap())
        .collect()
}
