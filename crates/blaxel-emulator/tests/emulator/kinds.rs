//! Every kind of resource with the usual operations: created, read, listed, replaced, deleted.

use std::time::Duration;

use blaxel_emulator::{Emulator, Failure};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Ask, ask, get, post};

struct Kind {
    collection: &'static str,
    noun: &'static str,
    name: &'static str,
    spec: Value,
    /// Set if lists are paged.
    paged: bool,
    /// Set if there is a status.
    deployed: bool,
    updates: bool,
}

fn kinds() -> Vec<Kind> {
    let kind = |collection, noun, spec| Kind {
        collection,
        noun,
        name: "one",
        spec,
        paged: true,
        deployed: true,
        updates: true,
    };
    let runtime = json!({"runtime": {"image": "team/x:1", "memory": 2048}});
    vec![
        kind("agents", "Agent", runtime.clone()),
        kind("functions", "Function", runtime.clone()),
        kind("jobs", "Job", runtime.clone()),
        kind("models", "Model", json!({"runtime": {"type": "openai"}})),
        kind("applications", "Application", json!({"image": "x"})),
        kind(
            "sandboxes",
            "Sandbox",
            json!({"region": "us-pdx-1", "runtime": runtime["runtime"]}),
        ),
        kind(
            "volumes",
            "Volume",
            json!({"size": 2048, "region": "us-pdx-1"}),
        ),
        kind("drives", "Drive", json!({"region": "eu"})),
        Kind {
            deployed: false,
            ..kind("policies", "Policy", json!({"type": "flavor"}))
        },
        Kind {
            deployed: false,
            paged: false,
            ..kind(
                "volume_templates",
                "Volume template",
                json!({"defaultSize": 9}),
            )
        },
        Kind {
            deployed: false,
            paged: false,
            ..kind(
                "integrations/connections",
                "Integration connection",
                json!({"integration": "github", "config": {"a": "b"}}),
            )
        },
        Kind {
            name: "one.example.com",
            deployed: false,
            paged: false,
            ..kind(
                "customdomains",
                "Custom domain",
                json!({"domainType": "previews", "status": "pending",
                    "cnameRecords": "here", "txtRecords": {"a": "b"}, "validationMethod": "dns"}),
            )
        },
        Kind {
            paged: false,
            updates: false,
            ..kind("vpcs", "VPC", json!({"anything": true}))
        },
    ]
}

async fn items(emulator: &Emulator, kind: &Kind, version: &str) -> (Value, bool) {
    let list = get(format!("/{}", kind.collection)).header("blaxel-version", version);
    let list = list.on(emulator).await.expect(200);
    match list.get("data") {
        Some(data) => (data.clone(), true),
        None => (list, false),
    }
}

#[tokio::test]
async fn each_kind_can_be_created_read_updated_and_deleted() {
    let emulator = Emulator::offline();
    for kind in kinds() {
        let all = format!("/{}", kind.collection);
        let one = format!("{all}/{}", kind.name);
        let missing = format!("{} not found", kind.noun);
        assert_eq!(get(&one).on(&emulator).await.control_error(404), missing);
        let delete = || ask(Method::DELETE, &one);
        assert_eq!(delete().on(&emulator).await.control_error(404), missing);

        let sent = json!({
            "metadata": {"name": kind.name, "labels": {"a": "b"}, "plan": "mine", "url": "mine"},
            "spec": kind.spec,
            "later": {"unknown": true},
        });
        let made = post(&all, &sent).on(&emulator).await.expect(200);
        assert_eq!(made["spec"], kind.spec, "{all}");
        assert_eq!(made["later"], sent["later"], "{all}");
        assert_eq!(made["metadata"]["labels"], json!({"a": "b"}), "{all}");
        assert_eq!(made["metadata"]["workspace"], "demo", "{all}");
        assert_eq!(made["metadata"].get("plan"), None, "{all}");
        assert_ne!(made["metadata"]["url"], "mine", "{all}");
        let status = kind.deployed.then_some("DEPLOYED");
        assert_eq!(made["status"].as_str(), status, "{all}");
        assert_eq!(made["events"].is_array(), kind.deployed, "{all}");
        assert_eq!(get(&one).on(&emulator).await.expect(200), made);
        let again = post(&all, &sent).on(&emulator).await;
        assert_eq!(again.status, 409, "{all}");

        for (version, paged) in [("2026-04-16", false), ("2026-04-28", kind.paged)] {
            let (items, in_pages) = items(&emulator, &kind, version).await;
            assert_eq!(in_pages, paged, "{all} in {version}");
            assert_eq!(items[0]["metadata"]["name"], kind.name, "{all}");
        }

        emulator.clock().advance(Duration::from_secs(5));
        let mut changed = sent.clone();
        changed["metadata"]["labels"] = json!({"c": "d"});
        let put = ask(Method::PUT, &one).json(&changed).on(&emulator).await;
        if kind.updates {
            let put = put.expect(200);
            assert_eq!(put["metadata"]["labels"], json!({"c": "d"}), "{all}");
            assert_eq!(put["metadata"]["createdAt"], made["metadata"]["createdAt"]);
            assert_ne!(put["metadata"]["updatedAt"], made["metadata"]["updatedAt"]);
        } else {
            put.control_error(405);
        }

        let last = get(&one).on(&emulator).await.expect(200);
        let deleted = delete().on(&emulator).await.expect(200);
        if kind.collection == "drives" {
            let answer = json!({"message": "Drive deleted", "name": kind.name});
            assert_eq!(deleted, answer);
        } else {
            assert_eq!(deleted, last, "{all}");
        }
        assert_eq!(get(&one).on(&emulator).await.control_error(404), missing);
        let (items, _) = items(&emulator, &kind, "2026-04-28").await;
        assert_eq!(
            items.as_array().map(Vec::len),
            Some(usize::from(kind.collection == "models") * 7)
        );
    }
}

#[tokio::test]
async fn a_resource_of_any_kind_can_be_added() {
    let emulator = Emulator::offline();
    for kind in kinds() {
        emulator.add(kind.collection, kind.name).unwrap();
        let one = format!("/{}/{}", kind.collection, kind.name);
        let document = get(&one).on(&emulator).await.expect(200);
        assert_eq!(document["metadata"]["name"], kind.name);
        // A sample document is valid as a request.
        if kind.updates {
            let put = ask(Method::PUT, &one).json(&document).on(&emulator).await;
            assert_eq!(put.expect(200)["spec"], document["spec"], "{one}");
        }
    }
    for unknown in ["spaceships", "sandboxes/{sandboxName}/schedules", ""] {
        let error = emulator.add(unknown, "one").unwrap_err().to_string();
        let start = format!("unknown collection `{unknown}`: use one of agents, functions, ");
        assert!(error.starts_with(&start), "{error}");
    }
}

/// Otherwise a typing error makes a test pass in which nothing fails.
#[tokio::test]
async fn work_that_no_resource_has_cannot_fail() {
    let emulator = Emulator::offline();
    for (failure, expected) in [
        (
            Failure::deployment("agent", "bot"),
            "unknown collection `agent`: use one of agents, functions, jobs, models, applications, \
             sandboxes, volumes, ",
        ),
        (
            Failure::deployment("policies", "strict"),
            "unknown collection `policies`: use one of agents, ",
        ),
        (
            Failure::deployment("sandboxes/{sandboxName}/previews", "web"),
            "unknown collection `sandboxes/{sandboxName}/previews`: use one of agents, ",
        ),
        (
            Failure::build("models", "m"),
            "unknown collection `models`: use one of agents, functions, jobs, applications, sandboxes",
        ),
        (
            Failure::image_build("sandboxes", "tools"),
            "unknown image type `sandboxes`: use one of agent, application, function, job, sandbox",
        ),
    ] {
        let error = emulator.fail_next(failure).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let failure = json!({"image_build": {"type": "vm", "name": "tools"}});
    let refused = post("https://emulator.invalid/_emulator/failures", &failure);
    let refused = refused.bare(&emulator.service()).await;
    assert_eq!(refused.status, 404);
    let text = String::from_utf8(refused.bytes.to_vec()).unwrap();
    assert!(text.contains("unknown image type `vm`"), "{text}");
}

/// The URL of a workload is in its metadata, and a client cannot set it.
#[tokio::test]
async fn workloads_have_urls() {
    let emulator = Emulator::offline();
    for (collection, has_one) in [
        ("agents", true),
        ("functions", true),
        ("jobs", true),
        ("models", true),
        ("sandboxes", true),
        ("applications", false),
        ("volumes", false),
    ] {
        emulator.add(collection, "one").unwrap();
        let document = get(format!("/{collection}/one")).on(&emulator).await;
        let url = format!("{}/demo/{collection}/one", emulator.run_url());
        let expected = if has_one { json!(url) } else { Value::Null };
        assert_eq!(document.expect(200)["metadata"]["url"], expected);
    }
}

#[tokio::test]
async fn volumes_are_listed_in_short_form_and_sandboxes_without_events() {
    let emulator = Emulator::offline();
    let volume = json!({
        "metadata": {"name": "v", "externalId": "x-1", "labels": {"a": "b"}},
        "spec": {"size": 10, "region": "eu", "template": "t"},
        "later": 1,
    });
    post("/volumes", &volume).on(&emulator).await.expect(200);
    let listed = |version: &'static str, collection: &str| -> Ask {
        get(format!("/{collection}")).header("blaxel-version", version)
    };
    let page = listed("2026-04-28", "volumes")
        .on(&emulator)
        .await
        .expect(200);
    let now = emulator.clock().now();
    let short = json!({
        "metadata": {
            "name": "v", "externalId": "x-1",
            "createdAt": now.as_str(), "updatedAt": now.as_str(),
        },
        "spec": {"size": 10, "region": "eu"},
        "status": "DEPLOYED",
    });
    assert_eq!(page["data"], json!([short]));
    let whole = listed("2026-04-16", "volumes")
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(whole[0], get("/volumes/v").on(&emulator).await.expect(200));

    emulator.add("sandboxes", "s").unwrap();
    let page = listed("2026-04-28", "sandboxes")
        .on(&emulator)
        .await
        .expect(200);
    let mut whole = get("/sandboxes/s").on(&emulator).await.expect(200);
    assert!(whole.as_object_mut().unwrap().remove("events").is_some());
    assert_eq!(page["data"], json!([whole]));
}

#[tokio::test]
async fn an_external_id_returns_the_newest_resource_that_is_not_terminated() {
    let emulator = Emulator::builder()
        .delete_time(Duration::from_secs(10))
        .build();
    for collection in ["sandboxes", "volumes", "drives"] {
        let by_id = format!("/{collection}/by-external-id/order-1");
        get(&by_id).on(&emulator).await.control_error(404);
        for name in ["a", "b", "c"] {
            let id = if name == "c" { "order-2" } else { "order-1" };
            let sent = json!({"metadata": {"name": name, "externalId": id}, "spec": {}});
            let reply = post(format!("/{collection}"), &sent).on(&emulator).await;
            reply.expect(200);
        }
        let found = async || {
            let reply = get(&by_id).on(&emulator).await;
            reply.expect(200)["metadata"]["name"].clone()
        };
        assert_eq!(found().await, "b");
        ask(Method::DELETE, format!("/{collection}/b"))
            .on(&emulator)
            .await
            .expect(200);
        emulator.clock().advance(Duration::from_secs(10));
        assert_eq!(found().await, "a", "{collection}");
    }
}
