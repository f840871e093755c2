use blaxel_core::{Error, ErrorOrigin};

use crate::script::{refusal, sandbox};

/// Returns the error of a call that gets a response with this status, source and body.
async fn error(status: u16, platform: bool, body: &'static str) -> Error {
    let mut reply = refusal(status, body);
    if platform {
        reply = reply.header("x-blaxel-source", "platform");
    }
    let (sandbox, _) = sandbox([reply]);
    sandbox.health().await.unwrap_err()
}

#[tokio::test]
async fn the_gateway_the_edge_and_the_sandbox_can_be_told_apart() {
    use ErrorOrigin::{Edge, Gateway, Workload};
    let missing =
        r#"{"error":{"code":"WORKLOAD_NOT_FOUND","origin":"platform","retryable":false}}"#;
    let asleep =
        r#"{"error":{"code":"WORKLOAD_UNAVAILABLE","origin":"platform","retryable":true}}"#;
    for (status, platform, body, origin) in [
        (
            404,
            false,
            r#"{"error":"process with Identifier x not found"}"#,
            Workload,
        ),
        (404, false, "404 page not found", Workload),
        (422, false, r#"{"error":"permission denied"}"#, Workload),
        (500, false, "", Workload),
        (404, true, missing, Gateway),
        (404, true, asleep, Gateway),
        (401, true, "", Gateway),
        (
            413,
            true,
            r#"{"error":{"code":"REQUEST_ENTITY_TOO_LARGE"}}"#,
            Gateway,
        ),
        (
            502,
            false,
            "<html><title>502 Bad Gateway</title></html>",
            Edge,
        ),
    ] {
        let error = error(status, platform, body).await;
        assert_eq!(error.api().unwrap().origin(), origin, "{status} {body}");
    }
}

#[tokio::test]
async fn only_the_gateway_and_the_edge_say_that_a_sandbox_is_unavailable() {
    let asleep = r#"{"error":{"code":"WORKLOAD_UNAVAILABLE","origin":"platform"}}"#;
    for (status, platform, body) in [
        (404, true, asleep),
        (503, true, ""),
        (502, false, "<html><title>502 Bad Gateway</title></html>"),
    ] {
        let error = error(status, platform, body).await;
        assert!(
            error.is_unavailable() && error.is_transient(),
            "{status} {body}"
        );
        assert!(!error.is_not_found());
    }
    let own = error(503, false, r#"{"error":"no provider configured"}"#).await;
    assert!(!own.is_unavailable());
    let absent = error(404, false, r#"{"error":"not found"}"#).await;
    assert!(absent.is_not_found() && !absent.is_transient());
}

#[tokio::test]
async fn a_call_that_was_not_dispatched_has_changed_nothing() {
    let applied = async |body: &'static str| {
        let reply = refusal(503, body).header("x-blaxel-source", "platform");
        let (sandbox, _) = sandbox([reply]);
        sandbox
            .interpreter()
            .restart_context("c")
            .await
            .unwrap_err()
            .maybe_applied()
    };
    assert!(applied("").await);
    assert!(
        applied(r#"{"error":{"code":"UPSTREAM_TIMEOUT","dispatch_state":"dispatched_unknown"}}"#)
            .await
    );
    assert!(
        !applied(
            r#"{"error":{"code":"UPSTREAM_CONNECT_FAILED","dispatch_state":"not_dispatched"}}"#
        )
        .await
    );
}
