//! Pages and cursors.

use std::time::Duration;

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{Reply, ask, get, names, post};

fn escaped(cursor: &str) -> String {
    cursor
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
}

fn cursor(page: &Value) -> String {
    escaped(page["meta"]["nextCursor"].as_str().unwrap())
}

/// Returns every page of a list.
async fn walk(emulator: &Emulator, query: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next = String::new();
    loop {
        let uri = format!("/models?{query}{next}");
        let page = get(uri).on(emulator).await.expect(200);
        pages.push(names(&page["data"]));
        let has_more = page["meta"]["hasMore"].as_bool().unwrap();
        assert_eq!(has_more, page["meta"]["nextCursor"] != "");
        if !has_more {
            return pages;
        }
        next = format!("&cursor={}", cursor(&page));
    }
}

async fn create(emulator: &Emulator, name: &str) {
    emulator.clock().advance(Duration::from_secs(1));
    let document = json!({"metadata": {"name": name}, "spec": {}});
    post("/models", &document).on(emulator).await.expect(200);
}

#[tokio::test]
async fn every_sort_order_returns_each_item_once() {
    let emulator = Emulator::offline();
    let newest = walk(&emulator, "limit=3").await;
    let sizes: Vec<_> = newest.iter().map(Vec::len).collect();
    assert_eq!(sizes, [3, 3, 1]);
    let newest = newest.concat();
    assert_eq!(newest[0], "deepseek-chat");
    assert_eq!(
        walk(&emulator, "limit=2&sort=createdAt:desc")
            .await
            .concat(),
        newest
    );

    let mut expected = newest.clone();
    expected.reverse();
    assert_eq!(
        walk(&emulator, "limit=2&sort=createdAt:asc").await.concat(),
        expected
    );
    expected.sort();
    assert_eq!(
        walk(&emulator, "limit=1&sort=name:asc").await.concat(),
        expected
    );
    expected.reverse();
    assert_eq!(
        walk(&emulator, "limit=4&sort=name%3Adesc").await.concat(),
        expected
    );
}

#[tokio::test]
async fn sorting_by_created_at_follows_the_creation_time() {
    let emulator = Emulator::offline();
    let page = get("/models").on(&emulator).await.expect(200);
    let times: Vec<_> = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["metadata"]["createdAt"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted_by(|a, b| a > b), "{times:?}");
}

#[tokio::test]
async fn limits_are_clamped_or_rejected() {
    let emulator = Emulator::builder()
        .models((0..250).map(|n| format!("m-{n}")))
        .build();
    for (query, count) in [
        ("", 50),
        ("limit=1", 1),
        ("limit=200", 200),
        ("limit=201", 200),
        ("limit=99999999999999999999999", 200),
    ] {
        let page = get(format!("/models?{query}"))
            .on(&emulator)
            .await
            .expect(200);
        assert_eq!(page["data"].as_array().unwrap().len(), count, "{query}");
        assert_eq!(page["meta"]["total"], 250);
    }
    for query in [
        "limit=0",
        "limit=-1",
        "limit=ten",
        "limit=",
        "limit=1.5",
        "sort=size",
        "sort=name",
        "anchor=start",
        "anchor=end&sort=name:asc",
        "status=SLEEPY",
    ] {
        get(format!("/models?{query}"))
            .on(&emulator)
            .await
            .control_error(400);
    }
}

#[tokio::test]
async fn a_search_matches_names_and_labels() {
    let emulator = Emulator::builder()
        .models(["alpha", "beta", "gamma"])
        .build();
    let labelled = json!({"metadata": {
        "name": "delta", "displayName": "The Fourth", "labels": {"team": "Violet"},
    }, "spec": {}});
    post("/models", &labelled).on(&emulator).await.expect(200);
    for (text, found) in [
        ("ALP", vec!["alpha"]),
        ("%20%20alp%20", vec!["alpha"]),
        ("fourth", vec!["delta"]),
        ("violet", vec!["delta"]),
        ("team", vec!["delta"]),
        ("zz", vec![]),
        ("a", vec!["alpha", "beta", "delta", "gamma"]),
        ("%20z%20", vec!["alpha", "beta", "delta", "gamma"]),
    ] {
        let page = get(format!("/models?sort=name:asc&q={text}"))
            .on(&emulator)
            .await
            .expect(200);
        assert_eq!(names(&page["data"]), found, "{text}");
        assert_eq!(page["meta"]["total"], 4, "the total knows no search");
    }
}

#[tokio::test]
async fn states_and_the_last_page() {
    let emulator = Emulator::offline();
    for (query, count) in [
        ("status=deployed,Failed", 7),
        ("status=FAILED", 0),
        ("status=archiving,ARCHIVED,Unarchiving", 0),
        ("status=ARCHIVED,DEPLOYED", 7),
        ("anchor=end&limit=3", 1),
    ] {
        let page = get(format!("/models?{query}"))
            .on(&emulator)
            .await
            .expect(200);
        assert_eq!(page["data"].as_array().unwrap().len(), count, "{query}");
        assert_eq!(page["meta"]["hasMore"], false);
    }
}

#[tokio::test]
async fn the_external_id_filter_returns_all_matches() {
    let emulator = Emulator::offline();
    for kind in ["agents", "models"] {
        for (name, id) in [("a", "one"), ("b", "two"), ("c", "one"), ("d", "one-more")] {
            let document = json!({"metadata": {"name": name, "externalId": id}, "spec": {}});
            let uri = format!("/{kind}");
            post(uri, &document).on(&emulator).await.expect(200);
        }
        for (id, found) in [("one", vec!["a", "c"]), ("ONE", vec![]), ("on", vec![])] {
            let uri = format!("/{kind}?sort=name:asc&externalId={id}");
            let page = get(uri).on(&emulator).await.expect(200);
            assert_eq!(names(&page["data"]), found, "{kind} {id}");
        }
        let all = get(format!("/{kind}?externalId=&q=a")).on(&emulator).await;
        assert!(names(&all.expect(200)["data"]).len() > 3);

        let uri = format!("/{kind}?sort=name:asc&limit=1");
        let page = get(format!("{uri}&externalId=one"))
            .on(&emulator)
            .await
            .expect(200);
        let next = format!("{uri}&cursor={}", cursor(&page));
        let second = get(format!("{next}&externalId=one")).on(&emulator).await;
        assert_eq!(names(&second.expect(200)["data"]), ["c"]);
        for foreign in [format!("{next}&externalId=two"), next] {
            let reply = get(foreign).on(&emulator).await;
            assert_eq!(reply.control_error(400), "invalid_cursor");
        }
    }
}

#[tokio::test]
async fn pages_stay_consistent_while_items_are_created_and_deleted() {
    let emulator = Emulator::builder()
        .models(["a1", "b1", "c1", "d1", "e1"])
        .build();
    // Newest first: e1 d1 | c1 b1 | a1.
    let first = get("/models?limit=2").on(&emulator).await.expect(200);
    assert_eq!(names(&first["data"]), ["e1", "d1"]);
    create(&emulator, "f1").await;
    // The item of the cursor's position is deleted too.
    for gone in ["d1", "c1"] {
        ask(Method::DELETE, format!("/models/{gone}"))
            .on(&emulator)
            .await
            .expect(200);
    }
    let uri = format!("/models?limit=2&cursor={}", cursor(&first));
    let second = get(uri).on(&emulator).await.expect(200);
    assert_eq!(names(&second["data"]), ["b1", "a1"]);
    assert_eq!(second["meta"]["hasMore"], false);
    assert_eq!(second["meta"]["nextCursor"], "");

    // By name, an item created after the cursor's position is returned, and one before it is not.
    let first = get("/models?limit=2&sort=name:asc")
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(names(&first["data"]), ["a1", "b1"]);
    create(&emulator, "a2").await;
    create(&emulator, "b2").await;
    let uri = format!("/models?limit=9&sort=name:asc&cursor={}", cursor(&first));
    let second = get(uri).on(&emulator).await.expect(200);
    assert_eq!(names(&second["data"]), ["b2", "e1", "f1"]);
}

#[tokio::test]
async fn a_cursor_is_valid_for_its_own_query_only() {
    let emulator = Emulator::offline();
    for n in 0..3 {
        emulator.add_agent(&format!("agent-{n}"));
    }
    let page = get("/models?limit=2&sort=name:asc&q=an")
        .on(&emulator)
        .await;
    assert_eq!(page.expect(200)["meta"]["hasMore"], false);
    let page = get("/models?limit=2&sort=name:asc")
        .on(&emulator)
        .await
        .expect(200);
    let cursor = cursor(&page);
    let with =
        async |path: &str| -> Reply { get(format!("{path}&cursor={cursor}")).on(&emulator).await };
    with("/models?limit=5&sort=name:asc").await.expect(200);
    with("/models?sort=name:asc&q=x").await.expect(200);
    for foreign in [
        "/models?limit=2",
        "/models?sort=name:desc",
        "/models?sort=name:asc&q=claude",
        "/models?sort=name:asc&status=DEPLOYED",
        "/agents?sort=name:asc",
    ] {
        let reply = with(foreign).await;
        assert_eq!(reply.control_error(400), "invalid_cursor", "{foreign}");
        assert!(
            reply.json()["message"]
                .as_str()
                .unwrap()
                .contains("another query"),
            "{foreign}"
        );
    }
}

#[tokio::test]
async fn a_forged_cursor_is_rejected() {
    let emulator = Emulator::offline();
    let page = get("/models?limit=2").on(&emulator).await.expect(200);
    let good = page["meta"]["nextCursor"].as_str().unwrap();
    let mut changed = good.to_owned().into_bytes();
    changed[10] ^= 1;
    let changed = String::from_utf8(changed).unwrap();
    for bad in [changed.as_str(), "nonsense", "AAAA", &good[4..], "é"] {
        let uri = format!(
            "/models?limit=2&cursor={}",
            escaped(bad).replace('é', "%C3%A9")
        );
        let reply = get(uri).on(&emulator).await;
        assert_eq!(reply.control_error(400), "invalid_cursor", "{bad}");
        assert!(
            reply.json()["message"]
                .as_str()
                .unwrap()
                .contains("not one"),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_cursor_expires_after_a_day() {
    let emulator = Emulator::offline();
    let page = get("/models?limit=2").on(&emulator).await.expect(200);
    let uri = format!("/models?limit=2&cursor={}", cursor(&page));
    emulator.clock().advance(Duration::from_secs(24 * 3600));
    get(uri.as_str()).on(&emulator).await.expect(200);
    emulator.clock().advance(Duration::from_secs(1));
    let reply = get(uri).on(&emulator).await;
    assert_eq!(reply.control_error(400), "invalid_cursor");
    assert!(
        reply.json()["message"]
            .as_str()
            .unwrap()
            .contains("24 hours")
    );
}

#[tokio::test]
async fn a_total_above_the_limit_is_a_lower_bound() {
    for (limit, total, is_partial) in [
        (7, 7, Value::Null),
        (8, 7, Value::Null),
        (6, 6, json!(true)),
    ] {
        let emulator = Emulator::builder().total_limit(limit).build();
        let page = get("/models?limit=2").on(&emulator).await.expect(200);
        assert_eq!(page["meta"]["total"], total, "{limit}");
        assert_eq!(page["meta"]["totalIsPartial"], is_partial, "{limit}");
        // The pages are complete nevertheless.
        assert_eq!(walk(&emulator, "limit=2").await.concat().len(), 7);
    }
}

#[tokio::test]
async fn workloads_policies_and_connections_are_listed_by_external_id() {
    let emulator = Emulator::offline();
    for (collection, spec) in [
        ("agents", json!({})),
        ("functions", json!({})),
        ("jobs", json!({})),
        ("models", json!({})),
        ("policies", json!({"type": "flavor"})),
        ("integrations/connections", json!({"integration": "github"})),
    ] {
        for (name, id) in [("one", "order-7"), ("two", "order-8")] {
            let document = json!({"metadata": {"name": name, "externalId": id}, "spec": spec});
            let create = post(format!("/{collection}"), &document);
            create.on(&emulator).await.expect(200);
        }
        let list = get(format!("/{collection}?externalId=order-7"));
        let list = list.on(&emulator).await.expect(200);
        let items = list.get("data").unwrap_or(&list);
        assert_eq!(names(items), ["one"], "{collection}");
    }
}
