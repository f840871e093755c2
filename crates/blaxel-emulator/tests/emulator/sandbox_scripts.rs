//! Scripts of sandboxes: their commands, code and ports, from Rust and over HTTP.

use std::time::Duration;

use blaxel_emulator::Emulator;
use blaxel_emulator::blaxel_guest::{CommandPattern, Script, SimulatedGuest};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Reply, ask, get, in_sandbox, post, run};

async fn control(emulator: &Emulator, method: Method, path: &str, body: &Value) -> Reply {
    let request = ask(method, format!("https://emulator.invalid/_emulator{path}"));
    request.json(body).bare(&emulator.service()).await
}

#[tokio::test]
async fn a_script_holds_for_the_machine_that_runs_and_for_later_ones() {
    let emulator = Emulator::offline();
    let dev = emulator.sandbox("dev").unwrap();
    dev.on_command("deploy", Script::stdout("first\n"));
    emulator.add("sandboxes", "dev").unwrap();
    assert_eq!(run(&emulator, "dev", "deploy").await, "first\n");
    dev.on_command(
        CommandPattern::prefix("deploy "),
        Script::stdout("second\n"),
    );
    assert_eq!(run(&emulator, "dev", "deploy now").await, "second\n");
    // Another sandbox of the name has another machine.
    emulator.add("sandboxes", "dev").unwrap();
    assert_eq!(
        run(&emulator, "dev", "deploy; deploy x").await,
        "first\nsecond\n"
    );
    emulator.add("sandboxes", "other").unwrap();
    assert!(!run(&emulator, "other", "deploy").await.contains("first"));
    emulator.reset();
    emulator.add("sandboxes", "dev").unwrap();
    assert!(!run(&emulator, "dev", "deploy").await.contains("first"));
}

#[tokio::test]
async fn machines_of_the_test_are_scripted_by_the_test() {
    let machines = |_: &str, clock: &blaxel_emulator::Clock| SimulatedGuest::new(clock.clone());
    let emulator = Emulator::builder().machines(machines).build();
    assert!(emulator.sandbox("dev").is_none());
    let script = json!({"command": {"is": "x"}});
    let path = "/sandboxes/dev/commands";
    let reply = control(&emulator, Method::POST, path, &script).await;
    assert_eq!(reply.status, 409);
}

#[tokio::test]
async fn commands_are_scripted_over_http() {
    let emulator = Emulator::offline();
    emulator.add("sandboxes", "dev").unwrap();
    let script = json!({
        "command": {"starts_with": "cargo test"},
        "steps": [{"stdout": "running\n"}, {"pause": 10}, {"stderr": "failed\n"}],
        "exit": 101,
    });
    let path = "/sandboxes/dev/commands";
    let reply = control(&emulator, Method::POST, path, &script).await;
    assert_eq!(reply.status, 204, "{reply:?}");
    let start = json!({"command": "cargo test --all", "name": "tests"});
    let process = in_sandbox(&emulator, "dev", "/process");
    let service = emulator.service();
    post(process.as_str(), &start)
        .bare(&service)
        .await
        .expect(200);
    let state = || get(format!("{process}/tests")).bare(&service);
    let wait = async |wanted: &str| {
        for _ in 0..1000 {
            let state = state().await.expect(200);
            if state["status"] == wanted {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            emulator.clock().advance(Duration::from_secs(1));
        }
        panic!("not {wanted}");
    };
    wait("running").await;
    let ended = wait("failed").await;
    assert_eq!(ended["exitCode"], 101);
    assert_eq!(ended["stdout"], "running\n");
    assert_eq!(ended["stderr"], "failed\n");
    let copy = json!({"command": {"is": "mine"}, "steps": ["copy"]});
    control(&emulator, Method::POST, path, &copy).await;
    assert_eq!(run(&emulator, "dev", "echo hello | mine").await, "hello\n");
    let forgotten = control(&emulator, Method::DELETE, "/sandboxes/dev", &json!({})).await;
    assert_eq!(forgotten.status, 204);
    emulator.add("sandboxes", "dev").unwrap();
    assert_ne!(run(&emulator, "dev", "echo hello | mine").await, "hello\n");
}

#[tokio::test]
async fn a_port_answers_what_it_is_told() {
    let emulator = Emulator::offline();
    emulator.add("sandboxes", "dev").unwrap();
    let answer = json!({"status": 418, "json": {"tea": true}, "headers": {"x-pot": "small"}});
    let path = "/sandboxes/dev/ports/3000";
    assert_eq!(
        control(&emulator, Method::PUT, path, &answer).await.status,
        204
    );
    let url = in_sandbox(&emulator, "dev", "/port/3000/any");
    let reply = get(url.as_str()).bare(&emulator.service()).await;
    assert_eq!(reply.header("x-pot"), Some("small"));
    assert_eq!(reply.expect(418), json!({"tea": true}));
    assert_eq!(
        control(&emulator, Method::DELETE, path, &json!({}))
            .await
            .status,
        204
    );
    assert!(
        get(url.as_str())
            .bare(&emulator.service())
            .await
            .status
            .is_server_error()
    );
}

#[tokio::test]
async fn a_script_that_makes_no_sense_is_refused() {
    let emulator = Emulator::offline();
    for (path, script, status) in [
        ("commands", json!({"command": {}}), 400),
        (
            "commands",
            json!({"command": {"is": "a", "starts_with": "a"}}),
            400,
        ),
        (
            "commands",
            json!({"command": {"is": "a"}, "exit": 256}),
            422,
        ),
        (
            "commands",
            json!({"command": {"is": "a"}, "steps": ["stdout"]}),
            422,
        ),
        ("code", json!({"command": {"is": "a"}}), 422),
        (
            "code",
            json!({"code": {"is": "a"}, "steps": [{"error": {"name": "E"}}]}),
            422,
        ),
    ] {
        let path = format!("/sandboxes/dev/{path}");
        let reply = control(&emulator, Method::POST, &path, &script).await;
        assert_eq!(reply.status, status, "{script}: {reply:?}");
    }
    let answer = json!({"text": "a", "json": 1});
    let reply = control(&emulator, Method::PUT, "/sandboxes/dev/ports/1", &answer).await;
    assert_eq!(reply.status, 400);
}

/// A test in any language can do with the emulator what a Rust test can.
#[tokio::test]
async fn the_rest_of_the_handle_is_there_over_http() {
    let emulator = Emulator::builder()
        .snapshot_time(Duration::from_secs(1))
        .build();
    let service = emulator.service();
    let fail = async |body: Value| {
        control(&emulator, Method::POST, "/failures", &body)
            .await
            .status
    };
    for failure in [
        json!({"deployment": {"collection": "agents", "name": "a"}}),
        json!({"build": {"collection": "sandboxes", "name": "a"}}),
        json!({"image_build": {"type": "sandbox", "name": "a"}}),
        json!({"execution": "nightly"}),
        json!({"task": {"job": "nightly", "index": 0}}),
        json!({"verification": "example.com"}),
        json!({"snapshot": "dev"}),
        json!({"archive": "dev"}),
    ] {
        assert_eq!(fail(failure.clone()).await, 204, "{failure}");
    }
    assert_eq!(
        fail(json!({"deployment": {"collection": "kites", "name": "a"}})).await,
        404
    );
    assert_eq!(fail(json!({"holiday": "a"})).await, 422);
    let agent = json!({"metadata": {"name": "a"}, "spec": {}});
    post("/agents", &agent).bare(&service).await.expect(200);
    assert_eq!(
        get("/agents/a").bare(&service).await.expect(200)["status"],
        "FAILED"
    );
    emulator.add("sandboxes", "dev").unwrap();
    let taken = post("/sandboxes/dev/snapshots", &json!({"name": "s"}))
        .bare(&service)
        .await;
    assert!(taken.status.is_success(), "{taken:?}");
    emulator.clock().advance(Duration::from_secs(2));
    let snapshots = get("/snapshots").bare(&service).await.expect(200);
    assert_eq!(snapshots["data"][0]["status"], "failed", "{snapshots}");

    for (method, path) in [
        (Method::PUT, "/images/sandbox/mine"),
        (Method::POST, "/images/agent/theirs/offer"),
        (Method::POST, "/mcp/restart"),
    ] {
        assert_eq!(
            control(&emulator, method, path, &json!({})).await.status,
            204,
            "{path}"
        );
    }
    get("/images/sandbox/mine").bare(&service).await.expect(200);
    let offers = get("/pending-image-shares").bare(&service).await;
    assert!(String::from_utf8_lossy(&offers.bytes).contains("theirs"));
    let shown = async |path: &str| control(&emulator, Method::GET, path, &json!({})).await;
    let operations = shown("/operations").await.expect(200);
    assert!(
        operations["operations"]
            .as_array()
            .unwrap()
            .contains(&json!("ListAgents"))
    );
    assert_eq!(
        shown("/callbacks").await.expect(200),
        json!({"callbacks": []})
    );
    let secret = json!({"name": "KEY", "value": "v1"});
    post("/secrets", &secret).bare(&service).await;
    assert_eq!(
        shown("/secrets/KEY").await.expect(200),
        json!({"values": ["v1"]})
    );
    assert_eq!(shown("/tasks/nightly/exec-1/0").await.status, 404);
    emulator.add("jobs", "nightly").unwrap();
    let execution = post("/jobs/nightly/executions", &json!({"tasks": [{}]}))
        .bare(&service)
        .await;
    let id = execution.expect(200)["executionId"]
        .as_str()
        .map(str::to_owned)
        .unwrap();
    let task = shown(&format!("/tasks/nightly/{id}/0")).await.expect(200);
    assert_eq!(task["variables"]["TASK_INDEX"], "0");
}

#[tokio::test]
async fn chaos_meets_the_same_calls_with_the_same_incidents() {
    let met = async |seed: u64| {
        let emulator = Emulator::builder().chaos(seed).build();
        let service = emulator.service();
        for _ in 0..200 {
            // A fault may close the connection.
            let _ = get("/models").begin(&service).await;
        }
        let journal = emulator.journal();
        journal
            .into_iter()
            .map(|entry| entry.incident)
            .collect::<Vec<_>>()
    };
    let first = met(7).await;
    assert_eq!(first, met(7).await);
    assert_ne!(first, met(8).await);
    let number = first.iter().flatten().count();
    assert!((5..45).contains(&number), "{number}");
    // Faults that were asked for come first.
    let emulator = Emulator::builder().chaos(7).build();
    let busy = blaxel_emulator::Fault::html(http::StatusCode::BAD_GATEWAY);
    emulator.fault("ListModels", busy, 200).unwrap();
    for _ in 0..200 {
        assert_eq!(get("/models").bare(&emulator.service()).await.status, 502);
    }
}
