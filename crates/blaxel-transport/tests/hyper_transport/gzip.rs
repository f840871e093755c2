//! Compressed responses.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use blaxel_core::{ErrorKind, HttpService, OperationInfo, Plane};
use flate2::write::{GzEncoder, ZlibEncoder};
use flate2::{Compress, Compression, FlushCompress};
use http::Method;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH};
use tokio::io::AsyncWriteExt;

use crate::server::{Server, response};
use crate::{READ, RUN, builder, described, plain, text};

static FOLLOW: OperationInfo = OperationInfo::new("FollowThing", Method::GET, "/thing")
    .with_plane(Plane::Run)
    .streaming();

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn compressed(body: &[u8]) -> Vec<u8> {
    coded("200 OK", "content-encoding: gzip\r\n", body)
}

/// Compresses in the format of zlib, or without its header and checksum.
fn deflate(bytes: &[u8], zlib: bool) -> Vec<u8> {
    let mut encoder = Compress::new(Compression::default(), zlib);
    let mut out = Vec::with_capacity(bytes.len() + 100);
    encoder
        .compress_vec(bytes, &mut out, FlushCompress::Finish)
        .unwrap();
    out
}

/// Returns a complete response with these headers.
fn coded(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn only_complete_responses_may_be_compressed() {
    let server = Server::responding(response("yes")).await;
    let asked = async |builder: blaxel_transport::HyperBuilder, request| {
        assert_eq!(text(&builder.build(), request).await.unwrap(), "yes");
        let lines = server.log.lines();
        let mut head = lines.last().unwrap().lines().map(str::to_owned);
        head.find_map(|line| Some(line.strip_prefix("accept-encoding: ")?.to_owned()))
    };
    let url = server.url();
    let found = [
        asked(builder(), described(&READ, &url)).await,
        asked(builder(), described(&RUN, &url)).await,
        asked(builder().gzip(false), described(&READ, &url)).await,
        asked(builder(), described(&FOLLOW, &url)).await,
        asked(builder(), plain(&url)).await,
    ];
    let found = found.map(Option::unwrap);
    assert_eq!(found, ["gzip", "gzip", "identity", "identity", "identity"]);
    let mut part = described(&READ, &url);
    let range = "bytes=0-9".parse().unwrap();
    part.headers_mut().insert("range", range);
    assert_eq!(asked(builder(), part).await.unwrap(), "identity");
}

#[tokio::test]
async fn what_comes_compressed_is_decompressed_even_if_nobody_asked() {
    let twice = compress(&deflate(b"yes", true));
    for (headers, body) in [
        ("content-encoding: gzip\r\n", compress(b"yes")),
        ("Content-Encoding: X-GZip\r\n", compress(b"yes")),
        ("content-encoding: deflate\r\n", deflate(b"yes", true)),
        ("content-encoding: deflate\r\n", deflate(b"yes", false)),
        ("content-encoding: identity, gzip\r\n", compress(b"yes")),
        ("content-encoding: deflate, gzip\r\n", twice.clone()),
        (
            "content-encoding: deflate\r\ncontent-encoding: gzip\r\n",
            twice,
        ),
        ("content-encoding: identity\r\n", b"yes".to_vec()),
    ] {
        let server = Server::responding(coded("200 OK", headers, &body)).await;
        let requests = [
            (builder(), plain(&server.url())),
            (builder(), described(&RUN, &server.url())),
            (builder(), described(&FOLLOW, &server.url())),
            (builder().gzip(false), described(&READ, &server.url())),
        ];
        for (builder, request) in requests {
            let found = text(&builder.build(), request).await;
            assert_eq!(found.unwrap(), "yes", "{headers}");
        }
    }
}

#[tokio::test]
async fn a_response_without_a_body_is_not_decompressed() {
    let no_body = |status| format!("HTTP/1.1 {status}\r\ncontent-encoding: gzip\r\n\r\n");
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 9\r\n\r\n";
    for (response, method) in [
        (no_body("204 No Content"), Method::GET),
        (no_body("304 Not Modified"), Method::GET),
        (head.to_owned(), Method::HEAD),
    ] {
        let server = Server::responding(response).await;
        let transport = builder().build();
        for _ in 0..2 {
            let mut request = plain(&server.url());
            *request.method_mut() = method.clone();
            assert_eq!(text(&transport, request).await.unwrap(), "");
        }
        assert_eq!(server.log.count("connection"), 1);
    }
}

/// A part of a compressed body, an unknown coding, and more codings than anyone applies.
#[tokio::test]
async fn what_cannot_be_decompressed_is_left_to_the_reader() {
    let (part, whole) = ("206 Partial Content", "200 OK");
    for (status, coding) in [
        (part, "gzip"),
        (whole, "br"),
        (whole, "br, gzip"),
        (whole, "gzip, gzip, gzip, gzip"),
    ] {
        let headers = format!("content-encoding: {coding}\r\n");
        let server = Server::responding(coded(status, &headers, b"raw")).await;
        let request = described(&RUN, &server.url());
        let response = builder().build().send(request).await.unwrap();
        assert_eq!(response.headers()[CONTENT_ENCODING], coding);
        let found = blaxel_core::response::collect(response.into_body(), 1 << 20).await;
        assert_eq!(found.unwrap(), "raw");
    }
}

/// Each flushed piece is returned before the next one is sent, however much it decompresses to.
#[tokio::test]
async fn a_flushed_piece_of_a_stream_is_returned_at_once() {
    const PIECES: [usize; 6] = [1, 100, 40_000, 7, 300_000, 2];
    for coding in ["gzip", "deflate"] {
        let (read, wanted) = tokio::sync::mpsc::unbounded_channel();
        let wanted = Arc::new(tokio::sync::Mutex::new(wanted));
        let server = Server::start(move |_, mut stream, _| {
            let wanted = Arc::clone(&wanted);
            async move {
                let mut encoder: Box<dyn Flushed> = match coding {
                    "gzip" => Box::new(GzEncoder::new(Vec::new(), Compression::default())),
                    _ => Box::new(ZlibEncoder::new(Vec::new(), Compression::default())),
                };
                crate::server::read_head(&mut stream).await;
                let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
                for size in PIECES {
                    let piece = encoder.flushed(&vec![b'x'; size]);
                    stream.write_all(&piece).await.unwrap();
                    wanted.lock().await.recv().await.unwrap();
                }
                stream.write_all(&encoder.end()).await.unwrap();
            }
        })
        .await;
        let request = described(&FOLLOW, &server.url());
        let response = builder().build().send(request).await.unwrap();
        let mut body = response.into_body();
        for size in PIECES {
            let mut found = 0;
            while found < size {
                let chunk = tokio::time::timeout(Duration::from_secs(5), body.chunk()).await;
                found += chunk.unwrap().unwrap().unwrap().len();
            }
            assert_eq!(found, size);
            read.send(()).unwrap();
        }
        assert!(body.chunk().await.unwrap().is_none());
    }
}

/// An encoder whose output is taken piece by piece.
trait Flushed: Send {
    fn flushed(&mut self, piece: &[u8]) -> Vec<u8>;
    fn end(&mut self) -> Vec<u8>;
}

macro_rules! flushed {
    ($($encoder:ident)+) => {$(
        impl Flushed for $encoder<Vec<u8>> {
            fn flushed(&mut self, piece: &[u8]) -> Vec<u8> {
                self.write_all(piece).unwrap();
                self.flush().unwrap();
                std::mem::take(self.get_mut())
            }

            fn end(&mut self) -> Vec<u8> {
                self.try_finish().unwrap();
                std::mem::take(self.get_mut())
            }
        }
    )+};
}

flushed!(GzEncoder ZlibEncoder);

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
    let noise: Vec<u8> = (0..5_000_u32).map(|n| (n * n % 251) as u8).collect();
    for zlib in [true, false] {
        let whole = deflate(&noise, zlib);
        let tailed = [whole.as_slice(), b"tail"].concat();
        let cut = &whole[..whole.len() - 3];
        for body in [cut, &whole[..1], &tailed] {
            let body = coded("200 OK", "content-encoding: deflate\r\n", body);
            let server = Server::responding(body).await;
            let request = described(&RUN, &server.url());
            let error = blaxel_core::response::collect(
                builder().build().send(request).await.unwrap().into_body(),
                1 << 20,
            );
            let error = error.await.unwrap_err();
            assert!(
                error.is_decode() && error.to_string().contains("corrupt"),
                "{error}"
            );
        }
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
    let gibibyte = mebibyte.repeat(1024);
    let bomb = compressed(&gibibyte);
    assert!(bomb.len() < 2 << 20, "{}", bomb.len());
    stops_at_the_limit(bomb);
    let headers = "content-encoding: gzip, gzip\r\n";
    let nested = coded("200 OK", headers, &compress(&gibibyte));
    assert!(nested.len() < 64 << 10, "{}", nested.len());
    stops_at_the_limit(nested);
}

fn stops_at_the_limit(bomb: Vec<u8>) {
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
