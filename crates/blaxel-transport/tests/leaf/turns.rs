//! The limit on open requests: a turn ends with the answer's body, and none is ever lost.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use blaxel_core::{Body, Error, HttpService};
use blaxel_transport::{HttpVersion, HyperTransport};
use tokio::io::AsyncWriteExt;

use crate::frames::Wire;
use crate::server::{Server, answer, read_head};
use crate::{leaf, plain, text};

fn one_at_a_time() -> HyperTransport {
    leaf().max_in_flight(1).build()
}

/// Whether something stays pending for a while.
async fn waits<F: Future + Unpin>(call: &mut F) -> bool {
    tokio::time::timeout(Duration::from_millis(50), call)
        .await
        .is_err()
}

#[tokio::test]
async fn a_turn_ends_when_the_body_does_and_not_before() {
    let server = Server::answering(answer("yes")).await;
    let leaf = one_at_a_time();
    let first = leaf.send(plain(&server.url())).await.unwrap();
    let mut second = Box::pin(leaf.send(plain(&server.url())));
    assert!(waits(&mut second).await, "the first body is not read yet");
    assert_eq!(server.log.count("request"), 1);
    let read = blaxel_core::response::collect(first.into_body(), 10).await;
    assert_eq!(&read.unwrap()[..], b"yes");
    let second = second.await.unwrap();
    let mut third = Box::pin(leaf.send(plain(&server.url())));
    assert!(waits(&mut third).await, "the second body is not read yet");
    drop(second);
    assert!(third.await.is_ok());
}

#[tokio::test]
async fn an_answer_without_a_body_ends_its_turn_at_once() {
    let server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let leaf = one_at_a_time();
    let _kept = leaf.send(plain(&server.url())).await.unwrap();
    assert!(leaf.send(plain(&server.url())).await.is_ok());
}

#[tokio::test]
async fn a_failed_request_ends_its_turn() {
    let server = Server::start(|number, mut stream, _| async move {
        read_head(&mut stream).await;
        let sent = match number {
            0 => "",
            1 => "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
            _ => return stream.write_all(answer("yes").as_bytes()).await.unwrap(),
        };
        stream.write_all(sent.as_bytes()).await.unwrap();
    })
    .await;
    let leaf = one_at_a_time();
    text(&leaf, plain(&server.url())).await.unwrap_err();
    text(&leaf, plain(&server.url())).await.unwrap_err();
    assert_eq!(text(&leaf, plain(&server.url())).await.unwrap(), "yes");
}

#[tokio::test]
async fn origins_do_not_wait_for_each_other() {
    let (one, other) = (
        Server::answering(answer("one")).await,
        Server::answering(answer("other")).await,
    );
    let leaf = one_at_a_time();
    let _kept = leaf.send(plain(&one.url())).await.unwrap();
    assert_eq!(text(&leaf, plain(&other.url())).await.unwrap(), "other");
}

#[tokio::test]
async fn turns_come_in_the_order_of_the_calls() {
    let server = Server::answering(answer("yes")).await;
    let leaf = one_at_a_time();
    let held = leaf.send(plain(&server.url())).await.unwrap();
    let mut calls = Vec::new();
    for number in 0..8 {
        let url = format!("{}/{number}", server.url());
        let leaf = leaf.clone();
        calls.push(tokio::spawn(async move { text(&leaf, plain(&url)).await }));
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

/// Polls a call so often, and drops it. Says whether it came to its end before.
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
            // With no poll left there is nothing to wait for.
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn a_call_dropped_at_any_point_leaves_its_turn() {
    let old = Server::answering(answer("yes")).await;
    let new = Server::start(|_, stream, _| async move {
        let mut wire = Wire::accept(stream).await;
        while let Some(stream) = wire.request().await {
            wire.head(stream, false).await;
            wire.data(stream, b"yes", true).await;
        }
    })
    .await;
    for (server, version) in [(old, HttpVersion::Http1), (new, HttpVersion::Http2)] {
        let leaf = leaf().http_version(version).max_in_flight(1).build();
        let url = server.url();
        for fresh in [true, false] {
            for contended in [false, true] {
                for polls in 0.. {
                    let leaf = match fresh {
                        true => crate::leaf().http_version(version).max_in_flight(1).build(),
                        false => leaf.clone(),
                    };
                    let ended = if contended {
                        let held = leaf.send(plain(&url)).await.unwrap();
                        let call = leaf.send(plain(&url));
                        let release = async {
                            tokio::task::yield_now().await;
                            drop(held);
                        };
                        tokio::join!(drop_after(polls, call), release).0
                    } else {
                        drop_after(polls, leaf.send(plain(&url))).await
                    };
                    let next = text(&leaf, plain(&url));
                    let next = tokio::time::timeout(Duration::from_secs(5), next).await;
                    let case = (version, fresh, contended, polls);
                    assert_eq!(next.expect("a turn was lost").unwrap(), "yes", "{case:?}");
                    if ended {
                        assert!(polls > 0);
                        break;
                    }
                }
            }
        }
    }
}
