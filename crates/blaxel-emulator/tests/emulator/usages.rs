//! Resources in use: policies count them, and they cannot be deleted.

use std::time::Duration;

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, post};

async fn create(emulator: &Emulator, collection: &str, name: &str, spec: Value) {
    let sent = json!({"metadata": {"name": name}, "spec": spec});
    post(format!("/{collection}"), &sent)
        .on(emulator)
        .await
        .expect(200);
}

async fn delete(emulator: &Emulator, path: &str) -> u16 {
    let reply = ask(Method::DELETE, path).on(emulator).await;
    reply.status.as_u16()
}

#[tokio::test]
async fn a_policy_lists_the_resources_that_it_applies_to() {
    let emulator = Emulator::offline();
    create(&emulator, "policies", "p", json!({"type": "flavor"})).await;
    create(&emulator, "policies", "q", json!({"type": "flavor"})).await;
    let governed = json!({"policies": ["p"]});
    for collection in ["agents", "functions", "jobs", "sandboxes"] {
        create(&emulator, collection, "a", governed.clone()).await;
    }
    create(&emulator, "agents", "b", json!({"policies": ["q", "p"]})).await;
    create(&emulator, "agents", "c", json!({"policies": ["q"]})).await;

    let counted = async |name: &str| {
        get(format!("/policies/{name}"))
            .on(&emulator)
            .await
            .expect(200)["usage"]
            .clone()
    };
    let expected = json!({"agents": 2, "functions": 1, "jobs": 1, "models": 0, "sandboxes": 1});
    assert_eq!(counted("p").await, expected);
    let usages = get("/policies/p/usages").on(&emulator).await.expect(200);
    let named = json!({"agents": ["a", "b"], "functions": ["a"], "jobs": ["a"], "models": [], "sandboxes": ["a"]});
    assert_eq!(usages, named);
    assert_eq!(counted("q").await["agents"], 2);

    delete(&emulator, "/agents/b").await;
    assert_eq!(counted("p").await["agents"], 1);
    let missing = get("/policies/none/usages").on(&emulator).await;
    assert_eq!(missing.control_error(404), "Policy not found");
    // A count from a client is ignored.
    let sent = json!({"metadata": {"name": "p"}, "spec": {}, "usage": {"agents": 99}});
    let put = ask(Method::PUT, "/policies/p")
        .json(&sent)
        .on(&emulator)
        .await;
    assert_eq!(put.expect(200)["usage"]["agents"], 1);
}

#[tokio::test]
async fn an_attached_volume_cannot_be_deleted() {
    for (collection, user) in [("sandboxes", "sandbox:user"), ("agents", "agent:user")] {
        let emulator = Emulator::builder()
            .delete_time(Duration::from_secs(10))
            .build();
        create(&emulator, "volumes", "v", json!({"size": 1})).await;
        create(&emulator, "volumes", "free", json!({"size": 1})).await;
        let volumes = json!([
            {"name": "v", "mountPath": "/data"},
            {"name": "free", "mountPath": "/tmp", "type": "ephemeral", "sizeMb": 1},
        ]);
        create(&emulator, collection, "user", json!({"volumes": volumes})).await;
        let volume = get("/volumes/v").on(&emulator).await.expect(200);
        assert_eq!(volume["state"], json!({"attachedTo": user}));
        let page = get("/volumes?q=v").on(&emulator).await.expect(200);
        assert_eq!(page["data"][1]["state"], json!({"attachedTo": user}));

        let refused = ask(Method::DELETE, "/volumes/v").on(&emulator).await;
        assert_eq!(refused.control_error(409), "Volume is in use");
        assert!(refused.json()["message"].as_str().unwrap().contains(user));
        assert_eq!(delete(&emulator, "/volumes/free").await, 200);
        assert_eq!(delete(&emulator, &format!("/{collection}/user")).await, 200);
        assert_eq!(
            delete(&emulator, "/volumes/v").await,
            409,
            "it is on its way out only"
        );
        emulator.clock().advance(Duration::from_secs(10));
        assert_eq!(delete(&emulator, "/volumes/v").await, 200);
    }
}

#[tokio::test]
async fn a_connection_in_use_cannot_be_deleted() {
    let emulator = Emulator::offline();
    let path = "/integrations/connections/c";
    emulator.add("integrations/connections", "c").unwrap();
    for collection in ["models", "functions"] {
        create(
            &emulator,
            collection,
            "user",
            json!({"integrationConnections": ["x", "c"]}),
        )
        .await;
        let refused = ask(Method::DELETE, path).on(&emulator).await;
        assert_eq!(
            refused.control_error(409),
            "Integration connection is in use"
        );
        assert!(refused.json()["message"].as_str().unwrap().contains("user"));
        delete(&emulator, &format!("/{collection}/user")).await;
    }
    assert_eq!(delete(&emulator, path).await, 200);
}
