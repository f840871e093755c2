//! Executions of jobs and their tasks.

use std::time::Duration;

use blaxel_emulator::{Emulator, Failure};
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, post};

const ALL: &str = "/jobs/nightly/executions";

fn with_job() -> Emulator {
    let emulator = Emulator::builder()
        .execution_time(Duration::from_secs(80))
        .build();
    emulator.add("jobs", "nightly").unwrap();
    emulator
}

async fn start(emulator: &Emulator, request: &Value) -> String {
    let told = post(ALL, request).on(emulator).await.expect(200);
    told["executionId"].as_str().unwrap().to_owned()
}

async fn execution(emulator: &Emulator, id: &str) -> Value {
    get(format!("{ALL}/{id}")).on(emulator).await.expect(200)
}

/// Returns the status of an execution and those of its tasks.
async fn statuses(emulator: &Emulator, id: &str) -> (String, Vec<String>) {
    let told = execution(emulator, id).await;
    let text = |value: &Value| value["status"].as_str().unwrap().to_owned();
    (
        text(&told),
        told["tasks"].as_array().unwrap().iter().map(text).collect(),
    )
}

#[tokio::test]
async fn the_response_to_a_start_has_the_request_and_the_ids() {
    let emulator = with_job();
    let sent = json!({"tasks": [{"n": 1}, {"n": 2}]});
    let told = post(ALL, &sent).on(&emulator).await.expect(200);
    assert_eq!(told["tasks"], sent["tasks"]);
    assert_eq!(
        (&told["jobId"], &told["workspaceId"]),
        (&json!("nightly"), &json!("demo"))
    );
    assert!(told["id"].is_string() && told["executionId"].is_string());
    let missing = post("/jobs/none/executions", &sent).on(&emulator).await;
    assert_eq!(missing.control_error(404), "Job not found");
}

#[tokio::test]
async fn an_execution_is_started_on_the_run_plane_too() {
    let emulator = with_job();
    let run = |job| format!("{}/demo/jobs/{job}/executions", emulator.run_url());
    let sent = json!({"tasks": [{"n": 1}, {"n": 2}]});
    let told = post(run("nightly"), &sent).on(&emulator).await.expect(200);
    let id = told["executionId"].as_str().unwrap();
    assert_eq!(execution(&emulator, id).await["stats"]["total"], 2);
    let missing = post(run("none"), &sent).on(&emulator).await;
    missing.gateway(404, "WORKLOAD_NOT_FOUND");
}

#[tokio::test]
async fn the_same_id_starts_nothing_twice() {
    let emulator = with_job();
    let chosen = json!({"executionId": "mine", "tasks": [{"n": 1}]});
    assert_eq!(start(&emulator, &chosen).await, "mine");
    assert_eq!(
        start(&emulator, &json!({"executionId": "mine"})).await,
        "mine"
    );
    let tracked = json!({"id": "request-7"});
    let first = post(ALL, &tracked).on(&emulator).await.expect(200);
    let second = post(ALL, &tracked).on(&emulator).await.expect(200);
    assert_eq!(first, second);
    let list = get(ALL).on(&emulator).await.expect(200);
    assert_eq!(list["meta"]["total"], 2);
}

#[tokio::test]
async fn an_execution_proceeds_with_the_clock() {
    let emulator = with_job();
    let id = start(&emulator, &json!({"tasks": [{}, {}, {}]})).await;
    for (state, of_tasks, counted) in [
        ("queued", "pending", None),
        ("pending", "pending", None),
        ("running", "running", Some("running")),
    ] {
        let (status, tasks) = statuses(&emulator, &id).await;
        assert_eq!(
            (status.as_str(), tasks),
            (state, vec![of_tasks.to_owned(); 3])
        );
        let told = execution(&emulator, &id).await;
        assert_eq!(told["stats"]["total"], 3);
        if let Some(counted) = counted {
            assert_eq!(told["stats"][counted], 3);
        }
        assert!(told["metadata"].get("completedAt").is_none());
        emulator.clock().advance(Duration::from_secs(10));
    }
    emulator.clock().advance(Duration::from_secs(50));
    let told = execution(&emulator, &id).await;
    assert_eq!(told["status"], "succeeded");
    assert_eq!(
        told["stats"],
        json!({"total": 3, "running": 0, "success": 3, "failure": 0,
        "cancelled": 0, "retried": 0})
    );
    let metadata = &told["metadata"];
    assert_eq!(
        (&metadata["id"], &metadata["job"]),
        (&json!(id), &json!("nightly"))
    );
    let seconds = |name: &str| {
        let time: blaxel_core::Timestamp = metadata[name].as_str().unwrap().parse().unwrap();
        time.unix().unwrap().0
    };
    assert_eq!(seconds("startedAt") - seconds("createdAt"), 20);
    assert_eq!(seconds("completedAt") - seconds("createdAt"), 80);
    for hidden in ["events", "request"] {
        assert!(told.get(hidden).is_none(), "{hidden}");
    }
}

#[tokio::test]
async fn an_execution_can_fail_or_take_too_long() {
    let emulator = with_job();
    emulator.fail_next(Failure::execution("nightly")).unwrap();
    let failed = start(&emulator, &json!({})).await;
    let fine = start(&emulator, &json!({})).await;
    let late = json!({"env": {"EMULATOR_OUTCOME": "timeout"}});
    let late = start(&emulator, &late).await;
    emulator.clock().advance(Duration::from_secs(80));
    for (id, state, task) in [
        (failed, "failed", "failed"),
        (fine, "succeeded", "succeeded"),
        (late, "timeout", "failed"),
    ] {
        let (status, tasks) = statuses(&emulator, &id).await;
        assert_eq!((status.as_str(), tasks), (state, vec![task.to_owned()]));
    }
    // The environment of the job applies to variables that the execution does not set.
    let envs = json!([{"name": "EMULATOR_OUTCOME", "value": "failed"}]);
    let job = json!({"metadata": {"name": "nightly"}, "spec": {"runtime": {"envs": envs}}});
    ask(Method::PUT, "/jobs/nightly")
        .json(&job)
        .on(&emulator)
        .await
        .expect(200);
    let id = start(&emulator, &json!({})).await;
    emulator.clock().advance(Duration::from_secs(80));
    assert_eq!(statuses(&emulator, &id).await.0, "failed");
    assert_eq!(execution(&emulator, &id).await["stats"]["failure"], 1);
}

#[tokio::test]
async fn a_cancelled_execution_lets_running_tasks_end() {
    let emulator = with_job();
    for (waited, tasks_then, tasks_after) in
        [(5, "cancelled", "cancelled"), (30, "running", "succeeded")]
    {
        let id = start(&emulator, &json!({})).await;
        emulator.clock().advance(Duration::from_secs(waited));
        let one = format!("{ALL}/{id}");
        let told = ask(Method::DELETE, &one).on(&emulator).await.expect(200);
        assert_eq!(told["status"], "cancelling");
        assert_eq!(told["tasks"][0]["status"], tasks_then);
        emulator.clock().advance(Duration::from_secs(80));
        let (status, tasks) = statuses(&emulator, &id).await;
        assert_eq!(
            (status.as_str(), tasks[0].as_str()),
            ("cancelled", tasks_after)
        );
        // A finished execution does not change.
        let told = ask(Method::DELETE, &one).on(&emulator).await.expect(200);
        assert_eq!(told["status"], "cancelled");
    }
    let missing = ask(Method::DELETE, format!("{ALL}/none"))
        .on(&emulator)
        .await;
    assert_eq!(missing.control_error(404), "Execution not found");
}

#[tokio::test]
async fn overrides_are_shown_but_the_environment_is_masked() {
    let emulator = with_job();
    let sent = json!({"env": {"KEY": "value"}, "memory": 1024, "tasks": [{}, {}]});
    let id = start(&emulator, &sent).await;
    let spec = &execution(&emulator, &id).await["spec"];
    let told = json!({"envOverride": {"KEY": "***"}, "memoryOverride": 1024, "parallelism": 2,
        "taskCount": 2, "timeout": 900});
    assert_eq!(spec, &told);
    for bad in [
        json!({"memory": 4096}),
        json!({"memory": "much"}),
        json!({"env": {"KEY": 1}}),
        json!({"tasks": [1]}),
        json!({"tasks": "all"}),
        json!({"executionId": "a/b"}),
        json!([]),
    ] {
        assert_eq!(
            post(ALL, &bad).on(&emulator).await.control_error(400),
            "Bad Request",
            "{bad}"
        );
    }
}

#[tokio::test]
async fn executions_are_listed_by_cursor_or_by_offset() {
    let emulator = with_job();
    for n in 0..25 {
        start(&emulator, &json!({"executionId": format!("e-{n:02}")})).await;
    }
    let ids = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        list.map(|told| told["metadata"]["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let page = get(ALL).on(&emulator).await.expect(200);
    assert_eq!(
        (ids(&page["data"]).len(), &page["meta"]["hasMore"]),
        (20, &json!(true))
    );
    // The Python SDK sends an offset, which has no effect here.
    let page = get(format!("{ALL}?limit=2&offset=7"))
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(ids(&page["data"]), ["e-24", "e-23"]);

    let first = |query: &str| get(format!("{ALL}?{query}")).header("blaxel-version", "2026-04-16");
    let list = first("").on(&emulator).await.expect(200);
    assert_eq!(ids(&list).len(), 20);
    let list = first("limit=3&offset=22").on(&emulator).await.expect(200);
    assert_eq!(ids(&list), ["e-02", "e-01", "e-00"]);
    first("offset=-1").on(&emulator).await.control_error(400);
    first("limit=0").on(&emulator).await.control_error(400);
}

#[tokio::test]
async fn tasks_have_pages_since_the_second_version() {
    let emulator = with_job();
    let id = start(&emulator, &json!({"tasks": vec![json!({}); 5]})).await;
    let all = format!("{ALL}/{id}/tasks");
    let tasks = |page: &Value| -> Vec<String> {
        let tasks = page["data"].as_array().unwrap().iter();
        tasks
            .map(|task| task["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let page = get(format!("{all}?limit=3&sort=name:asc"))
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(tasks(&page), ["task-0", "task-1", "task-2"]);
    assert_eq!(page["meta"]["total"], 5);
    assert_eq!(
        page["data"][0]["spec"],
        json!({"maxRetries": 0, "timeout": "900s"})
    );
    let cursor = page["meta"]["nextCursor"].as_str().unwrap();
    let cursor = cursor
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let next = format!("{all}?limit=3&sort=name:asc&cursor={cursor}");
    let page = get(next).on(&emulator).await.expect(200);
    assert_eq!(tasks(&page), ["task-3", "task-4"]);
    let foreign = get(format!("{all}?cursor={cursor}")).on(&emulator).await;
    assert_eq!(foreign.control_error(400), "invalid_cursor");
    let found = get(format!("{all}?q=K-4")).on(&emulator).await.expect(200);
    assert_eq!(tasks(&found), ["task-4"]);

    let first = get(&all)
        .header("blaxel-version", "2026-04-16")
        .on(&emulator)
        .await;
    assert_eq!(first.control_error(404), "Not Found");
    get(format!("{ALL}/none/tasks"))
        .on(&emulator)
        .await
        .control_error(404);
}

/// Returns the names of the tasks by status, such as `running 0 1`.
async fn tasks_by_status(emulator: &Emulator, id: &str) -> Vec<String> {
    let (_, statuses) = statuses(emulator, id).await;
    let mut groups: std::collections::BTreeMap<String, String> = Default::default();
    for (place, status) in statuses.into_iter().enumerate() {
        let group = groups.entry(status).or_default();
        *group += &format!(" {place}");
    }
    let groups = groups.into_iter();
    groups.map(|(status, places)| status + &places).collect()
}

#[tokio::test]
async fn tasks_start_when_others_have_ended_and_are_retried() {
    let emulator = Emulator::builder()
        .execution_time(Duration::from_secs(80))
        .job_parallelism(2)
        .build();
    let job = json!({"metadata": {"name": "nightly"}, "spec": {"runtime": {"maxRetries": 1}}});
    post("/jobs", &job).on(&emulator).await.expect(200);
    emulator.fail_next(Failure::task("nightly", 1, 1)).unwrap();
    emulator.fail_next(Failure::task("nightly", 2, 2)).unwrap();
    let tasks = json!({"tasks": [{}, {}, {}, {"EMULATOR_FAILURES": 1}]});
    let id = start(&emulator, &tasks).await;
    let told = execution(&emulator, &id).await;
    assert_eq!(
        (&told["spec"]["parallelism"], &told["spec"]["taskCount"]),
        (&json!(2), &json!(4))
    );
    emulator.clock().advance(Duration::from_secs(20));
    // The first attempt of task 1 fails at 80, that of task 2 at 140, and that of task 3 at 200.
    for (at, by_status, retried) in [
        (20, &["pending 2 3", "running 0 1"][..], 0),
        (80, &["pending 3", "running 1 2", "succeeded 0"], 1),
        (140, &["running 2 3", "succeeded 0 1"], 2),
        (200, &["failed 2", "running 3", "succeeded 0 1"], 3),
        (260, &["failed 2", "succeeded 0 1 3"], 3),
    ] {
        assert_eq!(tasks_by_status(&emulator, &id).await, by_status, "{at}");
        let told = execution(&emulator, &id).await;
        assert_eq!(told["stats"]["retried"], retried, "{at}");
        let status = if at < 260 { "running" } else { "failed" };
        assert_eq!(told["status"], status, "{at}");
        emulator.clock().advance(Duration::from_secs(60));
    }
    let told = execution(&emulator, &id).await;
    assert_eq!(
        (&told["stats"]["failure"], &told["stats"]["success"]),
        (&json!(1), &json!(3))
    );
    let message = told["tasks"][2]["conditions"][0]["message"].as_str();
    assert_eq!(message, Some("The task is failed after 2 attempts."));
    // The failures were those of that execution.
    let again = start(&emulator, &json!({"tasks": [{}, {}, {}]})).await;
    emulator.clock().advance(Duration::from_secs(140));
    assert_eq!(
        tasks_by_status(&emulator, &again).await,
        ["succeeded 0 1 2"]
    );
}

#[tokio::test]
async fn a_cancelled_execution_completes_attempts_and_starts_no_others() {
    let emulator = Emulator::builder()
        .execution_time(Duration::from_secs(80))
        .job_parallelism(2)
        .build();
    let job = json!({"metadata": {"name": "nightly"}, "spec": {"runtime": {"maxRetries": 3}}});
    post("/jobs", &job).on(&emulator).await.expect(200);
    emulator.fail_next(Failure::task("nightly", 1, 2)).unwrap();
    let id = start(&emulator, &json!({"tasks": [{}, {}, {}, {}]})).await;
    emulator.clock().advance(Duration::from_secs(90));
    let told = ask(Method::DELETE, format!("{ALL}/{id}"))
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(told["status"], "cancelling");
    assert_eq!(
        tasks_by_status(&emulator, &id).await,
        ["cancelled 3", "running 1 2", "succeeded 0"]
    );
    emulator.clock().advance(Duration::from_secs(50));
    assert_eq!(
        tasks_by_status(&emulator, &id).await,
        ["cancelled 3", "failed 1", "succeeded 0 2"]
    );
    assert_eq!(execution(&emulator, &id).await["status"], "cancelled");
}

#[tokio::test]
async fn without_capacity_an_execution_waits_or_is_refused() {
    let emulator = Emulator::builder()
        .execution_time(Duration::from_secs(80))
        .job_capacity(3)
        .build();
    emulator.add("jobs", "nightly").unwrap();
    emulator.add("jobs", "hourly").unwrap();
    let two = json!({"tasks": [{}, {}]});
    let first = start(&emulator, &two).await;
    let second = start(&emulator, &two).await;
    // It would fit in beside the first one, but does not overtake the second.
    let third = start(&emulator, &json!({})).await;

    let at_once = |count: usize| json!({"tasks": vec![json!({}); count], "allowQueue": false});
    let other = "/jobs/hourly/executions";
    let refused = post(other, &at_once(1)).on(&emulator).await;
    assert_eq!(refused.control_error(429), "Too Many Requests");
    let never = post(other, &at_once(4)).on(&emulator).await;
    assert_eq!(never.control_error(400), "Bad Request");
    let list = get(other).on(&emulator).await.expect(200);
    assert_eq!(list["meta"]["total"], 0);

    emulator.clock().advance(Duration::from_secs(60));
    let state = async |id: &str| execution(&emulator, id).await["status"].clone();
    assert_eq!(state(&first).await, "running");
    assert_eq!(
        (state(&second).await, state(&third).await),
        (json!("queued"), json!("queued"))
    );
    emulator.clock().advance(Duration::from_secs(10));
    assert_eq!(state(&second).await, "pending");
    emulator.clock().advance(Duration::from_secs(10));
    assert_eq!(state(&first).await, "succeeded");
    assert_eq!(
        (state(&second).await, state(&third).await),
        (json!("running"), json!("running"))
    );
    emulator.clock().advance(Duration::from_secs(60));
    assert_eq!(state(&third).await, "succeeded");
    post(other, &at_once(3)).on(&emulator).await.expect(200);
}

#[tokio::test]
async fn a_cancellation_lets_waiting_executions_start_earlier() {
    let emulator = Emulator::builder()
        .execution_time(Duration::from_secs(80))
        .job_capacity(1)
        .build();
    emulator.add("jobs", "nightly").unwrap();
    let first = start(&emulator, &json!({})).await;
    let second = start(&emulator, &json!({})).await;
    let third = start(&emulator, &json!({})).await;
    emulator.clock().advance(Duration::from_secs(40));
    ask(Method::DELETE, format!("{ALL}/{second}"))
        .on(&emulator)
        .await
        .expect(200);
    emulator.clock().advance(Duration::from_secs(40));
    let state = async |id: &str| execution(&emulator, id).await["status"].clone();
    assert_eq!(state(&first).await, "succeeded");
    assert_eq!(state(&second).await, "cancelled");
    assert_eq!(state(&third).await, "running");
    emulator.clock().advance(Duration::from_secs(60));
    assert_eq!(state(&third).await, "succeeded");
}

#[tokio::test]
async fn the_tasks_are_served_at_a_presigned_address() {
    let emulator = with_job();
    let sent = json!({"tasks": [{"n": 1}, {"n": 2}], "env": {"MODE": "fast"}});
    let id = start(&emulator, &sent).await;
    let variables = emulator.task_variables("nightly", &id, 1).unwrap();
    let variable = |name: &str| {
        let found = variables.iter().find(|(variable, _)| variable == name);
        found.map(|(_, value)| value.clone())
    };
    assert_eq!(variable("TASK_INDEX").as_deref(), Some("1"));
    assert_eq!(variable("BL_EXECUTION_ID"), Some(id.clone()));
    assert_eq!(variable("MODE").as_deref(), Some("fast"));
    assert_eq!(variable("BL_API_KEY").as_deref(), Some(emulator.api_key()));
    for (execution, index) in [(id.as_str(), 2), ("none", 0)] {
        assert!(
            emulator
                .task_variables("nightly", execution, index)
                .is_none()
        );
    }

    let url = variable("BL_EXECUTION_DATA_URL").unwrap();
    let told = get(&url).on(&emulator).await.expect(200);
    assert_eq!(told, json!({"tasks": sent["tasks"]}));
    // The journal does not show the permission.
    let entry = emulator.journal().pop().unwrap();
    assert_eq!(
        (entry.path.as_str(), entry.operation.as_deref()),
        ("/executions/", Some("GetTasks"))
    );

    let refused = get(&url)
        .header("authorization", "Bearer x")
        .on(&emulator)
        .await;
    assert_eq!(refused.control_error(403), "Forbidden");
    let forged = url.replace("/executions/", "/executions/x");
    assert_eq!(
        get(forged).on(&emulator).await.control_error(403),
        "Forbidden"
    );
    emulator
        .clock()
        .advance(Duration::from_secs(7 * 24 * 60 * 60 + 1));
    assert_eq!(
        get(&url).on(&emulator).await.control_error(403),
        "Forbidden"
    );
}

#[tokio::test]
async fn an_execution_refers_to_a_long_list_of_tasks() {
    let emulator = with_job();
    let tasks = |count: usize| json!({"tasks": vec![json!({}); count]});
    for (count, is_inline) in [(1000, true), (1001, false)] {
        let id = start(&emulator, &tasks(count)).await;
        let told = execution(&emulator, &id).await;
        assert_eq!(told["spec"]["taskCount"], count);
        assert_eq!(told["spec"]["tasksRef"].is_string(), !is_inline);
        assert_eq!(told["tasks"].is_array(), is_inline);
        let page = get(format!("{ALL}/{id}/tasks"))
            .on(&emulator)
            .await
            .expect(200);
        assert_eq!(page["meta"]["total"], count);
    }
}
