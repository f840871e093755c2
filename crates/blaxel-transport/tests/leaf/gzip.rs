//! Compressed answers.

use std::io::Write;

use blaxel_core::{ErrorKind, HttpService, OperationInfo};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH};

use crate::server::{Server, answer};
use crate::{READ, RUN, described, leaf, plain, text};

static FOLLOW: OperationInfo = OperationInfo::new("FollowThing", Method::GET, "/thing").streaming();

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn only_whole_answers_of_the_control_plane_are_asked_for_compressed() {
    let server = Server::answering(answer("yes")).await;
    let asks = async |builder: blaxel_transport::HyperBuilder, request| {
        assert_eq!(text(&builder.build(), request).await.unwrap(), "yes");
        server
            .log
            .lines()
            .last()
            .unwrap()
            .contains("accept-encoding: gzip")
    };
    assert!(asks(leaf(), described(&READ, &server.url())).await);
    assert!(!asks(leaf().gzip(false), described(&READ, &server.url())).await);
    assert!(!asks(leaf(), described(&RUN, &server.url())).await);
    assert!(!asks(leaf(), described(&FOLLOW, &server.url())).await);
    assert!(!asks(leaf(), plain(&server.url())).await);
    let workload = leaf().workload_host("127.0.0.1");
    assert!(!asks(workload, described(&READ, &server.url())).await);
    let mut part = described(&READ, &server.url());
    part.headers_mut()
        .insert("range", "bytes=0-9".parse().unwrap());
    assert!(!asks(leaf(), part).await);
    let mut own = described(&READ, &server.url());
    own.headers_mut()
        .insert(ACCEPT_ENCODING, "br".parse().unwrap());
    assert!(!asks(leaf(), own).await);
}

#[tokio::test]
async fn an_answer_is_inflated_and_its_headers_with_it() {
    let long = "line after line\n".repeat(5_000);
    // Members one after another are one text.
    let members = [compress(b"one "), compress(b""), compress(b"two")].concat();
    for (body, expected) in [
        (compress(b"[]"), "[]"),
        (compress(b""), ""),
        (compress(long.as_bytes()), long.as_str()),
        (members, "one two"),
        (Vec::new(), ""),
    ] {
        let server = Server::answering(compressed(&body)).await;
        let leaf = leaf().build();
        for _ in 0..2 {
            let request = described(&READ, &server.url());
            let response = leaf.send(request).await.unwrap();
            if !body.is_empty() {
                assert!(!response.headers().contains_key(CONTENT_ENCODING));
                assert!(!response.headers().contains_key(CONTENT_LENGTH));
            }
            let found = blaxel_core::response::collect(response.into_body(), 1 << 20).await;
            assert_eq!(found.unwrap(), expected);
        }
        // Read to its end, so the connection could be used again.
        assert_eq!(server.log.count("connection"), 1);
    }
}

#[tokio::test]
async fn an_answer_in_pieces_is_inflated_as_it_comes() {
    let whole = compress("piece by piece ".repeat(100).as_bytes());
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: X-GZIP\r\n\
                       transfer-encoding: chunked\r\n\r\n"
        .to_vec();
    for byte in &whole {
        answer.extend(b"1\r\n");
        answer.push(*byte);
        answer.extend(b"\r\n");
    }
    answer.extend(b"0\r\nx-trailer: yes\r\n\r\n");
    let server = Server::answering(answer).await;
    let found = text(&leaf().build(), described(&READ, &server.url())).await;
    assert_eq!(found.unwrap(), "piece by piece ".repeat(100));
}

#[tokio::test]
async fn who_asks_for_compression_gets_it() {
    let body = compress(b"[]");
    let server = Server::answering(compressed(&body)).await;
    let mut request = described(&READ, &server.url());
    let headers = request.headers_mut();
    headers.insert(ACCEPT_ENCODING, "gzip".parse().unwrap());
    let response = leaf().build().send(request).await.unwrap();
    assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
    let found = blaxel_core::response::collect(response.into_body(), 1 << 20).await;
    assert_eq!(found.unwrap(), body);
}

#[tokio::test]
async fn a_damaged_answer_is_an_error_of_its_own() {
    let whole = compress("some text that is long enough".repeat(50).as_bytes());
    let cut = whole[..whole.len() - 5].to_vec();
    let mut wrong_sum = whole.clone();
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    let tailed = [whole.as_slice(), b"tail"].concat();
    for body in [cut, wrong_sum, tailed, b"{}".to_vec(), b"\x1f".to_vec()] {
        let server = Server::answering(compressed(&body)).await;
        let request = described(&READ, &server.url());
        let error = text(&leaf().build(), request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert!(error.to_string().contains("damaged"), "{error}");
    }
}

#[tokio::test]
async fn a_lost_connection_is_told_as_such() {
    let body = compress(&[7; 10_000]);
    let mut answer = compressed(&body);
    answer.truncate(answer.len() - 4);
    let server = Server::start(move |_, mut stream, _| {
        let answer = answer.clone();
        async move {
            crate::server::read_head(&mut stream).await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &answer).await;
        }
    })
    .await;
    let error = text(&leaf().build(), described(&READ, &server.url()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
}

#[test]
fn a_bomb_is_defused_by_the_reader_s_limit() {
    let mebibyte = compress(&vec![0; 1 << 20]);
    // A gibibyte in about one mebibyte.
    let bomb = compressed(&mebibyte.repeat(1024));
    assert!(bomb.len() < 2 << 20, "{}", bomb.len());
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    // The server has a thread of its own, so that its memory is not counted.
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        runtime().block_on(async {
            let server = Server::answering(bomb).await;
            send.send(server.url()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    let url = receive.recv().unwrap();
    let runtime = runtime();
    let mut outcome = None;
    let used = allocation_counter::measure(|| {
        outcome = Some(runtime.block_on(text(&leaf().build(), described(&READ, &url))));
    });
    let error = outcome.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    println!("at most {} bytes at once", used.bytes_max);
    // The limit is one mebibyte; a growing buffer holds its old self beside the new one.
    assert!(used.bytes_max < 8 << 20, "{} bytes", used.bytes_max);
}
