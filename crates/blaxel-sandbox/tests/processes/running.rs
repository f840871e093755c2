//! Commands without failures: arguments, results, limits, signals.

use std::time::Duration;

use blaxel_core::HttpService;
use blaxel_sandbox::process::{Event, Input, ProcessStatus};
use blaxel_sandbox::{Child, SandboxHandle};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::sim::{Age, Program, Sim};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_short_command_takes_one_request() {
    let program = Program::default()
        .stdout(1, "out\n")
        .stderr(2, "err")
        .exit(3, 4);
    for age in [Age::New, Age::Old] {
        let sim = Sim::new(age, program.clone());
        let output = sim.sandbox().command("x").output().await.unwrap();
        assert_eq!(
            (&*output.stdout, &*output.stderr),
            (&b"out\n"[..], &b"err"[..])
        );
        assert_eq!(
            (output.status.code(), output.status.success(), output.lossy),
            (Some(4), false, false)
        );
        assert_eq!(sim.state().calls, ["ExecuteProcess"]);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_script_or_any_time_nothing_is_sent() {
    let sim = Sim::new(Age::Old, Program::exiting(0));
    let error = sim.sandbox().shell("").output().await.unwrap_err();
    assert!(error.is_input(), "{error}");
    let start = Instant::now();
    for command in [sim.sandbox().command("x"), sim.sandbox().shell("x")] {
        let error = command.timeout(Duration::ZERO).output().await.unwrap_err();
        assert!(error.is_timeout() && !error.maybe_applied(), "{error}");
    }
    let spawned = sim.sandbox().command("x").timeout(Duration::ZERO).spawn();
    assert!(spawned.await.unwrap_err().is_timeout());
    assert!(start.elapsed().is_zero());
    assert!(sim.state().calls.is_empty());
    let script = sim.sandbox().shell("").arg("x");
    assert!(script.status().await.unwrap().success());
}

#[tokio::test(start_paused = true)]
async fn a_request_has_what_the_command_says() {
    let sim = Sim::new(Age::New, Program::exiting(0));
    let command = sim
        .sandbox()
        .command("cargo")
        .args(["test", "a b"])
        .arg("it's");
    let command = command
        .current_dir("/app")
        .env("CI", "1")
        .envs([("A", "b=c")]);
    let command = command
        .name("build")
        .keep_alive(true)
        .timeout(SECOND * 9)
        .restart_on_failure(3);
    assert_eq!(command.reference().process, "build");
    assert!(command.status().await.unwrap().success());
    let expected = json!({
        "command": r"cargo test 'a b' 'it'\''s'", "name": "build", "workingDir": "/app",
        "env": {"CI": "1", "A": "b=c", "BLAXEL_PROCESS": "build"}, "timeout": 10, "keepAlive": true,
        "restartOnFailure": true, "maxRestarts": 3
    });
    assert_eq!(sim.request(), expected);
    // A name that others can use costs a lookup before the start.
    assert_eq!(sim.state().calls, ["GetProcess", "ExecuteProcess"]);

    let sandbox = sim.sandbox();
    sandbox
        .shell("a | b")
        .restart_on_failure(u32::MAX)
        .keep_alive(true)
        .status()
        .await
        .unwrap();
    assert_eq!(sim.request()["command"], "a | b");
    assert_eq!(
        (&sim.request()["maxRestarts"], &sim.request()["timeout"]),
        (&json!(-1), &json!(0))
    );
    sandbox
        .shell("echo \"$1\"")
        .args(["a b", "c"])
        .status()
        .await
        .unwrap();
    assert_eq!(sim.request()["command"], r#"sh -c 'echo "$1"' sh 'a b' c"#);
}

#[tokio::test(start_paused = true)]
async fn invalid_commands_are_refused_before_anything_is_sent() {
    let sim = Sim::new(Age::New, Program::exiting(0));
    let sandbox = sim.sandbox();
    for command in [
        sandbox.command(""),
        sandbox.command("a\0"),
        sandbox.command("a").arg("\0"),
        sandbox.shell("a\0"),
        sandbox.command("a").env("A=", "b"),
        sandbox.command("a").env("A", "\0"),
        sandbox.command("a").current_dir("\0"),
        sandbox.command("a").name("12"),
        sandbox.command("a").name("a/b"),
    ] {
        assert!(command.output().await.unwrap_err().is_input());
    }
    assert!(sim.state().calls.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_command_may_run_for_hours() {
    let hours = 2 * 3600 * 1000;
    let program = Program::default()
        .stdout(0, "a")
        .stdout(hours, "b")
        .exit(hours + 1, 7);
    for age in [Age::New, Age::Old] {
        let sim = Sim::new(age, program.clone());
        let output = sim.sandbox().command("x").output().await.unwrap();
        assert_eq!(
            (&*output.stdout, output.status.code()),
            (&b"ab"[..], Some(7))
        );
        assert_eq!(
            sim.sandbox().command("x").status().await.unwrap().code(),
            Some(7)
        );
        let mut child = sim.sandbox().command("x").spawn().await.unwrap();
        assert_eq!(child.wait().await.unwrap().code(), Some(7));
        assert_eq!(child.wait_with_output().await.unwrap().stdout, "ab");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_polls_once_the_server_has_shown_that_it_cannot_wait() {
    let program = Program::exiting(0).exit(60_000, 0);
    for (age, waits) in [(Age::New, 2), (Age::Old, 1)] {
        let sim = Sim::new(age, program.clone());
        let sandbox = sim.sandbox();
        for _ in 0..2 {
            let name = sandbox
                .command("x")
                .spawn()
                .await
                .unwrap()
                .name()
                .to_owned();
            let start = Instant::now();
            assert!(sandbox.process(&name).wait().await.unwrap().success());
            assert!(start.elapsed() < 63 * SECOND, "{:?}", start.elapsed());
        }
        let (expected, polls) = match age {
            Age::New => (2 * waits, 0),
            Age::Old => (waits, 60),
        };
        assert_eq!(sim.calls("WaitForProcess"), expected);
        assert!((polls..=2 * polls + 10).contains(&sim.calls("GetProcess")));
    }
}

#[tokio::test(start_paused = true)]
async fn large_output_is_read_from_the_log_stream() {
    let all: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let program = all
        .chunks(10_000)
        .fold(Program::default(), |program, chunk| {
            program.stdout(0, chunk)
        });
    let sim = Sim::new(Age::New, program.exit(1000, 0));
    let output = sim.sandbox().command("x").output().await.unwrap();
    assert!(output.stdout == all && !output.lossy);
    // The stream of the start is left as soon as its result cannot have all output.
    assert!(sim.state().streamed < all.len() * 2);

    let error = sim
        .sandbox()
        .command("x")
        .max_output(100_000)
        .output()
        .await
        .unwrap_err();
    let name = sim.started().pop().unwrap();
    assert!(
        error.is_decode() && error.to_string().contains(&name),
        "{error}"
    );
    let limited = sim
        .sandbox()
        .command("x")
        .max_output(all.len())
        .output()
        .await;
    assert_eq!(limited.unwrap().stdout.len(), all.len());
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_is_not_a_process() {
    let sim = Sim::new(Age::New, Program::exiting(0));
    let command = || sim.sandbox().command("x").current_dir("/nope");
    for error in [
        command().output().await.unwrap_err(),
        command().spawn().await.unwrap_err(),
    ] {
        assert!(
            error.to_string().contains("no such folder") && !error.maybe_applied(),
            "{error}"
        );
    }
    assert!(sim.started().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_timeout_kills_the_process() {
    let sim = Sim::new(Age::New, Program::default().stdout(0, "a"));
    let command = || sim.sandbox().command("x").timeout(SECOND);
    let start = Instant::now();
    let mut errors = vec![
        command().output().await.unwrap_err(),
        command().status().await.unwrap_err(),
    ];
    errors.push(command().spawn().await.unwrap().wait().await.unwrap_err());
    errors.push(
        command()
            .spawn()
            .await
            .unwrap()
            .wait_with_output()
            .await
            .unwrap_err(),
    );
    let mut child = command().spawn().await.unwrap();
    assert!(matches!(
        child.events().try_next().await,
        Ok(Some(Event::Stdout(_)))
    ));
    errors.push(child.events().try_next().await.unwrap_err());
    assert!((5 * SECOND..6 * SECOND).contains(&start.elapsed()));
    for (error, name) in errors.iter().zip(sim.started()) {
        assert!(
            error.is_timeout() && error.to_string().contains(&name),
            "{error}"
        );
        assert_eq!(sim.status(&name), Some("killed"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_command_is_killed_if_it_is_asked_to() {
    for (kill, expected) in [(true, "killed"), (false, "running")] {
        let sim = Sim::new(Age::New, Program::default());
        let sandbox = sim.sandbox();
        let command = || sandbox.command("x").kill_on_drop(kill);
        timeout(SECOND, command().output()).await.unwrap_err();
        timeout(SECOND, command().status()).await.unwrap_err();
        drop(command().spawn().await.unwrap());
        let mut child = command().spawn().await.unwrap();
        timeout(SECOND, child.wait()).await.unwrap_err();
        drop(child);
        sleep(SECOND).await;
        for name in sim.started() {
            assert_eq!(sim.status(&name), Some(expected));
        }
    }
    // A process that has ended is left alone.
    let sim = Sim::new(Age::New, Program::exiting(0));
    sim.sandbox()
        .command("x")
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    sleep(SECOND).await;
    assert_eq!(sim.state().calls, ["ExecuteProcess"]);
}

#[tokio::test(start_paused = true)]
async fn input_is_written_while_the_process_runs() {
    let sim = Sim::new(Age::New, Program::default().stdout(10, "done").exit(20, 0));
    let large = vec![b'x'; 3_000_000];
    let output = sim
        .sandbox()
        .command("x")
        .stdin(large.clone())
        .output()
        .await
        .unwrap();
    assert_eq!(
        (&*output.stdout, sim.stdin()),
        (&b"done"[..], (large, true))
    );
    assert_eq!(sim.calls("WriteProcessStdin"), 3);

    let stream = Input::stream(blaxel_core::Body::from("streamed"));
    assert!(
        sim.sandbox()
            .command("x")
            .stdin(stream)
            .status()
            .await
            .unwrap()
            .success()
    );
    assert_eq!(sim.stdin(), (b"streamed".to_vec(), true));

    let child = sim
        .sandbox()
        .command("x")
        .stdin(Input::piped())
        .spawn()
        .await
        .unwrap();
    let mut stdin = child.stdin();
    stdin.write("a").await.unwrap();
    stdin.write("b").await.unwrap();
    assert_eq!(sim.stdin(), (b"ab".to_vec(), false));
    stdin.close().await.unwrap();
    assert!(stdin.write("c").await.unwrap_err().is_conflict());
    assert!(child.wait_with_output().await.unwrap().status.success());
}

#[tokio::test(start_paused = true)]
async fn input_is_an_error_on_a_server_without_it() {
    let sim = Sim::new(Age::Old, Program::default());
    let error = sim
        .sandbox()
        .command("x")
        .stdin("a")
        .output()
        .await
        .unwrap_err();
    assert!(
        error.is_failed() && error.to_string().contains("too old"),
        "{error}"
    );
    assert_eq!(sim.status(&sim.started()[0]), Some("killed"));
}

#[tokio::test(start_paused = true)]
async fn a_process_is_stopped_and_killed_once() {
    let sim = Sim::new(Age::New, Program::default());
    let sandbox = sim.sandbox();
    sim.start("a");
    sim.start("b");
    let (a, b) = (sandbox.process("a"), sandbox.process("101"));
    a.stop().await.unwrap();
    b.kill().await.unwrap();
    assert_eq!(*a.wait().await.unwrap().status(), ProcessStatus::Stopped);
    assert_eq!(*b.wait().await.unwrap().status(), ProcessStatus::Killed);
    let calls = sim.calls("KillProcess") + sim.calls("StopProcess");
    for process in [a, b] {
        process.kill().await.unwrap();
        process.stop().await.unwrap();
    }
    assert_eq!(sim.calls("KillProcess") + sim.calls("StopProcess"), calls);
    let names: Vec<_> = sandbox
        .processes()
        .await
        .unwrap()
        .into_iter()
        .map(|process| process.name)
        .collect();
    assert_eq!(names, ["a", "b"]);
    let error = sandbox.process("c").kill().await.unwrap_err();
    assert!(
        error.is_not_found() && error.to_string().contains("`c`"),
        "{error}"
    );
}

/// The futures can be sent to another thread, whatever the service. The compiler finds that out only if no lifetime in
/// them is too general.
#[allow(dead_code, reason = "it only has to compile")]
fn futures_are_send<S: HttpService>(sandbox: &SandboxHandle<S>, mut child: Child<S>) {
    fn send<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Boxed<'a, T> {
        Box::pin(future)
    }
    let process = sandbox.process("x");
    drop(send(sandbox.command("x").output()));
    drop(send(sandbox.command("x").stdin("x").status()));
    drop(send(sandbox.command("x").spawn()));
    drop(send(sandbox.processes()));
    drop(send(process.info()));
    drop(send(process.logs()));
    drop(send(process.ports()));
    drop(send(process.stop()));
    drop(send(process.kill()));
    drop(send(process.kill_tree()));
    drop(send(process.wait()));
    drop(send(process.stdin().write("x")));
    drop(send(process.stdin().close()));
    drop(send(child.wait()));
    drop(send(child.wait_for_port(1)));
    drop(send(child.events().try_next()));
    drop(send(child.wait_with_output()));
}

type Boxed<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
