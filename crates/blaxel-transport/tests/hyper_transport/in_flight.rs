//! The limit on requests in flight: a permit is returned when the response body ends, and never
//! lost.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use blaxel_core::{
    Body, CallOptions, Delivery, Error, HttpService, OperationInfo, RequestWriter, open,
};
use blaxel_transport::{Client, HttpVersion, HyperTransport, RetryPolicy, TimeLimits};
use tokio::io::AsyncWriteExt;

use crate::certificates::Authority;
use crate::frames::Wire;
use crate::server::{Server, read_head, response};
use crate::{builder, plain, text};

static CREATE: OperationInfo = OperationInfo::new("CreateThing", http::Method::POST, "/thing");

/// Returns a transport with a limit of one request per origin.
fn one_at_a_time() -> HyperTransport {
    builder().max_in_flight(1).build()
}

/// Returns `true` if a future is still pending after 50 milliseconds.
async fn is_pending<F: Future + Unpin>(call: &mut F) -> bool {
    tokio::time::timeout(Duration::from_millis(50), call)
        .await
        .is_err()
}

#[tokio::test]
async fn a_permit_is_held_until_the_body_ends() {
    let server = Server::responding(response("yes")).await;
    let transport = one_at_a_time();
    let first = transport.send(plain(&server.url())).await.unwrap();
    let mut second = Box::pin(transport.send(plain(&server.url())));
    assert!(
        is_pending(&mut second).await,
        "the first body is not read yet"
    );
    assert_eq!(server.log.count("request"), 1);
    let read = blaxel_core::response::collect(first.into_body(), 10).await;
    assert_eq!(&read.unwrap()[..], b"yes");
    let second = second.await.unwrap();
    let mut third = Box::pin(transport.send(plain(&server.url())));
    assert!(
        is_pending(&mut third).await,
        "the second body is not read yet"
    );
    drop(second);
    assert!(third.await.is_ok());
}

#[tokio::test]
async fn a_response_without_a_body_returns_its_permit_at_once() {
    let server = Server::responding("HTTP/1.1 204 No Content\r\n\r\n").await;
    let transport = one_at_a_time();
    let _kept = transport.send(plain(&server.url())).await.unwrap();
    assert!(transport.send(plain(&server.url())).await.is_ok());
}

#[tokio::test]
async fn a_failed_request_returns_its_permit() {
    let server = Server::start(|number, mut stream, _| async move {
        read_head(&mut stream).await;
        let sent = match number {
            0 => "",
            1 => "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
            _ => return stream.write_all(response("yes").as_bytes()).await.unwrap(),
        };
        stream.write_all(sent.as_bytes()).await.unwrap();
    })
    .await;
    let transport = one_at_a_time();
    text(&transport, plain(&server.url())).await.unwrap_err();
    text(&transport, plain(&server.url())).await.unwrap_err();
    assert_eq!(text(&transport, plain(&server.url())).await.unwrap(), "yes");
}

#[tokio::test]
async fn origins_do_not_wait_for_each_other() {
    let (one, other) = (
        Server::responding(response("one")).await,
        Server::responding(response("other")).await,
    );
    let transport = one_at_a_time();
    let _kept = transport.send(plain(&one.url())).await.unwrap();
    assert_eq!(
        text(&transport, plain(&other.url())).await.unwrap(),
        "other"
    );
}

#[tokio::test]
async fn permits_are_granted_in_the_order_of_the_calls() {
    let server = Server::responding(response("yes")).await;
    let transport = one_at_a_time();
    let held = transport.send(plain(&server.url())).await.unwrap();
    let mut calls = Vec::new();
    for number in 0..8 {
        let url = format!("{}/{number}", server.url());
        let transport = transport.clone();
        calls.push(tokio::spawn(
            async move { text(&transport, plain(&url)).await },
        ));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    drop(held);
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), "yes");
    }
    let served: Vec<_> = server.log.lines();
    let served: Vec<_> = served
        .iter()
        .filter_map(|line| line.strip_prefix("get /thing/")?.chars().next())
        .collect();
    assert_eq!(served, ['0', '1', '2', '3', '4', '5', '6', '7']);
}

/// Polls a call `polls` times and drops it. Returns `true` if it completed before.
async fn drop_after(
    polls: u32,
    call: impl Future<Output = Result<http::Response<Body>, Error>>,
) -> bool {
    let mut left = polls;
    let mut call = pin!(call);
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match call.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(true),
            // The last poll was used, so a wakeup is not awaited.
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn a_call_dropped_at_any_point_returns_its_permit() {
    let old = Server::responding(response("yes")).await;
    let new = Server::start(|_, stream, _| async move {
        let mut wire = Wire::accept(stream).await;
        while let Some(stream) = wire.request().await {
            wire.head(stream, false).await;
            wire.data(stream, b"yes", true).await;
        }
    })
    .await;
    for (server, version) in [(old, HttpVersion::Http1), (new, HttpVersion::Http2)] {
        let transport = builder().http_version(version).max_in_flight(1).build();
        let url = server.url();
        for fresh in [true, false] {
            for contended in [false, true] {
                for polls in 0.. {
                    let transport = match fresh {
                        true => crate::builder()
                            .http_version(version)
                            .max_in_flight(1)
                            .build(),
                        false => transport.clone(),
                    };
                    let ended = if contended {
                        let held = transport.send(plain(&url)).await.unwrap();
                        let call = transport.send(plain(&url));
                        let release = async {
                            tokio::task::yield_now().await;
                            drop(held);
                        };
                        tokio::join!(drop_after(polls, call), release).0
                    } else {
                        drop_after(polls, transport.send(plain(&url))).await
                    };
                    let next = text(&transport, plain(&url));
                    let next = tokio::time::timeout(Duration::from_secs(5), next).await;
                    let case = (version, fresh, contended, polls);
                    assert_eq!(next.expect("a permit was lost").unwrap(), "yes", "{case:?}");
                    if ended {
                        assert!(polls > 0);
                        break;
                    }
                }
            }
        }
    }
}

/// Returns a client of one request at a time, with a limit on the response headers.
fn client(server: &str, transport: HyperTransport, response_headers: Duration) -> Client {
    let mut limits = TimeLimits::default();
    limits.response_headers = response_headers;
    Client::builder()
        .api_key("k")
        .workspace("w")
        .api_url(server)
        .time_limits(limits)
        .retry(RetryPolicy::none())
        .transport(transport)
        .build()
        .unwrap()
}

fn create(deadline: Duration) -> http::Request<Body> {
    let mut writer = RequestWriter::new(&CREATE);
    writer.options(CallOptions::new().with_deadline(deadline));
    writer.finish().unwrap()
}

#[tokio::test]
async fn a_wait_for_a_permit_does_not_count_against_the_header_limit() {
    let server = Server::responding(response("yes")).await;
    let client = client(&server.url(), one_at_a_time(), Duration::from_millis(50));
    let held = open(&client, create(Duration::from_secs(10)))
        .await
        .unwrap();
    let waiting = open(&client, create(Duration::from_secs(10)));
    let release = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(held);
    };
    let (sent, ()) = tokio::join!(waiting, release);
    assert!(sent.is_ok(), "{:?}", sent.err());
}

#[tokio::test]
async fn a_request_that_got_no_permit_was_not_sent() {
    let server = Server::responding(response("yes")).await;
    let client = client(&server.url(), one_at_a_time(), Duration::from_secs(10));
    let _held = open(&client, create(Duration::from_secs(10)))
        .await
        .unwrap();
    let error = open(&client, create(Duration::from_millis(100)))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_eq!((error.attempts(), error.maybe_applied()), (0, false));
    assert_eq!(server.log.count("request"), 1);
}

/// The server accepts the connection and never responds to the TLS handshake.
#[tokio::test]
async fn a_request_that_got_no_connection_was_not_sent() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let transport = builder()
        .add_root_certificate(Authority::new().der())
        .unwrap()
        .build();
    let client = client(&url, transport, Duration::from_secs(10));
    let error = open(&client, create(Duration::from_millis(100)))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_eq!((error.attempts(), error.maybe_applied()), (0, false));
}

/// As above, but the connection is established.
#[tokio::test]
async fn a_request_without_a_response_may_have_been_processed() {
    let server = Server::start(|_, stream, _| async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        drop(stream);
    })
    .await;
    let client = client(&server.url(), builder().build(), Duration::from_secs(10));
    let error = open(&client, create(Duration::from_millis(100)))
        .await
        .unwrap_err();
    assert_eq!(error.delivery(), Delivery::Unknown);
    assert_eq!((error.attempts(), error.maybe_applied()), (1, true));
}
