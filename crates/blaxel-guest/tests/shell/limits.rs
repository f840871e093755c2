//! Limits: programs without an end, deep programs, large values.

use std::time::Duration;

use blaxel_guest::{Clock, Server, SimulatedGuest, Volume};
use serde_json::{Value, json};

use crate::Machine;

/// Starts a script, and kills it after a while.
async fn killed(script: &str) -> Value {
    let machine = Machine::new("sh");
    let body = json!({"command": script, "name": "p"});
    machine.call("POST", "/process", &body).await;
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        machine.call("GET", "/process/p", &Value::Null).await["status"],
        "running",
        "{script}"
    );
    machine
        .call("DELETE", "/process/p/kill", &Value::Null)
        .await;
    machine.call("GET", "/process/p/wait", &Value::Null).await
}

#[tokio::test]
async fn programs_without_an_end_can_be_killed() {
    for script in [
        "while true; do :; done",
        "while :; do x=1; done & wait",
        "f() { while true; do true; done; }; f | cat",
        "yes > /dev/null",
        "yes | cat > /dev/null",
        "seq 1 1000000000 > /dev/null",
        "dd if=/dev/zero of=/dev/null 2>/dev/null",
        "until false; do (true); done",
        "sleep 1000000",
        "cat | sleep 1000000",
        "trap '' TERM; sleep 1000000",
    ] {
        let process = killed(script).await;
        assert_eq!(process["status"], "killed", "{script}");
        assert_eq!(process["exitCode"], -1, "{script}");
    }
}

#[tokio::test]
async fn programs_that_nest_too_deeply_fail_and_do_not_crash() {
    let machine = Machine::new("sh");
    for script in [
        "f() { f; }; f".to_owned(),
        "f() { (f); }; f".to_owned(),
        "f() { x=$(f); }; f; exit 1".to_owned(),
        "f() { f | f; }; f; exit 1".to_owned(),
        "(".repeat(5000),
        "{ ".repeat(5000),
        "echo ".to_owned() + &"$(".repeat(5000),
        "echo ".to_owned() + &"${x-".repeat(5000),
        format!("echo $(({}1{}))", "(".repeat(5000), ")".repeat(5000)),
        "eval ".repeat(5000) + "false",
        "if ".repeat(5000),
        "case x in x) ".repeat(5000),
        "`".repeat(4999),
        "test ".to_owned() + &"! ".repeat(5000) + "x",
        "find . ".to_owned() + &"! ".repeat(5000),
    ] {
        let outcome = machine.run(&script).await;
        assert_ne!(outcome.status, 0, "{}", &script[..20.min(script.len())]);
    }
}

#[tokio::test]
async fn values_and_outputs_are_bounded() {
    let machine = Machine::new("sh");
    let grown = machine
        .run("x=aaaaaaaaaaaaaaaa; while :; do x=$x$x$x$x; done; echo not reached")
        .await;
    assert_ne!(grown.status, 0);
    assert!(
        grown.stderr.contains("Cannot allocate memory"),
        "{}",
        grown.stderr
    );
    let many = machine
        .run("i=0; x=$(head -c 1000000 /dev/zero | tr '\\0' x); while :; do i=$((i+1)); eval \"v$i=\\$x\"; done")
        .await;
    assert!(
        many.stderr.contains("Cannot allocate memory"),
        "{}",
        many.stderr
    );
    let disk = Volume::in_memory(1 << 20);
    let guest = SimulatedGuest::with_disk(disk, Clock::real());
    let machine = Machine(Server::builder(guest).working_dir("/").build());
    let full = machine.run("yes > /f; echo $?; rm /f").await;
    assert_eq!(full.stdout, "1\n");
    assert!(
        full.stderr.contains("No space left on device"),
        "{}",
        full.stderr
    );
}

#[tokio::test(start_paused = true)]
async fn the_background_goes_on_after_the_shell() {
    let machine = Machine::new("sh");
    let body = json!({"command": "(sleep 1; echo late) & echo now", "name": "b", "waitForCompletion": true});
    let process = machine.call("POST", "/process", &body).await;
    assert_eq!(process["stdout"], "now\n");
    assert_eq!(process["status"], "completed");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let process = machine.call("GET", "/process/b", &Value::Null).await;
    assert_eq!(process["stdout"], "now\nlate\n");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_shell_runs_its_trap() {
    let machine = Machine::new("sh");
    let body = json!({"command": "trap 'echo stopping; exit 0' TERM; echo ready; sleep 1000", "name": "t"});
    machine.call("POST", "/process", &body).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    machine.call("DELETE", "/process/t", &Value::Null).await;
    let process = machine.call("GET", "/process/t/wait", &Value::Null).await;
    assert_eq!(process["status"], "completed");
    assert_eq!(process["stdout"], "ready\nstopping\n");
}

#[tokio::test(start_paused = true)]
async fn awk_says_what_it_does_not_have() {
    let machine = Machine::new("sh");
    for (program, message) in [
        (
            "function f() {} BEGIN {f()}",
            "function is not supported by simulated machines",
        ),
        (
            "BEGIN {print system(\"ls\")}",
            "the function system is not supported by simulated machines",
        ),
        (
            "BEGIN {print > \"file\"}",
            "output to a file is not supported by simulated machines",
        ),
        (
            "{getline}",
            "getline is not supported by simulated machines",
        ),
        ("BEGIN {while (1) {}}", "the program does not end"),
        ("BEGIN {print 1 / 0}", "division by zero"),
        ("{print $1", "line 1: syntax error at or near end of file"),
        (
            "BEGIN {print substr(1)}",
            "wrong number of arguments in call to substr",
        ),
    ] {
        let ended = machine.run(&format!("awk '{program}' </dev/null")).await;
        assert_eq!(ended.stderr, format!("awk: {message}\n"), "{program}");
        assert_eq!((ended.stdout.as_str(), ended.status), ("", 2), "{program}");
    }
    let deep = format!(
        "awk 'BEGIN {{print {}1{}}}'",
        "(".repeat(500),
        ")".repeat(500)
    );
    let ended = machine.run(&deep).await;
    assert_eq!(ended.stderr, "awk: the program is nested too deeply\n");
}
