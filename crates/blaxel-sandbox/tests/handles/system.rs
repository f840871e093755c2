use blaxel_core::Idempotency;
use blaxel_sandbox::system::{UpgradeOptions, UpgradeState, UpgradeStep};
use serde_json::{Value, json};

use crate::script::{self, assert_round_trip, refusal, sandbox};

/// The health of a server that was started at a time, with an upgrade.
fn health(started_at: &str, upgrade: &Value) -> Value {
    json!({
        "status": "ok", "version": "v0.1.0", "gitCommit": "abc123", "buildTime": "2026-01-29T17:36:52Z",
        "goVersion": "go1.25.0", "os": "linux", "arch": "amd64", "uptime": "1h30m0s", "uptimeSeconds": 5400.5,
        "upgradeCount": 0, "startedAt": started_at, "lastUpgrade": upgrade,
    })
}

fn idle() -> Value {
    json!({"status": "idle", "step": "none", "version": ""})
}

#[tokio::test]
async fn the_health_is_read() {
    let failed = json!({
        "status": "failed", "step": "download", "version": "v9", "lastAttempt": "2026-02-01T00:00:00Z",
        "error": "HTTP 404", "downloadUrl": "https://example.com/v9", "bytesDownloaded": 7, "binaryPath": "/tmp/x",
    });
    let (sandbox, log) = sandbox([script::json(&health("2026-01-29T18:45:49Z", &failed))]);
    let read = sandbox.health().await.unwrap();
    assert_eq!(log.only().line, "GET /health");
    assert!(read.is_ok());
    assert_eq!(read.uptime().unwrap().as_millis(), 5_400_500);
    let upgrade = read.last_upgrade.as_ref().unwrap();
    assert_eq!(upgrade.status, UpgradeState::Failed);
    assert_eq!(upgrade.step, UpgradeStep::Download);
    assert_eq!(serde_json::to_value(upgrade).unwrap(), failed);
    assert_round_trip(&read);
}

#[tokio::test]
async fn odd_members_beside_the_status_do_no_harm() {
    let odd = json!({"status": "ok", "version": 3, "uptimeSeconds": "12.5", "upgradeCount": null,
        "startedAt": {}, "lastUpgrade": []});
    let (odd_sandbox, _) = sandbox([script::json(&odd)]);
    let read = odd_sandbox.health().await.unwrap();
    assert_eq!(read.version.as_deref(), Some("3"));
    assert_eq!((read.uptime_seconds, read.upgrade_count), (Some(12.5), 0));
    assert_eq!((&read.started_at, &read.last_upgrade), (&None, &None));
    assert_round_trip(&read);
    let (without, _) = sandbox([script::json(&json!({}))]);
    assert!(without.health().await.unwrap_err().is_decode());
}

#[tokio::test]
async fn an_upgrade_is_requested_once() {
    let answer = json!({"message": "Upgrade initiated.", "version": "develop", "baseUrl": "https://example.com/r"});
    let (upgraded, log) = sandbox([script::json(&answer)]);
    let options = UpgradeOptions::new()
        .version("develop")
        .base_url("https://example.com/r");
    let accepted = upgraded.upgrade(&options).await.unwrap();
    let seen = log.only();
    assert_eq!(seen.line, "POST /upgrade");
    assert_eq!(seen.idempotency, Idempotency::None);
    assert_eq!(
        seen.json(),
        json!({"version": "develop", "baseUrl": "https://example.com/r"})
    );
    assert_eq!(serde_json::to_value(&accepted).unwrap(), answer);

    let (latest, log) = sandbox([refusal(500, r#"{"error":"failed to save the state"}"#)]);
    let error = latest.upgrade(&UpgradeOptions::new()).await.unwrap_err();
    assert_eq!(log.only().json(), json!({}));
    assert!(error.to_string().contains("failed to save"), "{error}");
    assert!(error.maybe_applied());
}

#[cfg(feature = "wait")]
mod waiting {
    use std::time::Duration;

    use super::*;
    use crate::script::Reply;

    const LIMIT: Duration = Duration::from_secs(60);

    fn upgrade(status: &str, step: &str, error: Option<&str>) -> Value {
        json!({"status": status, "step": step, "version": "latest", "error": error,
            "lastAttempt": format!("2026-02-01T00:00:00Z#{status}{step}")})
    }

    /// Upgrades a sandbox whose health changes like this after the request.
    async fn run(
        after: impl IntoIterator<Item = Reply>,
    ) -> (
        Result<blaxel_sandbox::system::Upgraded, blaxel_core::Error>,
        Vec<String>,
    ) {
        let before = [
            script::json(&health("2026-01-01T00:00:00Z", &idle())),
            script::json(&json!({"message": "ok"})),
        ];
        let (sandbox, log) = sandbox(before.into_iter().chain(after));
        let outcome = sandbox
            .upgrade_and_wait(&UpgradeOptions::new(), LIMIT)
            .await;
        (outcome, log.lines())
    }

    fn same(upgrade: &Value) -> Reply {
        script::json(&health("2026-01-01T00:00:00Z", upgrade))
    }

    fn restarted() -> Reply {
        let mut health = health("2026-02-01T00:00:09Z", &idle());
        health["version"] = "v0.2.0".into();
        health["upgradeCount"] = 1.into();
        script::json(&health)
    }

    #[tokio::test(start_paused = true)]
    async fn an_upgrade_is_followed_across_the_restart() {
        let (upgraded, lines) = run([
            same(&idle()),
            same(&upgrade("running", "download", None)),
            same(&upgrade("completed", "completed", None)),
            refusal(502, "<html><title>502 Bad Gateway</title></html>"),
            script::text("<html>starting</html>"),
            restarted(),
        ])
        .await;
        let upgraded = upgraded.unwrap();
        assert_eq!(upgraded.before.version.as_deref(), Some("v0.1.0"));
        assert_eq!(upgraded.after.version.as_deref(), Some("v0.2.0"));
        assert_eq!(lines[..2], ["GET /health", "POST /upgrade"]);
        assert_eq!(lines.len(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_upgrade_is_an_error_with_its_reason() {
        let (failed, _) = run([same(&upgrade("failed", "validate", Some("exit 1")))]).await;
        let error = failed.unwrap_err();
        assert!(error.is_failed(), "{error}");
        assert!(error.to_string().contains("validate: exit 1"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_failure_of_an_earlier_attempt_is_not_taken_for_this_one() {
        let old = upgrade("failed", "download", Some("old"));
        let script = [
            same(&old),
            script::json(&json!({})),
            same(&old),
            same(&upgrade("running", "download", None)),
            restarted(),
        ];
        let (sandbox, _) = sandbox(script);
        let options = UpgradeOptions::new();
        assert!(sandbox.upgrade_and_wait(&options, LIMIT).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_upgrade_that_does_not_end_is_a_timeout_with_its_state() {
        let start = tokio::time::Instant::now();
        let (late, _) = run([same(&upgrade("running", "download", None))]).await;
        let error = late.unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert!(
            error.to_string().contains("running at the step download"),
            "{error}"
        );
        assert_eq!(start.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_permanent_error_ends_the_wait() {
        let (refused, lines) = run([refusal(401, r#"{"error":"no"}"#)]).await;
        assert!(refused.unwrap_err().is_unauthorized());
        assert_eq!(lines.len(), 3);
    }
}

#[tokio::test]
async fn the_environment_is_reloaded() {
    let answer = json!({"generation": 3, "applied": 12, "removed": 1});
    let (reloaded, log) = sandbox([script::json(&answer)]);
    let reload = reloaded.reload_environment().await.unwrap();
    let seen = log.only();
    assert_eq!(seen.line, "POST /environment/reload");
    assert_eq!(seen.idempotency, Idempotency::Idempotent);
    assert_eq!(
        (reload.generation, reload.applied, reload.removed),
        (3, 12, 1)
    );
    assert_round_trip(&reload);

    let body = r#"{"error":"open /bl/metadata: no such file or directory"}"#;
    let (missing, _) = sandbox([refusal(404, body)]);
    assert!(
        missing
            .reload_environment()
            .await
            .unwrap_err()
            .is_not_found()
    );
}

#[tokio::test]
async fn the_greeting_is_read() {
    let answer =
        json!({"message": "Welcome", "description": "a sandbox", "documentation": "https://docs"});
    let (sandbox, log) = sandbox([script::json(&answer)]);
    let welcome = sandbox.welcome().await.unwrap();
    assert_eq!(log.only().line, "GET /");
    assert_eq!(serde_json::to_value(&welcome).unwrap(), answer);
    assert_round_trip(&welcome);
}
