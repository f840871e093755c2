//! Waiting on this machine for the redirect of the browser.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{BrowserLogin, PendingRedirect};
use crate::oauth::Tokens;

const PATH: &str = "/callback";
/// The time that a user has to sign in.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// The time limit of a connection. Browsers open some that they do not use.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_CONNECTIONS: usize = 32;
const MAX_REQUEST_HEAD: usize = 16 * 1024;

impl BrowserLogin {
    /// Starts the login, passes the address to `open`, and waits for the redirect of the browser.
    ///
    /// It listens for the redirect on a free port of `127.0.0.1`, so the server must accept
    /// `http://127.0.0.1/callback` with any port; servers do so for native clients (RFC 8252). Requests
    /// without the state of this login are refused.
    ///
    /// Drop the future to cancel. It requires a tokio runtime with I/O and timer enabled.
    ///
    /// # Errors
    ///
    /// Those of [`begin`](Self::begin) and [`PendingRedirect::finish`]; a credentials error if there was no
    /// redirect within 5 minutes, and a connect error if no port is available.
    ///
    /// ```no_run
    /// # async fn example(login: blaxel_auth::BrowserLogin) -> Result<(), blaxel_core::Error> {
    /// let tokens = login.run(|url| println!("Open {url}")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run(&self, open: impl FnOnce(&str)) -> Result<Tokens, Error> {
        let not_bound = |error: io::Error| Error::connect("127.0.0.1", error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(not_bound)?;
        let port = listener.local_addr().map_err(not_bound)?.port();
        let pending = Arc::new(self.begin(&format!("http://127.0.0.1:{port}{PATH}"))?);
        open(pending.url());
        let redirected = timeout(LOGIN_TIMEOUT, wait(&listener, &pending))
            .await
            .map_err(|_| {
                Error::credentials(format!(
                    "the sign-in at {} was not completed within {} seconds; start again",
                    self.server.host(),
                    LOGIN_TIMEOUT.as_secs()
                ))
            })?;
        drop(listener);
        match Arc::try_unwrap(pending) {
            Ok(pending) => pending.finish(&redirected).await,
            Err(_) => Err(Error::credentials(
                "the redirect of the sign-in arrived twice",
            )),
        }
    }
}

/// Accepts connections until one carries the redirect of the login, and returns its path and query.
async fn wait(listener: &TcpListener, pending: &Arc<PendingRedirect>) -> String {
    let mut connections = JoinSet::new();
    let redirected = poll_fn(|cx| {
        while connections.len() < MAX_CONNECTIONS {
            match listener.poll_accept(cx) {
                Poll::Ready(Ok((stream, _))) => {
                    let pending = Arc::clone(pending);
                    connections.spawn(async move {
                        let served = timeout(CONNECTION_TIMEOUT, serve(&stream, &pending)).await;
                        served.ok()?.ok()?
                    });
                }
                // The failure concerns one connection; the next one may succeed.
                Poll::Ready(Err(_)) => {}
                Poll::Pending => break,
            }
        }
        while let Poll::Ready(Some(ended)) = connections.poll_join_next(cx) {
            // A connection slot is free again, so poll the listener again.
            cx.waker().wake_by_ref();
            if let Ok(Some(redirected)) = ended {
                return Poll::Ready(redirected);
            }
        }
        Poll::Pending
    })
    .await;
    connections.shutdown().await;
    redirected
}

/// Responds to one request, and returns its target if it is the redirect of the login.
async fn serve(stream: &TcpStream, pending: &PendingRedirect) -> io::Result<Option<String>> {
    let target = read_target(stream).await?;
    let path = target.split('?').next().unwrap_or_default();
    let (status, text, redirected) = if path != PATH {
        ("404 Not Found", "There is nothing here.", None)
    } else if !pending.matches(&target) {
        (
            "400 Bad Request",
            "This does not belong to the current sign-in.",
            None,
        )
    } else {
        (
            "200 OK",
            "You are signed in and can close this window.",
            Some(target),
        )
    };
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n{text}",
        text.len()
    );
    // The redirect counts even if the browser does not read the response.
    let _ = write(stream, response.as_bytes()).await;
    Ok(redirected)
}

/// Reads the head of a `GET` request, and returns its path and query.
async fn read_target(stream: &TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut buffer = [0; 2048];
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        stream.readable().await?;
        match stream.try_read(&mut buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => head.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if head.len() > MAX_REQUEST_HEAD {
            return Err(ErrorKind::InvalidData.into());
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    match (words.next(), words.next()) {
        (Some("GET"), Some(target)) => Ok(target.to_owned()),
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use blaxel_core::{ErrorKind as Kind, HttpService};
    use std::sync::Mutex;

    use super::*;
    use crate::AuthorizationServer;

    fn login() -> BrowserLogin {
        let service = tower::service_fn(async |_: http::Request<blaxel_core::Body>| {
            let body = r#"{"access_token":"a","token_type":"bearer"}"#;
            let response = http::Response::builder().header("content-type", "application/json");
            Ok::<_, Error>(response.body(blaxel_core::Body::from(body)).unwrap())
        });
        let server = AuthorizationServer::standard("https://id.example/token")
            .unwrap()
            .with_authorization_endpoint("https://id.example/authorize")
            .unwrap();
        BrowserLogin::new(server, service.boxed(), "app")
    }

    async fn get(port: u16, target: &str) -> String {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n");
        let (first, second) = request.as_bytes().split_at(7);
        write(&stream, first).await.unwrap();
        tokio::task::yield_now().await;
        write(&stream, second).await.unwrap();
        let mut response = Vec::new();
        let mut buffer = [0; 1024];
        loop {
            stream.readable().await.unwrap();
            match stream.try_read(&mut buffer) {
                Ok(0) => return String::from_utf8(response).unwrap(),
                Ok(count) => response.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn parameter(url: &str, name: &str) -> String {
        let query = url.split_once('?').unwrap().1;
        oauth2::url::form_urlencoded::parse(query.as_bytes())
            .find_map(|(known, value)| (known == name).then(|| value.into_owned()))
            .unwrap()
    }

    #[tokio::test]
    async fn only_the_redirect_of_this_login_ends_it() {
        let shown = Arc::new(Mutex::new(None));
        let opened = Arc::clone(&shown);
        let waiting = tokio::spawn(async move {
            login()
                .run(|url| *opened.lock().unwrap() = Some(url.to_owned()))
                .await
        });
        let url = loop {
            if let Some(url) = shown.lock().unwrap().clone() {
                break url;
            }
            tokio::task::yield_now().await;
        };
        let redirect: http::Uri = parameter(&url, "redirect_uri").parse().unwrap();
        let port = redirect.port_u16().unwrap();
        assert_eq!(
            (redirect.host(), redirect.path()),
            (Some("127.0.0.1"), PATH)
        );
        // An idle connection blocks no other one, and other requests are refused.
        let idle = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        assert!(get(port, "/favicon.ico").await.starts_with("HTTP/1.1 404"));
        assert!(
            get(port, "/callback?code=x&state=y")
                .await
                .starts_with("HTTP/1.1 400")
        );
        let state = parameter(&url, "state");
        let response = get(port, &format!("/callback?code=x&state={state}")).await;
        assert!(
            response.starts_with("HTTP/1.1 200") && response.ends_with("window."),
            "{response}"
        );
        let tokens = waiting.await.unwrap().unwrap();
        assert_eq!(tokens.access_token().unwrap().expose(), "a");
        drop(idle);
        assert!(
            TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                .await
                .is_err()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_without_a_redirect_times_out() {
        let error = login().run(|_| ()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Credentials);
        assert!(error.to_string().contains("within 300 seconds"), "{error}");
    }
}
