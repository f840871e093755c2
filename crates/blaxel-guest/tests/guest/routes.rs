//! The router: unknown paths, redirects, the headers of every response.

use crate::support::Sandbox;

#[tokio::test]
async fn requests_meet_the_routes_that_the_real_server_has() {
    let sandbox = Sandbox::new();
    let calls = [
        ("GET /", 200, "application/json; charset=utf-8", ""),
        ("PATCH /", 200, "application/json; charset=utf-8", ""),
        ("GET /health", 200, "application/json; charset=utf-8", ""),
        ("GET /nope", 404, "text/plain", ""),
        ("POST /health", 404, "text/plain", ""),
        ("OPTIONS /nope", 204, "", ""),
        ("GET /health/", 301, "", "/health"),
        ("GET /%zz", 400, "text/plain; charset=utf-8", ""),
    ];
    for (call, status, content_type, location) in calls {
        let answer = sandbox.call(call, "").await;
        assert_eq!(answer.status, status, "{call}");
        assert_eq!(answer.header("content-type"), content_type, "{call}");
        assert_eq!(answer.header("location"), location, "{call}");
    }
    let answer = sandbox.get("/nope").await;
    assert_eq!(answer.text(), "404 page not found");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(
        answer.header("cache-control"),
        "no-cache, no-store, must-revalidate"
    );
}

#[tokio::test]
async fn health_tells_the_time_since_the_start() {
    let sandbox = Sandbox::new();
    sandbox
        .0
        .guest()
        .clock()
        .advance(std::time::Duration::from_secs(90));
    let health = sandbox.get("/health").await.json();
    assert_eq!(health["status"], "ok");
    assert_eq!(health["uptimeSeconds"], 90.0);
    assert_eq!(health["upgradeCount"], 0);
}
