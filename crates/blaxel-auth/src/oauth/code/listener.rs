//! Waiting on this machine for the browser to come back.

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
/// The time a person has to sign in.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// The time limit of one connection. Browsers open some that they do not use.
const CONNECTION: Duration = Duration::from_secs(10);
const MOST_CONNECTIONS: usize = 32;
const LARGEST_REQUEST: usize = 16 * 1024;

impl BrowserLogin {
    /// Begins the login, has the person sent to an address, and waits until the browser comes back.
    ///
    /// `open` is given the address. It listens for the answer at a free port of `127.0.0.1`, which
    /// the server must accept as `http://127.0.0.1/callback` with any port; servers do so for native
    /// clients (RFC 8252). What comes there without this login's state is turned away.
    ///
    /// Drop the future to give up. Whoever runs it needs a tokio runtime with I/O and a timer.
    ///
    /// # Errors
    ///
    /// As for [`begin`](Self::begin) and [`PendingRedirect::finish`]. A credentials error if there
    /// was no answer within 5 minutes, and a connect error if no port can be listened at.
    pub async fn run(&self, open: impl FnOnce(&str)) -> Result<Tokens, Error> {
        let unheard = |error: io::Error| Error::connect("127.0.0.1", error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(unheard)?;
        let port = listener.local_addr().map_err(unheard)?.port();
        let pending = Arc::new(self.begin(&format!("http://127.0.0.1:{port}{PATH}"))?);
        open(pending.url());
        let redirected = timeout(PATIENCE, wait(&listener, &pending))
            .await
            .map_err(|_| {
                Error::credentials(format!(
                    "nobody signed in at {} within {} seconds; begin again",
                    self.server.host(),
                    PATIENCE.as_secs()
                ))
            })?;
        drop(listener);
        match Arc::try_unwrap(pending) {
            Ok(pending) => pending.finish(&redirected).await,
            Err(_) => Err(Error::credentials("the sign-in was answered twice")),
        }
    }
}

/// The answer to the login.
async fn wait(listener: &TcpListener, pending: &Arc<PendingRedirect>) -> String {
    let mut connections = JoinSet::new();
    let answer = poll_fn(|cx| {
        while connections.len() < MOST_CONNECTIONS {
            match listener.poll_accept(cx) {
                Poll::Ready(Ok((stream, _))) => {
                    let pending = Arc::clone(pending);
                    connections.spawn(async move {
                        let served = timeout(CONNECTION, serve(&stream, &pending)).await;
                        served.ok()?.ok()?
                    });
                }
                // Of one connection; the next may do.
                Poll::Ready(Err(_)) => {}
                Poll::Pending => break,
            }
        }
        while let Poll::Ready(Some(ended)) = connections.poll_join_next(cx) {
            // There is room again, and so a reason to be woken by the next connection.
            cx.waker().wake_by_ref();
            if let Ok(Some(answer)) = ended {
                return Poll::Ready(answer);
            }
        }
        Poll::Pending
    })
    .await;
    connections.shutdown().await;
    answer
}

/// Answers one request, and gives its target if it is the answer to the login.
async fn serve(stream: &TcpStream, pending: &PendingRedirect) -> io::Result<Option<String>> {
    let target = read_target(stream).await?;
    let path = target.split('?').next().unwrap_or_default();
    let (status, text, answer) = if path != PATH {
        ("404 Not Found", "There is nothing here.", None)
    } else if !pending.is_answered_by(&target) {
        (
            "400 Bad Request",
            "This does not belong to the sign-in that is waited for.",
            None,
        )
    } else {
        (
            "200 OK",
            "That is all. You can close this window.",
            Some(target),
        )
    };
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n{text}",
        text.len()
    );
    // An answer counts even if the browser does not stay to be thanked.
    let _ = write(stream, response.as_bytes()).await;
    Ok(answer)
}

/// The path and query of a `GET` request, once its head is there.
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
        if head.len() > LARGEST_REQUEST {
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
        let mut answer = Vec::new();
        let mut buffer = [0; 1024];
        loop {
            stream.readable().await.unwrap();
            match stream.try_read(&mut buffer) {
                Ok(0) => return String::from_utf8(answer).unwrap(),
                Ok(count) => answer.extend_from_slice(&buffer[..count]),
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
    async fn the_right_answer_is_waited_for() {
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
        // A connection that says nothing is in nobody's way, and what is no answer is turned away.
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
        let answer = get(port, &format!("/callback?code=x&state={state}")).await;
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("window."),
            "{answer}"
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
    async fn nobody_is_waited_for_for_ever() {
        let error = login().run(|_| ()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Credentials);
        assert!(error.to_string().contains("within 300 seconds"), "{error}");
    }
}
