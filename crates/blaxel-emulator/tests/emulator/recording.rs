//! The recorder, with an emulator as the platform.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use blaxel_emulator::{Emulator, Recorder};
use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::{Ask, as_client, ask, get, post, run};

/// A platform with a proxy in front of it.
pub(crate) struct Proxied {
    pub(crate) platform: Emulator,
    pub(crate) recorder: Recorder,
    api: String,
    run: String,
}

impl Proxied {
    pub(crate) async fn start(platform: Emulator) -> Self {
        let recorder = Recorder::start(&platform.url(), &platform.run_url())
            .await
            .unwrap();
        Self::of(platform, recorder)
    }

    fn of(platform: Emulator, recorder: Recorder) -> Self {
        let [api, run] = <[_; 2]>::try_from(recorder.variables())
            .unwrap()
            .map(|(_, value)| value);
        Self {
            platform,
            recorder,
            api,
            run,
        }
    }

    pub(crate) fn origin(&self) -> &str {
        self.api.strip_suffix("/v0").unwrap()
    }

    /// Returns the addresses and the texts of the responses that were recorded.
    pub(crate) fn recorded(&self) -> Vec<(String, Value)> {
        let har = self.recorder.har();
        let entries = har["log"]["entries"].as_array().unwrap().iter();
        entries
            .map(|entry| {
                let url = entry["request"]["url"].as_str().unwrap();
                let path = url.strip_prefix(self.origin()).unwrap();
                (path.to_owned(), entry["response"]["content"].clone())
            })
            .collect()
    }

    /// Sends a request for a path of the control plane through the proxy.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> crate::support::Reply {
        let request = ask(method, format!("{}{path}", self.api));
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.through(request).await
    }

    pub(crate) async fn through(&self, request: Ask) -> crate::support::Reply {
        as_client(request, &self.platform)
            .over_socket()
            .await
            .unwrap()
    }
}

pub(crate) fn named(name: &str, spec: &Value) -> Value {
    json!({"metadata": {"name": name}, "spec": spec})
}

#[tokio::test]
async fn what_was_seen_is_a_seed() {
    let platform = Emulator::builder()
        .workspace("acme")
        .models(["one", "two"])
        .start()
        .await
        .unwrap();
    let proxied = Proxied::start(platform).await;
    let agent = named("bot", &json!({"runtime": {"memory": 1024}}));
    proxied
        .send(Method::POST, "/agents", Some(&agent))
        .await
        .expect(200);
    let agent = named("bot", &json!({"runtime": {"memory": 2048}}));
    proxied
        .send(Method::PUT, "/agents/bot", Some(&agent))
        .await
        .expect(200);
    proxied
        .send(Method::POST, "/agents", Some(&named("gone", &json!({}))))
        .await
        .expect(200);
    proxied
        .send(Method::DELETE, "/agents/gone", None)
        .await
        .expect(200);
    proxied
        .send(Method::GET, "/models?limit=1", None)
        .await
        .expect(200);
    let sandbox = named(
        "dev",
        &json!({"runtime": {"image": "blaxel/base-image:latest"}}),
    );
    proxied
        .send(Method::POST, "/sandboxes", Some(&sandbox))
        .await
        .expect(200);
    let preview = named("web", &json!({"port": 3000, "public": true}));
    proxied
        .send(Method::POST, "/sandboxes/dev/previews", Some(&preview))
        .await
        .expect(200);
    proxied
        .send(Method::GET, "/agents/missing", None)
        .await
        .expect(404);
    let call = post(
        format!("{}/acme/agents/bot", proxied.run),
        &json!({"inputs": "Hello"}),
    );
    let reply = proxied.through(call).await.expect(200);
    assert_eq!(reply["output"], "bot heard: Hello");

    let seeded = Emulator::builder()
        .models([""; 0])
        .data(proxied.recorder.data())
        .build();
    let service = seeded.service();
    assert_eq!(seeded.workspace(), "acme");
    let bot = get("/agents/bot").bare(&service).await.expect(200);
    let original = get("/agents/bot")
        .bare(&proxied.platform.service())
        .await
        .expect(200);
    assert_eq!(bot["spec"], original["spec"]);
    assert_eq!(
        bot["metadata"]["createdAt"],
        original["metadata"]["createdAt"]
    );
    assert_eq!(bot["status"], "DEPLOYED");
    let dev = get("/sandboxes/dev").bare(&service).await.expect(200);
    assert_eq!(
        dev["metadata"]["url"],
        format!("{}/acme/sandboxes/dev", seeded.run_url())
    );
    assert!(!proxied.recorder.data().to_string().contains("127.0.0.1"));
    get("/agents/gone").bare(&service).await.expect(404);
    let models = get("/models").bare(&service).await.expect(200);
    assert_eq!(models["data"].as_array().unwrap().len(), 1, "{models}");
    get("/sandboxes/dev/previews/web")
        .bare(&service)
        .await
        .expect(200);
    assert_eq!(run(&seeded, "dev", "echo it runs").await, "it runs\n");

    let archive = proxied.recorder.har();
    let entries = archive["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 9);
    assert!(entries[0]["request"]["postData"]["text"].is_string());
    assert_eq!(entries[8]["response"]["status"], 200);
}

#[tokio::test]
async fn no_secret_is_recorded() {
    let platform = Emulator::builder()
        .api_key("canary-key-1")
        .client("me", "canary-secret")
        .start()
        .await
        .unwrap();
    let proxied = Proxied::start(platform).await;
    let asked = json!({"grant_type": "client_credentials", "client_id": "me",
        "client_secret": "canary-secret"});
    let token = proxied
        .send(Method::POST, "/oauth/token", Some(&asked))
        .await
        .expect(200);
    let token = token["access_token"].as_str().unwrap().to_owned();
    let by_token = get(format!("{}/models?token={token}", proxied.api))
        .header("authorization", &format!("Bearer {token}"))
        .header("cookie", "session=canary-cookie")
        .header("x-blaxel-workspace", "demo");
    by_token.over_socket().await.unwrap().expect(200);
    // A program puts its key where nobody expects it.
    let label = json!({"metadata": {"name": "a", "labels": {"key": "canary-key-1"}}, "spec":
        {"runtime": {"envs": [{"name": "K", "value": "canary-env", "secret": true}]}}});
    proxied
        .send(Method::POST, "/agents", Some(&label))
        .await
        .expect(200);
    proxied
        .send(Method::GET, "/agents/a?show_secrets=true", None)
        .await
        .expect(200);
    let account = proxied
        .send(
            Method::POST,
            "/service_accounts",
            Some(&json!({"name": "ci"})),
        )
        .await;
    let account = account.expect(200);
    let secret = account["client_secret"].as_str().unwrap().to_owned();
    let recorded = format!("{} {}", proxied.recorder.data(), proxied.recorder.har());
    for hidden in ["canary", token.as_str(), secret.as_str()] {
        assert!(!recorded.contains(hidden), "{hidden} in {recorded}");
    }
    assert!(recorded.contains("[redacted]"), "{recorded}");
    // The seed is whole: an emulator begins with it.
    let seeded = Emulator::builder().data(proxied.recorder.data()).build();
    get("/agents/a").bare(&seeded.service()).await.expect(200);
}

#[tokio::test]
async fn a_platform_that_does_not_respond_is_a_502() {
    let platform = Emulator::start().await.unwrap();
    let proxied = Proxied::start(platform).await;
    let Proxied {
        platform,
        api,
        recorder,
        ..
    } = proxied;
    let request = as_client(get(format!("{api}/models")), &platform);
    drop(platform);
    let reply = request.over_socket().await.unwrap();
    let error = reply.expect(502)["error"].as_str().unwrap().to_owned();
    assert!(
        error.starts_with("cannot pass GET http://127.0.0.1:"),
        "{error}"
    );
    assert!(error.contains("refused"), "{error}");
    let elsewhere = get(api.replace("/v0", "/other"))
        .over_socket()
        .await
        .unwrap();
    elsewhere.expect(404);
    drop(recorder);
    for bad in ["", "ftp://127.0.0.1", "http://127.0.0.1/v0?a=b"] {
        Recorder::start(bad, "http://127.0.0.1:9")
            .await
            .unwrap_err();
    }
}

/// Sandboxes, previews and uploads have addresses of their own, which lead to the recorder too.
#[tokio::test]
async fn addresses_of_the_platform_lead_to_the_recorder() {
    let proxied = Proxied::start(Emulator::start().await.unwrap()).await;
    let sandbox = named(
        "dev",
        &json!({"runtime": {"image": "blaxel/base-image:latest"}}),
    );
    let made = proxied
        .send(Method::POST, "/sandboxes", Some(&sandbox))
        .await
        .expect(200);
    let url = made["metadata"]["url"].as_str().unwrap().to_owned();
    assert_eq!(url, format!("{}/demo/sandboxes/dev", proxied.run));
    proxied
        .through(get(format!("{url}/health")))
        .await
        .expect(200);

    let preview = |name: &str, more: Value| {
        let mut spec = json!({"port": 443, "public": true});
        spec.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        named(name, &spec)
    };
    for (name, more) in [("web", json!({})), ("shop", json!({"prefixUrl": "shop"}))] {
        let made = proxied
            .send(
                Method::POST,
                "/sandboxes/dev/previews",
                Some(&preview(name, more)),
            )
            .await
            .expect(200);
        let url = made["spec"]["url"].as_str().unwrap().to_owned();
        assert!(url.starts_with(proxied.origin()), "{url}");
        get(format!("{url}/health"))
            .over_socket()
            .await
            .unwrap()
            .expect(200);
    }

    // A client sends back what it got, and the platform gets its own addresses.
    let value = format!("{url}/process");
    let env = json!({"runtime": {"envs": [{"name": "PEER", "value": value}]}});
    let stored = proxied
        .send(Method::POST, "/agents", Some(&named("bot", &env)))
        .await
        .expect(200);
    assert_eq!(stored["spec"]["runtime"]["envs"][0]["value"], value);
    let own = get("/agents/bot")
        .bare(&proxied.platform.service())
        .await
        .expect(200);
    let own = own["spec"]["runtime"]["envs"][0]["value"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        own,
        format!("{}/demo/sandboxes/dev/process", proxied.platform.run_url())
    );
    assert!(proxied.recorder.data().to_string().contains(&own));

    let image = json!({"name": "tools", "resourceType": "sandbox"});
    let asked = proxied
        .send(Method::POST, "/images?upload=true", Some(&image))
        .await;
    asked.expect(200);
    let upload = asked.header("x-blaxel-upload-url").unwrap().to_owned();
    assert!(upload.starts_with(proxied.origin()) && upload.contains("X-Amz-SignedHeaders="));
    let put = ask(Method::PUT, upload).bytes("an archive");
    assert_eq!(put.over_socket().await.unwrap().status, 200);

    let paths: Vec<_> = proxied
        .recorded()
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert!(
        paths[1].ends_with("/run/demo/sandboxes/dev/health"),
        "{paths:?}"
    );
    assert!(paths[3].starts_with("/_hosts/") && paths[5].contains("shop-demo.localhost"));
    let upload = paths.last().unwrap();
    assert!(
        upload.starts_with("/uploads/?X-Amz-SignedHeaders="),
        "{upload}"
    );
}

/// Returns a recorder in front of a server that answers each request so.
async fn in_front_of(server: Router) -> Recorder {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, server).await });
    let (api, run) = (format!("{origin}/v0"), format!("{origin}/run"));
    Recorder::start(&api, &run).await.unwrap()
}

#[tokio::test]
async fn a_stream_passes_as_it_comes() {
    let (sender, receiver) = mpsc::unbounded_channel::<Bytes>();
    let stream = futures_util::stream::unfold(receiver, async |mut receiver| {
        let chunk = receiver.recv().await?;
        Some((Ok::<_, Infallible>(chunk), receiver))
    });
    let body = Arc::new(Mutex::new(Some(Body::from_stream(stream))));
    let server = Router::new().fallback(move || {
        let body = body.lock().unwrap().take().unwrap();
        async move { ([("content-type", "text/event-stream")], body) }
    });
    let recorder = in_front_of(server).await;
    let url = format!("{}/demo/agents/bot", recorder.variables()[1].1);
    let response = get(url).open();
    sender.send("data: one\n\n".into()).unwrap();
    let mut body = response.await.unwrap().into_body();
    for next in ["data: two\n\n", "data: three\n\n"] {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(frame.starts_with(b"data: "), "{frame:?}");
        // The next one does not exist before this one has arrived.
        sender.send(next.into()).unwrap();
    }
    drop(sender);
    body.collect().await.unwrap();
    let har = recorder.har();
    let content = &har["log"]["entries"][0]["response"]["content"];
    assert_eq!(content["text"], "data: one\n\ndata: two\n\ndata: three\n\n");
}

#[tokio::test]
async fn a_large_body_passes_as_a_whole_and_is_recorded_in_part() {
    const SIZE: usize = 9 << 20;
    // A document of the control plane, which would be read otherwise.
    let answer = || async {
        let document = format!("\"{}\"", "x".repeat(SIZE - 2));
        ([("content-type", "application/json")], document)
    };
    let recorder = in_front_of(Router::new().fallback(answer)).await;
    let url = format!("{}/agents/bot", recorder.variables()[0].1);
    let reply = get(url).over_socket().await.unwrap();
    assert_eq!(reply.bytes.len(), SIZE);
    let har = recorder.har();
    let content = &har["log"]["entries"][0]["response"]["content"];
    assert_eq!(
        content["comment"],
        format!("{} of {SIZE} bytes were kept", 8 << 20)
    );
}

#[tokio::test]
async fn a_connection_can_change_its_protocol() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let run = format!("http://{}/run", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        assert!(head.contains("upgrade: websocket"), "{head}");
        let answer =
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        let (mut from, mut to) = stream.split();
        tokio::io::copy(&mut from, &mut to).await
    });
    let recorder = Recorder::start(&run.replace("/run", "/v0"), &run)
        .await
        .unwrap();
    let origin = recorder.variables()[1].1.replace("/run", "");
    let mut stream = TcpStream::connect(origin.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    let request = "GET /run/demo/sandboxes/dev/terminal HTTP/1.1\r\nhost: localhost\r\nconnection: \
        upgrade\r\nupgrade: websocket\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(
        head.starts_with(b"HTTP/1.1 101 "),
        "{}",
        String::from_utf8_lossy(&head)
    );
    stream.write_all(b"frames").await.unwrap();
    let mut frames = [0; 6];
    stream.read_exact(&mut frames).await.unwrap();
    assert_eq!(&frames, b"frames");
    drop(recorder);
    // The connection ends with the recorder.
    assert_eq!(stream.read(&mut frames).await.unwrap_or(0), 0);
}

#[cfg(feature = "tls")]
mod secure {
    use super::*;
    use crate::secure::{handshake, http2, once, tunnel_at, with};
    use crate::support::address;

    async fn platform() -> Emulator {
        let platform = Emulator::builder().tls().start().await.unwrap();
        platform.add("sandboxes", "dev").unwrap();
        platform.add_agent("bot");
        platform
    }

    #[tokio::test]
    async fn a_platform_with_tls_is_recorded() {
        let platform = platform().await;
        let recorder = Recorder::builder()
            .upstream(&platform.url(), &platform.run_url())
            .root_certificate(platform.certificate_authority().unwrap());
        let proxied = Proxied::of(platform, recorder.start().await.unwrap());
        assert!(proxied.api.starts_with("http://127.0.0.1:"));
        let dev = proxied
            .send(Method::GET, "/sandboxes/dev", None)
            .await
            .expect(200);
        let url = dev["metadata"]["url"].as_str().unwrap();
        assert_eq!(url, format!("{}/demo/sandboxes/dev", proxied.run));
        proxied
            .through(get(format!("{url}/health")))
            .await
            .expect(200);
        assert_eq!(proxied.recorded().len(), 2);
        // Both calls went over one connection with HTTP/2.
        let seen = proxied.platform.journal();
        assert_eq!(seen.len(), 2);
    }

    #[tokio::test]
    async fn a_platform_that_is_not_trusted_is_not_called() {
        let platform = platform().await;
        let recorder = Recorder::start(&platform.url(), &platform.run_url())
            .await
            .unwrap();
        let proxied = Proxied::of(platform, recorder);
        let reply = proxied
            .send(Method::GET, "/sandboxes/dev", None)
            .await
            .expect(502);
        let error = reply["error"].as_str().unwrap();
        let tried = format!(
            "cannot pass GET {}/sandboxes/dev on: ",
            proxied.platform.url()
        );
        assert!(error.starts_with(&tried), "{error}");
        assert!(
            error.contains("UnknownIssuer") && error.contains("--root-certificate"),
            "{error}"
        );
        assert!(proxied.platform.journal().is_empty());
        let bad = Recorder::builder().root_certificate("no certificate");
        assert_eq!(
            bad.start().await.unwrap_err().kind(),
            std::io::ErrorKind::InvalidInput
        );
    }

    /// A client that knows the names of the platform only uses the recorder as its proxy.
    #[tokio::test]
    async fn host_names_of_the_platform_are_recorded_by_its_proxy() {
        let platform = platform().await;
        let recorder = Recorder::builder()
            .upstream(&platform.url(), &platform.run_url())
            .root_certificate(platform.certificate_authority().unwrap())
            .tls();
        let recorder = recorder.start().await.unwrap();
        let proxy = recorder.proxy_variables();
        let proxy = proxy
            .iter()
            .find(|(name, _)| *name == "HTTPS_PROXY")
            .unwrap();
        let at = proxy.1.strip_prefix("http://").unwrap();
        for (host, path, shown) in [
            ("api.blaxel.ai", "/v0/sandboxes/dev", "/v0/sandboxes/dev"),
            (
                "run.blaxel.ai",
                "/demo/sandboxes/dev/health",
                "/_hosts/run.blaxel.ai/demo/sandboxes/dev/health",
            ),
            (
                "sbx-dev-demo.us-pdx-1.bl.run",
                "/health",
                "/_hosts/sbx-dev-demo.us-pdx-1.bl.run/health",
            ),
        ] {
            for protocol in ["h2", "http/1.1"] {
                let stream = tunnel_at(at, &format!("{host}:443")).await.unwrap();
                let authority = recorder.certificate_authority();
                let stream = handshake(stream, authority, host, &[protocol])
                    .await
                    .unwrap();
                let response = match protocol {
                    "h2" => {
                        let uri = format!("https://{host}{path}");
                        let request = with(&platform, Method::GET, &uri, "");
                        http2(stream).await.send_request(request).await.unwrap()
                    }
                    _ => {
                        let mut request = with(&platform, Method::GET, path, "");
                        let name = host.parse().unwrap();
                        request.headers_mut().insert("host", name);
                        once(stream, request).await
                    }
                };
                assert_eq!(response.status(), 200, "{host}");
                let body = response.into_body().collect().await.unwrap().to_bytes();
                // This address has no name of the platform.
                let body = String::from_utf8(body.into()).unwrap();
                assert!(!body.contains(&address(&platform)), "{body}");
                let har = recorder.har();
                let last = har["log"]["entries"].as_array().unwrap().last().unwrap();
                let url = last["request"]["url"].as_str().unwrap();
                assert!(url.ends_with(shown), "{url}");
            }
        }
        assert!(recorder.data().to_string().contains("\"dev\""));
        assert_eq!(platform.journal().len(), 6);
    }
}
