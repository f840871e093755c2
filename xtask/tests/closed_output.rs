//! The program as it runs in a pipe whose reader has ended, as in `cargo xtask ci --list | head -1`.

#![allow(clippy::unwrap_used)]

use std::io;
use std::process::{Command, Stdio};

/// Runs the program with these arguments, separated by spaces, while nobody reads its output. Returns its
/// exit code, and what it printed to standard error if that is read.
fn run(arguments: &str, is_error_read: bool) -> (Option<i32>, String) {
    let closed = || {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let errors = if is_error_read {
        Stdio::piped()
    } else {
        closed()
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments.split(' ')).stdin(Stdio::null());
    let child = command.stdout(closed()).stderr(errors).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn a_closed_output_neither_panics_nor_changes_the_outcome() {
    for arguments in ["help", "ci --list"] {
        assert_eq!(
            run(arguments, true),
            (Some(0), String::new()),
            "{arguments}"
        );
        assert_eq!(run(arguments, false).0, Some(0), "{arguments}");
    }
    let (code, errors) = run("lean no-such-crate", true);
    assert_eq!(code, Some(1));
    assert!(
        errors.starts_with("error: no package `no-such-crate`"),
        "{errors}"
    );
    assert_eq!(run("lean no-such-crate", false).0, Some(1));
    assert_eq!(run("bake", false).0, Some(2));
}

#[test]
fn a_command_that_cannot_be_printed_fails_as_others_do() {
    // The library that runs the command prints it to standard error first.
    assert_eq!(run("features blaxel-core", false).0, Some(1));
}
