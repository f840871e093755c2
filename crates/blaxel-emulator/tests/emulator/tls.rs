//! TLS, HTTP/2 and the proxy.

use std::time::Duration;

use blaxel_emulator::{Emulator, Fault};
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::secure::{connect, get, handshake, http2, once, secure, tunnel, with};
use crate::support::{self, address};

const BOTH: [&str; 2] = ["h2", "http/1.1"];

async fn started() -> Emulator {
    Emulator::builder().tls().start().await.unwrap()
}

async fn json_of(response: Response<Incoming>) -> Value {
    assert_eq!(response.status(), 200, "{response:?}");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

async fn text_of(response: Response<Incoming>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.into()).unwrap()
}

/// Asserts that the peer ends a connection.
async fn ends(mut stream: impl tokio::io::AsyncRead + Unpin) {
    let mut rest = Vec::new();
    let read = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest));
    // A reset is an end too.
    let _ = read.await.unwrap();
}

#[tokio::test]
async fn a_client_chooses_its_protocol_and_gets_addresses_of_https() {
    let emulator = started().await;
    emulator.add("sandboxes", "dev").unwrap();
    let origin = format!("https://{}", address(&emulator));
    for (name, offered, chosen) in [
        ("127.0.0.1", &BOTH[..], Some(&b"h2"[..])),
        ("localhost", &BOTH[..1], Some(&b"h2"[..])),
        ("shop-demo.localhost", &BOTH[1..], Some(&b"http/1.1"[..])),
        ("::1", &BOTH[..0], None),
    ] {
        let stream = secure(&emulator, name, offered).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen, "{name}");
    }
    let mut client = http2(secure(&emulator, "127.0.0.1", &BOTH).await).await;
    let sandbox = client.send_request(get(&emulator, &format!("{origin}/v0/sandboxes/dev")));
    let sandbox = json_of(sandbox.await.unwrap()).await;
    let url = sandbox["metadata"]["url"].as_str().unwrap().to_owned();
    assert_eq!(url, format!("{origin}/run/demo/sandboxes/dev"));
    assert_eq!(emulator.url(), format!("{origin}/v0"));

    // Without TLS on the same port, by both protocols.
    let plain = once(connect(&emulator).await, get(&emulator, "/v0/models")).await;
    assert_eq!(plain.version(), http::Version::HTTP_11);
    json_of(plain).await;
    let mut plain = http2(connect(&emulator).await).await;
    let uri = format!("http://{}/v0/models", address(&emulator));
    let models = plain.send_request(get(&emulator, &uri)).await.unwrap();
    assert_eq!(models.version(), http::Version::HTTP_2);
    json_of(models).await;
}

#[tokio::test]
async fn http2_without_tls_needs_no_setting() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = http2(connect(&emulator).await).await;
    let uri = format!("{}/models", emulator.url());
    json_of(client.send_request(get(&emulator, &uri)).await.unwrap()).await;
    assert!(emulator.certificate_authority().is_none() && emulator.proxy_variables().is_empty());
    // No TLS either: the answer is one of HTTP.
    let stream = connect(&emulator).await;
    handshake(stream, None, "localhost", &BOTH)
        .await
        .unwrap_err();
}

#[tokio::test]
async fn nobody_trusts_an_emulator_unasked_and_no_other_host_has_a_certificate() {
    let (emulator, other) = (started().await, started().await);
    for authority in [None, other.certificate_authority()] {
        let stream = connect(&emulator).await;
        let error = handshake(stream, authority, "localhost", &BOTH).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("UnknownIssuer"), "{error}");
    }
    let own = emulator.certificate_authority();
    for name in ["example.com", "app.blaxel.ai", "localhost.example.com"] {
        let stream = connect(&emulator).await;
        let error = handshake(stream, own, name, &BOTH)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("AccessDenied"), "{name}: {error}");
    }
    // Another address of this machine is none of the emulator's names.
    let stream = connect(&emulator).await;
    let error = handshake(stream, own, "127.0.0.2", &BOTH)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
    // It serves on.
    secure(&emulator, "api.blaxel.ai", &BOTH).await;
}

#[tokio::test]
async fn host_names_of_the_platform_lead_to_the_emulator_by_its_proxy() {
    let emulator = started().await;
    emulator.add("sandboxes", "my-dev").unwrap();
    emulator.add_agent("bot");
    let preview = json!({
        "metadata": {"name": "shop"},
        "spec": {"port": 443, "prefixUrl": "shop", "public": true},
    });
    let made = support::post("/sandboxes/my-dev/previews", &preview);
    made.on(&emulator).await.expect(200);
    for (host, path, member) in [
        ("api.blaxel.ai", "/v0/models", "data"),
        ("run.blaxel.ai", "/demo/sandboxes/my-dev/health", "status"),
        ("sbx-my-dev-demo.us-pdx-1.bl.run", "/health", "status"),
        (
            "any.us-pdx-1.bl.run",
            "/run/demo/sandboxes/my-dev/health",
            "status",
        ),
        ("shop-demo.preview.bl.run", "/health", "status"),
        ("shop-demo.us-pdx-1.preview.bl.run", "/health", "status"),
    ] {
        for protocol in BOTH {
            let tunnel = tunnel(&emulator, &format!("{host}:443")).await.unwrap();
            let authority = emulator.certificate_authority();
            let stream = handshake(tunnel, authority, host, &[protocol])
                .await
                .unwrap();
            let response = if protocol == "h2" {
                let uri = format!("https://{host}{path}");
                let request = get(&emulator, &uri);
                http2(stream).await.send_request(request).await.unwrap()
            } else {
                let mut request = get(&emulator, path);
                *request.headers_mut().get_mut("host").unwrap() = host.parse().unwrap();
                once(stream, request).await
            };
            let found = json_of(response).await;
            assert!(found.get(member).is_some(), "{host}: {found}");
        }
        // The same as an absolute address, as clients ask a proxy for addresses without TLS.
        let uri = format!("http://{host}{path}");
        let mut request = get(&emulator, &uri);
        *request.version_mut() = http::Version::HTTP_11;
        let found = json_of(once(connect(&emulator).await, request).await).await;
        assert!(found.get(member).is_some(), "{host}: {found}");
    }
    // Names that the platform could have, and nobody has here.
    for (host, code) in [
        ("sbx-nobody-demo.us-pdx-1.bl.run", "WORKLOAD_NOT_FOUND"),
        ("sbx-my-dev-others.us-pdx-1.bl.run", "WORKLOAD_NOT_FOUND"),
        ("nobody.us-pdx-1.bl.run", "ROUTE_NOT_FOUND"),
        ("nobody.preview.bl.run", "ROUTE_NOT_FOUND"),
    ] {
        let reply = support::get(format!("https://{host}/health"));
        let reply = reply.bare(&emulator.service()).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
        assert_eq!(reply.header("x-blaxel-error-code"), Some(code), "{host}");
    }
}

#[tokio::test]
async fn tunnels_to_other_hosts_are_refused_with_the_reason() {
    let emulator = started().await;
    let port: u16 = address(&emulator)
        .rsplit_once(':')
        .unwrap()
        .1
        .parse()
        .unwrap();
    for host in ["example.com:443", "app.blaxel.ai:443", "127.0.0.1:1"] {
        let head = tunnel(&emulator, host).await.unwrap_err();
        let name = host.split(':').next().unwrap();
        assert!(
            head.starts_with("HTTP/1.1 403 the emulator is a proxy"),
            "{head}"
        );
        assert!(
            head.contains(name) && head.contains("--pass-other-hosts"),
            "{head}"
        );
    }
    let mut absolute = get(&emulator, "http://example.com/");
    *absolute.version_mut() = http::Version::HTTP_11;
    let refused = once(connect(&emulator).await, absolute).await;
    assert_eq!(refused.status(), 403);
    assert!(text_of(refused).await.contains("example.com"));
    // A tunnel to the emulator itself is none to another host, and ends there.
    let inner = tunnel(&emulator, &format!("localhost:{port}"))
        .await
        .unwrap();
    let mut inner = inner;
    inner
        .write_all(b"CONNECT localhost:1 HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let mut start = [0; 12];
    inner.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 501");
    assert!(emulator.journal().is_empty());

    let plain = Emulator::start().await.unwrap();
    let head = tunnel(&plain, "api.blaxel.ai:443").await.unwrap_err();
    assert!(
        head.starts_with("HTTP/1.1 403 ") && head.contains("--tls"),
        "{head}"
    );
}

#[tokio::test]
async fn tunnels_to_other_hosts_pass_if_they_may() {
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = other.local_addr().unwrap().to_string();
    let emulator = Emulator::builder().tls().pass_other_hosts();
    let emulator = emulator.start().await.unwrap();
    let (opened, accepted) = tokio::join!(tunnel(&emulator, &host), other.accept());
    let (mut client, (mut server, _)) = (opened.unwrap(), accepted.unwrap());
    let mut received = [0; 2];
    client.write_all(b"to").await.unwrap();
    server.read_exact(&mut received).await.unwrap();
    server.write_all(b"fr").await.unwrap();
    client.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"fr");
    drop(other);
    drop(server);
    ends(client).await;
    let head = tunnel(&emulator, &host).await.unwrap_err();
    assert!(head.starts_with("HTTP/1.1 502 cannot connect to"), "{head}");
}

#[tokio::test]
async fn many_streams_share_one_connection() {
    let emulator = started().await;
    let client = http2(secure(&emulator, "localhost", &BOTH).await).await;
    let uri = format!("{}/models", emulator.url());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..400 {
        let (mut client, request) = (client.clone(), get(&emulator, &uri));
        calls.spawn(async move { json_of(client.send_request(request).await.unwrap()).await });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(|answer| answer["data"].is_array()));
    assert_eq!(emulator.journal().len(), 400);
}

#[tokio::test]
async fn an_emulator_that_is_dropped_ends_its_connections() {
    let emulator = started().await;
    let slow = Fault::delay(Duration::from_secs(600));
    emulator.fault("ListModels", slow, 1).unwrap();
    let mut stream = secure(&emulator, "localhost", &[]).await;
    stream
        .write_all(b"GET /v0/models HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut client = http2(secure(&emulator, "localhost", &BOTH).await).await;
    let uri = format!("{}/agents", emulator.url());
    client.send_request(get(&emulator, &uri)).await.unwrap();
    let tunnel = tunnel(&emulator, "api.blaxel.ai:443").await.unwrap();
    // A handshake that has begun, and a connection that has not.
    let mut begun = connect(&emulator).await;
    begun.write_all(&[22, 3, 1]).await.unwrap();
    let silent = connect(&emulator).await;
    let address = address(&emulator);
    drop(emulator);
    ends(stream).await;
    ends(tunnel).await;
    ends(begun).await;
    ends(silent).await;
    timeout(Duration::from_secs(5), async {
        while !client.is_closed() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    tokio::net::TcpStream::connect(address).await.unwrap_err();
}

/// Returns the reason that an error of HTTP/2 tells.
fn reason(error: &hyper::Error) -> Option<h2::Reason> {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.reason();
        }
        source = error.source();
    }
    None
}

#[tokio::test]
async fn faults_end_streams_and_connections_as_http2_does() {
    let emulator = started().await;
    let fresh = async || http2(secure(&emulator, "localhost", &BOTH).await).await;
    let uri = format!("{}/models", emulator.url());
    let models = || get(&emulator, &uri);

    emulator
        .fault("ListModels", Fault::refused_stream(), 1)
        .unwrap();
    let mut client = fresh().await;
    let refused = client.send_request(models()).await.unwrap_err();
    assert_eq!(reason(&refused), Some(h2::Reason::REFUSED_STREAM));
    // The connection goes on.
    json_of(client.send_request(models()).await.unwrap()).await;

    for fault in [Fault::calm_down(), Fault::disconnect()] {
        let slow = Fault::delay(Duration::from_secs(600));
        emulator.fault("ListAgents", slow, 1).unwrap();
        let agents = format!("{}/agents", emulator.url());
        let waiting = client.send_request(get(&emulator, &agents));
        let waiting = tokio::spawn(waiting);
        // The request beside it has begun.
        while !emulator
            .journal()
            .iter()
            .any(|entry| entry.operation.as_deref() == Some("ListAgents"))
        {
            tokio::task::yield_now().await;
        }
        emulator.clear_journal();
        emulator.fault("ListModels", fault, 1).unwrap();
        client.send_request(models()).await.unwrap_err();
        assert!(waiting.await.unwrap().is_err());
        client = fresh().await;
        json_of(client.send_request(models()).await.unwrap()).await;
    }

    emulator.fault("ListModels", Fault::calm_down(), 1).unwrap();
    let stream = secure(&emulator, "localhost", &BOTH).await;
    let (raw, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut raw = raw.ready().await.unwrap();
    let (response, _) = raw.send_request(models().map(|_| ()), true).unwrap();
    response.await.unwrap_err();
    let end = connection.await.unwrap().unwrap_err();
    assert_eq!(end.reason(), Some(h2::Reason::ENHANCE_YOUR_CALM), "{end}");

    // A body that is cut resets its stream only.
    emulator.fault("ListModels", Fault::cut(10), 1).unwrap();
    let cut = client.send_request(models()).await.unwrap();
    let mut cut = cut.into_body();
    let part = cut.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(part.len(), 10);
    cut.frame().await.unwrap().unwrap_err();
    json_of(client.send_request(models()).await.unwrap()).await;

    // What HTTP/1.1 cannot tell closes the connection.
    for fault in [Fault::refused_stream(), Fault::calm_down()] {
        emulator.fault("ListModels", fault, 1).unwrap();
        let url = format!("http://{}/v0/models", address(&emulator));
        support::get(url).over_socket().await.unwrap_err();
    }
}

/// A refusal is sent although the body is not read, and does not end the connection.
#[tokio::test]
async fn a_large_body_that_nobody_wants_does_not_end_a_connection_of_http2() {
    let emulator = started().await;
    let mut client = http2(secure(&emulator, "localhost", &BOTH).await).await;
    let uri = format!("{}/no-such-operation", emulator.url());
    for _ in 0..3 {
        let body = Bytes::from(vec![b' '; 40 << 10]);
        let refused = client.send_request(with(&emulator, Method::POST, &uri, body));
        assert_eq!(refused.await.unwrap().status(), 404);
    }
    let uri = format!("{}/models", emulator.url());
    json_of(client.send_request(get(&emulator, &uri)).await.unwrap()).await;
}

/// No page of the web controls an emulator by a name that it lets stand for this machine.
#[tokio::test]
async fn the_control_is_refused_by_other_names_with_http2_too() {
    let emulator = started().await;
    let mut client = http2(secure(&emulator, "localhost", &BOTH).await).await;
    for (host, status) in [
        (address(&emulator), 200),
        ("api.blaxel.ai".to_owned(), 403),
        ("evil.example".to_owned(), 403),
    ] {
        let uri = format!("https://{host}/_emulator/");
        let response = client.send_request(get(&emulator, &uri)).await.unwrap();
        assert_eq!(response.status(), status, "{host}");
    }
}
