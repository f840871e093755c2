//! The router: unknown paths, redirects, the headers of every response, the limit of the edge.

use axum::body::{Body, Bytes};
use blaxel_guest::operation;
use futures_util::stream;
use http::Method;

use crate::support::Sandbox;

/// The content type of redirects.
const HTML: &str = "text/html; charset=utf-8";

#[tokio::test]
async fn requests_meet_the_routes_that_the_real_server_has() {
    let sandbox = Sandbox::new();
    let calls = [
        ("GET /", 200, "application/json; charset=utf-8", ""),
        ("PATCH /", 200, "application/json; charset=utf-8", ""),
        ("GET /health", 200, "application/json; charset=utf-8", ""),
        ("GET /nope", 404, "text/plain", ""),
        ("POST /health", 404, "text/plain", ""),
        ("POST /filesystem/a", 404, "text/plain", ""),
        ("POST /filesystem/tree/a", 404, "text/plain", ""),
        ("OPTIONS /nope", 204, "", ""),
        ("HEAD /nope", 404, "text/plain", ""),
        ("HEAD /health", 200, "", ""),
        ("HEAD /drives/mount", 200, "", ""),
        ("HEAD /upgrade", 200, "", ""),
        ("GET /health/", 301, HTML, "/health"),
        ("HEAD /process/a/", 307, HTML, "/process/a"),
        ("GET /filesystem-find", 301, HTML, "/filesystem-find/"),
        ("GET /watch/filesystem", 301, HTML, "/watch/filesystem/"),
        ("DELETE /drives/mount", 307, "", "/drives/mount/"),
        ("GET /filesystem", 404, "text/plain", ""),
        ("GET /%zz", 400, "text/plain; charset=utf-8", ""),
    ];
    for (call, status, content_type, location) in calls {
        let answer = sandbox.call(call, "").await;
        assert_eq!(answer.status, status, "{call}");
        assert_eq!(answer.header("content-type"), content_type, "{call}");
        assert_eq!(answer.header("location"), location, "{call}");
    }
    let answer = sandbox.call("OPTIONS /process", "").await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("cache-control"), "");
    let answer = sandbox.get("/nope").await;
    assert_eq!(answer.text(), "404 page not found");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(
        answer.header("cache-control"),
        "no-cache, no-store, must-revalidate"
    );
}

#[tokio::test]
async fn the_old_server_has_no_copy() {
    let answer = Sandbox::august().call("POST /filesystem-copy", "{}").await;
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (404, "404 page not found")
    );
}

#[test]
fn operations_have_names() {
    for (method, path, name) in [
        (Method::GET, "/filesystem/a/b", Some("ReadFile")),
        (Method::HEAD, "/filesystem/a/b", Some("StatFile")),
        (Method::GET, "/filesystem/treehouse", Some("ReadTree")),
        (
            Method::PUT,
            "/filesystem-multipart/x/part",
            Some("UploadPart"),
        ),
        (
            Method::POST,
            "/filesystem-multipart/initiate/part",
            Some("InitiateUpload"),
        ),
        (Method::PATCH, "/", Some("GetWelcome")),
        (Method::GET, "/port/3000/", None),
    ] {
        assert_eq!(operation(&method, path), name, "{method} {path}");
    }
}

#[tokio::test]
async fn the_edge_refuses_large_bodies_with_and_without_a_length() {
    let sandbox = Sandbox::with(|builder| builder.edge_limit(100));
    let content = |size: usize| format!("{{\"content\":\"{}\"}}", "x".repeat(size));
    for (size, status) in [(80, 200), (90, 413)] {
        let body = content(size);
        let length = body.len().to_string();
        let headers = [("content-length", length.as_str())];
        let announced = sandbox
            .call_with("PUT /filesystem/a", &headers, body.clone())
            .await;
        let chunks = [&body[..50], &body[50..]].map(|part| Bytes::copy_from_slice(part.as_bytes()));
        let chunks = stream::iter(chunks.map(Ok::<_, std::io::Error>));
        let chunked = sandbox
            .call("PUT /filesystem/a", Body::from_stream(chunks))
            .await;
        for answer in [announced, chunked] {
            assert_eq!(answer.status, status, "{size}");
            if status == 413 {
                assert_eq!(answer.header("x-blaxel-source"), "platform");
                assert_eq!(
                    answer.header("x-blaxel-error-code"),
                    "REQUEST_ENTITY_TOO_LARGE"
                );
                let error = &answer.json()["error"];
                assert_eq!(error["code"], "REQUEST_ENTITY_TOO_LARGE");
                assert_eq!(error["status"], 413);
                assert_eq!(error["retryable"], false);
            }
        }
    }
    assert_eq!(sandbox.content("/blaxel/a").len(), 80);
}
