//! Revisions of workloads, and the traffic split.

use std::time::Duration;

use blaxel_emulator::{Emulator, Failure};
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, post};

fn document(spec: Value) -> Value {
    json!({"metadata": {"name": "w"}, "spec": spec})
}

async fn put(emulator: &Emulator, collection: &str, spec: Value) -> Value {
    let put = ask(Method::PUT, format!("/{collection}/w")).json(&document(spec));
    put.on(emulator).await.expect(200)
}

async fn revisions(emulator: &Emulator, collection: &str) -> Vec<Value> {
    let list = get(format!("/{collection}/w/revisions")).on(emulator).await;
    list.expect(200).as_array().unwrap().clone()
}

fn ids(revisions: &[Value]) -> Vec<String> {
    let ids = revisions
        .iter()
        .map(|revision| revision["id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

#[tokio::test]
async fn every_new_spec_is_a_revision_and_the_last_five_are_kept() {
    for collection in ["agents", "functions", "jobs", "models", "applications"] {
        let emulator = Emulator::offline();
        let path = format!("/{collection}/w/revisions");
        get(&path).on(&emulator).await.control_error(404);
        let all = format!("/{collection}");
        let sent = document(json!({"image": "v0", "runtime": {"image": "v0"}}));
        post(&all, &sent).on(&emulator).await.expect(200);
        let first = revisions(&emulator, collection).await;
        assert_eq!(first.len(), 1, "{collection}");
        assert_eq!(first[0]["createdAt"], emulator.clock().now().as_str());
        assert!(first[0]["createdBy"].is_string());

        // An unchanged spec adds none, whatever the metadata say.
        put(&emulator, collection, sent["spec"].clone()).await;
        assert_eq!(revisions(&emulator, collection).await, first);

        for n in 1..=5 {
            emulator.clock().advance(Duration::from_secs(1));
            let image = format!("v{n}");
            put(
                &emulator,
                collection,
                json!({"image": image, "runtime": {"image": image}}),
            )
            .await;
        }
        let last = revisions(&emulator, collection).await;
        assert_eq!(last.len(), 5, "{collection}");
        assert!(!ids(&last).contains(&ids(&first)[0]), "the oldest is gone");
        let times: Vec<_> = last
            .iter()
            .map(|r| r["createdAt"].as_str().unwrap())
            .collect();
        assert!(times.is_sorted_by(|a, b| a > b), "newest first: {times:?}");
    }
}

#[tokio::test]
async fn the_newest_deployed_revision_gets_the_traffic() {
    let step = Duration::from_secs(10);
    let emulator = Emulator::builder().deploy_time(step).build();
    post("/agents", &document(json!({"n": 1})))
        .on(&emulator)
        .await
        .expect(200);
    let shares = async || -> Vec<(String, bool, bool, u64)> {
        let list = revisions(&emulator, "agents").await;
        let told = list.iter().map(|revision| {
            (
                revision["status"].as_str().unwrap().to_owned(),
                revision["active"].as_bool().unwrap(),
                revision["previousActive"].as_bool().unwrap(),
                revision["trafficPercent"].as_u64().unwrap(),
            )
        });
        told.collect()
    };
    let share =
        |status: &str, active, previous, percent| (status.to_owned(), active, previous, percent);
    assert_eq!(shares().await, [share("DEPLOYING", false, false, 0)]);
    emulator.clock().advance(step);
    assert_eq!(shares().await, [share("DEPLOYED", true, false, 100)]);

    put(&emulator, "agents", json!({"n": 2})).await;
    let during = [
        share("DEPLOYING", false, false, 0),
        share("DEPLOYED", true, false, 100),
    ];
    assert_eq!(shares().await, during);
    emulator.clock().advance(step);
    let after = [
        share("DEPLOYED", true, false, 100),
        share("DEPLOYED", false, true, 0),
    ];
    assert_eq!(shares().await, after);

    // A failed revision gets no traffic.
    emulator
        .fail_next(Failure::deployment("agents", "w"))
        .unwrap();
    put(&emulator, "agents", json!({"n": 3})).await;
    emulator.clock().advance(step);
    assert_eq!(
        shares().await,
        [vec![share("FAILED", false, false, 0)], after.to_vec()].concat()
    );
}

#[tokio::test]
async fn a_canary_gets_its_share_of_the_traffic() {
    let emulator = Emulator::offline();
    post("/agents", &document(json!({"n": 1})))
        .on(&emulator)
        .await
        .expect(200);
    put(&emulator, "agents", json!({"n": 2})).await;
    let list = revisions(&emulator, "agents").await;
    let [new, old] = ids(&list).try_into().unwrap();
    let sharing = json!({"n": 2, "revision": {"active": old, "canary": new, "canaryPercent": 20}});
    put(&emulator, "agents", sharing).await;
    let list = revisions(&emulator, "agents").await;
    // A change of the traffic split adds no revision.
    assert_eq!(ids(&list), [new, old]);
    for (revision, active, canary, percent) in
        [(&list[0], false, true, 20), (&list[1], true, false, 80)]
    {
        assert_eq!(revision["active"], active);
        assert_eq!(revision["canary"], canary);
        assert_eq!(revision["trafficPercent"], percent);
    }
}

#[tokio::test]
async fn revisions_of_applications_show_their_contents() {
    let emulator = Emulator::offline();
    let spec = json!({
        "image": "shop:1", "memory": 2048, "port": 8080,
        "envs": [{"name": "KEY", "value": "canary", "secret": true}],
    });
    post("/applications", &document(spec))
        .on(&emulator)
        .await
        .expect(200);
    put(&emulator, "applications", json!({"image": "shop:2"})).await;
    let list = revisions(&emulator, "applications").await;
    let [new, old] = list.as_slice() else {
        panic!("{list:?}")
    };
    assert_eq!(new["image"], "shop:2");
    assert_eq!(new.get("port"), None);
    assert_eq!(
        (&old["image"], &old["memory"], &old["port"]),
        (&json!("shop:1"), &json!(2048), &json!(8080))
    );
    assert_eq!(
        old["envs"],
        json!([{"name": "KEY", "value": "****", "secret": true}])
    );
}

#[tokio::test]
async fn the_old_revision_serves_until_the_new_one_is_deployed() {
    let step = Duration::from_secs(10);
    let emulator = Emulator::builder().deploy_time(step).build();
    let address = format!("{}/demo/agents/w", emulator.run_url());
    let call = async || {
        let call = post(&address, &json!({"inputs": "Hello"}));
        call.on(&emulator).await.status.as_u16()
    };
    let created = post("/agents", &document(json!({"n": 1})))
        .on(&emulator)
        .await;
    assert_eq!(created.expect(200)["status"], "DEPLOYING");
    assert_eq!(call().await, 404, "there is no old revision");
    emulator.clock().advance(step);
    assert_eq!(call().await, 200);

    let updated = put(&emulator, "agents", json!({"n": 2})).await;
    assert_eq!(updated["status"], "DEPLOYING");
    assert_eq!(call().await, 200);
    emulator.clock().advance(step);
    assert_eq!(call().await, 200);

    // A deployment that fails leaves the old one in place.
    emulator
        .fail_next(Failure::deployment("agents", "w"))
        .unwrap();
    put(&emulator, "agents", json!({"n": 3})).await;
    emulator.clock().advance(step);
    let failed = get("/agents/w").on(&emulator).await.expect(200);
    assert_eq!(failed["status"], "FAILED");
    assert_eq!(call().await, 200);

    put(&emulator, "agents", json!({"n": 3, "enabled": false})).await;
    assert_eq!(call().await, 404, "it is deactivated");
    emulator.clock().advance(step);
    assert_eq!(call().await, 404);
    put(&emulator, "agents", json!({"n": 4})).await;
    assert_eq!(call().await, 404, "the old revision is deactivated");
    emulator.clock().advance(step);
    assert_eq!(call().await, 200);
}

#[tokio::test]
async fn a_model_keeps_its_provider_until_a_new_one_is_deployed() {
    let step = Duration::from_secs(10);
    let emulator = Emulator::builder().deploy_time(step).build();
    let spec = |provider: &str| json!({"runtime": {"type": provider, "model": "m"}});
    post("/models", &document(spec("anthropic")))
        .on(&emulator)
        .await
        .expect(200);
    emulator.clock().advance(step);
    let address = format!("{}/demo/models/w/v1/messages", emulator.run_url());
    let call = async || {
        let message = json!({"role": "user", "content": "Hi"});
        let body = json!({"model": "m", "max_tokens": 9, "messages": [message]});
        post(&address, &body).on(&emulator).await.status.as_u16()
    };
    assert_eq!(call().await, 200);
    put(&emulator, "models", spec("openai")).await;
    assert_eq!(call().await, 200);
    emulator.clock().advance(step);
    assert_eq!(call().await, 404, "another provider has no such path");
}
