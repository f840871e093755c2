//! Agents and models: created, read, replaced, deleted.

use std::time::Duration;

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, post};

fn document(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"team": "red"}}, "spec": {"future": [1, {"x": null}]}})
}

#[tokio::test]
async fn a_resource_can_be_created_read_updated_and_deleted() {
    let emulator = Emulator::offline();
    for (plural, noun) in [("agents", "Agent"), ("models", "Model")] {
        let all = format!("/{plural}");
        let one = format!("/{plural}/first");
        let missing = format!("{noun} not found");
        assert_eq!(get(&one).on(&emulator).await.control_error(404), missing);
        let put = || ask(Method::PUT, &one).json(&document("first"));
        assert_eq!(put().on(&emulator).await.control_error(404), missing);

        let mut sent = document("first");
        sent["later"] = json!({"unknown": true});
        sent["status"] = "FAILED".into();
        let created = post(&all, &sent).on(&emulator).await.expect(200);
        assert_eq!(created["status"], "DEPLOYED");
        let events = created["events"].as_array().unwrap();
        let states: Vec<_> = events.iter().map(|event| &event["status"]).collect();
        assert_eq!(states, ["DEPLOYING", "DEPLOYED"]);
        assert_eq!(created["later"], sent["later"]);
        assert_eq!(created["spec"], sent["spec"]);
        let metadata = &created["metadata"];
        assert_eq!(metadata["labels"], json!({"team": "red"}));
        assert_eq!(metadata["workspace"], "demo");
        assert_eq!(
            metadata["url"],
            format!("{}/demo/{plural}/first", emulator.run_url())
        );
        assert_eq!(metadata["createdAt"], emulator.clock().now().as_str());
        assert_eq!(metadata["createdAt"], metadata["updatedAt"]);
        assert_eq!(metadata["createdBy"], metadata["updatedBy"]);
        assert_eq!(get(&one).on(&emulator).await.expect(200), created);

        let conflict = post(&all, &sent).on(&emulator).await.control_error(409);
        assert_eq!(conflict, format!("{noun} already exists"));

        emulator.clock().advance(Duration::from_secs(60));
        let mut changed =
            json!({"metadata": {"name": "first", "createdAt": "x", "url": "y"}, "spec": {}});
        let replaced = ask(Method::PUT, &one)
            .json(&changed)
            .on(&emulator)
            .await
            .expect(200);
        assert_eq!(replaced["metadata"]["createdAt"], metadata["createdAt"]);
        assert_eq!(replaced["metadata"]["url"], metadata["url"]);
        assert_eq!(
            replaced["metadata"]["updatedAt"],
            emulator.clock().now().as_str()
        );
        assert_eq!(replaced["spec"], json!({}));
        assert!(replaced.get("later").is_none());
        assert!(replaced["metadata"].get("labels").is_none());
        changed["metadata"]["name"] = "second".into();
        ask(Method::PUT, &one)
            .json(&changed)
            .on(&emulator)
            .await
            .control_error(400);

        let deleted = ask(Method::DELETE, &one).on(&emulator).await.expect(200);
        assert_eq!(deleted, replaced);
        assert_eq!(
            ask(Method::DELETE, &one)
                .on(&emulator)
                .await
                .control_error(404),
            missing
        );
        assert_eq!(get(&one).on(&emulator).await.control_error(404), missing);
        post(&all, &sent).on(&emulator).await.expect(200);
    }
}

#[tokio::test]
async fn documents_without_a_valid_name_are_rejected() {
    let emulator = Emulator::offline();
    let longest = "a".repeat(49);
    post("/agents", &document(&longest))
        .on(&emulator)
        .await
        .expect(200);
    let named = |name: Value| json!({"metadata": {"name": name}, "spec": {}});
    for body in [
        json!({}),
        json!([]),
        json!("text"),
        json!({"metadata": "a"}),
        json!({"metadata": {}}),
        named(json!("")),
        named(json!(7)),
        named(json!("Upper")),
        named(json!("under_score")),
        named(json!("a".repeat(50))),
        named(json!("naïve")),
        named(json!("a/b")),
    ] {
        let reply = post("/agents", &body).on(&emulator).await;
        assert_eq!(reply.control_error(400), "Bad Request", "{body}");
        assert!(reply.json()["message"].is_string());
    }
    ask(Method::POST, "/agents")
        .bytes("{")
        .on(&emulator)
        .await
        .control_error(400);
}

#[tokio::test]
async fn a_document_needs_a_spec() {
    let emulator = Emulator::offline();
    emulator.add_agent("there");
    for spec in [None, Some(Value::Null), Some(json!([])), Some(json!("x"))] {
        let mut body = json!({"metadata": {"name": "there"}});
        if let Some(spec) = spec {
            body["spec"] = spec;
        }
        for request in [
            post("/models", &body),
            ask(Method::PUT, "/agents/there").json(&body),
        ] {
            let reply = request.on(&emulator).await;
            assert_eq!(reply.control_error(400), "Bad Request", "{body}");
            let message = reply.json()["message"].to_string();
            assert!(message.contains("spec "), "{message}");
        }
    }
    get("/models/there").on(&emulator).await.control_error(404);
}

#[tokio::test]
async fn an_external_id_stays_until_it_is_replaced() {
    let emulator = Emulator::offline();
    let with = |id: Value| json!({"metadata": {"name": "a", "externalId": id}, "spec": {}});
    let put = async |body: &Value| {
        let reply = ask(Method::PUT, "/agents/a").json(body).on(&emulator).await;
        reply.expect(200)["metadata"]["externalId"].clone()
    };
    let first = with(json!("order-1"));
    post("/agents", &first).on(&emulator).await.expect(200);
    assert_eq!(put(&document("a")).await, "order-1");
    assert_eq!(put(&with(json!("order-2"))).await, "order-2");
    assert_eq!(put(&document("a")).await, "order-2");
    let agent = get("/agents/a").on(&emulator).await.expect(200);
    assert_eq!(agent["metadata"]["externalId"], "order-2");
    assert_eq!(put(&with(Value::Null)).await, Value::Null);
    // The external id belongs to the document: a new resource of the same name starts without one.
    put(&first).await;
    ask(Method::DELETE, "/agents/a")
        .on(&emulator)
        .await
        .expect(200);
    let again = post("/agents", &document("a")).on(&emulator).await;
    assert_eq!(again.expect(200)["metadata"].get("externalId"), None);
}

#[tokio::test]
async fn sample_resources_are_like_any_other() {
    let emulator = Emulator::builder().models(["one"]).build();
    emulator.add_agent("helper");
    emulator.add_model("two");
    let agent = get("/agents/helper").on(&emulator).await.expect(200);
    assert_eq!(agent["status"], "DEPLOYED");
    assert_eq!(
        agent["metadata"]["createdAt"],
        emulator.clock().now().as_str()
    );
    let models = get("/models?sort=createdAt:asc")
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(crate::support::names(&models["data"]), ["one", "two"]);
}

#[tokio::test]
async fn a_document_names_its_creator() {
    let emulator = Emulator::offline();
    let body = json!({
        "grant_type": "client_credentials",
        "client_id": emulator.client_id(), "client_secret": emulator.client_secret(),
    });
    let token = post("/oauth/token", &body).on(&emulator).await.expect(200);
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let request = post("/agents", &document("a")).header("authorization", &bearer);
    let agent = request.on(&emulator).await.expect(200);
    assert_eq!(agent["metadata"]["createdBy"], emulator.client_id());
    let changed = ask(Method::PUT, "/agents/a")
        .json(&document("a"))
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(changed["metadata"]["createdBy"], emulator.client_id());
    assert_ne!(changed["metadata"]["updatedBy"], emulator.client_id());
}
