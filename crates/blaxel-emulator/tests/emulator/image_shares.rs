//! Images that are shared with other workspaces and accounts.

use std::time::Duration;

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, names, post};

const IMAGE: &str = "/images/agent/support-bot";
const SHARES: &str = "/images/agent/support-bot/share";
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

async fn pending(emulator: &Emulator, direction: &str) -> Vec<Value> {
    let list = get(format!("/pending-image-shares{direction}"))
        .on(emulator)
        .await;
    list.expect(200).as_array().unwrap().clone()
}

/// Returns an offer of another account, and its path.
async fn offered(emulator: &Emulator) -> String {
    emulator.offer_image("job", "gift");
    let offer = &pending(emulator, "").await[0];
    assert_eq!(
        (&offer["imageName"], &offer["resourceType"]),
        (&json!("gift"), &json!("job"))
    );
    assert_eq!(offer["targetWorkspace"], "demo");
    assert!(offer.get("offered").is_none());
    format!("/pending-image-shares/{}", offer["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_share_within_the_account_is_active_at_once() {
    let emulator = Emulator::offline();
    let sent = json!({"targetWorkspace": "staging"});
    let image = post(SHARES, &sent).on(&emulator).await.expect(200);
    assert_eq!(image["metadata"]["name"], "support-bot");
    let shares = get(SHARES).on(&emulator).await.expect(200);
    let told = json!([{"workspace": "staging", "workspaceDisplayName": "staging",
        "accountId": emulator.account_id(), "status": "active"}]);
    assert_eq!(shares, told);
    let again = post(SHARES, &sent).on(&emulator).await;
    assert_eq!(again.control_error(409), "Image already shared");
    let held = ask(Method::DELETE, IMAGE).on(&emulator).await;
    assert_eq!(held.control_error(400), "Image is in use");

    let one = format!("{SHARES}/staging");
    let image = ask(Method::DELETE, &one).on(&emulator).await.expect(200);
    assert_eq!(image["metadata"]["name"], "support-bot");
    let again = ask(Method::DELETE, &one).on(&emulator).await;
    assert_eq!(again.control_error(404), "Image share not found");
    ask(Method::DELETE, IMAGE).on(&emulator).await.expect(200);
    get(SHARES).on(&emulator).await.control_error(404);
}

#[tokio::test]
async fn a_share_needs_a_target_that_exists() {
    let emulator = Emulator::offline();
    for bad in [
        json!({}),
        json!({"targetWorkspace": 7}),
        json!({"targetWorkspace": "demo"}),
        json!({"targetWorkspace": "elsewhere"}),
        json!({"targetWorkspace": "elsewhere", "targetAccountId": emulator.account_id()}),
    ] {
        assert_eq!(
            post(SHARES, &bad).on(&emulator).await.control_error(400),
            "Bad Request",
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_share_with_another_account_must_be_accepted() {
    let emulator = Emulator::offline();
    let sent = json!({"targetWorkspace": "elsewhere", "targetAccountId": "acc-other"});
    let share = post(SHARES, &sent).on(&emulator).await.expect(202);
    assert_eq!(
        (&share["imageName"], &share["sourceWorkspace"]),
        (&json!("support-bot"), &json!("demo"))
    );
    let again = post(SHARES, &sent).on(&emulator).await;
    assert_eq!(again.control_error(409), "Image already shared");
    let shares = get(SHARES).on(&emulator).await.expect(200);
    assert_eq!(shares[0]["status"], "pending");
    assert_eq!(shares[0]["pendingShareId"], share["id"]);
    let outgoing = pending(&emulator, "?direction=outgoing").await;
    assert_eq!((outgoing.len(), &outgoing[0]["id"]), (1, &share["id"]));
    assert_eq!(pending(&emulator, "?direction=incoming").await.len(), 0);
    get("/pending-image-shares?direction=both")
        .on(&emulator)
        .await
        .control_error(400);
    // Only the target can accept or decline it.
    for verb in ["accept", "decline"] {
        let uri = format!(
            "/pending-image-shares/{}/{verb}",
            share["id"].as_str().unwrap()
        );
        assert_eq!(
            ask(Method::POST, uri)
                .on(&emulator)
                .await
                .control_error(403),
            "Forbidden"
        );
    }
    let one = format!("{SHARES}/elsewhere");
    ask(Method::DELETE, &one).on(&emulator).await.expect(200);
    assert_eq!(pending(&emulator, "?direction=outgoing").await.len(), 0);
}

#[tokio::test]
async fn accepting_an_offer_creates_an_image() {
    let emulator = Emulator::offline();
    let offer = offered(&emulator).await;
    let accept = || ask(Method::POST, format!("{offer}/accept"));
    let image = accept().on(&emulator).await.expect(200);
    assert_eq!(image["metadata"]["sourceWorkspace"], "partner");
    assert_eq!(image["spec"]["tags"][0]["name"], "latest");
    assert_eq!(
        get("/images/job/gift").on(&emulator).await.expect(200),
        image
    );
    assert_eq!(
        accept().on(&emulator).await.control_error(404),
        "Pending image share not found"
    );
    assert_eq!(pending(&emulator, "").await.len(), 0);
}

#[tokio::test]
async fn an_offer_replaces_an_image_only_with_force() {
    let emulator = Emulator::offline();
    emulator.add_image("job", "gift");
    let offer = offered(&emulator).await;
    assert_eq!(pending(&emulator, "").await[0]["hasConflict"], true);
    let accept = |query: &str| ask(Method::POST, format!("{offer}/accept{query}"));
    assert_eq!(
        accept("").on(&emulator).await.control_error(409),
        "Image already exists"
    );
    let image = accept("?force=true").on(&emulator).await.expect(200);
    assert_eq!(image["metadata"]["sourceWorkspace"], "partner");
    let list = get("/images").on(&emulator).await.expect(200);
    assert_eq!(
        names(&list).iter().filter(|name| *name == "gift").count(),
        1
    );
}

#[tokio::test]
async fn an_offer_can_be_declined_or_expire() {
    let emulator = Emulator::offline();
    let offer = offered(&emulator).await;
    let declined = ask(Method::POST, format!("{offer}/decline"))
        .on(&emulator)
        .await;
    assert_eq!((declined.status.as_u16(), declined.bytes.len()), (204, 0));
    let offer = offered(&emulator).await;
    emulator.clock().advance(WEEK);
    let late = ask(Method::POST, format!("{offer}/accept"))
        .on(&emulator)
        .await;
    assert_eq!(late.control_error(410), "Pending image share expired");
    assert_eq!(
        pending(&emulator, "").await.len(),
        0,
        "it is not listed any more"
    );
}
