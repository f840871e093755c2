//! Processes: their start, output, input, ports and end.

use blaxel_emulator::blaxel_guest::SimulatedGuest;
use blaxel_sandbox::process::{Event, Input, ProcessStatus};

use crate::support::{Age, World};

pub fn prepare(_: &SimulatedGuest) {}

pub fn unsent(_: Age) -> &'static [&'static str] {
    &[]
}

pub async fn perform(world: &World) {
    output(world).await;
    end_of_a_process(world).await;
    logs(world).await;
    signals(world).await;
    input(world).await;
    refusals(world).await;
}

async fn output(world: &World) {
    let sandbox = world.sandbox();
    let command = sandbox
        .shell("printf '%s' \"$A\"; pwd >&2; exit 3")
        .env("A", "b")
        .current_dir("/tmp");
    let output = command.output().await.unwrap();
    assert_eq!(
        (&output.stdout[..], &output.stderr[..]),
        (&b"b"[..], &b"/tmp\n"[..])
    );
    assert_eq!(output.status.code(), Some(3));
    assert!(!output.lossy);
    world.expect(&["ExecuteProcess"]);

    let processes = sandbox.processes().await.unwrap();
    world.expect(&["ListProcesses"]);
    assert_eq!(processes.len(), 1);
    assert_eq!(processes[0].status, ProcessStatus::Failed);
    assert_eq!(processes[0].working_dir, "/tmp");
}

/// Old servers have no long poll, so the state is asked for again and again.
async fn end_of_a_process(world: &World) {
    let sandbox = world.sandbox();
    let mut child = sandbox.shell("sleep 3; echo done").spawn().await.unwrap();
    world.expect(&["StartProcess"]);
    assert_eq!(child.started().status, ProcessStatus::Running);

    let info = child.process().info().await.unwrap();
    world.expect(&["GetProcess"]);
    assert_eq!((&*info.pid, &*info.name), (child.pid(), child.name()));
    assert_eq!(info.exit_status(), None);

    let status = world.while_time_passes(child.wait()).await.unwrap();
    assert!(status.success(), "{status}");
    world.expect_some(world.by_age(
        &["WaitForProcess", "GetProcess"][..],
        &["WaitForProcess"][..],
    ));
    // An old server is asked only once for what it does not have.
    let status = child.wait().await.unwrap();
    assert!(status.success());
    world.expect(&[world.by_age("GetProcess", "WaitForProcess")]);
}

/// Old servers have the output as text only, which is exact for text that ends its lines.
async fn logs(world: &World) {
    let sandbox = world.sandbox();
    let script = "echo one; sleep 1; echo two >&2";
    let child = sandbox.shell(script).spawn().await.unwrap();
    world.expect(&["StartProcess"]);
    let mut events = child.process().follow();
    let (mut stdout, mut stderr, mut exit, mut gaps) = (Vec::new(), Vec::new(), None, 0);
    let following = async {
        while let Some(event) = events.try_next().await.unwrap() {
            match event {
                Event::Stdout(bytes) => stdout.extend_from_slice(&bytes),
                Event::Stderr(bytes) => stderr.extend_from_slice(&bytes),
                Event::Exited(status) => exit = Some(status),
                Event::Gap(_) => gaps += 1,
                other => panic!("unexpected: {other:?}"),
            }
        }
    };
    world.while_time_passes(following).await;
    assert_eq!((&stdout[..], &stderr[..]), (&b"one\n"[..], &b"two\n"[..]));
    assert!(exit.unwrap().success());
    // The text form cannot prove that it is exact.
    assert_eq!(gaps, world.by_age(1, 0));
    world.expect_some(&["StreamProcessLogs", "GetProcess"]);

    let logs = child.process().logs().await.unwrap();
    world.expect(&["GetProcessLogs"]);
    assert_eq!(
        (logs.stdout.as_str(), logs.stderr.as_str()),
        ("one\n", "two\n")
    );
}

async fn signals(world: &World) {
    let sandbox = world.sandbox();
    let trap = "trap 'echo bye; exit 4' TERM; sleep 1000 & wait";
    let child = sandbox.shell(trap).spawn().await.unwrap();
    child.stop().await.unwrap();
    world.expect(&["StartProcess", "GetProcess", "StopProcess"]);
    let process = child.process();
    let status = world.while_time_passes(process.wait()).await.unwrap();
    assert!(!status.success(), "{status}");
    world.expect_some(world.by_age(
        &["WaitForProcess", "GetProcess"][..],
        &["WaitForProcess"][..],
    ));

    let child = sandbox.command("sleep").arg("1000").spawn().await.unwrap();
    child.kill().await.unwrap();
    world.expect(&["StartProcess", "GetProcess", "KillProcess"]);
    let process = child.process();
    let status = world.while_time_passes(process.wait()).await.unwrap();
    assert_eq!(*status.status(), ProcessStatus::Killed);
    world.expect_some(&[world.by_age("GetProcess", "WaitForProcess")]);
    // A process that has ended is not killed again.
    process.kill().await.unwrap();
    world.expect(&["GetProcess"]);
}

/// Old servers have no standard input. A process that should have one is killed, and does not run without it.
async fn input(world: &World) {
    let sandbox = world.sandbox();
    let script = world.by_age("sleep 1000", "cat");
    let child = sandbox.shell(script).stdin(Input::piped()).spawn().await;
    if world.age == Age::August {
        let error = child.unwrap_err();
        assert!(
            error.is_failed() && error.to_string().contains("too old"),
            "{error}"
        );
        world.expect(&["StartProcess", "GetProcess", "KillProcess"]);
        let name = sandbox.processes().await.unwrap().pop().unwrap().name;
        let mut stdin = sandbox.process(&name).stdin();
        assert!(stdin.write("a").await.unwrap_err().is_not_found());
        assert!(stdin.close().await.unwrap_err().is_not_found());
        world.expect(&["ListProcesses", "WriteProcessStdin", "CloseProcessStdin"]);
        return;
    }
    let child = child.unwrap();
    let mut stdin = child.stdin();
    stdin.write("first ").await.unwrap();
    stdin.write("second").await.unwrap();
    stdin.close().await.unwrap();
    world.expect(&[
        "StartProcess",
        "WriteProcessStdin",
        "WriteProcessStdin",
        "CloseProcessStdin",
    ]);
    assert!(stdin.write("third").await.unwrap_err().is_conflict());
    world.expect(&["WriteProcessStdin"]);
    let output = world.while_time_passes(child.wait_with_output()).await;
    assert_eq!(output.unwrap().stdout, "first second");
    world.expect_some(&["StreamProcessLogs", "GetProcess"]);
}

async fn refusals(world: &World) {
    let sandbox = world.sandbox();
    let nobody = sandbox.process("nobody");
    assert!(nobody.info().await.unwrap_err().is_not_found());
    assert!(nobody.logs().await.unwrap_err().is_not_found());
    world.expect(&["GetProcess", "GetProcessLogs"]);
    // A process that is not there is told from a call that is not there.
    assert!(nobody.wait().await.unwrap_err().is_not_found());
    world.expect(world.by_age(
        &["WaitForProcess", "GetProcess"][..],
        &["WaitForProcess"][..],
    ));
}
