//! Compressed responses.

use std::io::Write;

use blaxel_core::{ErrorKind, HttpService, OperationInfo};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH};

use crate::server::{Server, response};
use crate::{READ, RUN, builder, described, plain, text};

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
async fn only_complete_responses_of_the_control_plane_may_be_compressed() {
    let server = Server::responding(response("yes")).await;
    let accepts_gzip = async |builder: blaxel_transport::HyperBuilder, request| {
        assert_eq!(text(&builder.build(), request).await.unwrap(), "yes");
        server
            .log
            .lines()
            .last()
            .unwrap()
            .contains("accept-encoding: gzip")
    };
    assert!(accepts_gzip(builder(), described(&READ, &server.url())).await);
    assert!(!accepts_gzip(builder().gzip(false), described(&READ, &server.url())).await);
    assert!(!accepts_gzip(builder(), described(&RUN, &server.url())).await);
    assert!(!accepts_gzip(builder(), described(&FOLLOW, &server.url())).await);
    assert!(!accepts_gzip(builder(), plain(&server.url())).await);
    let workload = builder().workload_host("127.0.0.1");
    assert!(!accepts_gzip(workload, described(&READ, &server.url())).await);
    let mut part = described(&READ, &server.url());
    part.headers_mut()
        .insert("range", "bytes=0-9".parse().unwrap());
    assert!(!accepts_gzip(builder(), part).await);
    let mut own = described(&READ, &server.url());
    own.headers_mut()
        .insert(ACCEPT_ENCODING, "br".parse().unwrap());
    assert!(!accepts_gzip(builder(), own).await);
}

#[tokio::test]
async fn a_response_is_decompressed_and_its_headers_are_adjusted() {
    let long = "line after line\n".repeat(5_000);
    // Consecutive gzip members form one text.
    let members = [compress(b"one "), compress(b""), compress(b"two")].concat();
    for (body, expected) in [
        (compress(b"[]"), "[]"),
        (compress(b""), ""),
        (compress(long.as_bytes()), long.as_str()),
        (members, "one two"),
        (Vec::new(), ""),
    ] {
        let server = Server::responding(compressed(&body)).await;
        let transport = builder().build();
        for _ in 0..2 {
            let request = described(&READ, &server.url());
            let response = transport.send(request).await.unwrap();
            if !body.is_empty() {
                assert!(!response.headers().contains_key(CONTENT_ENCODING));
                assert!(!response.headers().contains_key(CONTENT_LENGTH));
            }
            let found = blaxel_core::response::collect(response.into_body(), 1 << 20).await;
            assert_eq!(found.unwrap(), expected);
        }
        // The body was read to its end, so the connection was reused.
        assert_eq!(server.log.count("connection"), 1);
    }
}

#[tokio::test]
async fn a_chunked_response_is_decompressed_incrementally() {
    let whole = compress("chunk by chunk ".repeat(100).as_bytes());
    let mut response = b"HTTP/1.1 200 OK\r\ncontent-encoding: X-GZIP\r\n\
                       transfer-encoding: chunked\r\n\r\n"
        .to_vec();
    for byte in &whole {
        response.extend(b"1\r\n");
        response.push(*byte);
        response.extend(b"\r\n");
    }
    response.extend(b"0\r\nx-trailer: yes\r\n\r\n");
    let server = Server::responding(response).await;
    let found = text(&builder().build(), described(&READ, &server.url())).await;
    assert_eq!(found.unwrap(), "chunk by chunk ".repeat(100));
}

#[tokio::test]
async fn a_caller_that_accepts_gzip_gets_the_compressed_body() {
    let body = compress(b"[]");
    let server = Server::responding(compressed(&body)).await;
    let mut request = described(&READ, &server.url());
    let headers = request.headers_mut();
    headers.insert(ACCEPT_ENCODING, "gzip".parse().unwrap());
    let response = builder().build().send(request).await.unwrap();
    assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
    let found = blaxel_core::response::collect(response.into_body(), 1 << 20).await;
    assert_eq!(found.unwrap(), body);
}

#[tokio::test]
async fn a_corrupt_response_is_a_decode_error() {
    let whole = compress("some text that is long enough".repeat(50).as_bytes());
    let cut = whole[..whole.len() - 5].to_vec();
    let mut wrong_sum = whole.clone();
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    let tailed = [whole.as_slice(), b"tail"].concat();
    for body in [cut, wrong_sum, tailed, b"{}".to_vec(), b"\x1f".to_vec()] {
        let server = Server::responding(compressed(&body)).await;
        let request = described(&READ, &server.url());
        let error = text(&builder().build(), request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert!(error.to_string().contains("corrupt"), "{error}");
    }
}

#[tokio::test]
async fn a_lost_connection_is_a_transport_error() {
    let body = compress(&[7; 10_000]);
    let mut response = compressed(&body);
    response.truncate(response.len() - 4);
    let server = Server::start(move |_, mut stream, _| {
        let response = response.clone();
        async move {
            crate::server::read_head(&mut stream).await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &response).await;
        }
    })
    .await;
    let error = text(&builder().build(), described(&READ, &server.url()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
}

#[test]
fn a_decompression_bomb_stops_at_the_readers_limit() {
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
            let server = Server::responding(bomb).await;
            send.send(server.url()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    let url = receive.recv().unwrap();
    let runtime = runtime();
    let mut outcome = None;
    let used = allocation_counter::measure(|| {
        outcome = Some(runtime.block_on(text(&builder().build(), described(&READ, &url))));
    });
    let error = outcome.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    println!("at most {} bytes at once", used.bytes_max);
    // The limit is one mebibyte; a growing buffer exists twice while it is copied.
    assert!(used.bytes_max < 8 << 20, "{} bytes", used.bytes_max);
}
