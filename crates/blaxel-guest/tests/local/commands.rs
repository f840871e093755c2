//! Commands: streams, statuses, signals, environment.

use blaxel_guest::{Command, Errno, ExitStatus, Guest as _, Server};
use futures_util::future::join_all;
use http::Method;
use serde_json::json;

use crate::requests::{call, send};
use crate::support::{command, machines, until};

#[tokio::test]
async fn statuses_and_streams_are_those_of_the_command() {
    for machine in machines() {
        for (text, status, stdout, stderr) in [
            ("exit 0", ExitStatus::Code(0), "", ""),
            ("exit 3", ExitStatus::Code(3), "", ""),
            ("exit 137", ExitStatus::Code(137), "", ""),
            ("kill -9 $$", ExitStatus::Signal(9), "", ""),
            ("kill -15 $$", ExitStatus::Signal(15), "", ""),
            (
                "sh -c 'kill -9 $$'; exit $?",
                ExitStatus::Code(137),
                "",
                "Killed\n",
            ),
            (
                "echo out; echo err >&2",
                ExitStatus::Code(0),
                "out\n",
                "err\n",
            ),
            (
                "printf 'no newline'; exit 1",
                ExitStatus::Code(1),
                "no newline",
                "",
            ),
            (
                "nope-nope",
                ExitStatus::Code(127),
                "",
                "sh: 1: nope-nope: not found\n",
            ),
            ("cat", ExitStatus::Code(0), "", ""),
        ] {
            let ended = machine.run(text).await;
            let kind = machine.kind;
            assert_eq!(ended.status, status, "{kind}: {text}");
            assert_eq!(ended.stdout, stdout, "{kind}: {text}");
            // The words of shells differ.
            assert_eq!(
                ended.stderr.is_empty(),
                stderr.is_empty(),
                "{kind}: {text}: {ended:?}"
            );
        }
    }
}

#[tokio::test]
async fn large_output_is_complete_before_the_status() {
    for machine in machines() {
        let ended = machine.run("head -c 3000000 /dev/zero | tr '\\0' x").await;
        assert_eq!(ended.stdout.len(), 3_000_000, "{}", machine.kind);
        assert!(ended.stdout.bytes().all(|byte| byte == b'x'));
    }
}

#[tokio::test]
async fn standard_input_reaches_the_command_and_ends() {
    for machine in machines() {
        let mut started = machine
            .start(Command {
                has_stdin: true,
                ..command("read -r first; echo \"first=$first\"; cat; echo end")
            })
            .await;
        started.write("one\ntwo\n").await;
        let read = started.read_until("two\n").await;
        assert_eq!(read, "first=one\ntwo\n", "{}", machine.kind);
        started.write(&"y".repeat(200_000)).await;
        let ended = started.end().await;
        assert_eq!(ended.stdout, format!("{}end\n", "y".repeat(200_000)));
        assert_eq!(ended.status, ExitStatus::Code(0));
    }
}

#[tokio::test]
async fn signals_reach_the_command_and_what_it_started() {
    for machine in machines() {
        let text = "trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
        let mut started = machine.start(command(text)).await;
        started.read_until("ready").await;
        started.signal(15).await;
        let ended = started.wait().await;
        assert_eq!(
            ended.status,
            ExitStatus::Code(7),
            "{}: {ended:?}",
            machine.kind
        );
        assert_eq!(ended.stdout, "caught\n");

        let nap = crate::support::nap();
        let text = format!("sleep {nap} & setsid sleep {nap} & echo ready; wait");
        let mut started = machine.start(command(&text)).await;
        started.read_until("ready").await;
        until("it runs", || crate::support::is_running(&nap)).await;
        started.signal(9).await;
        assert_eq!(started.wait().await.status, ExitStatus::Signal(9));
        until("its children end", || !crate::support::is_running(&nap)).await;
        started.run.await.unwrap();
    }
}

/// A process is found while it becomes another program, and without the variables of its command.
#[tokio::test]
async fn nothing_that_a_killed_command_started_is_left() {
    for machine in machines() {
        for start in [
            "setsid",
            "env -i setsid",
            "env -i A=b",
            "setsid sh -c 'exec \"$@\"' sh",
        ] {
            for _ in 0..20 {
                let nap = crate::support::nap();
                let text = format!("{start} sleep {nap} & {start} sleep {nap} & echo ready; wait");
                let mut started = machine.start(command(&text)).await;
                started.read_until("ready").await;
                started.signal(9).await;
                assert_eq!(started.wait().await.status, ExitStatus::Signal(9));
                let message = format!("{}: {start} ends", machine.kind);
                until(&message, || !crate::support::is_left(&nap)).await;
                started.run.await.unwrap();
            }
        }
    }
}

/// A command is a process of its sandbox whatever it has done to its variables.
#[tokio::test]
async fn a_command_without_its_variables_is_killed() {
    for machine in machines() {
        let nap = crate::support::nap();
        let text = format!("echo ready; exec env -i A=b sleep {nap}");
        let mut started = machine.start(command(&text)).await;
        started.read_until("ready").await;
        until("it runs", || crate::support::is_running(&nap)).await;
        started.signal(9).await;
        let ended = started.wait().await;
        assert_eq!(ended.status, ExitStatus::Signal(9), "{}", machine.kind);
        started.run.await.unwrap();
    }
}

#[tokio::test]
async fn what_is_left_in_the_background_goes_on_and_keeps_its_output() {
    for machine in machines() {
        let text = "(sleep 0.3; echo later) & echo now";
        let mut started = machine.start(command(text)).await;
        let ended = started.wait().await;
        assert_eq!(ended.stdout, "now\n", "{}", machine.kind);
        assert!(!started.control.is_closed());
        assert_eq!(started.read_until("later").await, "later\n");
        started.run.await.unwrap();
        assert!(started.control.is_closed());
    }
}

#[tokio::test]
async fn the_environment_is_that_of_the_command_alone() {
    let usual = [
        "HOME",
        "PATH",
        "TOKEN",
        "word",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "TMPDIR",
        "BLAXEL_LOCAL_GUEST",
    ];
    let mut inherited = std::env::vars().map(|(name, _)| name);
    assert!(
        inherited.any(|name| !usual.contains(&name.as_str())),
        "nothing to inherit"
    );
    for machine in machines() {
        let mut given = command("env");
        given
            .env
            .push(("TOKEN".to_owned(), "a b=c\n'\"$".to_owned()));
        given.env.push(("word".to_owned(), "kept".to_owned()));
        let ended = machine.start(given).await.end().await;
        assert!(
            ended.stdout.contains("TOKEN=a b=c\n'\"$\n"),
            "{}",
            ended.stdout
        );
        assert!(ended.stdout.contains("word=kept\n"), "{}", ended.stdout);
        // Of those in `usual`, the shell sets some by itself, and an unconfined guest sets two.
        let names = ended.stdout.lines().filter_map(|line| line.split_once('='));
        for (name, _) in names {
            assert!(usual.contains(&name), "{}: {name}", machine.kind);
        }
    }
}

#[tokio::test]
async fn a_command_starts_in_its_directory() {
    for machine in machines() {
        let files = machine.guest.files();
        files.create_dir_all("/app/src", 0o755).unwrap();
        files.symlink("/app/src", "/blaxel/link").unwrap();
        files.write("/app/file", b"", 0o644).unwrap();
        for directory in ["/app/src", "/blaxel/link", "/app/../app/./src/"] {
            let given = Command {
                working_dir: directory.to_owned(),
                ..command("pwd -P; echo x > made")
            };
            let ended = machine.start(given).await.end().await;
            let path = ended.stdout.trim_end();
            assert!(path.ends_with("/app/src"), "{}: {ended:?}", machine.kind);
            assert_eq!(files.read("/app/src/made").unwrap(), b"x\n");
            files.remove_file("/app/src/made").unwrap();
        }
        for (directory, errno) in [
            ("/nope", Errno::NotFound),
            ("/app/file", Errno::NotDirectory),
        ] {
            let given = Command {
                working_dir: directory.to_owned(),
                ..command("pwd")
            };
            assert_eq!(machine.try_start(given).await.err(), Some(errno));
        }
    }
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_not_started() {
    for machine in machines() {
        let given = Command {
            shell: vec!["no-such-shell".to_owned()],
            ..command("")
        };
        let failed = machine.try_start(given).await.err();
        assert_eq!(failed, Some(Errno::NotFound), "{}", machine.kind);
        let given = Command {
            env: vec![("A\0".to_owned(), String::new())],
            ..command("true")
        };
        let failed = machine.try_start(given).await.err();
        assert_eq!(failed, Some(Errno::Invalid), "{}", machine.kind);
    }
}

#[tokio::test]
async fn the_process_id_is_the_one_that_commands_see() {
    for machine in machines() {
        let mut started = machine.start(command("echo $$; sleep 60")).await;
        let printed = started.read_until("\n").await;
        assert_eq!(printed.trim(), started.pid.to_string(), "{}", machine.kind);
        // Another command can reach it by this number.
        machine.print(&format!("kill -9 {}", started.pid)).await;
        assert_eq!(started.wait().await.status, ExitStatus::Signal(9));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_commands_run_at_the_same_time() {
    for machine in machines() {
        let started = (0..100).map(|number| {
            let text = format!("sleep 0.2; echo {number}");
            let machine = &machine;
            async move { machine.run(&text).await.stdout }
        });
        let all = futures_util::future::join_all(started).await;
        for (number, stdout) in all.iter().enumerate() {
            assert_eq!(stdout, &format!("{number}\n"), "{}", machine.kind);
        }
    }
}

#[tokio::test]
async fn of_requests_at_the_same_time_one_gets_the_name() {
    for machine in machines() {
        let server = Server::builder(machine.guest.clone()).build();
        let start = || async {
            let body = json!({"command": "sleep 60", "name": "same"});
            let reply = send(&server, Method::POST, "/process", body).await;
            reply.status().as_u16()
        };
        let mut statuses = join_all((0..10).map(|_| start())).await;
        statuses.sort_unstable();
        assert_eq!(statuses.first(), Some(&200), "{}", machine.kind);
        assert_eq!(statuses.get(1..).unwrap(), [400; 9], "{}", machine.kind);
        // A start that fails leaves the name to others.
        let kill = call(&server, Method::DELETE, "/process/same/kill", json!(null)).await;
        assert_eq!(kill["message"], "Process killed successfully");
        let wait = call(&server, Method::GET, "/process/same/wait", json!(null)).await;
        assert_eq!(wait["status"], "killed");
        let fails = json!({"command": "pwd", "name": "same", "workingDir": "/none"});
        let failed = send(&server, Method::POST, "/process", fails).await;
        assert_eq!(failed.status(), 422, "{}", machine.kind);
        assert_eq!(start().await, 200, "{}", machine.kind);
    }
}
