//! Workspaces.

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, post};

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|workspace| workspace["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_own_workspace_is_one_of_the_accounts() {
    let emulator = Emulator::offline();
    let list = get("/workspaces").on(&emulator).await.expect(200);
    assert_eq!(names(&list), ["demo", "staging", "research"]);
    let own = get("/workspaces/demo").on(&emulator).await.expect(200);
    assert_eq!(own, list[0]);
    assert_eq!(own["accountId"], emulator.account_id());
    assert_eq!(
        (&own["status"], &own["displayName"]),
        (&json!("ready"), &json!("demo"))
    );
    assert!(own["id"].is_string() && own.get("resourceCounts").is_none());
    get("/workspaces/none")
        .on(&emulator)
        .await
        .control_error(404);
}

#[tokio::test]
async fn resources_are_counted_on_request() {
    let emulator = Emulator::offline();
    let counts = async |name: &str| {
        let uri = format!("/workspaces/{name}?countResources=true");
        get(uri).on(&emulator).await.expect(200)["resourceCounts"].clone()
    };
    let before = counts("demo").await;
    assert_eq!(
        (&before["models"], &before["sandboxes"]),
        (&json!(7), &json!(0))
    );
    emulator.add("sandboxes", "sb").unwrap();
    let preview = json!({"metadata": {"name": "p"}, "spec": {"port": 80}});
    post("/sandboxes/sb/previews", &preview)
        .on(&emulator)
        .await
        .expect(200);
    let after = counts("demo").await;
    assert_eq!(
        (&after["previews"], &after["sandboxes"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(after.as_object().unwrap().len(), 14);
    assert_eq!(counts("staging").await["models"], 0);
}

#[tokio::test]
async fn an_update_changes_only_the_display_name_of_a_workspace() {
    let emulator = Emulator::offline();
    let sent = json!({"displayName": "Main", "labels": {"team": "red"}, "accountId": "mine"});
    let changed = ask(Method::PUT, "/workspaces/demo")
        .json(&sent)
        .on(&emulator)
        .await;
    let changed = changed.expect(200);
    assert_eq!(
        (&changed["displayName"], &changed["labels"]),
        (&json!("Main"), &sent["labels"])
    );
    assert_eq!(
        (&changed["name"], &changed["accountId"]),
        (&json!("demo"), &json!(emulator.account_id()))
    );
    for bad in [
        json!({"name": "other"}),
        json!({"labels": {"a": 1}}),
        json!({"displayName": 1}),
    ] {
        ask(Method::PUT, "/workspaces/demo")
            .json(&bad)
            .on(&emulator)
            .await
            .control_error(400);
    }
    ask(Method::PUT, "/workspaces/none")
        .json(&sent)
        .on(&emulator)
        .await
        .control_error(404);
}

#[tokio::test]
async fn another_workspace_is_listed_but_not_accessible() {
    let emulator = Emulator::offline();
    let sent = json!({"name": "second", "displayName": "Second"});
    let made = post("/workspaces", &sent).on(&emulator).await.expect(200);
    assert_eq!(
        (&made["name"], &made["status"]),
        (&json!("second"), &json!("ready"))
    );
    assert_eq!(
        post("/workspaces", &sent)
            .on(&emulator)
            .await
            .control_error(409),
        "Workspace already exists"
    );
    let inside = get("/agents")
        .header("x-blaxel-workspace", "second")
        .on(&emulator)
        .await;
    assert_eq!(inside.control_error(403), "Forbidden");
    let left = ask(Method::DELETE, "/workspaces/second/leave")
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(left, made);
    for uri in ["/workspaces/second", "/workspaces/second/leave"] {
        ask(Method::DELETE, uri)
            .on(&emulator)
            .await
            .control_error(404);
    }
    // Otherwise the emulator would be unusable.
    for uri in ["/workspaces/demo", "/workspaces/demo/leave"] {
        assert_eq!(
            ask(Method::DELETE, uri)
                .on(&emulator)
                .await
                .control_error(403),
            "Forbidden"
        );
    }
}

#[tokio::test]
async fn an_unavailable_name_is_reported_with_a_reason() {
    let emulator = Emulator::offline();
    for (name, reason) in [
        ("fresh", None),
        ("vault", None),
        ("demo", Some("taken")),
        ("admin", Some("forbidden_reserved")),
        ("my-blaxel", Some("forbidden_blaxel")),
        ("v2-team", Some("forbidden_v_prefix")),
    ] {
        let sent = json!({"name": name});
        let plain = post("/workspaces/availability", &sent).on(&emulator).await;
        assert_eq!(plain.expect(200), reason.is_none(), "{name}");
        let uri = "/workspaces/availability?withReason=true";
        let told = post(uri, &sent).on(&emulator).await.expect(200);
        assert_eq!(told["available"], reason.is_none());
        assert_eq!(told.get("reason").and_then(Value::as_str), reason);
        assert_eq!(told.get("message").is_some(), reason.is_some());
        let expected = match reason {
            None => 200,
            Some("taken") => 409,
            Some(_) => 400,
        };
        assert_eq!(
            post("/workspaces", &sent).on(&emulator).await.status,
            expected,
            "{name}"
        );
    }
    for bad in [json!({}), json!({"name": "A B"})] {
        post("/workspaces/availability", &bad)
            .on(&emulator)
            .await
            .control_error(400);
    }
}
