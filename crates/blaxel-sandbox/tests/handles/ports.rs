use std::time::Duration;

use blaxel_core::{Body, CallOptions, ErrorOrigin, Idempotency};
use http::Method;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::script::{self, Reply, chunks, refusal, sandbox, status, text};

#[tokio::test]
async fn a_request_has_the_path_the_query_and_the_headers_of_the_caller() {
    let (sandbox, log) = sandbox([text("ok").header("content-type", "text/plain")]);
    let port = sandbox.port(3000);
    let reply = port
        .get("/a//b%2Fc d?q=1#x")
        .query("r", "é&")
        .await
        .unwrap();
    assert_eq!(reply.content_type(), Some("text/plain"));
    assert_eq!(reply.text().await.unwrap(), "ok");
    let request = port
        .request(Method::DELETE, "items")
        .header("Accept", "text/html")
        .header("x-a", "1")
        .header("x-a", "2")
        .header("authorization", "Basic mine")
        .options(CallOptions::new().with_attempts(1));
    request.send().await.unwrap();
    port.post("").json(&json!({"a": 1})).open().await.unwrap();
    let all = log.all();
    assert_eq!(
        log.lines(),
        [
            "GET /port/3000/a//b%2Fc%20d?q=1%23x&r=%C3%A9%26",
            "DELETE /port/3000/items",
            "POST /port/3000/"
        ]
    );
    let names: Vec<_> = all
        .iter()
        .map(|it| (it.operation, it.is_streamed))
        .collect();
    assert_eq!(
        names,
        [
            ("CallPort", false),
            ("CallPort", false),
            ("StreamPort", true)
        ]
    );
    let kinds: Vec<_> = all.iter().map(|it| it.idempotency).collect();
    assert_eq!(
        kinds,
        [
            Idempotency::Safe,
            Idempotency::Idempotent,
            Idempotency::None
        ]
    );
    assert_eq!(all[0].headers["accept"], "*/*");
    assert_eq!(all[0].headers["cache-control"], "no-transform");
    assert_eq!(all[1].headers["accept"], "text/html");
    assert_eq!(all[1].headers.get_all("x-a").iter().count(), 2);
    assert_eq!(all[1].options.attempts(), Some(1));
    assert_eq!(all[2].json(), json!({"a": 1}));
    assert!(all.iter().all(|it| it.carries_credential));
}

#[tokio::test]
async fn what_leads_out_of_the_port_is_refused() {
    let (sandbox, log) = sandbox([text("ok")]);
    for port in [0, 80, 443, 8080] {
        let error = sandbox.port(port).get("/").await.unwrap_err();
        assert!(error.is_input(), "{port}: {error}");
        assert_eq!(error.operation().unwrap().name(), "CallPort");
    }
    let port = sandbox.port(3000);
    for path in [
        "/../../process",
        "/%2e%2e/process",
        "/a/..%2f..%2fprocess",
        "\\..\\process",
    ] {
        let error = port.get(path).await.unwrap_err();
        assert!(error.is_input(), "{path}: {error}");
    }
    for name in [
        "Host",
        "X-Blaxel-Preview-Token",
        "connection",
        "content-length",
        "upgrade",
        "a b",
    ] {
        let error = port.get("/").header(name, "canary").await.unwrap_err();
        assert!(error.is_input(), "{name}: {error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    let connect = port.request(Method::CONNECT, "/").open().await.unwrap_err();
    assert!(connect.is_input(), "{connect}");
    let uri = http::Request::get("http://evil.example/../process").body(Body::empty());
    assert!(port.oneshot(uri.unwrap()).await.unwrap_err().is_input());
    assert_eq!(log.lines().len(), 0);
}

/// The response of the edge if nothing listens on a port.
fn nothing_listens() -> Reply {
    refusal(502, "").header("content-length", "0")
}

/// The answers of a program are returned, and those of the platform are errors.
#[tokio::test]
async fn only_the_platforms_refusals_are_errors() {
    let page = "<html><title>502 Bad Gateway</title></html>";
    let html = |status| refusal(status, page).header("content-type", "text/html");
    let platform = |status| refusal(status, "{}").header("x-blaxel-source", "platform");
    let own = [
        (404, refusal(404, "no")),
        (
            404,
            refusal(
                404,
                r#"{"error":{"code":"WORKLOAD_UNAVAILABLE","origin":"platform"}}"#,
            ),
        ),
        (500, html(500)),
        (502, refusal(502, "my upstream")),
        (503, refusal(503, "")),
        (503, html(503).header("server", "nginx/1.27")),
        (302, refusal(302, "").header("location", "/login")),
    ];
    for (expected, reply) in own {
        let (sandbox, _) = sandbox([reply.clone()]);
        let found = sandbox.port(3000).get("/").await.unwrap();
        assert_eq!(found.status().as_u16(), expected, "{reply:?}");
        let error = found.error_for_status().await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), expected);
        assert_eq!(error.operation().unwrap().name(), "CallPort");
    }
    for (reply, unavailable) in [
        (
            platform(404).header("x-blaxel-error-code", "WORKLOAD_UNAVAILABLE"),
            true,
        ),
        (
            platform(404).header("x-blaxel-error-code", "WORKLOAD_NOT_FOUND"),
            false,
        ),
        (platform(401), false),
        (nothing_listens(), true),
        (refusal(502, "bad").header("server", "Pingora"), true),
        (html(502), true),
        (html(503), true),
        (html(404).header("server", "CloudFront"), false),
    ] {
        let (sandbox, _) = sandbox([reply.clone()]);
        let error = sandbox.port(3000).get("/").open().await.unwrap_err();
        assert_eq!(error.is_unavailable(), unavailable, "{error}");
        let origin = error.api().unwrap().origin();
        assert!(
            matches!(origin, ErrorOrigin::Gateway | ErrorOrigin::Edge),
            "{reply:?}: {origin:?}"
        );
    }
}

#[tokio::test]
async fn bodies_are_limited_decoded_and_streamed() {
    let lines = || chunks(["{\"a\"".into(), ":1}\n{\"a\":2".into(), "}\n".into()]);
    let (sandbox, _) = sandbox([lines()]);
    let port = sandbox.port(3000);
    let get = || async { port.get("/").open().await.unwrap() };
    assert_eq!(get().await.bytes().await.unwrap().len(), 16);
    let error = get().await.with_limit(15).text().await.unwrap_err();
    assert!(error.is_decode(), "{error}");
    let error = port
        .get("/")
        .await
        .unwrap()
        .json::<Value>()
        .await
        .unwrap_err();
    assert!(error.is_decode(), "{error}");
    assert_eq!(error.operation().unwrap().name(), "CallPort");
    for reply in [get().await, port.get("/").await.unwrap()] {
        let mut rows = reply.json_lines::<Value>();
        for expected in [1, 2] {
            assert_eq!(rows.try_next().await.unwrap().unwrap()["a"], expected);
        }
        assert_eq!(rows.try_next().await.unwrap(), None);
    }
    let mut rows = get().await.lines();
    assert_eq!(rows.try_next().await.unwrap().unwrap(), r#"{"a":1}"#);
}

/// The requests of a proxy come from anybody.
#[tokio::test]
async fn a_service_passes_on_what_a_proxy_passes_on() {
    let answer = status(207, &json!([]))
        .header("connection", "close, x-hop")
        .header("x-hop", "1")
        .header("transfer-encoding", "chunked")
        .header("x-answer", "2");
    let (sandbox, log) = sandbox([answer]);
    let port = sandbox.port(3000);
    let request = http::Request::builder()
        .method("PROPFIND")
        .uri("http://localhost:8000/a%20b/?c=%2F")
        .header("host", "localhost:8000")
        .header("connection", "keep-alive, x-secret-hop")
        .header("x-secret-hop", "1")
        .header("te", "trailers")
        .header("upgrade", "h2c")
        .header("transfer-encoding", "chunked")
        .header("content-length", "3")
        .header("content-type", "text/xml")
        .header("x-blaxel-authorization", "Bearer canary")
        .header("x-blaxel-workspace", "canary")
        .header("x-blaxel-preview-token", "canary")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .header("accept-encoding", "br")
        .body(String::from("abc"))
        .unwrap();
    let response = port.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 207);
    let names: Vec<_> = response
        .headers()
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    assert_eq!(names, ["content-type", "x-answer"]);
    let seen = log.only();
    assert_eq!(seen.line, "PROPFIND /port/3000/a%20b/?c=%2F");
    assert_eq!(seen.operation, "StreamPort");
    assert_eq!(seen.body, "abc");
    let mut names: Vec<_> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "accept-encoding",
            "cache-control",
            "content-type",
            "cookie"
        ]
    );
    assert_eq!(seen.headers["content-type"], "text/xml");
    assert_eq!(seen.headers.get_all("cookie").iter().count(), 2);

    // Without a body there is no content type, and the request can be repeated.
    let request = http::Request::get("/").body(String::new()).unwrap();
    port.oneshot(request).await.unwrap();
    let seen = log.all().remove(1);
    assert!(!seen.headers.contains_key("content-type"));
    assert_eq!(seen.idempotency, Idempotency::Safe);
}

#[tokio::test]
async fn a_session_sends_its_token_and_no_credential() {
    let (service, log) = script::service(|_| text("ok").response());
    let sandbox = blaxel_sandbox::Sandboxes::new(service);
    let sandbox = sandbox.session(script::URL, "token");
    let port = sandbox.port(3000);
    port.get("/").await.unwrap();
    let foreign = http::Request::get("/").header("x-blaxel-preview-token", "canary");
    port.oneshot(foreign.body(Body::empty()).unwrap())
        .await
        .unwrap();
    for seen in log.all() {
        assert!(!seen.carries_credential);
        assert_eq!(seen.headers["x-blaxel-preview-token"], "token");
        assert!(!seen.line.contains("token"), "{}", seen.line);
    }
}

#[cfg(feature = "wait")]
#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_first_response_of_the_program() {
    let unavailable = refusal(404, "{}")
        .header("x-blaxel-source", "platform")
        .header("x-blaxel-error-code", "WORKLOAD_UNAVAILABLE");
    let (sandbox, log) = sandbox([
        nothing_listens(),
        unavailable,
        nothing_listens(),
        refusal(500, "mine"),
    ]);
    let start = tokio::time::Instant::now();
    let limit = Duration::from_secs(10);
    sandbox.port(3000).wait_until_ready(limit).await.unwrap();
    assert_eq!(log.lines(), ["HEAD /port/3000/"; 4]);
    assert_eq!(start.elapsed(), Duration::from_millis(700));
    let options = log.all()[0].options;
    assert_eq!(options.attempts(), Some(1));
    assert_eq!(options.deadline(), Some(Duration::from_secs(20)));
}

#[cfg(feature = "wait")]
#[tokio::test(start_paused = true)]
async fn a_wait_is_limited_and_ends_with_a_final_error() {
    let (down, _) = sandbox([nothing_listens()]);
    let start = tokio::time::Instant::now();
    let limit = Duration::from_secs(10);
    let error = down.port(3000).wait_until_ready(limit).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let text = error.to_string();
    assert!(text.contains("port 3000") && text.contains("502"), "{text}");
    assert_eq!(start.elapsed(), limit);

    let gone = refusal(404, "{}")
        .header("x-blaxel-source", "platform")
        .header("x-blaxel-error-code", "WORKLOAD_NOT_FOUND");
    let (gone, log) = sandbox([gone]);
    let error = gone.port(3000).wait_until_ready(limit).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(log.lines().len(), 1);
}

#[test]
fn nothing_shows_a_query_a_header_or_a_body() {
    let (sandbox, _) = sandbox([text("ok")]);
    let request = sandbox
        .port(3000)
        .post("/a?token=canary")
        .header("x-token", "canary")
        .query("b", "canary")
        .text("canary");
    let shown = format!("{request:?}");
    assert!(shown.contains("/a") && !shown.contains("canary"), "{shown}");
}
