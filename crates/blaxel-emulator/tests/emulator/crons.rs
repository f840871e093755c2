//! Cron triggers, which fire on the emulator's clock.

use std::time::Duration;

use blaxel_emulator::{Behavior, Emulator, Entry, Script, Workload};
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, post};

const MINUTE: Duration = Duration::from_secs(60);

fn at_half_past_nine() -> Emulator {
    let start = "2026-06-15T09:30:00Z".parse().unwrap();
    Emulator::builder().start_time(start).build()
}

fn with_trigger(schedule: &str, configuration: Value) -> Value {
    let mut configuration = configuration;
    configuration["schedule"] = schedule.into();
    let trigger = json!({"type": "cron", "configuration": configuration});
    json!({"metadata": {"name": "w"}, "spec": {"triggers": [trigger]}})
}

/// Waits until an agent was called so often, and for a while longer. Returns the bodies of the calls.
async fn calls(script: &Script, count: usize) -> Vec<Value> {
    let mut turns = 0;
    while script.calls().len() < count {
        turns += 1;
        assert!(
            turns < 1000,
            "{} calls instead of {count}",
            script.calls().len()
        );
        tokio::task::yield_now().await;
    }
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    let calls = script.calls();
    calls.iter().map(|call| call.json().unwrap()).collect()
}

#[tokio::test]
async fn a_trigger_calls_its_agent_whenever_it_is_due() {
    let emulator = at_half_past_nine();
    let script = emulator.script(&Workload::agent("w"));
    let document = with_trigger("*/10 * * * *", json!({}));
    post("/agents", &document).on(&emulator).await.expect(200);
    assert_eq!(calls(&script, 0).await.len(), 0);
    emulator.clock().advance(9 * MINUTE);
    assert_eq!(calls(&script, 0).await.len(), 0);
    emulator.clock().advance(MINUTE);
    assert_eq!(calls(&script, 1).await, [json!({})]);
    // The clock may pass several times at once.
    emulator.clock().advance(30 * MINUTE);
    assert_eq!(calls(&script, 4).await.len(), 4);
    assert!(
        script
            .calls()
            .iter()
            .all(|call| call.method == Method::POST)
    );
    let journal = emulator.journal();
    let invoked = journal
        .iter()
        .filter(|entry| entry.operation.as_deref() == Some("InvokeAgent"));
    assert!(invoked.clone().count() == 4 && invoked.clone().all(|entry| entry.status == Some(200)));
}

#[tokio::test]
async fn an_agent_is_called_with_each_task() {
    let emulator = at_half_past_nine();
    let script = emulator.script(&Workload::agent("w"));
    let tasks = json!([{"inputs": "one"}, {"inputs": "two"}]);
    let document = with_trigger("0 10 * * *", json!({"tasks": tasks}));
    post("/agents", &document).on(&emulator).await.expect(200);
    emulator.clock().advance(30 * MINUTE);
    assert_eq!(Value::from(calls(&script, 2).await), tasks);
}

#[tokio::test]
async fn a_trigger_fires_as_it_is_set_now() {
    let emulator = at_half_past_nine();
    let script = emulator.script(&Workload::agent("w"));
    let hourly = with_trigger("0 * * * *", json!({}));
    post("/agents", &hourly).on(&emulator).await.expect(200);
    emulator.clock().advance(40 * MINUTE);
    assert_eq!(calls(&script, 1).await.len(), 1);

    // A new trigger does not fire for the time before it was set.
    let put = async |document: &Value| {
        let put = ask(Method::PUT, "/agents/w").json(document);
        put.on(&emulator).await.expect(200);
    };
    put(&with_trigger("5,20 10 * * *", json!({}))).await;
    assert_eq!(calls(&script, 1).await.len(), 1);
    emulator.clock().advance(10 * MINUTE);
    assert_eq!(calls(&script, 2).await.len(), 2);

    let mut disabled = with_trigger("* * * * *", json!({}));
    disabled["spec"]["triggers"][0]["enabled"] = false.into();
    put(&disabled).await;
    emulator.clock().advance(10 * MINUTE);
    put(&with_trigger("never", json!({}))).await;
    emulator.clock().advance(10 * MINUTE);
    assert_eq!(calls(&script, 2).await.len(), 2);

    put(&with_trigger("* * * * *", json!({}))).await;
    emulator.clock().advance(MINUTE);
    assert_eq!(calls(&script, 3).await.len(), 3);
    ask(Method::DELETE, "/agents/w")
        .on(&emulator)
        .await
        .expect(200);
    emulator.clock().advance(10 * MINUTE);
    assert_eq!(calls(&script, 3).await.len(), 3);
}

#[tokio::test]
async fn an_agent_is_not_called_before_it_is_deployed_or_while_it_is_disabled() {
    let start = "2026-06-15T09:30:00Z".parse().unwrap();
    let builder = Emulator::builder().start_time(start);
    let emulator = builder.deploy_time(5 * MINUTE).build();
    let script = emulator.script(&Workload::agent("w"));
    let document = with_trigger("* * * * *", json!({}));
    post("/agents", &document).on(&emulator).await.expect(200);
    emulator.clock().advance(4 * MINUTE);
    assert_eq!(calls(&script, 0).await.len(), 0);
    emulator.clock().advance(2 * MINUTE);
    assert_eq!(calls(&script, 2).await.len(), 2, "at 09:35 and 09:36");
    let mut disabled = document.clone();
    disabled["spec"]["enabled"] = false.into();
    let put = ask(Method::PUT, "/agents/w").json(&disabled);
    put.on(&emulator).await.expect(200);
    emulator.clock().advance(10 * MINUTE);
    assert_eq!(calls(&script, 2).await.len(), 2);
}

#[tokio::test]
async fn a_clock_that_passes_many_times_at_once_fires_for_the_last_hundred() {
    let emulator = at_half_past_nine();
    let script = emulator.script(&Workload::agent("w"));
    let document = with_trigger("* * * * *", json!({}));
    post("/agents", &document).on(&emulator).await.expect(200);
    emulator.clock().advance(3 * 60 * MINUTE);
    assert_eq!(calls(&script, 100).await.len(), 100);
}

#[tokio::test]
async fn a_function_is_called_like_an_agent() {
    let emulator = at_half_past_nine();
    let script = emulator.script(&Workload::function("w"));
    script.always(Behavior::json(json!({"done": true})));
    let tasks = json!([{"page": 1}, {"page": 2}]);
    let document = with_trigger("*/30 * * * *", json!({"tasks": tasks}));
    post("/functions", &document)
        .on(&emulator)
        .await
        .expect(200);
    emulator.clock().advance(29 * MINUTE);
    assert_eq!(calls(&script, 0).await.len(), 0);
    emulator.clock().advance(MINUTE);
    assert_eq!(Value::from(calls(&script, 2).await), tasks);
    let journal = emulator.journal();
    let called = |status| {
        let own = |entry: &&Entry| entry.operation.as_deref() == Some("CallFunction");
        journal
            .iter()
            .filter(own)
            .filter(|entry| entry.status == status)
            .count()
    };
    assert_eq!(called(Some(200)), 2);
}

#[tokio::test]
async fn the_trigger_of_a_job_starts_an_execution() {
    let emulator = at_half_past_nine();
    let document = with_trigger("0 10 * * *", json!({"tasks": [{"page": 1}, {"page": 2}]}));
    post("/jobs", &document).on(&emulator).await.expect(200);
    emulator.clock().advance(31 * MINUTE);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let page = get("/jobs/w/executions").on(&emulator).await.expect(200);
    let executions = page["data"].as_array().unwrap();
    assert_eq!(executions.len(), 1, "{page}");
    assert_eq!(executions[0]["spec"]["taskCount"], 2);
}
