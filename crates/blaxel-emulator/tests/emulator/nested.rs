//! Nested resources.

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, names, post};

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"region": "eu", "ipFamily": "IPv4"}})
}

async fn create(emulator: &Emulator, collection: &str, name: &str) -> Value {
    let reply = post(collection, &named(name)).on(emulator).await;
    reply.expect(200)
}

async fn listed(emulator: &Emulator, collection: &str) -> Vec<String> {
    names(&get(collection).on(emulator).await.expect(200))
}

#[tokio::test]
async fn each_parent_has_its_own_collection() {
    let emulator = Emulator::offline();
    for vpc in ["one", "two"] {
        create(&emulator, "/vpcs", vpc).await;
        let gateways = format!("/vpcs/{vpc}/egressgateways");
        // The same name twice, under different parents.
        let gateway = create(&emulator, &gateways, "out").await;
        assert_eq!(gateway["metadata"]["vpcName"], vpc);
        let ip = create(&emulator, &format!("{gateways}/out/ips"), "first").await;
        assert_eq!(ip["metadata"]["vpcName"], vpc);
        assert_eq!(ip["metadata"]["gatewayName"], "out");
        let again = post(&gateways, &named("out")).on(&emulator).await;
        assert_eq!(again.control_error(409), "Egress gateway already exists");
    }
    create(&emulator, "/vpcs/two/egressgateways", "more").await;
    assert_eq!(listed(&emulator, "/vpcs/one/egressgateways").await, ["out"]);
    let two = listed(&emulator, "/vpcs/two/egressgateways").await;
    assert_eq!(two, ["more", "out"], "newest first");
}

#[tokio::test]
async fn an_error_names_the_missing_parent() {
    let emulator = Emulator::offline();
    create(&emulator, "/vpcs", "one").await;
    for (path, missing) in [
        ("/vpcs/none/egressgateways", "VPC"),
        ("/vpcs/none/egressgateways/out/ips", "VPC"),
        ("/vpcs/one/egressgateways/none/ips", "Egress gateway"),
    ] {
        for request in [get(path), get(format!("{path}/x")), post(path, &named("x"))] {
            let error = request.on(&emulator).await.control_error(404);
            assert_eq!(error, format!("{missing} not found"), "{path}");
        }
    }
    let gone = ask(Method::DELETE, "/vpcs/one/egressgateways/none");
    let error = gone.on(&emulator).await.control_error(404);
    assert_eq!(error, "Egress gateway not found");
}

#[tokio::test]
async fn nested_resources_are_removed_with_their_parent() {
    let emulator = Emulator::offline();
    for vpc in ["one", "one-more"] {
        create(&emulator, "/vpcs", vpc).await;
        create(&emulator, &format!("/vpcs/{vpc}/egressgateways"), "out").await;
        let ips = format!("/vpcs/{vpc}/egressgateways/out/ips");
        create(&emulator, &ips, "first").await;
    }
    let delete = ask(Method::DELETE, "/vpcs/one").on(&emulator).await;
    assert_eq!(delete.expect(200)["metadata"]["name"], "one");
    create(&emulator, "/vpcs", "one").await;
    assert!(
        listed(&emulator, "/vpcs/one/egressgateways")
            .await
            .is_empty()
    );
    create(&emulator, "/vpcs/one/egressgateways", "out").await;
    assert!(
        listed(&emulator, "/vpcs/one/egressgateways/out/ips")
            .await
            .is_empty()
    );
    let other = "/vpcs/one-more/egressgateways/out/ips";
    assert_eq!(listed(&emulator, other).await, ["first"]);
}

/// Schedules have their members at the root, and an id instead of a name.
#[tokio::test]
async fn a_flat_record_can_be_created_read_and_deleted() {
    let emulator = Emulator::offline();
    emulator.add("sandboxes", "sb").unwrap();
    let all = "/sandboxes/sb/schedules";
    let sent = json!({"type": "cron", "value": "* * * * *", "input": {"command": "ls"}});
    let made = post(all, &sent).on(&emulator).await.expect(200);
    let id = made["id"].as_str().unwrap();
    let one = format!("{all}/{id}");
    assert_eq!(made["createdAt"], emulator.clock().now().as_str());
    assert_eq!(made["input"], sent["input"]);
    assert!(made.get("metadata").is_none() && made.get("updatedAt").is_none());
    assert_eq!(get(&one).on(&emulator).await.expect(200), made);

    let at = json!({"id": "later", "type": "at", "value": "2030-01-01T00:00:00Z"});
    post(all, &at).on(&emulator).await.expect(200);
    // The type is not stored, so the filter has no effect.
    for (query, count) in [
        ("", 2),
        ("type=at", 1),
        ("type=cron&limit=1", 1),
        ("type=sleep", 2),
    ] {
        let page = get(format!("{all}?{query}"))
            .on(&emulator)
            .await
            .expect(200);
        assert_eq!(page["data"].as_array().unwrap().len(), count, "{query}");
    }

    let changed = json!({"type": "cron", "value": "0 * * * *"});
    let put = ask(Method::PUT, &one).json(&changed).on(&emulator).await;
    let put = put.expect(200);
    assert_eq!(
        (&put["id"], &put["value"]),
        (&made["id"], &changed["value"])
    );
    assert_eq!(put["createdAt"], made["createdAt"]);
    ask(Method::DELETE, &one).on(&emulator).await.expect(200);
    assert_eq!(
        get(&one).on(&emulator).await.control_error(404),
        "Schedule not found"
    );
}

#[tokio::test]
async fn cursors_are_bound_to_their_parent() {
    let emulator = Emulator::offline();
    for sandbox in ["one", "two"] {
        emulator.add("sandboxes", sandbox).unwrap();
        for n in 0..3 {
            let all = format!("/sandboxes/{sandbox}/schedules");
            let sent = json!({"id": format!("s-{n}"), "type": "sleep", "value": "1h"});
            post(all, &sent).on(&emulator).await.expect(200);
        }
    }
    let page = get("/sandboxes/one/schedules?limit=2").on(&emulator).await;
    let page = page.expect(200);
    let cursor = page["meta"]["nextCursor"].as_str().unwrap();
    let cursor = cursor
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let own = format!("/sandboxes/one/schedules?limit=2&cursor={cursor}");
    get(own).on(&emulator).await.expect(200);
    let foreign = format!("/sandboxes/two/schedules?limit=2&cursor={cursor}");
    assert_eq!(
        get(foreign).on(&emulator).await.control_error(400),
        "invalid_cursor"
    );
}
