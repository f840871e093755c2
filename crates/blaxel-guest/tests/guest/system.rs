//! The server itself, its environment, and what needs other services.

use std::time::Duration;

use blaxel_guest::ServerVersion;
use serde_json::json;

use crate::support::Sandbox;

#[tokio::test]
async fn health_tells_the_time_since_the_start() {
    let sandbox = Sandbox::new();
    sandbox.clock().advance(Duration::from_secs(3725));
    let health = sandbox.get("/health").await.json();
    assert_eq!(health["status"], "ok");
    assert_eq!(health["uptimeSeconds"], 3725.0);
    assert_eq!(health["uptime"], "1h2m5s");
    assert_eq!(health["upgradeCount"], 0);
    assert_eq!(
        health["lastUpgrade"],
        json!({"status": "idle", "step": "none", "version": ""})
    );
}

#[tokio::test]
async fn an_upgrade_takes_half_a_second_and_leads_to_the_current_version() {
    let sandbox = Sandbox::august();
    sandbox.put_files(&[("/blaxel/a", "kept")]);
    let answer = sandbox.call("POST /upgrade", "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["version"], "latest");
    assert_eq!(
        answer.json()["baseUrl"],
        "https://github.com/blaxel-ai/sandbox/releases"
    );
    let health = sandbox.get("/health").await.json();
    assert_eq!(
        (&health["upgradeCount"], &health["lastUpgrade"]["status"]),
        (&json!(0), &json!("running"))
    );
    assert_eq!(sandbox.0.version(), ServerVersion::August);
    sandbox.clock().advance(Duration::from_millis(500));
    let health = sandbox.get("/health").await.json();
    assert_eq!(
        (&health["upgradeCount"], &health["lastUpgrade"]["status"]),
        (&json!(1), &json!("completed"))
    );
    assert_eq!(health["uptimeSeconds"], 0.0);
    assert_eq!(sandbox.0.version(), ServerVersion::Current);
    assert_eq!(
        sandbox
            .call("HEAD /filesystem/a", "")
            .await
            .header("x-file-type"),
        "file"
    );
}

#[tokio::test]
async fn the_environment_follows_the_metadata() {
    let sandbox = Sandbox::with(|builder| builder.env("HOME", "/first"));
    let answer = sandbox.call("POST /environment/reload", "").await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.error(),
        "open /bl/metadata: no such file or directory"
    );
    sandbox.put_files(&[
        ("/second/x", "2"),
        (
            "/bl/metadata",
            r#"{"generation":3,"environment":{"HOME":"/second","A":"1"}}"#,
        ),
    ]);
    let answer = sandbox.call("POST /environment/reload", "").await;
    assert_eq!(
        answer.json(),
        json!({"generation": 3, "applied": 2, "removed": 0})
    );
    assert_eq!(sandbox.get("/filesystem/~/x").await.json()["content"], "2");
    sandbox.put_files(&[(
        "/bl/metadata",
        r#"{"generation":4,"environment":{"A":"2"}}"#,
    )]);
    let answer = sandbox.call("POST /environment/reload", "").await;
    assert_eq!(
        answer.json(),
        json!({"generation": 4, "applied": 1, "removed": 1})
    );
    assert_eq!(sandbox.get("/filesystem/~/x").await.status, 400);
    sandbox.put_files(&[("/bl/metadata", "{\"environment\":{\"A\":\"hush\",")]);
    let answer = sandbox.call("POST /environment/reload", "").await;
    assert_eq!(answer.status, 500);
    assert!(!answer.error().contains("hush"));
}

#[tokio::test]
async fn code_tools_need_a_key() {
    let docs = "codegen tools are not configured, follow this documentation to configure it: \
                https://docs.blaxel.ai/Sandboxes/Codegen";
    let without = Sandbox::new();
    for call in [
        "PUT /codegen/fastapply/a",
        "GET /codegen/reranking/?query=x",
    ] {
        let answer = without.call(call, r#"{"codeEdit":"x"}"#).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (400, docs)
        );
    }
    let morph = Sandbox::with(|builder| builder.env("MORPH_API_KEY", "k"));
    for (call, status) in [
        ("PUT /codegen/fastapply/", 400),
        ("PUT /codegen/fastapply/a", 422),
        ("GET /codegen/reranking/", 400),
        ("GET /codegen/reranking/nope?query=x", 400),
        ("GET /codegen/reranking/?query=x", 503),
    ] {
        let answer = morph.call(call, r#"{"codeEdit":"x"}"#).await;
        assert_eq!(answer.status, status, "{call}");
    }
}

#[tokio::test]
async fn tunnels_are_checked_and_not_opened() {
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let valid = json!({
        "local_ip": "10.0.0.1/32", "peer_endpoint": "1.2.3.4:51820", "peer_public_key": key,
        "private_key": key,
    });
    let with = |name: &str, value: serde_json::Value| {
        let mut config = valid.clone();
        config[name] = value;
        config
    };
    let sandbox = Sandbox::new();
    let body = |config: &serde_json::Value| {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(config.to_string());
        json!({"config": text}).to_string()
    };
    for (config, problem) in [
        (json!({}), "local_ip is required"),
        (
            with("local_ip", json!("10.0.0.1")),
            "local_ip must be in CIDR notation (e.g., 10.0.0.1/32)",
        ),
        (
            with("peer_endpoint", json!("host")),
            "peer_endpoint must be in host:port format (e.g., 1.2.3.4:51820)",
        ),
        (
            with("private_key", json!("c2VjcmV0")),
            "invalid private_key",
        ),
        (with("allowed_ips", json!(["x"])), "invalid allowed_ip"),
        (with("mtu", json!(10)), "mtu must be between 68 and 65535"),
    ] {
        let answer = sandbox
            .call("PUT /network/tunnel/config", body(&config))
            .await;
        assert_eq!(answer.status, 422);
        let expected = format!("invalid tunnel config: invalid configuration: {problem}");
        assert_eq!(answer.error(), expected);
    }
    assert_eq!(
        sandbox
            .call("PUT /network/tunnel/config", "{}")
            .await
            .status,
        400
    );
    assert_eq!(
        sandbox
            .call("PUT /network/tunnel/config", r#"{"config":"!"}"#)
            .await
            .status,
        422
    );
    let answer = sandbox.call("DELETE /network/tunnel", "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.error().as_str()),
        (400, "no WireGuard client is running")
    );
    assert_eq!(
        sandbox
            .call("PUT /network/tunnel/config", body(&valid))
            .await
            .status,
        200
    );
    assert_eq!(sandbox.call("DELETE /network/tunnel", "").await.status, 200);
}
