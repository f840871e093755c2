//! Previews of sandboxes, and their tokens.

use std::time::Duration;

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, names, post};

const ALL: &str = "/sandboxes/sb/previews";

fn with_sandbox() -> Emulator {
    let emulator = Emulator::offline();
    emulator.add("sandboxes", "sb").unwrap();
    emulator
}

fn preview(name: &str, spec: Value) -> Value {
    json!({"metadata": {"name": name}, "spec": spec})
}

#[tokio::test]
async fn a_preview_can_be_created_read_updated_and_deleted() {
    let emulator = with_sandbox();
    let sent = preview(
        "web",
        json!({"port": 3000, "public": true, "url": "https://mine"}),
    );
    let made = post(ALL, &sent).on(&emulator).await.expect(200);
    assert_eq!(made["metadata"]["resourceName"], "sb");
    assert_eq!(made["metadata"]["resourceType"], "sandbox");
    assert_eq!(made["metadata"]["workspace"], "demo");
    assert_eq!(made["status"], "DEPLOYED");
    let url = made["spec"]["url"].as_str().unwrap();
    assert!(url.ends_with("/preview/demo/sb/web"), "{url}");
    let one = format!("{ALL}/web");
    assert_eq!(get(&one).on(&emulator).await.expect(200), made);
    let taken = post(ALL, &sent).on(&emulator).await.control_error(409);
    assert_eq!(taken, "Preview already exists");

    let changed = preview("web", json!({"port": 8000}));
    let changed = ask(Method::PUT, &one).json(&changed).on(&emulator).await;
    let changed = changed.expect(200);
    assert_eq!(
        changed["spec"],
        json!({"port": 8000, "region": "us-pdx-1", "url": url})
    );
    assert_eq!(
        changed["metadata"]["createdAt"],
        made["metadata"]["createdAt"]
    );
    let list = get(ALL).on(&emulator).await.expect(200);
    assert_eq!(names(&list), ["web"], "a bare array in every version");
    let deleted = ask(Method::DELETE, &one).on(&emulator).await.expect(200);
    assert_eq!(deleted, changed);
    assert_eq!(
        get(&one).on(&emulator).await.control_error(404),
        "Preview not found"
    );
}

#[tokio::test]
async fn an_unknown_sandbox_has_no_previews() {
    let emulator = Emulator::offline();
    let all = "/sandboxes/none/previews";
    for request in [
        get(all),
        post(all, &preview("a", json!({}))),
        get(format!("{all}/a/tokens")),
    ] {
        assert_eq!(
            request.on(&emulator).await.control_error(404),
            "Sandbox not found"
        );
    }
}

#[tokio::test]
async fn an_address_on_a_custom_domain_is_unique_unless_forced() {
    let emulator = with_sandbox();
    emulator.add("sandboxes", "other").unwrap();
    let spec = json!({"customDomain": "*.example.com", "prefixUrl": "shop", "port": 80});
    let first = post(ALL, &preview("first", spec.clone()))
        .on(&emulator)
        .await;
    assert_eq!(first.expect(200)["spec"]["url"], "https://shop.example.com");
    let second = preview("second", spec);
    let other = "/sandboxes/other/previews";
    post(other, &second).on(&emulator).await.control_error(409);
    post(format!("{other}?force=true"), &second)
        .on(&emulator)
        .await
        .expect(200);
    get(format!("{ALL}/first"))
        .on(&emulator)
        .await
        .control_error(404);
}

#[tokio::test]
async fn a_preview_expires() {
    let emulator = with_sandbox();
    let spec = json!({"port": 80, "ttl": "1h"});
    post(ALL, &preview("brief", spec))
        .on(&emulator)
        .await
        .expect(200);
    emulator.clock().advance(Duration::from_secs(3599));
    get(format!("{ALL}/brief")).on(&emulator).await.expect(200);
    emulator.clock().advance(Duration::from_secs(1));
    get(format!("{ALL}/brief"))
        .on(&emulator)
        .await
        .control_error(404);
}

#[tokio::test]
async fn an_invalid_preview_is_rejected() {
    let emulator = with_sandbox();
    for spec in [
        json!({"port": 0}),
        json!({"port": 65_536}),
        json!({"port": "80"}),
        json!({"ttl": "soon"}),
        json!({"expires": "tomorrow"}),
        json!({"customDomain": 7}),
    ] {
        let reply = post(ALL, &preview("a", spec.clone())).on(&emulator).await;
        assert_eq!(reply.control_error(400), "Bad Request", "{spec}");
    }
}

#[tokio::test]
async fn tokens_are_named_by_the_server_and_expire_by_the_clock() {
    let emulator = with_sandbox();
    post(ALL, &preview("web", json!({"port": 80})))
        .on(&emulator)
        .await
        .expect(200);
    let all = format!("{ALL}/web/tokens");
    let end = "2036-01-01T00:00:00Z";
    let mut made = Vec::new();
    for (name, spec) in [("", json!({"expiresAt": end})), ("mine", json!({}))] {
        let sent = json!({"metadata": {"name": name}, "spec": spec});
        made.push(post(&all, &sent).on(&emulator).await.expect(200));
    }
    let [unnamed, named] = made.as_slice() else {
        panic!("{made:?}")
    };
    assert_eq!(unnamed["spec"]["expiresAt"], end);
    assert_eq!(unnamed["spec"]["expired"], false);
    let metadata = &unnamed["metadata"];
    let name = metadata["name"].as_str().unwrap();
    assert!(name.starts_with("token-"), "{name}");
    assert_eq!(
        (
            &metadata["previewName"],
            &metadata["resourceName"],
            &metadata["resourceType"]
        ),
        (&json!("web"), &json!("sb"), &json!("sandbox"))
    );
    let token = |token: &Value| token["spec"]["token"].as_str().unwrap().to_owned();
    assert!(token(unnamed).len() >= 32 && token(unnamed) != token(named));

    // Clients look in the list for a token that is still valid.
    emulator.clock().advance(Duration::from_secs(24 * 3600));
    let list = get(&all).on(&emulator).await.expect(200);
    let listed = |name: &str| {
        let mut list = list.as_array().unwrap().iter();
        list.find(|token| token["metadata"]["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(&listed(name), unnamed);
    assert_eq!(
        listed("mine")["spec"]["expired"],
        true,
        "a day, where nothing is said"
    );

    let by_itself = format!("{all}/{}", token(unnamed));
    ask(Method::DELETE, &by_itself)
        .on(&emulator)
        .await
        .expect(200);
    let list = get(&all).on(&emulator).await.expect(200);
    assert_eq!(names(&list), ["mine"]);
    let deleted = ask(Method::DELETE, format!("{all}/mine"))
        .on(&emulator)
        .await;
    assert_eq!(
        deleted.expect(200),
        json!({"message": "Preview token deleted"})
    );
    let again = ask(Method::DELETE, format!("{all}/mine"))
        .on(&emulator)
        .await;
    assert_eq!(again.control_error(404), "Preview token not found");

    // The platform's TypeScript SDK names tokens by the time, and creates several at once.
    let same = json!({"metadata": {"name": "token-1"}, "spec": {}});
    let mut values = Vec::new();
    for _ in 0..3 {
        let made = post(&all, &same).on(&emulator).await.expect(200);
        assert_eq!(made["metadata"]["name"], "token-1");
        values.push(token(&made));
    }
    values.sort();
    values.dedup();
    assert_eq!(values.len(), 3);
    let by_name = ask(Method::DELETE, format!("{all}/token-1"));
    by_name.on(&emulator).await.expect(200);
    let list = get(&all).on(&emulator).await.expect(200);
    assert_eq!(names(&list), ["token-1", "token-1"]);
    let bad = json!({"metadata": {"name": ""}, "spec": {"expiresAt": "soon"}});
    post(&all, &bad).on(&emulator).await.control_error(400);
}
