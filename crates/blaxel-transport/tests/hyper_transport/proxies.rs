//! Connections through a proxy.

use std::net::SocketAddr;
use std::process::Command;

use blaxel_core::Delivery;
use blaxel_transport::{HyperBuilder, HyperTransport, Proxy, Roots};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use crate::certificates::Authority;
use crate::server::{Log, Server, read_head, response};
use crate::{builder, plain, text};

/// Starts a proxy that connects every tunnel to one server and records the requests for tunnels.
pub(crate) async fn proxy(server: SocketAddr) -> Server {
    Server::start(move |_, stream, log| tunnel(stream, server, log)).await
}

/// Serves one connection of the proxy.
async fn tunnel<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, server: SocketAddr, log: Log) {
    let Some(head) = read_head(&mut stream).await else {
        return log.add("no request");
    };
    for line in head.lines() {
        log.add(line);
    }
    // In base64, the name "me" and the password "canary".
    if head.contains("proxy-authorization: basic bwu6y2fuyxj5") {
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
        return stream.write_all(refusal).await.unwrap();
    }
    let welcome = b"HTTP/1.1 200 Connection established\r\n\r\n";
    stream.write_all(welcome).await.unwrap();
    let mut server = TcpStream::connect(server).await.unwrap();
    let _ = copy_bidirectional(&mut stream, &mut server).await;
}

/// Returns a builder that trusts the authority.
fn trusting(authority: &Authority) -> HyperBuilder {
    builder().add_root_certificate(authority.pem()).unwrap()
}

const NAME: &str = "api.blaxel.test";

#[tokio::test]
async fn tls_goes_through_a_tunnel_to_the_named_host() {
    let authority = Authority::new();
    let server = authority.server(&[NAME], &["h2", "http/1.1"]).await;
    let proxy = proxy(server.address).await;
    let choice = Proxy::via(&format!("http://{}", proxy.address)).unwrap();
    let transport = trusting(&authority).proxy(choice).build();
    for _ in 0..2 {
        let url = format!("https://{NAME}/thing?token=canary");
        assert_eq!(text(&transport, plain(&url)).await.unwrap(), "h2");
    }
    let lines = proxy.log.lines();
    let expected = [
        "connection",
        "connect api.blaxel.test:443 http/1.1",
        "host: api.blaxel.test:443",
        "",
    ];
    assert_eq!(lines, expected);
    assert_eq!(server.log.count("request"), 2);
}

#[tokio::test]
async fn proxy_credentials_are_sent_only_to_the_proxy() {
    let authority = Authority::new();
    let server = authority.server(&[NAME], &["http/1.1"]).await;
    let proxy = proxy(server.address).await;
    let via = |address: String| Proxy::via(&address).unwrap();
    for choice in [
        via(format!("http://{}", proxy.address)).credentials("me", "pass word"),
        via(format!("http://me:pass%20word@{}", proxy.address)),
    ] {
        let transport = trusting(&authority).proxy(choice).build();
        let url = format!("https://{NAME}:8443/thing");
        assert_eq!(text(&transport, plain(&url)).await.unwrap(), "http/1.1");
    }
    assert_eq!(proxy.log.count("connect api.blaxel.test:8443 http/1.1"), 2);
    assert_eq!(
        proxy
            .log
            .count("proxy-authorization: basic bwu6cgfzcyb3b3jk"),
        2
    );
    let seen = server.log.lines().concat();
    assert!(!seen.contains("proxy-authorization"), "{seen}");
}

#[tokio::test]
async fn a_proxys_refusal_is_reported_without_the_password() {
    let authority = Authority::new();
    let server = authority.server(&[NAME], &["http/1.1"]).await;
    let proxy = proxy(server.address).await;
    let choice = Proxy::via(&format!("http://{}", proxy.address)).unwrap();
    let builder = trusting(&authority).proxy(choice.credentials("me", "canary"));
    assert!(!format!("{builder:?}").contains("canary"), "{builder:?}");
    let url = format!("https://{NAME}/");
    let error = text(&builder.build(), plain(&url)).await.unwrap_err();
    assert!(
        error.is_connect() && error.delivery() == Delivery::NotSent,
        "{error}"
    );
    let shown = error.to_string();
    assert!(shown.contains(&proxy.address.to_string()), "{shown}");
    assert!(shown.contains("authorization required"), "{shown}");
    assert!(
        !format!("{error} {error:?}").contains("canary"),
        "{error:?}"
    );
    assert_eq!(server.log.count("connection"), 0);
}

#[tokio::test]
async fn an_unreachable_or_refusing_proxy_fails_the_connection() {
    let authority = Authority::new();
    let deaf = Server::start(|_, stream, _| async { drop(stream) }).await;
    let denying = Server::responding("HTTP/1.1 403 Forbidden\r\n\r\n").await;
    let gone = Server::responding("").await.address;
    for address in [deaf.address, denying.address, gone] {
        let choice = Proxy::via(&address.to_string()).unwrap();
        let transport = trusting(&authority).proxy(choice).build();
        let error = text(&transport, plain(&format!("https://{NAME}/")))
            .await
            .unwrap_err();
        assert!(
            error.is_connect() && error.delivery() == Delivery::NotSent,
            "{error}"
        );
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_may_use_tls_itself() {
    let authority = Authority::new();
    let server = authority.server(&[NAME], &["h2"]).await;
    let (acceptor, target) = (
        authority.acceptor(&["localhost"], &["http/1.1"]),
        server.address,
    );
    let proxy = Server::start(move |_, stream, log| {
        let acceptor = acceptor.clone();
        async move { tunnel(acceptor.accept(stream).await.unwrap(), target, log).await }
    })
    .await;
    let address = format!("https://localhost:{}", proxy.address.port());
    let choice = Proxy::via(&address).unwrap().credentials("me", "x");
    let transport = trusting(&authority).proxy(choice).build();
    let outcome = text(&transport, plain(&format!("https://{NAME}/"))).await;
    assert_eq!(outcome.unwrap(), "h2");
    assert_eq!(proxy.log.count("connect api.blaxel.test:443 http/1.1"), 1);
}

#[tokio::test]
async fn exceptions_and_loopback_are_reached_directly() {
    let authority = Authority::new();
    let server = authority.server(&["localhost"], &["h2"]).await;
    let proxy = proxy(server.address).await;
    let choice = Proxy::via(&format!("http://{}", proxy.address)).unwrap();
    let secure = format!("https://localhost:{}/", server.address.port());
    let here = choice.clone();
    let excepted = choice.clone().including_loopback().except("localhost");
    for choice in [here, excepted] {
        let transport = trusting(&authority).proxy(choice).build();
        assert_eq!(text(&transport, plain(&secure)).await.unwrap(), "h2");
    }
    assert_eq!(proxy.log.count("connection"), 0);

    let transport = trusting(&authority)
        .proxy(choice.including_loopback())
        .build();
    assert_eq!(text(&transport, plain(&secure)).await.unwrap(), "h2");
    assert_eq!(proxy.log.count("connection"), 1);
}

#[tokio::test]
async fn plain_http_is_tunnelled_only_if_loopback_is_included() {
    let server = Server::responding(response("yes")).await;
    let proxy = proxy(server.address).await;
    let choice = Proxy::via(&proxy.address.to_string()).unwrap();
    let direct = builder().proxy(choice.clone()).build();
    assert_eq!(text(&direct, plain(&server.url())).await.unwrap(), "yes");
    assert_eq!(proxy.log.count("connection"), 0);
    let tunnelled = builder().proxy(choice.including_loopback()).build();
    let outcome = text(&tunnelled, plain("http://localhost/thing")).await;
    assert_eq!(outcome.unwrap(), "yes");
    assert_eq!(proxy.log.count("connect localhost:80 http/1.1"), 1);
    // Through a tunnel, the server sees an ordinary request.
    assert_eq!(server.log.count("request"), 2);
    let heads = server.log.lines();
    assert!(
        heads
            .iter()
            .any(|head| head.starts_with("get /thing http/1.1")),
        "{heads:?}"
    );
}

/// The variable with the authority's certificate, set only in the process that runs
/// [`child_with_a_proxy_in_its_environment`].
const CHILD: &str = "TRANSPORT_TEST_AUTHORITY";

#[tokio::test]
async fn the_proxy_of_the_environment_is_used_by_default() {
    let authority = Authority::new();
    let server = authority.server(&[NAME], &["h2"]).await;
    let proxy = proxy(server.address).await;
    let name = "proxies::child_with_a_proxy_in_its_environment";
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", name, "--ignored"])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env(CHILD, authority.pem())
        .env("HTTPS_PROXY", format!("http://{}", proxy.address));
    let output = tokio::task::spawn_blocking(move || child.output()).await;
    let output = output.unwrap().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("1 passed"), "{shown}");
    assert_eq!(proxy.log.count("connect api.blaxel.test:443 http/1.1"), 1);
}

#[tokio::test]
#[ignore = "run by another test, with a proxy in its environment"]
async fn child_with_a_proxy_in_its_environment() {
    let Ok(authority) = std::env::var(CHILD) else {
        return;
    };
    let transport = HyperTransport::builder()
        .roots(Roots::Added)
        .add_root_certificate(authority)
        .unwrap()
        .build();
    let url = format!("https://{NAME}/thing");
    assert_eq!(text(&transport, plain(&url)).await.unwrap(), "h2");
}
