//! Ports of the sandbox: requests to them, waiting for them, and their list.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::{any, get};
use blaxel_guest::ServerVersion::Current;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_tungstenite::connect_async;

use crate::support::Sandbox;

async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: String) -> String {
    let host = headers
        .get("x-test")
        .map_or("", |value| value.to_str().unwrap());
    format!("{method} {uri} {host} {body}")
}

fn programs() -> Router {
    Router::new()
        .route(
            "/socket",
            get(|upgrade: WebSocketUpgrade| async {
                upgrade.on_upgrade(|mut socket| async move {
                    while let Some(Ok(message)) = socket.recv().await {
                        if socket.send(message).await.is_err() {
                            return;
                        }
                    }
                })
            }),
        )
        .route(
            "/slow",
            get(|| async {
                let chunks = futures_util::stream::unfold(0, |n| async move {
                    tokio::time::sleep(Duration::from_secs(n)).await;
                    (n < 3).then(|| (Ok::<_, std::io::Error>(format!("{n}")), n + 1))
                });
                Body::from_stream(chunks)
            }),
        )
        .fallback(any(echo))
}

fn sandbox() -> Sandbox {
    Sandbox::running(Current, |guest| guest.on_port(3000, programs()))
}

#[tokio::test(start_paused = true)]
async fn requests_of_any_method_reach_the_program() {
    let sandbox = sandbox();
    for (method, path, seen) in [
        ("GET", "/port/3000", "/"),
        ("POST", "/port/3000/", "/"),
        ("PATCH", "/port/3000/a/b%20c?x=%2F&y", "/a/b%20c?x=%2F&y"),
        ("OPTIONS", "/port/3000//double", "//double"),
        ("PURGE", "/port/3000/custom", "/custom"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-test", "value")
            .body(Body::from("body"));
        let answer = sandbox.send(request.unwrap()).await;
        assert_eq!(answer.text(), format!("{method} {seen} value body"));
        // Nothing of the sandbox's own API is added.
        assert_eq!(answer.header("pragma"), "");
    }
}

#[tokio::test(start_paused = true)]
async fn a_port_that_nobody_listens_on_is_a_bad_gateway() {
    let answer = sandbox().get("/port/3001/x").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(answer.header("x-blaxel-source"), "platform");
    assert_eq!(answer.json()["error"]["status"], 502);
    assert_eq!(
        sandbox().get("/port/nope").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(start_paused = true)]
async fn responses_are_streamed() {
    let request = Request::get("/port/3000/slow").body(Body::empty()).unwrap();
    let sandbox = sandbox();
    let mut body = sandbox.open(request).await.into_body();
    let started = tokio::time::Instant::now();
    let mut chunks = Vec::new();
    while let Some(frame) = body.frame().await {
        chunks.push((
            started.elapsed().as_secs(),
            frame.unwrap().into_data().unwrap(),
        ));
    }
    let texts = [(0, "0"), (1, "1"), (3, "2")].map(|(at, text)| (at, text.into()));
    assert_eq!(chunks, texts);
}

#[tokio::test]
async fn web_sockets_pass_through() {
    let sandbox = sandbox();
    let listening = sandbox
        .0
        .listen(TcpListener::bind("127.0.0.1:0").await.unwrap())
        .unwrap();
    let url = format!("ws://{}/port/3000/socket", listening.address());
    let (mut socket, _) = connect_async(url).await.unwrap();
    for text in ["one", "two"] {
        socket.send(text.into()).await.unwrap();
        assert_eq!(
            socket.next().await.unwrap().unwrap().to_text().unwrap(),
            text
        );
    }
    socket.close(None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn processes_wait_for_ports() {
    let sandbox = sandbox();
    let process = json!({"command": "sleep 100", "waitForPorts": [3000], "timeout": 5});
    assert_eq!(sandbox.execute(&process).await.status, StatusCode::OK);
    let serve = "mkdir site; echo '<h1>hi</h1>' > site/index.html; sleep 2; \
                 python3 -m http.server 8000 --directory site";
    let process = json!({"command": serve, "name": "site", "waitForPorts": [8000], "timeout": 5});
    let answer = sandbox.execute(&process).await.json();
    assert_eq!(
        answer["stdout"],
        "Serving HTTP on 0.0.0.0 port 8000 (http://0.0.0.0:8000/) ...\n"
    );
    let page = sandbox.get("/port/8000/").await;
    assert_eq!(
        (page.header("content-type"), page.text()),
        ("text/html", "<h1>hi</h1>\n")
    );
    assert_eq!(
        sandbox.get("/port/8000/nope").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        sandbox.get("/port/8000/../../etc/passwd").await.status,
        StatusCode::NOT_FOUND
    );
    let pid: i64 = answer["pid"].as_str().unwrap().parse().unwrap();
    let ports = sandbox
        .get(&format!("/network/process/{pid}/ports"))
        .await
        .json();
    let expected = json!({"pid": pid, "ports": [{
        "pid": pid, "protocol": "tcp", "localAddr": "0.0.0.0", "localPort": 8000,
        "remoteAddr": "", "remotePort": 0, "state": "LISTEN", "processName": "python3",
    }]});
    assert_eq!(ports, expected);
    sandbox.call("DELETE /process/site/kill", "").await;
    sandbox.get("/process/site/wait").await;
    assert_eq!(
        sandbox.get("/port/8000/").await.status,
        StatusCode::BAD_GATEWAY
    );
}

#[tokio::test(start_paused = true)]
async fn ports_are_listed_by_process() {
    let sandbox = sandbox();
    let answer = sandbox.get("/network/process/999999/ports").await;
    assert_eq!(answer.json(), json!({"pid": 999_999, "ports": []}));
    for call in [
        "GET /network/process/abc/ports",
        "POST /network/process/abc/monitor",
        "DELETE /network/process/abc/monitor",
    ] {
        let answer = sandbox.call(call, "{}").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.json(), json!({"error": "invalid PID"}));
    }
}

#[tokio::test(start_paused = true)]
async fn a_monitor_calls_back_once_for_each_new_port() {
    let (sender, mut calls) = tokio::sync::mpsc::unbounded_channel();
    let callback = Router::new().route(
        "/hook",
        any(move |body: String| {
            let sender = sender.clone();
            async move { sender.send(body).unwrap() }
        }),
    );
    let sandbox = Sandbox::running(Current, |guest| guest.on_port(4000, callback));
    let command = "sleep 2; python3 -m http.server 8000";
    let process = sandbox
        .execute(&json!({"command": command, "name": "p"}))
        .await
        .json();
    let pid = process["pid"].as_str().unwrap();
    let monitor = format!("/network/process/{pid}/monitor");
    let body = json!({"callback": "http://localhost:4000/hook"}).to_string();
    let answer = sandbox.call(&format!("POST {monitor}"), body).await;
    assert_eq!(
        answer.json(),
        json!({"path": "", "message": "Port monitoring started"})
    );
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(
        calls.try_recv().unwrap(),
        format!("{{\"pid\":{pid},\"port\":8000}}")
    );
    assert!(calls.try_recv().is_err());
    let answer = sandbox.call(&format!("DELETE {monitor}"), "").await;
    assert_eq!(
        answer.json(),
        json!({"path": "", "message": "Port monitoring stopped"})
    );
}
