//! The isolation of local guests, and the refusal where there is none.

use blaxel_guest::{Clock, ExitStatus, Guest as _, LocalGuest, LocalGuestError};

use crate::support::{Machine, can_isolate};

fn isolated() -> Option<Machine> {
    can_isolate().then(|| Machine {
        kind: "isolated",
        guest: LocalGuest::builder().build(Clock::real()).unwrap(),
    })
}

#[tokio::test]
async fn a_command_sees_its_own_root_and_processes() {
    let Some(machine) = isolated() else { return };
    let mut names: Vec<String> = machine
        .print("ls /")
        .await
        .lines()
        .map(str::to_owned)
        .collect();
    names.retain(|name| !name.starts_with("lib"));
    let expected = [
        "bin", "blaxel", "dev", "etc", "home", "mnt", "opt", "proc", "root", "run", "sbin", "srv",
        "tmp", "usr", "var",
    ];
    assert_eq!(names, expected);
    let printed = machine.print("id -u; id -g; hostname; whoami; pwd").await;
    assert_eq!(printed, "0\n0\nsandbox\nroot\n/blaxel\n");
    let root = machine.guest.root().unwrap();
    let ended = machine.run(&format!("ls -d {}", root.display())).await;
    assert_ne!(ended.status, ExitStatus::Code(0));
    let own = std::process::id();
    let ended = machine
        .run(&format!("grep -l blaxel-guest /proc/{own}/cmdline"))
        .await;
    assert_ne!(ended.status, ExitStatus::Code(0));
}

#[tokio::test]
async fn the_system_is_read_only_for_commands_and_the_files_api() {
    let Some(machine) = isolated() else { return };
    let ended = machine.run("echo x > /usr/made").await;
    assert!(ended.stderr.contains("Read-only"), "{ended:?}");
    let files = machine.guest.files();
    let error = files.write("/usr/made", b"x", 0o644).unwrap_err();
    assert_eq!(error.errno(), blaxel_guest::Errno::ReadOnly);
    assert!(files.metadata("/usr/bin/env").unwrap().size > 0);
    let busy = blaxel_guest::Errno::Busy;
    assert_eq!(files.rename("/usr", "/other"), Err(busy));
    assert_eq!(files.remove_dir("/proc"), Err(busy));
}

#[tokio::test]
async fn a_frozen_disk_refuses_later_writes() {
    let Some(machine) = isolated() else { return };
    let files = machine.guest.files();
    machine.guest.freeze(true).unwrap();
    let error = files.write("/blaxel/file", b"x", 0o644).unwrap_err();
    assert_eq!(error.errno(), blaxel_guest::Errno::ReadOnly);
    let ended = machine.run("echo x > file").await;
    assert!(ended.stderr.contains("Read-only"), "{ended:?}");
    machine.guest.freeze(false).unwrap();
    assert_eq!(machine.print("echo x > file; cat file").await, "x\n");
    files.write("/blaxel/file", b"y", 0o644).unwrap();
    let unconfined = LocalGuest::builder().unconfined();
    let unconfined = unconfined.build(Clock::real()).unwrap();
    let refused = unconfined.freeze(true);
    assert_eq!(refused, Err(blaxel_guest::Errno::NotImplemented));
}

#[tokio::test]
async fn commands_of_a_sandbox_see_each_other() {
    let Some(machine) = isolated() else { return };
    let mut first = machine
        .start(crate::support::command("echo on; sleep 60"))
        .await;
    first.read_until("on").await;
    let pid = first.pid;
    let seen = machine
        .print(&format!("tr '\\0' ' ' < /proc/{pid}/cmdline"))
        .await;
    assert_eq!(seen, "sh -c echo on; sleep 60 ");
}

#[tokio::test]
async fn a_further_directory_can_be_read() {
    if !can_isolate() {
        return;
    }
    let shown = std::env::temp_dir().join(format!("shown-{}", std::process::id()));
    std::fs::create_dir_all(&shown).unwrap();
    std::fs::write(shown.join("file"), "shown").unwrap();
    let guest = LocalGuest::builder().read_only(&shown).build(Clock::real());
    let machine = Machine {
        kind: "isolated",
        guest: guest.unwrap(),
    };
    let path = shown.join("file");
    let path = path.to_str().unwrap();
    assert_eq!(machine.print(&format!("cat {path}")).await, "shown");
    assert_eq!(machine.guest.files().read(path).unwrap(), b"shown");
    assert_ne!(
        machine.run(&format!("rm {path}")).await.status,
        ExitStatus::Code(0)
    );
    drop(machine);
    assert!(shown.join("file").exists());
    std::fs::remove_dir_all(shown).unwrap();
}

#[test]
fn the_reasons_against_isolation_say_what_to_do() {
    let refused = LocalGuestError::Refused("setting up uid map: Permission denied".to_owned());
    assert_eq!(
        refused.to_string(),
        "local guests are isolated by bubblewrap, which cannot do that here (setting up uid map: \
         Permission denied): allow unprivileged user namespaces, or ask for unconfined local guests"
    );
    assert_eq!(
        LocalGuestError::NoBubblewrap.to_string(),
        "local guests are isolated by bubblewrap, and there is no `bwrap` in PATH: install the \
         package `bubblewrap`, or ask for unconfined local guests"
    );
}
