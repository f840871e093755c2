//! [`Callback`], the program that is told about new ports.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, Uri};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;

use crate::guest::Guest;

/// The time between two looks at the ports of a process.
const POLL: Duration = Duration::from_millis(500);
/// The limit of a call.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The address of a program in the sandbox. Programs outside of it are not called.
pub(super) struct Callback {
    authority: String,
    port: u16,
    path: String,
}

impl Callback {
    /// Returns `None` if the URL does not lead to a port of the sandbox.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let host = uri.host()?;
        let is_own = matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "[::1]");
        if uri.scheme_str() != Some("http") || !is_own {
            return None;
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Some(Self {
            authority: uri.authority()?.to_string(),
            port: uri.port_u16().unwrap_or(80),
            path: path.to_owned(),
        })
    }

    /// Calls the program once for each port that a process opens. Runs until it is dropped.
    pub(super) async fn monitor(&self, guest: &dyn Guest, pid: i64, guest_pid: i64) {
        let mut known = BTreeSet::new();
        loop {
            guest.clock().sleep(POLL).await;
            let listeners = guest.listeners().into_iter();
            let own = listeners.filter(|port| port.pid.map(i64::from) == Some(guest_pid));
            let open: BTreeSet<u16> = own.map(|port| port.port).collect();
            for port in open.difference(&known) {
                let body = format!("{{\"pid\":{pid},\"port\":{port}}}");
                let _ = guest.clock().timeout(TIMEOUT, self.call(guest, body)).await;
            }
            known = open;
        }
    }

    /// Sends one request, and drops the response. Returns `None` if it could not be sent.
    async fn call(&self, guest: &dyn Guest, body: String) -> Option<()> {
        let stream = guest.connect(self.port).await.ok()?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        let request = Request::post(&self.path)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .ok()?;
        tokio::select! {
            response = sender.send_request(request) => response.ok().map(drop),
            _ = connection => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ports_of_the_sandbox_are_called() {
        let callback = Callback::parse("http://localhost:3000/hook?x=1").unwrap();
        assert_eq!((callback.port, &*callback.path), (3000, "/hook?x=1"));
        assert_eq!(Callback::parse("http://127.0.0.1").unwrap().port, 80);
        for url in ["http://example.com/", "https://localhost:1", "nope", ""] {
            assert!(Callback::parse(url).is_none(), "{url}");
        }
    }
}
