//! The end of everything that a sandbox started.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command as Program, Stdio};

use blaxel_guest::{Clock, Guest as _, LocalGuest};

use crate::support::{Machine, can_isolate, command, is_left, is_running, machines, nap, until};

/// The kind of guest that [`holder`] runs, and the argument of its processes.
const HOLD: &str = "BLAXEL_TEST_HOLD";

/// Starts processes in all ways in which one can leave its parent: in the background, in a session of
/// its own, and by two forks.
fn escape(nap: &str) -> String {
    format!(
        "sleep {nap} & setsid sleep {nap} & (setsid sh -c 'sleep {nap} & sleep {nap}' &) & \
         nohup sleep {nap} >/dev/null 2>&1 & trap '' TERM HUP; echo ready; sleep {nap}"
    )
}

async fn start(machine: &Machine, nap: &str) {
    let mut started = machine.start(command(&escape(nap))).await;
    started.read_until("ready").await;
    until("they run", || is_running(nap)).await;
    // The task goes on.
    std::mem::forget(started);
}

#[tokio::test]
async fn dropping_the_guest_ends_its_processes_and_removes_its_directory() {
    for machine in machines() {
        let nap = nap();
        start(&machine, &nap).await;
        let root = machine.guest.root().unwrap();
        // A directory that cannot be entered is removed too.
        machine.print("mkdir -p closed/in; chmod 0 closed").await;
        assert!(root.exists());
        let kind = machine.kind;
        drop(machine);
        assert!(!root.exists(), "{kind}: {root:?}");
        until("all end", || !is_left(&nap)).await;
    }
}

#[tokio::test]
async fn a_root_that_was_given_is_kept() {
    let given = std::env::temp_dir().join(format!("given-root-{}", std::process::id()));
    let mut builders = vec![LocalGuest::builder().unconfined()];
    builders.extend(can_isolate().then(LocalGuest::builder));
    for builder in builders {
        let guest = builder.root(&given).build(Clock::real()).unwrap();
        guest.files().write("/blaxel/kept", b"kept", 0o644).unwrap();
        drop(guest);
        assert_eq!(std::fs::read(given.join("blaxel/kept")).unwrap(), b"kept");
    }
    std::fs::remove_dir_all(given).unwrap();
}

#[tokio::test]
async fn dropping_the_future_of_a_command_ends_what_it_started() {
    for machine in machines() {
        let nap = nap();
        let text = format!("sleep {nap} & setsid sleep {nap} & echo ready; sleep {nap}");
        let mut started = machine.start(command(&text)).await;
        started.read_until("ready").await;
        until("they run", || is_running(&nap)).await;
        started.run.abort();
        until("all end", || !is_left(&nap)).await;
        assert_eq!(
            machine.print("echo still").await,
            "still\n",
            "{}",
            machine.kind
        );
    }
}

#[tokio::test]
async fn a_sandbox_whose_processes_were_all_killed_goes_on() {
    let Some(machine) = machines()
        .into_iter()
        .find(|machine| machine.kind == "isolated")
    else {
        return; // `machines` has tested the refusal.
    };
    machine
        .guest
        .files()
        .write("/blaxel/kept", b"kept", 0o644)
        .unwrap();
    // From inside, this includes the process that keeps the sandbox alive.
    machine.run("kill -9 -1").await;
    until("a command runs again", || true).await;
    let mut printed = String::new();
    for _ in 0..100 {
        if let Ok(started) = machine.try_start(command("cat kept")).await {
            printed = started.end().await.stdout;
            if printed == "kept" {
                break;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(printed, "kept");
}

/// Runs a guest until this process is killed. [`killing_the_program_ends_everything`] starts it in a
/// process of its own.
#[tokio::test]
#[ignore = "a part of another test"]
async fn holder() {
    let Ok(hold) = std::env::var(HOLD) else {
        return;
    };
    let (kind, nap) = hold.split_once(' ').unwrap();
    let machine = machines()
        .into_iter()
        .find(|machine| machine.kind == kind)
        .unwrap();
    start(&machine, nap).await;
    println!("\nholding {}", machine.guest.root().unwrap().display());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn killing_the_program_ends_everything() {
    let mut kinds = vec!["unconfined"];
    kinds.extend(can_isolate().then_some("isolated"));
    for kind in kinds {
        let nap = nap();
        // In a session of its own, as a service is: the kernel then does less for what is left.
        let mut program = Program::new("setsid")
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "endings::holder", "--ignored", "--nocapture"])
            .env(HOLD, format!("{kind} {nap}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        let root = lines.find_map(|line| Some(PathBuf::from(line.strip_prefix("holding ")?)));
        let root = root.expect("the guest runs");
        assert!(is_running(&nap) && root.exists(), "{kind}");
        program.kill().unwrap();
        program.wait().unwrap();
        until("all end", || !is_left(&nap)).await;
        until("the directory is removed", || !root.exists()).await;
    }
}
