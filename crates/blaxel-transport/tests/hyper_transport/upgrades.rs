//! Upgrades to another protocol: over HTTP/1.1 on a connection of their own, whatever is around the
//! transport. An upgraded connection holds its permit, and nothing outlives it.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use blaxel_core::{
    Body, CallOptions, Delivery, Error, ErrorKind, HttpService, Idempotency, OperationInfo,
    RequestWriter, Source, Upgraded, raw_request, upgrade,
};
use blaxel_transport::{
    Client, ClientBuilder, CustomTransport, HttpVersion, HyperTransport, Proxy, RetryPolicy,
    TimeLimits,
};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tower::layer::util::Identity;
use tower::util::{MapRequestLayer, MapResponseLayer};

use crate::certificates::Authority;
use crate::proxies::proxy;
use crate::server::{Log, Server, read_head};
use crate::{builder, plain};

static OPEN: OperationInfo = OperationInfo::new("OpenThing", Method::GET, "/thing");
static CREATE: OperationInfo =
    OperationInfo::new("CreateThing", Method::GET, "/thing").with_idempotency(Idempotency::None);

/// The response of a server that agrees, and the first bytes of the other protocol.
const AGREED: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: WebSocket\r\n\r\nhello";

/// Agrees to every upgrade and returns the bytes that it receives. It records each request, and the end of
/// the connection.
async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, log: Log) {
    let Some(head) = read_head(&mut stream).await else {
        return log.add("no request");
    };
    log.add("request");
    log.add(head);
    stream.write_all(AGREED).await.unwrap();
    let mut buffer = [0; 64];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    log.add("closed");
}

async fn echo_server() -> Server {
    Server::start(|_, stream, log| echo(stream, log)).await
}

/// Returns a request of an operation for an upgrade.
fn request(info: &'static OperationInfo, url: &str) -> Request<Body> {
    let mut writer = RequestWriter::new(info);
    writer.address(url, &Source::Code).unwrap();
    writer.upgrade("websocket").unwrap();
    writer.finish().unwrap()
}

/// Upgrades a connection within 5 seconds.
async fn open(service: &impl HttpService, url: &str) -> Result<Upgraded, Error> {
    let opening = upgrade(service, request(&OPEN, url));
    let outcome = tokio::time::timeout(Duration::from_secs(5), opening).await;
    outcome.expect("it hangs").map(|(_, connection)| connection)
}

/// Reads the given bytes within 5 seconds.
async fn expect(connection: &mut Upgraded, bytes: &[u8]) {
    let mut buffer = vec![0; bytes.len()];
    let reading = connection.read_exact(&mut buffer);
    let outcome = tokio::time::timeout(Duration::from_secs(5), reading).await;
    outcome.expect("it hangs").unwrap();
    assert_eq!(buffer, bytes);
}

/// Sends bytes, and expects their echo.
async fn talk(connection: &mut Upgraded) {
    connection.write_all(b"ping").await.unwrap();
    connection.flush().await.unwrap();
    expect(connection, b"ping").await;
}

fn client_builder(
    transport: HyperTransport,
    server: &Server,
) -> ClientBuilder<CustomTransport<HyperTransport>, Identity, Identity> {
    Client::builder()
        .api_key("canary")
        .workspace("w")
        .trust(format!("http://{}", server.address))
        .retry(RetryPolicy::new().attempts(2))
        .transport(transport)
}

#[tokio::test]
async fn bytes_go_both_ways_after_the_agreement() {
    let server = echo_server().await;
    let transport = builder().build();
    let (head, mut connection) = upgrade(&transport, request(&OPEN, &server.url()))
        .await
        .unwrap();
    assert_eq!(head.status, 101);
    assert_eq!(head.headers["upgrade"], "WebSocket");
    expect(&mut connection, b"hello").await;
    talk(&mut connection).await;
    talk(&mut connection).await;
    let sent = server.log.lines().concat();
    assert!(sent.contains("get /thing http/1.1\r\n"), "{sent}");
    assert!(sent.contains("connection: upgrade\r\n"), "{sent}");
    assert!(sent.contains("upgrade: websocket\r\n"), "{sent}");
    assert!(!sent.contains("content-length"), "{sent}");
    assert!(!sent.contains("transfer-encoding"), "{sent}");
}

#[tokio::test]
async fn dropping_the_connection_closes_it() {
    let server = echo_server().await;
    let transport = builder().build();
    let mut connection = open(&transport, &server.url()).await.unwrap();
    expect(&mut connection, b"hello").await;
    assert_eq!(server.log.count("closed"), 0);
    drop(connection);
    server.log.wait_for("closed", 1).await;
}

/// The half-close of one direction leaves the other one open.
#[tokio::test]
async fn a_shutdown_ends_one_direction() {
    let server = Server::start(|_, mut stream, _| async move {
        read_head(&mut stream).await;
        stream.write_all(AGREED).await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        stream.write_all(&all).await.unwrap();
    })
    .await;
    let mut connection = open(&builder().build(), &server.url()).await.unwrap();
    expect(&mut connection, b"hello").await;
    connection.write_all(b"all of it").await.unwrap();
    connection.shutdown().await.unwrap();
    expect(&mut connection, b"all of it").await;
    assert_eq!(connection.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_refusal_is_an_error_with_its_body() {
    let body = r#"{"code":404,"error":"no such process"}"#;
    let length = body.len();
    let refusal = format!("HTTP/1.1 404 Not Found\r\ncontent-length: {length}\r\n\r\n{body}");
    let server = Server::responding(refusal).await;
    let transport = builder().max_in_flight(1).build();
    for _ in 0..2 {
        let error = open(&transport, &server.url()).await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert!(error.to_string().contains("no such process"), "{error}");
        assert_eq!(error.operation().unwrap().name(), "OpenThing");
    }
}

/// A server that ignores the upgrade.
#[tokio::test]
async fn a_success_without_an_upgrade_is_an_error() {
    let server = Server::responding(crate::server::response("page")).await;
    let error = open(&builder().build(), &server.url()).await.unwrap_err();
    assert!(error.is_decode(), "{error}");
    assert!(error.to_string().contains("did not upgrade"), "{error}");
    assert_eq!(error.status().unwrap(), 200);
}

#[tokio::test]
async fn a_server_may_close_at_any_time() {
    let server = Server::start(|_, mut stream, _| async move {
        read_head(&mut stream).await;
        stream.write_all(AGREED).await.unwrap();
    })
    .await;
    let mut connection = open(&builder().build(), &server.url()).await.unwrap();
    expect(&mut connection, b"hello").await;
    assert_eq!(connection.read(&mut [0; 8]).await.unwrap(), 0);

    for partial in ["", "HTTP/1.1 101 Switching Proto"] {
        let server = Server::start(move |_, mut stream, _| async move {
            read_head(&mut stream).await;
            stream.write_all(partial.as_bytes()).await.unwrap();
        })
        .await;
        let opening = upgrade(&builder().build(), request(&CREATE, &server.url())).await;
        let error = opening.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
        assert_eq!(error.delivery(), Delivery::Unknown, "{error}");
        assert!(error.maybe_applied(), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_received_nothing() {
    let server = echo_server().await;
    let (url, client) = (server.url(), client_builder(builder().build(), &server));
    let client = client
        .retry(RetryPolicy::new().attempts(1))
        .build()
        .unwrap();
    drop(server);
    // The address is free as soon as the task of the server has ended.
    tokio::time::sleep(Duration::from_millis(10)).await;
    let error = upgrade(&client, request(&CREATE, &url)).await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert!(!error.maybe_applied());
}

#[tokio::test]
async fn tls_offers_http1_alone_whatever_the_version() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["localhost"], &["h2", "http/1.1"]);
    let server = Server::start(move |_, stream, log| {
        let acceptor = acceptor.clone();
        async move {
            let stream = acceptor.accept(stream).await.unwrap();
            let agreed = stream.get_ref().1.alpn_protocol().unwrap_or_default();
            log.add(String::from_utf8(agreed.to_vec()).unwrap());
            echo(stream, log).await;
        }
    })
    .await;
    let url = format!("https://localhost:{}/thing", server.address.port());
    for version in [HttpVersion::Auto, HttpVersion::Http1, HttpVersion::Http2] {
        let transport = builder()
            .add_root_certificate(authority.pem())
            .unwrap()
            .http_version(version)
            .build();
        let mut connection = open(&transport, &url).await.unwrap();
        expect(&mut connection, b"hello").await;
        talk(&mut connection).await;
    }
    assert_eq!(server.log.count("http/1.1"), 3);
    let only_new = authority.server(&["localhost"], &["h2"]).await;
    let url = format!("https://localhost:{}/thing", only_new.address.port());
    let transport = builder()
        .add_root_certificate(authority.pem())
        .unwrap()
        .build();
    let error = open(&transport, &url).await.unwrap_err();
    assert!(error.is_connect(), "{error}");
}

#[tokio::test]
async fn it_goes_through_the_tunnel_of_a_proxy() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["api.blaxel.test"], &["h2", "http/1.1"]);
    let server = Server::start(move |_, stream, log| {
        let acceptor = acceptor.clone();
        async move { echo(acceptor.accept(stream).await.unwrap(), log).await }
    })
    .await;
    let proxy = proxy(server.address).await;
    let choice = Proxy::via(&format!("http://{}", proxy.address)).unwrap();
    let transport = builder()
        .add_root_certificate(authority.pem())
        .unwrap()
        .proxy(choice)
        .build();
    let url = "https://api.blaxel.test/thing";
    let mut connection = open(&transport, url).await.unwrap();
    expect(&mut connection, b"hello").await;
    talk(&mut connection).await;
    assert_eq!(proxy.log.count("connect api.blaxel.test:443 http/1.1"), 1);
    drop(connection);
    server.log.wait_for("closed", 1).await;
}

#[tokio::test]
async fn the_connection_holds_its_permit_until_it_is_dropped() {
    let (server, other) = (echo_server().await, echo_server().await);
    let transport = builder().max_in_flight(1).build();
    let connection = open(&transport, &server.url()).await.unwrap();
    let _elsewhere = open(&transport, &other.url()).await.unwrap();
    for second in [request(&OPEN, &server.url()), plain(&server.url())] {
        let waiting = transport.send(second);
        let waited = tokio::time::timeout(Duration::from_millis(50), waiting).await;
        assert!(waited.is_err(), "the permit was not held");
    }
    assert_eq!(server.log.count("request"), 1);
    drop(connection);
    let mut next = open(&transport, &server.url()).await.unwrap();
    expect(&mut next, b"hello").await;
}

/// The future is dropped after any number of its polls; each time the next call gets the permit.
#[tokio::test]
async fn a_call_dropped_at_any_point_returns_its_permit_and_closes() {
    let server = echo_server().await;
    let transport = builder().max_in_flight(1).build();
    for polls in 1.. {
        let mut opening = Box::pin(upgrade(&transport, request(&OPEN, &server.url())));
        let mut cx = Context::from_waker(Waker::noop());
        let mut ended = false;
        for _ in 0..polls {
            if opening.as_mut().poll(&mut cx).is_ready() {
                ended = true;
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(opening);
        let mut next = open(&transport, &server.url()).await.unwrap();
        expect(&mut next, b"hello").await;
        if ended {
            assert!(polls > 1);
            break;
        }
    }
    let requests = server.log.count("request");
    server.log.wait_for("closed", requests).await;
}

/// Nobody asked for this one.
#[tokio::test]
async fn an_unexpected_agreement_closes_the_connection() {
    let server = echo_server().await;
    let response = builder().build().send(plain(&server.url())).await.unwrap();
    assert_eq!(response.status(), 101);
    server.log.wait_for("closed", 1).await;
}

/// Builds a new request from the parts that HTTP has.
fn without_extensions(request: Request<Body>) -> Request<Body> {
    let (head, body) = request.into_parts();
    let mut request = Request::new(body);
    *request.method_mut() = head.method;
    *request.uri_mut() = head.uri;
    *request.headers_mut() = head.headers;
    request
}

fn wrapped(request: Request<Body>) -> Request<Body> {
    request.map(|body| Body::new(UnsyncBoxBody::new(body)))
}

fn rebuilt(response: Response<Body>) -> Response<Body> {
    let (head, body) = response.into_parts();
    let mut response = Response::new(Body::new(UnsyncBoxBody::new(body)));
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    response
}

#[tokio::test]
async fn layers_at_both_positions_do_not_hinder_it() {
    let server = echo_server().await;
    let header = |name: &'static str| {
        MapRequestLayer::new(move |mut request: Request<Body>| {
            let value = HeaderValue::from_static("1");
            let name = HeaderName::from_static(name);
            request.headers_mut().insert(name, value);
            request
        })
    };
    for mapping in [wrapped, without_extensions] {
        let builder = client_builder(builder().build(), &server)
            .call_layer(MapRequestLayer::new(mapping))
            .call_layer(MapResponseLayer::new(rebuilt))
            .call_layer(header("x-call"))
            .attempt_layer(header("x-attempt"))
            .attempt_layer(MapRequestLayer::new(mapping))
            .attempt_layer(MapResponseLayer::new(rebuilt));
        let mut connection = open(&builder.build().unwrap(), &server.url())
            .await
            .unwrap();
        expect(&mut connection, b"hello").await;
        talk(&mut connection).await;
    }
    let sent = server.log.lines().concat();
    assert!(!sent.contains("transfer-encoding"), "{sent}");
    assert_eq!(sent.matches("x-call: 1").count(), 2, "{sent}");
    assert_eq!(sent.matches("x-attempt: 1").count(), 2, "{sent}");
    assert_eq!(sent.matches("x-blaxel-authorization").count(), 2, "{sent}");
}

/// Nothing is left by which the transport could know of the upgrade, or hand it over.
#[tokio::test]
async fn without_its_context_an_upgrade_is_an_error() {
    let server = echo_server().await;
    let lost = |request| wrapped(without_extensions(request));
    let client = client_builder(builder().build(), &server)
        .attempt_layer(MapRequestLayer::new(lost))
        .build()
        .unwrap();
    let error = open(&client, &server.url()).await.unwrap_err();
    assert!(error.is_decode(), "{error}");
    assert!(error.to_string().contains("dropped the context"), "{error}");
    let sent = server.log.lines().concat();
    assert!(!sent.contains("upgrade: websocket"), "{sent}");
    server.log.wait_for("closed", 1).await;

    let client = client_builder(builder().build(), &server)
        .call_layer(MapRequestLayer::new(lost))
        .build()
        .unwrap();
    let error = open(&client, &server.url()).await.unwrap_err();
    assert!(error.is_input() && error.attempts() == 0, "{error}");
}

/// An upgrade is asked for by the request's context alone.
#[tokio::test]
async fn a_client_refuses_a_header_that_asks_for_an_upgrade() {
    let server = echo_server().await;
    let client = client_builder(builder().build(), &server).build().unwrap();
    for info in [&OPEN, &CREATE] {
        let mut request = raw_request(info.plane(), plain(&server.url())).unwrap();
        let value = HeaderValue::from_static("websocket");
        request.headers_mut().insert("upgrade", value);
        let error = client.send(request).await.unwrap_err();
        assert!(error.is_input(), "{error}");
    }
    let mut writer = RequestWriter::new(&OPEN);
    let error = writer.header(http::header::UPGRADE, "websocket");
    assert!(error.unwrap_err().is_input());
    assert_eq!(server.log.count("request"), 0);
}

#[tokio::test]
async fn a_lost_connection_is_retried_before_the_agreement_only() {
    let server = Server::start(|number, stream, log| async move {
        if number > 0 {
            echo(stream, log).await;
        }
    })
    .await;
    let client = client_builder(builder().build(), &server).build().unwrap();
    let mut connection = open(&client, &server.url()).await.unwrap();
    expect(&mut connection, b"hello").await;
    assert_eq!(server.log.count("connection"), 2);
}

#[tokio::test]
async fn the_limits_of_the_call_end_with_the_agreement() {
    let server = Server::start(|number, stream, log| async move {
        if number == 0 {
            echo(stream, log).await;
        } else {
            tokio::time::sleep(Duration::from_secs(10)).await;
            drop(stream);
        }
    })
    .await;
    let mut limits = TimeLimits::default();
    limits.response_headers = Duration::from_millis(100);
    limits.idle = Duration::from_millis(100);
    let client = client_builder(builder().build(), &server)
        .time_limits(limits)
        .build()
        .unwrap()
        .with_options(
            CallOptions::new()
                .with_deadline(Duration::from_millis(200))
                .with_attempts(1),
        );
    let mut connection = open(&client, &server.url()).await.unwrap();
    expect(&mut connection, b"hello").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    talk(&mut connection).await;

    let error = open(&client, &server.url()).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("response headers"), "{error}");
}

#[test]
fn a_runtime_without_io_is_an_error() {
    let mut without_io = tokio::runtime::Builder::new_current_thread();
    let runtime = without_io.enable_time().build().unwrap();
    let transport = builder().build();
    let opening = upgrade(&transport, request(&OPEN, "http://127.0.0.1:9"));
    let error = runtime.block_on(opening).unwrap_err();
    assert!(error.is_input(), "{error}");
    assert!(error.to_string().contains("enable_io"), "{error}");
    let mut outside = pin!(upgrade(&transport, request(&OPEN, "http://127.0.0.1:9")));
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(outcome) = outside.as_mut().poll(&mut cx) else {
        panic!("it waits");
    };
    assert!(outcome.unwrap_err().is_input());
}
