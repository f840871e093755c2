//! The socket and the local service, and the lifetime of an emulator.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use blaxel_core::{OperationInfo, Plane, RequestWriter, Timestamp};
use blaxel_emulator::{Emulator, LocalService};
use http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower_service::Service as _;

use crate::support::{Ask, address, as_client, ask, get, post};

#[tokio::test]
async fn dropping_closes_the_port_and_the_connections() {
    let emulator = Emulator::builder()
        .stream_pause(Duration::from_secs(60))
        .start()
        .await
        .unwrap();
    let address = address(&emulator);
    let chat = format!(
        "{}/demo/models/claude-haiku/v1/chat/completions",
        emulator.run_url()
    );
    let body = json!({"stream": true, "messages": [{"role": "user", "content": "hi"}]});
    let open = as_client(post(chat, &body), &emulator)
        .open()
        .await
        .unwrap();
    TcpStream::connect(&address).await.unwrap();

    drop(emulator);
    let refused = TcpStream::connect(&address).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let rest = http_body_util::BodyExt::collect(open.into_body());
    let rest = tokio::time::timeout(Duration::from_secs(10), rest)
        .await
        .unwrap();
    assert!(rest.is_err(), "the stream was cut, not ended");
}

#[tokio::test]
async fn a_refusal_before_the_body_arrived_keeps_the_connection() {
    let emulator = Emulator::start().await.unwrap();
    let mut stream = TcpStream::connect(address(&emulator)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for _ in 0..2 {
        let head = "POST /v0/sandboxes HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server refuses the request by its headers alone.
        while emulator.journal().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        stream.write_all(b"{}").await.unwrap();
        let mut response = [0; 12];
        stream.read_exact(&mut response).await.unwrap();
        assert_eq!(&response, b"HTTP/1.1 401");
        // The next request is sent when the response has been read.
        let mut rest = vec![0; 1 << 16];
        let read = stream.read(&mut rest).await.unwrap();
        assert!(read > 0);
    }
    assert_eq!(emulator.journal().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_port_is_free_again_at_once() {
    let first = Emulator::start().await.unwrap();
    let port: u16 = address(&first).rsplit_once(':').unwrap().1.parse().unwrap();
    drop(first);
    let second = Emulator::builder().port(port).start().await.unwrap();
    assert!(second.url().ends_with(&format!(":{port}/v0")));
    let taken = Emulator::builder().port(port).start().await.unwrap_err();
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
}

#[test]
fn an_emulator_may_outlive_its_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let emulator = runtime.block_on(Emulator::start()).unwrap();
    drop(runtime);
    let address = address(&emulator);
    drop(emulator);
    std::net::TcpStream::connect(address).unwrap_err();
}

#[tokio::test]
async fn emulators_share_nothing() {
    let (one, two) = tokio::join!(Emulator::start(), Emulator::start());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.url(), two.url());
    one.add_agent("only-here");
    one.clock().advance(Duration::from_secs(1_000_000));
    let list = async |emulator: &Emulator| {
        let url = format!("{}/agents", emulator.url());
        let page = as_client(get(url), emulator)
            .over_socket()
            .await
            .unwrap()
            .expect(200);
        page["meta"]["total"].as_u64()
    };
    assert_eq!(tokio::join!(list(&one), list(&two)), (Some(1), Some(0)));
    assert_eq!((one.journal().len(), two.journal().len()), (1, 1));
    assert!(one.clock().now() > two.clock().now());
}

#[tokio::test]
async fn the_local_service_responds_as_the_socket_does() {
    let at: Timestamp = "2026-05-01T00:00:00Z".parse().unwrap();
    let start = || async {
        let emulator = Emulator::builder()
            .start_time(at.clone())
            .start()
            .await
            .unwrap();
        emulator.add_agent("a");
        emulator
    };
    let (by_socket, by_service) = (start().await, start().await);
    let document = json!({"metadata": {"name": "new"}, "spec": {"x": 1}});
    type Make = fn(String) -> Ask;
    let requests: Vec<(&str, Make)> = vec![
        ("/v0/models?limit=2&sort=name:asc", get),
        ("/v0/models?limit=zero", get),
        ("/v0/agents/a", get),
        ("/v0/agents/b", get),
        ("/v0/agents", |uri| ask(Method::POST, uri)),
        ("/v0/none", get),
        ("/run/demo/agents/a", |uri| {
            post(uri, &json!({"inputs": "x"}))
        }),
        ("/run/demo/agents/b", |uri| {
            post(uri, &json!({"inputs": "x"}))
        }),
        ("/v0/accounts", get),
    ];
    let mut sent: Vec<(String, Ask, Ask)> = Vec::new();
    for (path, make) in requests {
        let uri = |emulator: &Emulator| emulator.url().replace("/v0", path);
        sent.push((
            path.to_owned(),
            make(uri(&by_socket)),
            make(uri(&by_service)),
        ));
    }
    let created = |emulator: &Emulator| post(format!("{}/agents", emulator.url()), &document);
    sent.push((
        "create".to_owned(),
        created(&by_socket),
        created(&by_service),
    ));
    for (what, socket, local) in sent {
        let socket = as_client(socket, &by_socket).over_socket().await.unwrap();
        let local = as_client(local, &by_service).on(&by_service).await;
        assert_eq!(socket.status, local.status, "{what}");
        for name in ["content-type", "x-request-id", "x-blaxel-error-code"] {
            assert_eq!(socket.header(name), local.header(name), "{what}: {name}");
        }
        // The two have different ports and no other difference.
        let plain = |bytes: &[u8], emulator: &Emulator| {
            String::from_utf8(bytes.to_vec())
                .unwrap()
                .replace(&address(emulator), "here")
        };
        let socket = plain(&socket.bytes, &by_socket);
        assert_eq!(socket, plain(&local.bytes, &by_service), "{what}");
    }
}

#[test]
fn the_local_service_needs_no_runtime() {
    let emulator = Emulator::offline();
    let request = get("/models?limit=3").request();
    let mut answer = pin!(emulator.service().call(request));
    let polled = answer
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Ok(response)) = polled else {
        panic!("not at once")
    };
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_described_request_goes_to_its_plane() {
    static INVOKE: OperationInfo =
        OperationInfo::new("InvokeAgent", Method::POST, "/agents/{agentName}")
            .with_plane(Plane::Run);
    static GET: OperationInfo = OperationInfo::new("GetAgent", Method::GET, "/agents/{agentName}");
    let emulator = Emulator::builder().workspace("team").build();
    emulator.add_agent("a");
    for info in [&INVOKE, &GET] {
        let mut writer = RequestWriter::new(info);
        writer.path(["a"]).unwrap();
        let response = emulator
            .service()
            .call(writer.finish().unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{info}");
    }
    let journal = emulator.journal();
    let paths: Vec<_> = journal.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["/run/team/agents/a", "/v0/agents/a"]);
}

#[tokio::test]
async fn another_origin_cannot_be_reached() {
    let emulator = Emulator::offline();
    let ask = get("https://api.example.com/v0/agents");
    let error = ask.begin(&emulator.service()).await.unwrap_err();
    assert_eq!(error.kind(), blaxel_core::ErrorKind::Connect, "{error}");
}

#[test]
fn the_service_can_go_anywhere() {
    fn shareable<T: Clone + Send + Sync + 'static>() {}
    shareable::<LocalService>();
    fn sendable<T: Send + Sync + 'static>() {}
    sendable::<Emulator>();
}

#[tokio::test]
async fn the_service_outlives_the_emulator() {
    let service = Emulator::offline().service();
    get("/models").to(&service).await.expect(200);
}

#[test]
fn the_clock_moves_only_when_it_is_advanced() {
    let at: Timestamp = "2026-05-01T00:00:00Z".parse().unwrap();
    let emulator = Emulator::builder().start_time(at.clone()).build();
    let clock = emulator.clock();
    assert_eq!(clock.now(), at);
    clock.advance(Duration::from_millis(1500));
    assert_eq!(emulator.clock().now().as_str(), "2026-05-01T00:00:01.5Z");

    let following = Emulator::builder().real_clock().build().clock();
    let before = following.now();
    std::thread::sleep(Duration::from_millis(2));
    assert!(following.now() > before);
}

#[test]
fn the_variables_point_to_this_emulator() {
    let emulator = Emulator::builder().workspace("w").api_key("k").build();
    let expected = [
        ("BL_API_URL", emulator.url()),
        ("BL_RUN_URL", emulator.run_url()),
        ("BL_WORKSPACE", "w".to_owned()),
        ("BL_API_KEY", "k".to_owned()),
    ];
    assert_eq!(emulator.variables(), expected);
}
