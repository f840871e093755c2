#![allow(clippy::unwrap_used)]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use blaxel_core::{ApiVersion, Body, ListParams, Page, Sort};
use serde_json::{Value, json};

use super::*;

/// Returns a service that sends the same response to every request, and the recorded request lines.
fn fixed_response(
    status: u16,
    body: &str,
) -> (Management<impl HttpService>, Arc<Mutex<Vec<String>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let (seen, body) = (Arc::clone(&requests), body.to_owned());
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let line = format!(
            "{} {}",
            request.method(),
            crate::scripted::target(request.uri())
        );
        seen.lock().unwrap().push(line);
        let mut response = http::Response::new(Body::from(body.clone()));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        std::future::ready(Ok::<_, Infallible>(response))
    });
    (Management::new(service), requests)
}

fn last_line(requests: &Mutex<Vec<String>>) -> String {
    requests.lock().unwrap().pop().unwrap()
}

fn image() -> Value {
    json!({
        "metadata": {
            "name": "my-box", "resourceType": "sandbox", "status": "BUILT", "sourceWorkspace": "",
            "lastDeployedAt": "2026-05-01T00:00:00Z", "events": [{"status": "BUILDING"}],
        },
        "spec": {"size": 5_000_000_000_u64, "tags": [{"name": "v1", "size": 10}]},
    })
}

#[test]
fn the_list_is_read_in_the_format_of_each_api_version() {
    let array: Page<Image> = serde_json::from_value(json!([image()])).unwrap();
    let full = &array.items[0];
    assert_eq!(full.metadata.resource_type, Some(ResourceType::Sandbox));
    assert_eq!(full.spec.size, Some(ByteSize::new(5_000_000_000)));
    assert_eq!(full.spec.tags.as_ref().unwrap()[0].name, "v1");
    assert_eq!(full.spec.tag_count, None);

    let mut summary = image();
    summary["spec"] = json!({"size": 10, "tagCount": 3});
    let page = json!({"data": [summary], "meta": {"hasMore": true, "nextCursor": "c"}});
    let page: Page<Image> = serde_json::from_value(page).unwrap();
    assert_eq!(page.items[0].spec.tag_count, Some(3));
    assert_eq!(page.items[0].spec.tags, None);
    assert!(page.meta.next_cursor().is_some());
}

#[tokio::test]
async fn images_are_addressed_by_type_and_name() {
    let (management, requests) = fixed_response(200, &image().to_string());
    let sandboxes = management.images().of("sandbox");
    sandboxes.get("team/my-box").await.unwrap();
    assert_eq!(last_line(&requests), "GET /images/sandbox/team%2Fmy-box");
    sandboxes.get_shared("my-box", "other").await.unwrap();
    assert_eq!(
        last_line(&requests),
        "GET /images/sandbox/my-box?sourceWorkspace=other"
    );
    sandboxes.delete("my-box").await.unwrap();
    assert_eq!(last_line(&requests), "DELETE /images/sandbox/my-box");
    sandboxes.shares("my-box").delete("other").await.unwrap();
    assert_eq!(
        last_line(&requests),
        "DELETE /images/sandbox/my-box/share/other"
    );
}

#[tokio::test]
async fn a_list_of_tags_accepts_only_its_own_parameters() {
    let (management, requests) = fixed_response(200, r#"{"data": [{"name": "v1"}]}"#);
    let tags = management.images().of(ResourceType::Job).tags("nightly");
    let params = ListParams::new()
        .name("v1")
        .source_workspace("other")
        .sort(Sort::NameDescending);
    let page = tags.list_with(&params).await.unwrap();
    assert_eq!(page.items[0].name, "v1");
    assert_eq!(
        last_line(&requests),
        "GET /images/job/nightly/tags?sort=name%3Adesc&name=v1&sourceWorkspace=other"
    );
    let refused = tags.list_with(&ListParams::new().status("BUILT")).await;
    assert!(refused.unwrap_err().is_input());
    assert_eq!(ImageTag::LIST.since(), ApiVersion::V2026_09_22);
}

#[tokio::test]
async fn deleting_a_tag_returns_the_image_or_none() {
    let (management, requests) = fixed_response(200, &image().to_string());
    let tags = management.images().of("agent").tags("bot");
    let image = tags.delete("v2").await.unwrap().unwrap();
    assert_eq!(image.metadata.name, "my-box");
    assert_eq!(last_line(&requests), "DELETE /images/agent/bot/tags/v2");

    let (management, _) = fixed_response(204, "");
    let tags = management.images().of("agent").tags("bot");
    assert_eq!(tags.delete("v2").await.unwrap(), None);
}

#[tokio::test]
async fn an_imported_image_skips_the_build() {
    let body = r#"{"name": "postgres", "resourceType": "sandbox", "message": "importing"}"#;
    let (management, requests) = fixed_response(200, body);
    let draft = ImageDraft::new("postgres", ResourceType::Sandbox);
    management.images().create(&draft).await.unwrap();
    assert_eq!(last_line(&requests), "POST /images");

    let draft = draft
        .image("docker.io/library/postgres:17")
        .docker_config("hush")
        .memory_mb(16384)
        .volume_mb(0);
    let created = management.images().create(&draft).await.unwrap();
    assert_eq!(created.resource_type, Some(ResourceType::Sandbox));
    assert_eq!(last_line(&requests), "POST /images?skip-build=true");
    let expected = json!({
        "name": "postgres", "resourceType": "sandbox", "image": "docker.io/library/postgres:17",
        "dockerConfig": "hush", "memoryMb": 16384, "volumeMb": 0,
    });
    assert_eq!(serde_json::to_value(&draft).unwrap(), expected);
    assert!(!format!("{draft:?}").contains("hush"));
}

#[tokio::test]
async fn the_response_status_tells_an_active_share_from_a_pending_one() {
    let (management, requests) = fixed_response(200, &image().to_string());
    let draft = ImageShareDraft::new("other");
    let shares = management.images().of("sandbox").shares("my-box");
    let outcome = shares.create(&draft).await.unwrap();
    assert!(matches!(outcome, ImageShareOutcome::Shared(image) if image.spec.size.is_some()));
    assert_eq!(last_line(&requests), "POST /images/sandbox/my-box/share");

    let pending =
        r#"{"id": "p-1", "targetWorkspace": "other", "createdBy": "u", "hasConflict": true}"#;
    let (management, _) = fixed_response(202, pending);
    let shares = management.images().of("sandbox").shares("my-box");
    let outcome = shares
        .create(&draft.target_account_id("acc"))
        .await
        .unwrap();
    assert!(matches!(outcome, ImageShareOutcome::Pending(share) if share.id == "p-1"));
}

#[tokio::test]
async fn only_accept_overwriting_forces_an_offer() {
    let (management, requests) = fixed_response(200, &image().to_string());
    let offers = management.pending_image_shares();
    offers.accept("p-1").await.unwrap();
    assert_eq!(
        last_line(&requests),
        "POST /pending-image-shares/p-1/accept"
    );
    offers.accept_overwriting("p-1").await.unwrap();
    assert_eq!(
        last_line(&requests),
        "POST /pending-image-shares/p-1/accept?force=true"
    );
}

#[tokio::test]
async fn offers_are_listed_by_direction_and_declined_with_an_empty_response() {
    let (management, requests) =
        fixed_response(200, r#"[{"id": "p-1", "sharedByEmail": "a@b.c"}]"#);
    let offers = management.pending_image_shares();
    assert_eq!(offers.incoming().await.unwrap()[0].id, "p-1");
    assert_eq!(
        last_line(&requests),
        "GET /pending-image-shares?direction=incoming"
    );
    offers.outgoing().await.unwrap();
    assert_eq!(
        last_line(&requests),
        "GET /pending-image-shares?direction=outgoing"
    );

    let (management, _) = fixed_response(200, "null");
    let offers = management.pending_image_shares();
    assert_eq!(offers.incoming().await.unwrap(), []);

    let (management, requests) = fixed_response(204, "");
    management
        .pending_image_shares()
        .decline("p-1")
        .await
        .unwrap();
    assert_eq!(
        last_line(&requests),
        "POST /pending-image-shares/p-1/decline"
    );
}

#[cfg(feature = "wait")]
#[test]
fn a_failed_image_reports_its_reason() {
    use crate::wait::Watched as _;

    let mut failed = image();
    failed["metadata"]["status"] = json!("FAILED");
    failed["metadata"]["events"] = json!([{"message": "no such base"}, {"status": "FAILED"}]);
    let failed: Image = serde_json::from_value(failed).unwrap();
    assert_eq!(failed.failure().as_deref(), Some("is FAILED: no such base"));
    let built: Image = serde_json::from_value(image()).unwrap();
    assert_eq!(built.failure(), None);
    assert_ne!(built.stage(), failed.stage());
}
