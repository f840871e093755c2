//! An HTTP/1.1 client for the servers that the emulator calls: forwarding targets and callback
//! URLs.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use blaxel_core::__private::{Address, InvalidAddress, is_loopback};
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri, header};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

/// Time limit for connecting.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// A server that is called over HTTP/1.1, with a new connection for each request.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    authority: String,
    host: String,
    port: u16,
    /// The prefix of every request's path, without a trailing slash.
    prefix: String,
    query: Option<String>,
}

/// The error for a URL that the emulator may not call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTarget(InvalidAddress);

impl fmt::Display for InvalidTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid address of a server to call: {}", self.0)
    }
}

impl std::error::Error for InvalidTarget {}

impl Target {
    /// Parses a URL. The host must be this machine unless `anywhere` is set.
    pub(crate) fn parse(url: &str, anywhere: bool) -> Result<Self, InvalidTarget> {
        let address = Address::read(url).map_err(InvalidTarget)?;
        let invalid = |problem| InvalidTarget(address.invalid(problem));
        let uri = address.uri();
        if uri.scheme() != Some(&Scheme::HTTP) {
            return Err(invalid("only http:// is supported"));
        }
        if !anywhere && !is_loopback(address.host()) {
            return Err(invalid("only 127.0.0.1, ::1 and localhost are allowed"));
        }
        Ok(Self {
            authority: uri.authority().map_or("", Authority::as_str).to_owned(),
            host: without_brackets(address.host()).to_owned(),
            port: address.port(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
            query: uri.query().map(str::to_owned),
        })
    }

    /// Returns the URI for a path and query below the target's own.
    pub(crate) fn uri(&self, path: &str, query: Option<&str>) -> Result<Uri, http::Error> {
        let mut text = format!("{}{path}", self.prefix);
        if !text.starts_with('/') {
            text.insert(0, '/');
        }
        let queries = [self.query.as_deref(), query].into_iter().flatten();
        for (place, query) in queries.enumerate() {
            text.push(if place == 0 { '?' } else { '&' });
            text.push_str(query);
        }
        let path = PathAndQuery::try_from(text)?;
        Ok(Uri::from(path))
    }

    /// Sends a request whose URI was created by [`uri`](Self::uri). The response body is streamed,
    /// and the connection closes with it.
    pub(crate) async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, SendError> {
        let host = HeaderValue::try_from(self.authority.as_str());
        let host = host.map_err(|error| SendError::Broken(error.to_string()))?;
        request.headers_mut().insert(header::HOST, host);
        let connecting = tokio::time::timeout(CONNECT_TIME, self.connect()).await;
        let connected = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = connected.map_err(|error| SendError::Unreachable(error.to_string()))?;
        // Otherwise a streamed chunk would wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let broken = |error: hyper::Error| SendError::Broken(error.to_string());
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let task = ConnectionTask(tokio::spawn(connection).abort_handle());
        let response = sender.send_request(request).await.map_err(broken)?;
        Ok(response.map(|body| {
            Body::new(BodyWithConnection {
                body,
                _connection: task,
            })
        }))
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        if self.host != LOCALHOST {
            return TcpStream::connect((self.host.as_str(), self.port)).await;
        }
        // Not resolved: this name must always mean this machine.
        let [first, second] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            .map(|host: IpAddr| SocketAddr::new(host, self.port));
        match TcpStream::connect(first).await {
            Err(error) => TcpStream::connect(second).await.map_err(|_| error),
            connected => connected,
        }
    }
}

impl fmt::Debug for Target {
    /// Omits the query, which can contain a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.prefix)
    }
}

const LOCALHOST: &str = "localhost";

/// Returns the host without the brackets around an IPv6 address.
fn without_brackets(host: &str) -> &str {
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    inner.unwrap_or(host)
}

/// The reason why there is no response.
#[derive(Debug)]
pub(crate) enum SendError {
    /// The connection was refused or timed out.
    Unreachable(String),
    /// The connection ended, or the server's bytes were not an HTTP response.
    Broken(String),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Unreachable(why) | Self::Broken(why)) = self;
        f.write_str(why)
    }
}

/// The task that drives a connection. Dropping this aborts it.
struct ConnectionTask(AbortHandle);

impl Drop for ConnectionTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A body together with the task that drives its connection.
struct BodyWithConnection {
    body: Incoming,
    _connection: ConnectionTask,
}

impl http_body::Body for BodyWithConnection {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_be_called_by_default() {
        for here in [
            "http://127.0.0.1:80/a",
            "http://127.1.2.3",
            "http://localhost:1338/",
            "http://[::1]:9/x?y=1",
        ] {
            assert!(Target::parse(here, false).is_ok(), "{here}");
        }
        for elsewhere in [
            "http://10.0.0.1/",
            "http://example.com/",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://[2001:db8::1]/",
            "http://0.0.0.0:80/",
        ] {
            assert!(Target::parse(elsewhere, false).is_err(), "{elsewhere}");
            assert!(Target::parse(elsewhere, true).is_ok(), "{elsewhere}");
        }
    }

    #[test]
    fn an_invalid_url_is_rejected() {
        for url in [
            "",
            "/",
            "127.0.0.1:80",
            "https://127.0.0.1/",
            "http://",
            "http://a@localhost/",
            "http://localhost:99999/",
            "http://localhost:8o80/",
            "http://localhost:/",
            "http://localhost/#x",
            "http://127.1/",
            "http://[::1/",
        ] {
            assert!(Target::parse(url, true).is_err(), "{url}");
        }
    }

    #[test]
    fn no_error_shows_a_password_or_a_query() {
        for url in [
            "http://me:canary@localhost/",
            "http://me:can#canary@localhost/",
            "http://192.0.2.1/?key=canary",
            "https://localhost/canary",
        ] {
            let error = Target::parse(url, false).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("canary"), "{shown}");
        }
        let target = Target::parse("http://localhost/a?key=canary", false).unwrap();
        assert_eq!(format!("{target:?}"), "Target(http://localhost/a)");
    }

    #[test]
    fn paths_and_queries_are_appended_to_those_of_the_target() {
        let uri = |url: &str, path: &str, query: Option<&str>| {
            let target = Target::parse(url, false).unwrap();
            target.uri(path, query).unwrap().to_string()
        };
        assert_eq!(uri("http://localhost", "", None), "/");
        assert_eq!(
            uri("http://localhost/", "/a%20b/", Some("x=1")),
            "/a%20b/?x=1"
        );
        assert_eq!(uri("http://localhost/base/", "", None), "/base");
        assert_eq!(
            uri("http://localhost/base?k=v", "/a", Some("x=1")),
            "/base/a?k=v&x=1"
        );
    }
}
