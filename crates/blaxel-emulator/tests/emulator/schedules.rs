//! Schedules of sandboxes and their executions.

use std::time::Duration;

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, post};

const ALL: &str = "/sandboxes/sb/schedules";
const HOUR: Duration = Duration::from_secs(3600);

fn with_sandbox() -> Emulator {
    let start = "2026-06-15T09:30:00Z".parse().unwrap();
    let emulator = Emulator::builder().start_time(start).build();
    emulator.add("sandboxes", "sb").unwrap();
    emulator
}

async fn create(emulator: &Emulator, schedule: Value) -> Value {
    post(ALL, &schedule).on(emulator).await.expect(200)
}

/// Returns the time and the schedule of each execution, in the order of the list.
async fn done(emulator: &Emulator, query: &str) -> Vec<(String, String)> {
    let uri = format!("/sandboxes/sb/schedule-executions?{query}");
    let page = get(uri).on(emulator).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let told = page["data"].as_array().unwrap().iter();
    told.map(|done| (text(&done["scheduleId"]), text(&done["executedAt"])))
        .collect()
}

#[tokio::test]
async fn a_schedule_gets_defaults_and_masks_its_environment() {
    let emulator = with_sandbox();
    let input = json!({"command": "ls", "env": {"KEY": "hidden"}});
    let cron = create(
        &emulator,
        json!({"type": "cron", "value": "0 8 * * 1-5", "input": input}),
    )
    .await;
    assert_eq!(cron["maxExecutions"], 100);
    assert_eq!(cron["input"]["env"]["KEY"], "****");
    let sleep = create(
        &emulator,
        json!({"id": "nap", "type": "sleep", "value": "2h"}),
    )
    .await;
    assert_eq!(
        (&sleep["id"], &sleep["type"], &sleep["value"]),
        (&json!("nap"), &json!("at"), &json!("2026-06-15T11:30:00Z"))
    );
    assert!(sleep.get("changedAt").is_none());
}

#[tokio::test]
async fn an_invalid_schedule_is_rejected() {
    let emulator = with_sandbox();
    for bad in [
        json!({"value": "* * * * *"}),
        json!({"type": "hourly", "value": "* * * * *"}),
        json!({"type": "cron", "value": "@hourly"}),
        json!({"type": "cron"}),
        json!({"type": "at", "value": "tomorrow"}),
        json!({"type": "sleep", "value": "a while"}),
        json!({"type": "cron", "value": "* * * * *", "maxExecutions": 0}),
        json!({"type": "cron", "value": "* * * * *", "input": "ls"}),
        json!({"type": "cron", "value": "* * * * *", "input": {"timeout": -1}}),
    ] {
        let reply = post(ALL, &bad).on(&emulator).await;
        assert_eq!(reply.control_error(400), "Bad Request", "{bad}");
    }
}

#[tokio::test]
async fn a_sandbox_has_a_hundred_schedules_at_most() {
    let emulator = with_sandbox();
    let schedule = json!({"type": "cron", "value": "0 0 * * *"});
    for _ in 0..100 {
        create(&emulator, schedule.clone()).await;
    }
    post(ALL, &schedule).on(&emulator).await.control_error(400);
}

#[tokio::test]
async fn due_executions_run_as_the_clock_advances() {
    let emulator = with_sandbox();
    let input = json!({"command": "train", "name": "training", "timeout": 60});
    create(
        &emulator,
        json!({"id": "hourly", "type": "cron", "value": "0 * * * *", "input": input}),
    )
    .await;
    create(
        &emulator,
        json!({"id": "once", "type": "at", "value": "2026-06-15T10:30:00Z"}),
    )
    .await;
    create(
        &emulator,
        json!({"id": "past", "type": "at", "value": "2026-06-15T09:00:00Z"}),
    )
    .await;
    assert_eq!(done(&emulator, "").await, []);

    emulator.clock().advance(2 * HOUR);
    let told = [
        ("hourly", "2026-06-15T11:00:00Z"),
        ("once", "2026-06-15T10:30:00Z"),
        ("hourly", "2026-06-15T10:00:00Z"),
    ];
    let told = told.map(|(id, at)| (id.to_owned(), at.to_owned()));
    assert_eq!(
        done(&emulator, "").await,
        told,
        "newest first, and once each"
    );
    assert_eq!(done(&emulator, "").await, told);
    assert_eq!(done(&emulator, "limit=1").await, told[..1]);

    let page = get("/sandboxes/sb/schedule-executions")
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(page["meta"]["total"], 3);
    let newest = &page["data"][0];
    assert_eq!(newest["statusCode"], 200);
    assert_eq!(newest["processName"], "training");
    assert_eq!(newest["timeout"], 60);
    assert_eq!(newest["createdAt"], newest["executedAt"]);
    assert_eq!(page["data"][1]["timeout"], 600);
}

#[tokio::test]
async fn only_the_last_executions_are_kept() {
    let emulator = with_sandbox();
    let schedule =
        json!({"id": "often", "type": "cron", "value": "*/10 * * * *", "maxExecutions": 3});
    create(&emulator, schedule).await;
    for _ in 0..2 {
        emulator.clock().advance(24 * HOUR);
        assert_eq!(done(&emulator, "").await.len(), 3);
    }
    let newest = &done(&emulator, "").await[0];
    assert_eq!(newest.1, "2026-06-17T09:30:00Z");
}

#[tokio::test]
async fn a_change_applies_from_now_on_and_past_executions_stay() {
    let emulator = with_sandbox();
    create(
        &emulator,
        json!({"id": "s", "type": "cron", "value": "0 * * * *"}),
    )
    .await;
    emulator.clock().advance(HOUR);
    let one = format!("{ALL}/s");
    let changed = json!({"type": "cron", "value": "15 * * * *"});
    ask(Method::PUT, &one)
        .json(&changed)
        .on(&emulator)
        .await
        .expect(200);
    let times = |done: Vec<(String, String)>| -> Vec<String> {
        done.into_iter()
            .map(|(_, at)| at[11..16].to_owned())
            .collect()
    };
    assert_eq!(times(done(&emulator, "").await), ["10:00"], "and not 10:15");
    emulator.clock().advance(HOUR);
    ask(Method::DELETE, &one).on(&emulator).await.expect(200);
    emulator.clock().advance(HOUR);
    assert_eq!(times(done(&emulator, "").await), ["11:15", "10:00"]);
}

#[tokio::test]
async fn a_sandbox_that_is_not_deployed_runs_no_command() {
    let start = "2026-06-15T09:30:00Z".parse().unwrap();
    let emulator = Emulator::builder()
        .start_time(start)
        .delete_time(HOUR)
        .build();
    emulator.add("sandboxes", "sb").unwrap();
    create(&emulator, json!({"type": "cron", "value": "45 * * * *"})).await;
    ask(Method::DELETE, "/sandboxes/sb")
        .on(&emulator)
        .await
        .expect(200);
    emulator.clock().advance(HOUR);
    let page = get("/sandboxes/sb/schedule-executions")
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(page["data"][0]["statusCode"], 0);
    let error = page["data"][0]["error"].as_str().unwrap();
    assert!(error.contains("\"sb\" was DELETING"), "{error}");
}
