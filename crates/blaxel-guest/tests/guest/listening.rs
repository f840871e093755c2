//! The server on a socket.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::net::TcpListener;

use crate::support::Sandbox;

/// Sends a request as text, and reads until the connection is closed.
fn talk(address: SocketAddr, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request.as_bytes())?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}

async fn exchange(address: SocketAddr, request: &'static str) -> std::io::Result<String> {
    tokio::task::spawn_blocking(move || talk(address, request))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_server_listens_until_it_is_dropped() {
    let sandbox = Sandbox::new();
    sandbox.put_files(&[("/a.txt", "0123456789")]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listening = sandbox.0.listen(listener).unwrap();
    let address = listening.address();
    assert_eq!(listening.url(), format!("http://{address}"));
    let request = "GET /filesystem//a.txt?download=true HTTP/1.1\r\nHost: x\r\nConnection: close\r\nRange: bytes=1-2\r\n\r\n";
    let response = exchange(address, request).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 206 "), "{response}");
    assert!(response.ends_with("\r\n\r\n12"), "{response}");
    let request = "HEAD /filesystem//a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let response = exchange(address, request).await.unwrap();
    assert!(
        response.contains("\r\ncontent-length: 10\r\n"),
        "{response}"
    );
    drop(listening);
    tokio::task::yield_now().await;
    assert!(exchange(address, request).await.is_err());
}

#[tokio::test]
async fn dropping_the_server_ends_open_streams() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listening = sandbox.0.listen(listener).unwrap();
    let request = "GET /watch/filesystem/ HTTP/1.1\r\nHost: x\r\n\r\n";
    let watching = tokio::spawn(exchange(listening.address(), request));
    tokio::time::sleep(Duration::from_millis(100)).await;
    sandbox.put_files(&[("/blaxel/new", "")]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(listening);
    let received = watching.await.unwrap();
    // The connection may be reset instead of closed.
    if let Ok(received) = received {
        assert!(received.contains("\"name\":\"new\""), "{received}");
    }
}
