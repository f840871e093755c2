//! Connections by way of a proxy.

use std::net::SocketAddr;
use std::process::Command;

use blaxel_core::Delivery;
use blaxel_transport::{HyperBuilder, HyperTransport, Proxy, Roots};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use crate::certificates::Authority;
use crate::server::{Log, Server, answer, read_head};
use crate::{leaf, plain, text};

/// A proxy that leads to one server, whatever it is asked for, and notes what that was.
async fn proxy(server: SocketAddr) -> Server {
    Server::start(move |_, stream, log| tunnel(stream, server, log)).await
}

async fn tunnel<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, server: SocketAddr, log: Log) {
    let Some(head) = read_head(&mut stream).await else {
        return log.note("nothing");
    };
    for line in head.lines() {
        log.note(line);
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

fn trusting(authority: &Authority) -> HyperBuilder {
    leaf().add_root_certificate(authority.pem()).unwrap()
}

const NAME: &str = "api.blaxel.test";

#[tokio::test]
async fn tls_goes_through_a_tunnel_to_the_named_host() {
    let authority = Authority::new();
    let server = authority.server(&[NAME], &["h2", "http/1.1"]).await;
    let proxy = proxy(server.address).await;
    let choice = Proxy::via(&format!("http://{}", proxy.address)).unwrap();
    let leaf = trusting(&authority).proxy(choice).build();
    for _ in 0..2 {
        let url = format!("https://{NAME}/thing?token=canary");
        assert_eq!(text(&leaf, plain(&url)).await.unwrap(), "h2");
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
async fn credentials_go_to_the_proxy_alone() {
    let authority = Authority::new();
    let server = authority.server(&[NAME], &["http/1.1"]).await;
    let proxy = proxy(server.address).await;
    let via = |address: String| Proxy::via(&address).unwrap();
    for choice in [
        via(format!("http://{}", proxy.address)).credentials("me", "pass word"),
        via(format!("http://me:pass%20word@{}", proxy.address)),
    ] {
        let leaf = trusting(&authority).proxy(choice).build();
        let url = format!("https://{NAME}:8443/thing");
        assert_eq!(text(&leaf, plain(&url)).await.unwrap(), "http/1.1");
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
async fn a_refusal_of_the_proxy_is_told_without_the_password() {
    let authority = Authority::new();
    let server = authority.server(&[NAME], &["http/1.1"]).await;
    let proxy = proxy(server.address).await;
    let choice = Proxy::via(&format!("http://{}", proxy.address)).unwrap();
    let leaf = trusting(&authority).proxy(choice.credentials("me", "canary"));
    assert!(!format!("{leaf:?}").contains("canary"), "{leaf:?}");
    let url = format!("https://{NAME}/");
    let error = text(&leaf.build(), plain(&url)).await.unwrap_err();
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
async fn a_proxy_that_is_not_there_or_says_no_fails_the_connection() {
    let authority = Authority::new();
    let deaf = Server::start(|_, stream, _| async { drop(stream) }).await;
    let denying = Server::answering("HTTP/1.1 403 Forbidden\r\n\r\n").await;
    let gone = Server::answering("").await.address;
    for address in [deaf.address, denying.address, gone] {
        let choice = Proxy::via(&address.to_string()).unwrap();
        let leaf = trusting(&authority).proxy(choice).build();
        let error = text(&leaf, plain(&format!("https://{NAME}/")))
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
async fn a_proxy_can_speak_tls_itself() {
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
    let leaf = trusting(&authority).proxy(choice).build();
    let outcome = text(&leaf, plain(&format!("https://{NAME}/"))).await;
    assert_eq!(outcome.unwrap(), "h2");
    assert_eq!(proxy.log.count("connect api.blaxel.test:443 http/1.1"), 1);
}

#[tokio::test]
async fn exceptions_and_this_machine_are_reached_directly() {
    let authority = Authority::new();
    let server = authority.server(&["localhost"], &["h2"]).await;
    let proxy = proxy(server.address).await;
    let choice = Proxy::via(&format!("http://{}", proxy.address)).unwrap();
    let secure = format!("https://localhost:{}/", server.address.port());
    let here = choice.clone();
    let excepted = choice.clone().including_loopback().except("localhost");
    for choice in [here, excepted] {
        let leaf = trusting(&authority).proxy(choice).build();
        assert_eq!(text(&leaf, plain(&secure)).await.unwrap(), "h2");
    }
    assert_eq!(proxy.log.count("connection"), 0);

    let leaf = trusting(&authority)
        .proxy(choice.including_loopback())
        .build();
    assert_eq!(text(&leaf, plain(&secure)).await.unwrap(), "h2");
    assert_eq!(proxy.log.count("connection"), 1);
}

#[tokio::test]
async fn a_plain_address_is_tunnelled_too_if_one_insists() {
    let server = Server::answering(answer("yes")).await;
    let proxy = proxy(server.address).await;
    let choice = Proxy::via(&proxy.address.to_string()).unwrap();
    let direct = leaf().proxy(choice.clone()).build();
    assert_eq!(text(&direct, plain(&server.url())).await.unwrap(), "yes");
    assert_eq!(proxy.log.count("connection"), 0);
    let tunnelled = leaf().proxy(choice.including_loopback()).build();
    let outcome = text(&tunnelled, plain("http://localhost/thing")).await;
    assert_eq!(outcome.unwrap(), "yes");
    assert_eq!(proxy.log.count("connect localhost:80 http/1.1"), 1);
    // It is a tunnel: the server sees a request of its own.
    assert_eq!(server.log.count("request"), 2);
    let heads = server.log.lines();
    assert!(
        heads
            .iter()
            .any(|head| head.starts_with("get /thing http/1.1")),
        "{heads:?}"
    );
}

/// Set for the process that runs [`the_environment_is_asked_by_default`] alone.
const CHILD: &str = "LEAF_TEST_AUTHORITY";

#[tokio::test]
async fn the_environment_names_the_proxy_by_default() {
    let authority = Authority::new();
    let server = authority.server(&[NAME], &["h2"]).await;
    let proxy = proxy(server.address).await;
    let name = "proxies::the_environment_is_asked_by_default";
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
async fn the_environment_is_asked_by_default() {
    let Ok(authority) = std::env::var(CHILD) else {
        return;
    };
    let leaf = HyperTransport::builder()
        .roots(Roots::Added)
        .add_root_certificate(authority)
        .unwrap()
        .build();
    let url = format!("https://{NAME}/thing");
    assert_eq!(text(&leaf, plain(&url)).await.unwrap(), "h2");
}
