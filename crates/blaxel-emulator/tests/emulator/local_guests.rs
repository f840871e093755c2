//! Sandboxes whose commands run on this machine.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use blaxel_emulator::Emulator;
use blaxel_emulator::blaxel_guest::LocalGuest;
use http::Method;
use serde_json::{Value, json};

use crate::support::{Reply, ask, get, post};

const KEY: &str = "bl_emulator_key";

/// Returns the values of `--guests` that this machine can run. If it cannot isolate commands, the
/// program has to say so.
fn kinds() -> Vec<&'static str> {
    if LocalGuest::builder().check().is_ok() {
        return vec!["local-unconfined", "local"];
    }
    let output = program(&["--guests", "local"]).output().unwrap();
    refused(&output.stderr);
    vec!["local-unconfined"]
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blaxel-emulator"));
    command.args(arguments);
    command
}

#[track_caller]
fn refused(stderr: &[u8]) {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().next().unwrap_or_default();
    assert!(
        line.starts_with("blaxel-emulator: --guests: local guests are isolated by bubblewrap"),
        "{text}"
    );
    let end = "or ask for unconfined local guests (--guests local-unconfined)";
    assert!(line.ends_with(end), "{text}");
}

/// Returns `true` if a process of this machine has this argument.
fn is_running(argument: &str) -> bool {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let mut lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.any(|line| {
        line.split(|byte| *byte == 0)
            .any(|word| word == argument.as_bytes())
    })
}

async fn until(message: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "in vain: {message}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A running program. Dropping it kills it.
struct Running {
    child: Child,
    control: String,
    run: String,
}

impl Running {
    fn start(kind: &str, temporary: &PathBuf) -> Self {
        let mut child = program(&["--guests", kind])
            .env("TMPDIR", temporary)
            .env("EMULATOR_SECRET", "of the program")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let lines: Vec<String> = out.lines().take(5).map(Result::unwrap).collect();
        let value = |name: &str| {
            let start = format!("export {name}=");
            let line = lines.iter().find_map(|line| line.strip_prefix(&start));
            line.unwrap().to_owned()
        };
        Self {
            control: value("BL_API_URL"),
            run: value("BL_RUN_URL"),
            child,
        }
    }

    async fn post(&self, url: String, body: &Value) -> Reply {
        let ask = post(url, body).header("authorization", &format!("Bearer {KEY}"));
        ask.over_socket().await.unwrap()
    }

    async fn create(&self, name: &str) {
        let sandbox = json!({"metadata": {"name": name}, "spec": {"runtime": {
            "envs": [{"name": "GIVEN", "value": "by the sandbox"}],
        }}});
        self.post(format!("{}/sandboxes", self.control), &sandbox)
            .await
            .expect(200);
    }

    async fn execute(&self, name: &str, process: Value) -> Value {
        let url = format!("{}/demo/sandboxes/{name}/process", self.run);
        answer(&self.post(url, &process).await)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the body of a response of a sandbox.
#[track_caller]
fn answer(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{reply:?}");
    serde_json::from_slice(&reply.bytes).unwrap()
}

/// A directory for temporary files, which has to be empty at the end.
fn temporary(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("emulator-{}-{name}", std::process::id()));
    fs::create_dir_all(&path).unwrap();
    path.canonicalize().unwrap()
}

fn is_empty(path: &PathBuf) -> bool {
    fs::read_dir(path).unwrap().next().is_none()
}

#[tokio::test]
async fn the_program_runs_real_commands_and_leaves_nothing_when_it_is_killed() {
    for kind in kinds() {
        let directory = temporary(kind);
        let mut running = Running::start(kind, &directory);
        running.create("dev").await;
        let text = "echo $GIVEN $EMULATOR_SECRET; uname > made; cat made >&2; exit 3";
        let process = json!({"command": text, "waitForCompletion": true});
        let ended = running.execute("dev", process).await;
        let system = String::from_utf8(Command::new("uname").output().unwrap().stdout).unwrap();
        assert_eq!(ended["exitCode"], 3, "{kind}: {ended}");
        assert_eq!(ended["stdout"], "by the sandbox\n", "{kind}");
        assert_eq!(ended["stderr"], system);
        let url = format!("{}/demo/sandboxes/dev/filesystem/made", running.run);
        let file = get(url).header("authorization", &format!("Bearer {KEY}"));
        let file = answer(&file.over_socket().await.unwrap());
        assert_eq!(file["content"], system);
        let nap = format!("86400.{}1", std::process::id());
        let daemon = format!("setsid sleep {nap} & (setsid sleep {nap} &) & sleep {nap}");
        running.execute("dev", json!({"command": daemon})).await;
        until("it runs", || is_running(&nap)).await;
        assert!(!is_empty(&directory));
        // SIGKILL.
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        until("its processes end", || !is_running(&nap)).await;
        until("its directory is removed", || is_empty(&directory)).await;
        fs::remove_dir(directory).unwrap();
    }
}

#[tokio::test]
async fn an_interrupted_program_leaves_nothing() {
    for kind in kinds() {
        let directory = temporary(&format!("int-{kind}"));
        let mut running = Running::start(kind, &directory);
        running.create("dev").await;
        let nap = format!("86400.{}2", std::process::id());
        running
            .execute("dev", json!({"command": format!("sleep {nap}")}))
            .await;
        until("it runs", || is_running(&nap)).await;
        let pid = running.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(running.child.wait().unwrap().code(), Some(0), "{kind}");
        // The program ends after everything else.
        assert!(!is_running(&nap), "{kind}");
        assert!(is_empty(&directory), "{kind}");
        fs::remove_dir(directory).unwrap();
    }
}

#[tokio::test]
async fn a_deleted_sandbox_leaves_nothing_and_the_others_stay() {
    for kind in kinds() {
        let builder = match kind {
            "local" => Emulator::builder().local_guests(),
            _ => Emulator::builder().unconfined_local_guests(),
        };
        let emulator = builder.unwrap().build();
        let naps = ["gone", "kept"].map(|name| {
            let number = if name == "gone" { 3 } else { 4 };
            (name, format!("86400.{}{number}", std::process::id()))
        });
        for (name, nap) in &naps {
            emulator.add("sandboxes", name).unwrap();
            let url = format!("https://emulator.invalid/run/demo/sandboxes/{name}/process");
            let process = json!({"command": format!("setsid sleep {nap} & sleep {nap}")});
            answer(&post(url, &process).bare(&emulator.service()).await);
            until("it runs", || is_running(nap)).await;
        }
        ask(Method::DELETE, "/sandboxes/gone")
            .on(&emulator)
            .await
            .expect(200);
        until("its processes end", || !is_running(&naps[0].1)).await;
        assert!(is_running(&naps[1].1), "{kind}");
        drop(emulator);
        until("all end", || !is_running(&naps[1].1)).await;
    }
}

#[tokio::test]
async fn the_files_of_a_local_sandbox_survive_a_restore_a_fork_and_an_archive() {
    for kind in kinds() {
        let builder = match kind {
            "local" => Emulator::builder().local_guests(),
            _ => Emulator::builder().unconfined_local_guests(),
        };
        let emulator = builder.unwrap().build();
        emulator.add("sandboxes", "sb").unwrap();
        let service = emulator.service();
        let execute = async |sandbox: &str, command: &str| {
            let url = format!("https://emulator.invalid/run/demo/sandboxes/{sandbox}/process");
            let process = json!({"command": command, "waitForCompletion": true});
            let ended = answer(&post(url, &process).bare(&service).await);
            ended["stdout"].as_str().unwrap().to_owned()
        };
        let act = async |path: &str, body: &Value| {
            let acted = post(format!("/sandboxes/sb/{path}"), body).on(&emulator);
            acted.await.expect(200)
        };
        // The working directory is `/blaxel`.
        let prepare = "mkdir d && echo one > d/file && chmod 700 d/file && ln -s d/file link";
        execute("sb", prepare).await;
        let nap = format!("86400.{}5", std::process::id());
        let url = "https://emulator.invalid/run/demo/sandboxes/sb/process";
        let process = json!({"command": format!("sleep {nap}"), "name": "nap"});
        answer(&post(url, &process).bare(&service).await);
        until("it runs", || is_running(&nap)).await;
        act("snapshots", &json!({"name": "before"})).await;

        execute("sb", "rm -r d link; echo two > later").await;
        let stop = ask(Method::DELETE, format!("{url}/nap/kill"));
        answer(&stop.bare(&service).await);
        until("it ends", || !is_running(&nap)).await;
        act("snapshots/before/restore", &json!({})).await;
        let look = "ls; cat link; stat -c %a d/file";
        let state = "d\nlink\none\n700\n";
        assert_eq!(execute("sb", look).await, state, "{kind}");
        until("it runs again", || is_running(&nap)).await;

        act(
            "fork",
            &json!({"targetType": "sandbox", "targetName": "copy"}),
        )
        .await;
        assert_eq!(execute("copy", look).await, state, "{kind}");
        act("archive", &json!({})).await;
        act("unarchive", &json!({})).await;
        assert_eq!(execute("sb", look).await, state, "{kind}");
        drop((emulator, service));
        until("all end", || !is_running(&nap)).await;
    }
}

#[test]
fn without_bubblewrap_the_program_refuses_with_a_sentence() {
    let output = program(&["--guests", "local"])
        .env("PATH", "/nonexistent")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    refused(&output.stderr);
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no `bwrap` in PATH"));
}

#[test]
fn a_bubblewrap_that_is_not_allowed_to_isolate_is_quoted() {
    let directory = temporary("forbidden");
    let fake = directory.join("bwrap");
    fs::write(
        &fake,
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n",
    )
    .unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    // Its directory of temporary files is another one.
    let files = directory.join("files");
    fs::create_dir(&files).unwrap();
    symlink(&files, directory.join("link")).unwrap();
    let output = program(&["--guests=local"])
        .env("PATH", &directory)
        .env("TMPDIR", directory.join("link"))
        .output()
        .unwrap();
    refused(&output.stderr);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("(No permissions to create new namespace)"),
        "{text}"
    );
    assert!(is_empty(&files));
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn an_unknown_kind_of_guests_is_refused() {
    let output = program(&["--guests", "imaginary"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("invalid value \"imaginary\" for --guests"),
        "{text}"
    );
}
