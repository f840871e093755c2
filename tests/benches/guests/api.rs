//! A client on one connection: plain hyper, without our crates.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// The address of an emulator and the credential for it.
#[derive(Clone)]
pub struct Api {
    authority: String,
    key: String,
    workspace: String,
}

/// A connection to an emulator.
pub struct Connection {
    api: Api,
    sender: SendRequest<Full<Bytes>>,
}

impl Api {
    /// Reads the variables that the emulator gives to its clients.
    pub fn of(variable: impl Fn(&str) -> String) -> Self {
        let url = variable("BL_API_URL");
        let authority = url.trim_start_matches("http://").trim_end_matches("/v0");
        Self {
            authority: authority.to_owned(),
            key: format!("Bearer {}", variable("BL_API_KEY")),
            workspace: variable("BL_WORKSPACE"),
        }
    }

    /// Reads the environment.
    pub fn from_env() -> Self {
        Self::of(|name| std::env::var(name).expect(name))
    }

    pub async fn connect(&self) -> Connection {
        let stream = TcpStream::connect(&self.authority).await;
        let stream = stream.expect("a connection");
        let _ = stream.set_nodelay(true);
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("a handshake");
        tokio::spawn(connection);
        Connection {
            api: self.clone(),
            sender,
        }
    }
}

impl Connection {
    /// Calls the control plane or, below `/run`, the emulator's workloads.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<(StatusCode, Bytes), String> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.api.authority)
            .header(AUTHORIZATION, &self.api.key)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| error.to_string())?;
        let described = |error: hyper::Error| error.to_string();
        let response = self.sender.send_request(request).await.map_err(described)?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(described)?;
        Ok((status, body.to_bytes()))
    }

    /// Calls a sandbox. Fails unless the response is a success.
    pub async fn call(
        &mut self,
        sandbox: &str,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<Bytes, String> {
        let workspace = &self.api.workspace;
        let whole = format!("/run/{workspace}/sandboxes/{sandbox}{path}");
        let (status, body) = self.send(method.clone(), &whole, body).await?;
        if !status.is_success() {
            let body = String::from_utf8_lossy(&body);
            return Err(format!("{method} {path}: {status} {body}"));
        }
        Ok(body)
    }

    /// Like [`call`](Self::call), for a response in JSON.
    pub async fn json(
        &mut self,
        sandbox: &str,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<Value, String> {
        let body = self.call(sandbox, method, path, body).await?;
        serde_json::from_slice(&body).map_err(|error| format!("{path}: {error}"))
    }

    /// Creates a sandbox.
    pub async fn create_sandbox(&mut self, name: &str) {
        let body = serde_json::json!({
            "metadata": {"name": name},
            "spec": {"runtime": {"image": "blaxel/base-image:latest", "memory": 2048}},
        });
        let created = self.send(Method::POST, "/v0/sandboxes", body.to_string());
        let (status, body) = created.await.expect("a response");
        assert!(status.is_success(), "{status} {body:?}");
    }
}

/// Calls an emulator once, whatever it needs for that.
pub async fn list_models(variables: &[(String, String)]) {
    let variable = |name: &str| {
        let found = variables.iter().find(|(other, _)| other == name);
        found.expect(name).1.clone()
    };
    let mut connection = Api::of(variable).connect().await;
    let models = connection.send(Method::GET, "/v0/models", String::new());
    let (status, _) = models.await.expect("a response");
    assert_eq!(status, StatusCode::OK);
}
