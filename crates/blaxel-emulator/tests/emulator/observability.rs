//! Logs.

use std::time::Duration;

use blaxel_emulator::Emulator;
use serde_json::{Value, json};

use crate::support::{get, post};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// The day after the start.
const WINDOW: &str = "start=2026-06-01T00:00:00&end=2026-06-02T00:00:00";

fn emulator() -> Emulator {
    let start = "2026-06-01T00:00:00Z".parse().unwrap();
    let emulator = Emulator::builder().start_time(start).models(["m"]).build();
    emulator.add_agent("bot");
    emulator.add_agent("other");
    emulator.clock().advance(DAY);
    emulator
}

async fn logs(emulator: &Emulator, query: &str) -> Value {
    let uri = format!("/observability/logs?{WINDOW}&{query}");
    get(uri).on(emulator).await.expect(200)
}

fn texts(logs: &Value, name: &str) -> Vec<String> {
    let lines = logs["logs"].as_array().unwrap().iter();
    lines
        .map(|line| line[name].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn logs_are_grouped_by_workload_newest_first_and_repeatable() {
    let emulator = emulator();
    let agents = logs(&emulator, "resourceType=agents").await;
    let names: Vec<_> = agents.as_object().unwrap().keys().collect();
    assert_eq!(names, ["bot", "other"]);
    let times = texts(&agents["bot"], "timestamp");
    assert!(
        times.len() > 100 && times.is_sorted_by(|a, b| a >= b),
        "{}",
        times.len()
    );
    assert_eq!(agents["bot"]["totalCount"], times.len());
    assert_ne!(agents["bot"], agents["other"]);
    assert_eq!(logs(&self::emulator(), "resourceType=agents").await, agents);
    let oldest = texts(&agents["bot"], "message");
    assert!(
        oldest
            .iter()
            .any(|line| line.contains("The deployment is complete."))
    );
    // Without a type all kinds with logs are returned.
    let all = logs(&emulator, "").await;
    assert!(all.get("m").is_some() && all.get("bot").is_some());
    assert_eq!(
        logs(&emulator, "workloadIds=other,none").await,
        json!({"other": agents["other"]})
    );
}

#[tokio::test]
async fn there_are_no_lines_in_the_future_or_before_the_creation() {
    let emulator = emulator();
    let around = "/observability/logs?start=2026-05-31T12:00:00&end=2026-06-03T12:00:00Z";
    let around = get(around).on(&emulator).await.expect(200);
    let times = texts(&around["bot"], "timestamp");
    assert!(
        times.iter().all(|at| at.starts_with("2026-06-01T")),
        "{times:?}"
    );
}

#[tokio::test]
async fn lines_are_paged_by_offset() {
    let emulator = emulator();
    let all = logs(&emulator, "workloadIds=bot").await;
    let part = logs(&emulator, "workloadIds=bot&limit=5&offset=10").await;
    let lines = all["bot"]["logs"].as_array().unwrap();
    assert_eq!(part["bot"]["logs"], json!(lines[10..15]));
    assert_eq!(part["bot"]["totalCount"], all["bot"]["totalCount"]);
}

/// Each task writes two lines.
#[tokio::test]
async fn a_response_has_a_part_of_the_lines_of_many_tasks_and_offsets_lead_to_the_rest() {
    let emulator = emulator();
    emulator.add("jobs", "nightly").unwrap();
    let tasks = vec![json!({}); 1200];
    let started = post("/jobs/nightly/executions", &json!({"tasks": tasks}));
    let id = started.on(&emulator).await.expect(200)["executionId"].clone();
    emulator.clock().advance(Duration::from_secs(3600));
    let window = "start=2026-06-01T12:00:00&end=2026-06-03T12:00:00";
    let page = async |more: &str| {
        let id = id.as_str().unwrap();
        let query = format!("{window}&workloadIds=nightly&executionId={id}{more}");
        let page = get(format!("/observability/logs?{query}")).on(&emulator);
        page.await.expect(200)["nightly"].clone()
    };
    let mut messages = Vec::new();
    for (offset, expected) in [(0, 1000), (1000, 1000), (2000, 400), (2400, 0)] {
        let part = page(&format!("&limit=5000&offset={offset}")).await;
        let part_of = texts(&part, "message");
        assert_eq!(
            (part_of.len(), &part["totalCount"]),
            (expected, &json!(2400))
        );
        messages.extend(part_of);
    }
    messages.sort();
    messages.dedup();
    assert_eq!(messages.len(), 2400);
    assert_eq!(texts(&page("").await, "message").len(), 1000);
}

#[tokio::test]
async fn lines_are_filtered_by_severity_text_and_trace() {
    let emulator = emulator();
    let all = logs(&emulator, "workloadIds=bot").await["bot"].clone();
    let of = |severity: i64| {
        let lines = all["logs"].as_array().unwrap().iter();
        lines.filter(|line| line["severity"] == severity).count()
    };
    let count = async |query: &str| {
        let logs = logs(&emulator, &format!("workloadIds=bot&{query}")).await;
        logs["bot"]["totalCount"].as_u64().unwrap()
    };
    assert!(of(9) > 0 && of(13) > 0);
    assert_eq!(count("severity=info").await, of(9) as u64);
    assert_eq!(
        count("severity=WARNING,ERROR").await,
        (of(13) + of(17)) as u64
    );
    assert_eq!(
        count("severity=all,UNKNOWN").await,
        all["totalCount"].as_u64().unwrap()
    );
    assert_eq!(count("severity=FATAL").await, 0);
    let found = logs(&emulator, "workloadIds=bot&search=THE%20CACHE").await;
    let found = texts(&found["bot"], "message");
    assert!(!found.is_empty() && found.iter().all(|line| line.contains("The cache")));
    let trace = texts(&all, "trace_id")[0].clone();
    assert_eq!(count(&format!("traceId={trace}")).await, 1);
}

#[tokio::test]
async fn a_job_logs_the_start_and_end_of_its_tasks() {
    let emulator = emulator();
    emulator.add("jobs", "nightly").unwrap();
    emulator.clock().advance(Duration::from_secs(60));
    for id in ["first", "second"] {
        let sent = json!({"executionId": id, "tasks": [{}, {}]});
        post("/jobs/nightly/executions", &sent)
            .on(&emulator)
            .await
            .expect(200);
    }
    emulator.clock().advance(Duration::from_secs(60));
    let lines = async |query: &str| {
        let uri = "/observability/logs?start=2026-06-02T00:00:30&end=2026-06-03T00:00:00";
        let uri = format!("{uri}&resourceType=jobs&workloadIds=nightly&{query}");
        texts(
            &get(uri).on(&emulator).await.expect(200)["nightly"],
            "message",
        )
    };
    assert_eq!(lines("").await.len(), 8);
    assert_eq!(lines("executionId=first").await.len(), 4);
    assert_eq!(
        lines("executionId=first&taskId=task-1").await,
        [
            "The task task-1 ended: succeeded.",
            "The task task-1 began."
        ]
    );
}

#[tokio::test]
async fn an_invalid_log_query_is_rejected() {
    let emulator = emulator();
    for query in [
        "",
        "start=2026-06-01T00:00:00",
        "start=yesterday&end=today",
        "start=2026-06-02T00:00:00&end=2026-06-02T00:00:00",
        "start=2026-06-01T00:00:00&end=2026-06-04T00:00:01",
        &format!("{WINDOW}&resourceType=agent"),
        &format!("{WINDOW}&severity=LOUD"),
        &format!("{WINDOW}&limit=0"),
        &format!("{WINDOW}&offset=-1"),
    ] {
        let reply = get(format!("/observability/logs?{query}"))
            .on(&emulator)
            .await;
        assert_eq!(reply.control_error(400), "Bad Request", "{query}");
    }
    let three_days = "/observability/logs?start=2026-06-01T00:00:00&end=2026-06-04T00:00:00";
    get(three_days).on(&emulator).await.expect(200);
}
