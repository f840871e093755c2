//! Calls of previews, by path and by host name.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse as _;
use axum::routing::get as on_get;
use blaxel_emulator::blaxel_guest::SimulatedGuest;
use blaxel_emulator::{Builder, Emulator};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Reply, ask, get, post};

const ALL: &str = "/sandboxes/sb/previews";

/// Shows the request line and some headers of a request.
async fn mirror(request: Request) -> axum::response::Response {
    let header = |name: &str| {
        let value = request.headers().get(name);
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    let seen = json!({
        "uri": request.uri().to_string(),
        "authorization": header("authorization"),
        "key": header("x-blaxel-authorization"),
        "token": header("x-blaxel-preview-token"),
    });
    ([("x-app", "program")], axum::Json(seen)).into_response()
}

/// An emulator with a sandbox whose programs listen on the ports 3000 and 3001.
fn builder() -> Builder {
    Emulator::builder().machines(|_, clock| {
        let guest = SimulatedGuest::new(clock.clone());
        guest.on_port(3000, Router::new().fallback(mirror));
        guest.on_port(3001, Router::new().route("/", on_get(|| async { "other" })));
        guest
    })
}

/// Creates a preview and returns its URL.
async fn preview(emulator: &Emulator, name: &str, spec: Value) -> String {
    if emulator.guest("sb").is_none() {
        emulator.add("sandboxes", "sb").unwrap();
    }
    let sent = json!({"metadata": {"name": name}, "spec": spec});
    let made = post(ALL, &sent).on(emulator).await.expect(200);
    made["spec"]["url"].as_str().unwrap().to_owned()
}

fn origin(emulator: &Emulator) -> String {
    emulator.url().strip_suffix("/v0").unwrap().to_owned()
}

/// Sends a request with a header `Host` over a socket.
async fn by_host(emulator: &Emulator, host: &str, path: &str) -> Reply {
    let url = format!("{}{path}", origin(emulator));
    let reply = get(url).header("host", host).over_socket().await;
    reply.unwrap()
}

#[tokio::test]
async fn a_preview_with_a_prefix_is_shown_at_its_host() {
    let emulator = builder().start().await.unwrap();
    let spec = json!({"port": 3000, "public": true, "prefixUrl": "shop"});
    let url = preview(&emulator, "web", spec).await;
    let port = origin(&emulator).rsplit(':').next().unwrap().to_owned();
    assert_eq!(url, format!("http://shop-demo.localhost:{port}"));

    let host = url.strip_prefix("http://").unwrap();
    let page = by_host(&emulator, host, "/a/b?c=d").await.expect(200);
    assert_eq!(page["uri"], "/a/b?c=d");
    let any_case = by_host(&emulator, "SHOP-demo.localhost", "/").await;
    assert_eq!(any_case.expect(200)["uri"], "/");
    let by_path = format!("{}/preview/demo/sb/web/a", origin(&emulator));
    let by_path = get(by_path).over_socket().await.unwrap();
    assert_eq!(by_path.expect(200)["uri"], "/a");
    // Its origin is that of the emulator's page, so it gets none; at its host, it has one of its own.
    let policy = by_path.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("sandbox ") && !policy.contains("same-origin"),
        "{policy}"
    );
    let at_host = by_host(&emulator, host, "/").await;
    assert_eq!(at_host.header("content-security-policy"), None);

    by_host(&emulator, "none-demo.localhost", "/")
        .await
        .gateway(404, "ROUTE_NOT_FOUND");
    // Other names of the emulator lead to its own API.
    let own = by_host(&emulator, "localhost", "/openapi.json").await;
    assert_eq!(own.status, 200);
    let operations: Vec<_> = emulator
        .journal()
        .iter()
        .filter_map(|e| e.operation.clone())
        .collect();
    assert!(
        operations.iter().any(|name| name == "CallPreview"),
        "{operations:?}"
    );
}

#[tokio::test]
async fn a_custom_domain_leads_to_its_preview() {
    let emulator = builder().start().await.unwrap();
    let spec =
        json!({"port": 3001, "public": true, "customDomain": "*.example.com", "prefixUrl": "shop"});
    assert_eq!(
        preview(&emulator, "web", spec).await,
        "https://shop.example.com"
    );
    let page = by_host(&emulator, "shop.example.com", "/").await;
    assert_eq!(
        (page.status.as_u16(), &page.bytes[..]),
        (200, &b"other"[..])
    );
    let other = by_host(&emulator, "other.example.com", "/").await;
    assert_eq!(other.status, 404);
}

#[tokio::test]
async fn the_url_of_a_preview_works_without_a_socket() {
    let emulator = builder().build();
    let service = emulator.service();
    let with_prefix = json!({"port": 3000, "public": true, "prefixUrl": "shop"});
    for (name, spec) in [
        ("one", with_prefix),
        ("two", json!({"port": 3000, "public": true})),
    ] {
        let url = preview(&emulator, name, spec).await;
        let page = get(format!("{url}/x")).bare(&service).await.expect(200);
        assert_eq!(page["uri"], "/x", "{url}");
    }
}

#[tokio::test]
async fn a_prefix_is_unique_unless_forced_and_a_part_of_a_host() {
    let emulator = builder().build();
    let spec = json!({"port": 3000, "prefixUrl": "shop"});
    preview(&emulator, "first", spec.clone()).await;
    let second = json!({"metadata": {"name": "second"}, "spec": spec});
    post(ALL, &second).on(&emulator).await.control_error(409);
    post(format!("{ALL}?force=true"), &second)
        .on(&emulator)
        .await
        .expect(200);
    get(format!("{ALL}/first"))
        .on(&emulator)
        .await
        .control_error(404);
    for prefix in ["Shop", "a.b", "-a", "a_b"] {
        let sent = json!({"metadata": {"name": "bad"}, "spec": {"port": 1, "prefixUrl": prefix}});
        post(ALL, &sent).on(&emulator).await.control_error(400);
    }
}

#[tokio::test]
async fn a_private_preview_needs_a_token_in_a_header_or_in_the_query() {
    let emulator = builder().build();
    let service = emulator.service().verbatim();
    let url = preview(&emulator, "web", json!({"port": 3000})).await;
    let tokens = format!("{ALL}/web/tokens");
    let made = post(&tokens, &json!({"metadata": {"name": "t"}, "spec": {}}));
    let made = made.on(&emulator).await.expect(200);
    let token = made["spec"]["token"].as_str().unwrap();

    let none = get(&url).bare(&service).await;
    none.gateway(401, "AUTHENTICATION_REQUIRED");
    let wrong = get(&url).header("x-blaxel-preview-token", "wrong");
    wrong
        .bare(&service)
        .await
        .gateway(401, "AUTHENTICATION_FAILED");
    let by_header = get(format!("{url}/a?b=c")).header("X-Blaxel-Preview-Token", token);
    let by_query = get(format!("{url}/a?bl_preview_token={token}&b=c"));
    for request in [by_header, by_query] {
        let page = request.bare(&service).await.expect(200);
        assert_eq!(page["uri"], "/a?b=c", "the program does not see the token");
        assert_eq!(page["token"], Value::Null);
    }
    emulator.clock().advance(Duration::from_secs(24 * 3600));
    let late = get(&url).header("x-blaxel-preview-token", token);
    late.bare(&service)
        .await
        .gateway(401, "AUTHENTICATION_FAILED");
}

#[tokio::test]
async fn the_headers_of_a_preview_are_added_to_requests_and_responses() {
    let emulator = builder().build();
    let spec = json!({"port": 3000, "public": true,
        "requestHeaders": {"Authorization": "Bearer of-the-app"},
        "responseHeaders": {"X-App": "preview", "X-New": "1"}});
    let url = preview(&emulator, "web", spec).await;
    let page = get(&url).bare(&emulator.service()).await;
    let seen = page.expect(200);
    assert_eq!(seen["authorization"], "Bearer of-the-app");
    assert_eq!(
        seen["key"],
        Value::Null,
        "the platform's credential is not for a program"
    );
    assert_eq!(page.header("x-app"), Some("preview"));
    assert_eq!(page.header("x-new"), Some("1"));

    // A program's own credential passes.
    let url = preview(&emulator, "plain", json!({"port": 3000, "public": true})).await;
    let sent = get(&url).header("authorization", "Basic dTpw");
    let seen = sent.bare(&emulator.service().verbatim()).await.expect(200);
    assert_eq!(seen["authorization"], "Basic dTpw");
}

#[tokio::test]
async fn the_cors_headers_of_a_preview_are_on_preflights_and_refusals() {
    let emulator = builder().build();
    let service = emulator.service().verbatim();
    let cors = json!({"Access-Control-Allow-Origin": "https://example.com",
        "Access-Control-Allow-Methods": "GET, POST"});
    let preflight = |url: &str| {
        ask(Method::OPTIONS, url)
            .header("origin", "https://example.com")
            .header("access-control-request-method", "POST")
    };
    for is_public in [true, false] {
        let name = format!("web-{is_public}");
        let spec = json!({"port": 3001, "public": is_public, "responseHeaders": cors});
        let url = preview(&emulator, &name, spec).await;
        let allowed = preflight(&url).bare(&service).await;
        assert_eq!(allowed.status, 204, "a browser sends no token with it");
        assert_eq!(
            allowed.header("access-control-allow-methods"),
            Some("GET, POST")
        );
        let page = get(&url)
            .header("origin", "https://example.com")
            .bare(&service)
            .await;
        assert_eq!(page.status, if is_public { 200 } else { 401 });
        assert_eq!(
            page.header("access-control-allow-origin"),
            Some("https://example.com")
        );
    }
    // Without them the program decides, and a private preview refuses.
    let url = preview(&emulator, "bare", json!({"port": 3001})).await;
    assert_eq!(preflight(&url).bare(&service).await.status, 401);
}
