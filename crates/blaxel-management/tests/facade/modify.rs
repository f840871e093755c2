//! The promise: `modify` writes only the changes of its function. It preserves all other members that the server
//! sent, at any depth.

use std::sync::{Arc, Mutex};

use blaxel_core::{Body, BoxFuture, Error, HttpService, response};
use blaxel_management::Management;
use blaxel_management::workload::EnvVariable;
use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A service that stores one document, which `PUT` replaces.
fn document_store(document: Arc<Mutex<Value>>) -> impl HttpService {
    tower::service_fn(move |request: http::Request<Body>| -> BoxFuture<_> {
        let document = Arc::clone(&document);
        Box::pin(async move {
            let (head, body) = request.into_parts();
            if head.method == Method::PUT {
                let body = response::collect(body, 1 << 20).await?;
                *document.lock().unwrap() = serde_json::from_slice(&body).unwrap();
            }
            let text = document.lock().unwrap().to_string();
            Ok::<_, Error>(http::Response::new(Body::from(text)))
        })
    })
}

/// Returns an agent with members of every type that the SDK has, masked secrets included.
fn agent() -> Value {
    json!({
        "metadata": {
            "name": "bot", "displayName": "Bot", "labels": {"team": "care"},
            "createdAt": "2026-04-28T12:00:00.123456789Z", "url": "https://agt-bot.bl.run"
        },
        "spec": {
            "enabled": true,
            "policies": ["only-us"],
            "revision": {"active": "r-1", "traffic": 100},
            "runtime": {
                "image": "demo:1", "memory": 2048, "generation": "mk4",
                "envs": [
                    {"name": "A", "value": "1"},
                    {"name": "B", "value": "****", "secret": true},
                    {"name": "C", "valueFrom": {"secretKeyRef": {"key": "c"}}}
                ]
            },
            "triggers": [
                {"id": "t1", "type": "cron", "configuration": {"schedule": "* * * * *", "tasks": [{"n": 1}]}},
                {"id": "t2", "type": "smoke-signal", "configuration": {"callbackSecret": "****"}}
            ],
            "volumes": [{"name": "data", "mountPath": "/data"}]
        },
        "status": "HOVERING",
        "events": [{"type": "deploy", "time": "yesterday", "status": "HOVERING"}]
    })
}

/// Generates members that the SDK has no type for, under names that it does not use.
fn unknown_member() -> impl Strategy<Value = (String, Value)> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    ("unknown-[a-z]{1,3}", value)
}

/// Collects the JSON pointers of all objects of a document.
fn collect_objects(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                collect_objects(member, format!("{pointer}/{name}"), found);
            }
            // Every label has a type, whatever its name.
            if !pointer.ends_with("/labels") {
                found.push(pointer);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                collect_objects(element, format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Adds members to objects of a document.
fn with_unknown_members(
    mut document: Value,
    additions: Vec<(prop::sample::Index, (String, Value))>,
) -> Value {
    let mut pointers = Vec::new();
    collect_objects(&document, String::new(), &mut pointers);
    for (index, (name, value)) in additions {
        let object = document.pointer_mut(&pointers[index.index(pointers.len())]);
        object.unwrap()[name] = value;
    }
    document
}

proptest! {
    #[test]
    fn modify_preserves_everything_that_its_function_does_not_change(
        additions in prop::collection::vec((any::<prop::sample::Index>(), unknown_member()), 0..12),
    ) {
        let before = with_unknown_members(agent(), additions);
        let document = Arc::new(Mutex::new(before.clone()));
        let agents = Management::new(document_store(Arc::clone(&document))).agents();
        let change = agents.modify("bot", |agent| {
            agent.metadata.display_name = None;
            agent.metadata.add_label("stage", "test");
            let runtime = agent.runtime_mut();
            runtime.image = Some("demo:2".to_owned());
            let envs = runtime.envs.as_mut().unwrap();
            envs.remove(0);
            envs.push(EnvVariable::plain("D", "4"));
            agent.spec.triggers.as_mut().unwrap()[1].enabled = Some(false);
        });
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(change).unwrap();

        let mut expected = before;
        expected["metadata"].as_object_mut().unwrap().remove("displayName");
        expected["metadata"]["labels"]["stage"] = "test".into();
        let runtime = &mut expected["spec"]["runtime"];
        runtime["image"] = "demo:2".into();
        let envs = runtime["envs"].as_array_mut().unwrap();
        envs.remove(0);
        envs.push(json!({"name": "D", "value": "4"}));
        expected["spec"]["triggers"][1]["enabled"] = false.into();
        prop_assert_eq!(&*document.lock().unwrap(), &expected);
    }
}
