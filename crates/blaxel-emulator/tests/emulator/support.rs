//! Raw HTTP requests and their responses.

use blaxel_core::{Body, Error, Plane, raw_request};
use blaxel_emulator::{Emulator, LocalService};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tower_service::Service as _;

use crate::contract;

/// A response with its whole body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        let kind = self.header("content-type");
        let kind = kind.and_then(|kind| kind.split(';').next());
        assert_eq!(kind, Some("application/json"), "{self:?}");
        serde_json::from_slice(&self.bytes).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Asserts the status and returns the JSON body.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self.json()
    }

    /// Asserts an error of the control plane and returns its `error`.
    #[track_caller]
    pub(crate) fn control_error(&self, status: u16) -> String {
        let body = self.expect(status);
        assert_eq!(body["code"], status, "{body}");
        body["error"].as_str().unwrap().to_owned()
    }

    /// Asserts an error of the gateway with this code.
    #[track_caller]
    pub(crate) fn gateway(&self, status: u16, code: &str) {
        let body = self.expect(status);
        assert_eq!(body["error"]["code"], code, "{body}");
        assert_eq!(body["error"]["status"], status);
        assert_eq!(body["error"]["origin"], "platform");
        for member in ["message", "action", "do_not", "docs_url", "timestamp"] {
            assert!(body["error"][member].is_string(), "{member} in {body}");
        }
        assert_eq!(self.header("x-blaxel-source"), Some("platform"));
        assert_eq!(self.header("x-blaxel-error-code"), Some(code));
    }
}

/// A request that can be sent with or without a socket.
pub(crate) struct Ask(http::request::Builder, Bytes);

pub(crate) fn ask(method: Method, uri: impl Into<String>) -> Ask {
    Ask(
        Request::builder().method(method).uri(uri.into()),
        Bytes::new(),
    )
}

pub(crate) fn get(uri: impl Into<String>) -> Ask {
    ask(Method::GET, uri)
}

pub(crate) fn post(uri: impl Into<String>, body: &Value) -> Ask {
    ask(Method::POST, uri).json(body)
}

impl Ask {
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value), self.1)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .bytes(body.to_string())
    }

    pub(crate) fn bytes(self, body: impl Into<Bytes>) -> Self {
        Self(self.0, body.into())
    }

    /// Sends it through the local service and checks the response against the OpenAPI document.
    pub(crate) async fn to(self, service: &LocalService) -> Reply {
        let method = self.0.method_ref().unwrap().clone();
        let uri = self.0.uri_ref().unwrap().clone();
        let reply = self.bare(service).await;
        contract::hold(&method, &uri, &reply).await;
        reply
    }

    /// Sends it through the local service without checking the response.
    pub(crate) async fn bare(self, service: &LocalService) -> Reply {
        read(self.begin(service).await.unwrap()).await
    }

    /// Sends it through the local service and leaves the response body unread.
    pub(crate) async fn begin(self, service: &LocalService) -> Result<Response<Body>, Error> {
        service.clone().call(self.request()).await
    }

    /// Returns the request for the local service, as one that belongs to no operation.
    pub(crate) fn request(self) -> Request<Body> {
        let request = self.0.body(Body::from(self.1)).unwrap();
        raw_request(Plane::Control, request).unwrap()
    }

    /// Sends it through the local service of an emulator.
    pub(crate) async fn on(self, emulator: &Emulator) -> Reply {
        self.to(&emulator.service()).await
    }

    /// Sends it over a new connection. An `Err` means that there was no response.
    pub(crate) async fn over_socket(self) -> Result<Reply, hyper::Error> {
        Ok(read(self.open().await?).await)
    }

    /// Sends it over a new connection and leaves the response body unread.
    pub(crate) async fn open(self) -> Result<Response<hyper::body::Incoming>, hyper::Error> {
        let request = self.0.body(Full::new(self.1)).unwrap();
        let address = request.uri().authority().unwrap().to_string();
        let stream = tokio::net::TcpStream::connect(address.as_str())
            .await
            .unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let (mut head, body) = request.into_parts();
        let host = address.parse().unwrap();
        head.headers.entry("host").or_insert(host);
        head.uri = head.uri.path_and_query().unwrap().as_str().parse().unwrap();
        sender.send_request(Request::from_parts(head, body)).await
    }
}

async fn read<B>(response: Response<B>) -> Reply
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Reply {
        status: head.status,
        headers: head.headers,
        bytes,
    }
}

/// Returns the authority of an emulator, such as `127.0.0.1:4242`.
pub(crate) fn address(emulator: &Emulator) -> String {
    let url = emulator.url();
    let (_, rest) = url.split_once("://").unwrap();
    rest.strip_suffix("/v0").unwrap().to_owned()
}

/// Adds the headers of a client.
pub(crate) fn as_client(ask: Ask, emulator: &Emulator) -> Ask {
    ask.header(
        "X-Blaxel-Authorization",
        &format!("Bearer {}", emulator.api_key()),
    )
    .header("X-Blaxel-Workspace", emulator.workspace())
    .header("Blaxel-Version", "2026-04-28")
}

/// Returns the names of the documents in a list.
pub(crate) fn names(list: &Value) -> Vec<String> {
    let items = list.as_array().unwrap().iter();
    items
        .map(|item| item["metadata"]["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Returns the address of a path in a sandbox.
pub(crate) fn in_sandbox(emulator: &Emulator, sandbox: &str, path: &str) -> String {
    format!(
        "{}/{}/sandboxes/{sandbox}{path}",
        emulator.run_url(),
        emulator.workspace()
    )
}

/// Runs a command in a sandbox until its end and returns its output.
pub(crate) async fn run(emulator: &Emulator, sandbox: &str, command: &str) -> String {
    let sent = serde_json::json!({"command": command, "waitForCompletion": true});
    let reply = post(in_sandbox(emulator, sandbox, "/process"), &sent);
    let ended = reply.bare(&emulator.service()).await.expect(200);
    ended["logs"].as_str().unwrap().to_owned()
}

/// Reads a body until it is cut. Returns `false` if it ends otherwise.
pub(crate) async fn is_cut(mut body: Body) -> bool {
    let read = async {
        while let Some(frame) = body.frame().await {
            if frame.is_err() {
                return true;
            }
        }
        false
    };
    let limit = std::time::Duration::from_secs(10);
    tokio::time::timeout(limit, read).await.unwrap()
}

/// Opens a stream of the changes in `/tmp` of a sandbox.
pub(crate) async fn watch(emulator: &Emulator, sandbox: &str) -> Body {
    let watch = get(in_sandbox(emulator, sandbox, "/watch/filesystem/%2Ftmp"));
    let response = watch.begin(&emulator.service()).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body()
}
