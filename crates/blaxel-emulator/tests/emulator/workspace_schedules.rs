//! The schedules of all sandboxes, their executions, and the numbers of both.

use std::time::Duration;

use blaxel_emulator::{Emulator, Failure};
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, post};

const HOUR: Duration = Duration::from_secs(3600);

/// Returns an emulator at 09:30 with an hourly schedule in `a`, one at 10:15 in `b`, and a sandbox that fails.
async fn with_schedules() -> Emulator {
    let start = "2026-06-15T09:30:00Z".parse().unwrap();
    let emulator = Emulator::builder().start_time(start).build();
    emulator
        .fail_next(Failure::deployment("sandboxes", "broken"))
        .unwrap();
    for sandbox in ["a", "b", "broken"] {
        emulator.add("sandboxes", sandbox).unwrap();
    }
    for (sandbox, schedule) in [
        (
            "a",
            json!({"id": "hourly", "type": "cron", "value": "0 * * * *"}),
        ),
        (
            "b",
            json!({"id": "once", "type": "at", "value": "2026-06-15T10:15:00Z"}),
        ),
        (
            "broken",
            json!({"id": "hourly", "type": "cron", "value": "30 10 * * *",
                "input": {"command": "ls", "env": {"KEY": "canary"}}}),
        ),
    ] {
        let create = post(format!("/sandboxes/{sandbox}/schedules"), &schedule);
        let made = create.on(&emulator).await.expect(200);
        assert_eq!(made["sandbox"], sandbox);
    }
    emulator
}

/// Returns the sandbox and another member of each item of a list.
async fn told(emulator: &Emulator, uri: &str, member: &str) -> Vec<(String, String)> {
    let page = get(uri).on(emulator).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = page["data"].as_array().unwrap().iter();
    items
        .map(|item| (text(&item["sandbox"]), text(&item[member])))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

#[tokio::test]
async fn schedules_of_all_sandboxes_are_listed_and_filtered() {
    let emulator = with_schedules().await;
    let all = [("broken", "hourly"), ("b", "once"), ("a", "hourly")];
    assert_eq!(told(&emulator, "/schedules", "id").await, pairs(&all));
    for (query, expected) in [
        (
            "sort=createdAt:asc&limit=2",
            &[("a", "hourly"), ("b", "once")][..],
        ),
        ("sandbox=a", &[("a", "hourly")]),
        ("sandbox=none", &[]),
        ("type=at", &[("b", "once")]),
        ("type=cron&sandbox=broken", &[("broken", "hourly")]),
        ("q=HOUR", &[("broken", "hourly"), ("a", "hourly")]),
        ("q=brok", &[("broken", "hourly")]),
    ] {
        let uri = format!("/schedules?{query}");
        assert_eq!(
            told(&emulator, &uri, "id").await,
            pairs(expected),
            "{query}"
        );
    }
    let page = get("/schedules?sandbox=broken")
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(page["meta"]["total"], 3, "the total ignores the filters");
    assert!(!page.to_string().contains("canary"), "{page}");
    for query in ["type=sleep", "sort=name:asc", "limit=0"] {
        let uri = format!("/schedules?{query}");
        get(uri).on(&emulator).await.control_error(400);
    }
}

#[tokio::test]
async fn pages_of_schedules_follow_one_another() {
    let emulator = with_schedules().await;
    let mut found = Vec::new();
    let mut next = String::new();
    loop {
        let uri = format!("/schedules?limit=1{next}");
        let page = get(uri).on(&emulator).await.expect(200);
        found.push(page["data"][0]["sandbox"].as_str().unwrap().to_owned());
        if page["meta"]["hasMore"] == false {
            break;
        }
        let cursor = page["meta"]["nextCursor"].as_str().unwrap();
        let cursor = cursor
            .replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D");
        next = format!("&cursor={cursor}");
        let other = format!("/schedules?limit=1&type=cron{next}");
        get(other).on(&emulator).await.control_error(400);
    }
    assert_eq!(found, ["broken", "b", "a"]);
}

#[tokio::test]
async fn executions_of_all_sandboxes_are_listed_and_filtered() {
    let emulator = with_schedules().await;
    emulator.clock().advance(2 * HOUR);
    let all = [
        ("a", "2026-06-15T11:00:00Z"),
        ("broken", "2026-06-15T10:30:00Z"),
        ("b", "2026-06-15T10:15:00Z"),
        ("a", "2026-06-15T10:00:00Z"),
    ];
    let [eleven, broken, once, ten] = all;
    let found = told(&emulator, "/schedule-executions", "executedAt").await;
    assert_eq!(found, pairs(&all), "newest first across the sandboxes");
    for (query, expected) in [
        ("status=failed", &[broken][..]),
        ("status=succeeded&sandbox=a", &[eleven, ten]),
        ("schedule=hourly&sandbox=broken", &[broken]),
        ("schedule=once", &[once]),
        ("since=2026-06-15T11:00:00Z", &[eleven]),
        ("until=2026-06-15T10:00:00Z", &[ten]),
        (
            "since=2026-06-15T10:15:00Z&until=2026-06-15T10:15:00Z",
            &[once],
        ),
    ] {
        let uri = format!("/schedule-executions?{query}");
        assert_eq!(
            told(&emulator, &uri, "executedAt").await,
            pairs(expected),
            "{query}"
        );
    }
    for query in [
        "status=running",
        "since=yesterday",
        "until=1",
        "sort=name:desc",
    ] {
        let uri = format!("/schedule-executions?{query}");
        get(uri).on(&emulator).await.control_error(400);
    }
    let below = told(&emulator, "/sandboxes/a/schedule-executions", "status").await;
    assert_eq!(below, pairs(&[("a", "succeeded"), ("a", "succeeded")]));
}

#[tokio::test]
async fn metrics_count_the_executions_in_a_window_of_minutes() {
    let emulator = with_schedules().await;
    emulator.clock().advance(2 * HOUR + Duration::from_secs(20));
    let metrics = async |query: &str| {
        let uri = format!("/schedules/metrics{query}");
        get(uri).on(&emulator).await
    };
    let day = metrics("").await.expect(200);
    let expected = json!({
        "executions": 4, "executionsByStatus": {"succeeded": 3, "failed": 1},
        "sandboxes": 3, "schedules": 3,
        "since": "2026-06-14T11:30:00Z", "until": "2026-06-15T11:30:00Z",
    });
    assert_eq!(day, expected);
    let window = metrics("?since=2026-06-15T10:00:59Z&until=2026-06-15T10:30:10Z")
        .await
        .expect(200);
    assert_eq!(window["since"], "2026-06-15T10:00:00Z");
    assert_eq!(window["until"], "2026-06-15T10:30:00Z");
    assert_eq!(
        window["executions"], 2,
        "the start is inclusive, and the end is not"
    );
    for query in [
        "?since=2026-06-15T11:30:00Z",
        "?since=2026-06-01T00:00:00Z",
        "?since=2026-06-15T10:00:00Z&until=2026-06-15T10:00:30Z",
        "?since=soon",
    ] {
        metrics(query).await.control_error(400);
    }
    ask(Method::DELETE, "/sandboxes/a")
        .on(&emulator)
        .await
        .expect(200);
    let left = metrics("").await.expect(200);
    assert_eq!(
        (&left["sandboxes"], &left["schedules"]),
        (&json!(2), &json!(2))
    );
}
