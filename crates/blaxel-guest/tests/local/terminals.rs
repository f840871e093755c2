//! Terminals of the host.

use blaxel_guest::{Command, Control, ExitStatus, TerminalSize};

use crate::support::{Machine, Started, command, is_running, machines, nap, until};

async fn shell(machine: &Machine) -> Started {
    let size = TerminalSize {
        columns: 91,
        rows: 33,
    };
    let mut given = command("");
    given.env.push(("PS1".to_owned(), "> ".to_owned()));
    let given = Command {
        shell: vec!["sh".to_owned()],
        terminal: Some(size),
        ..given
    };
    machine.start(given).await
}

#[tokio::test]
async fn a_shell_has_a_terminal_of_the_given_size() {
    for machine in machines() {
        let mut shell = shell(&machine).await;
        shell
            .write("stty size; test -t 0 && test -t 2 && echo is''-tty\n")
            .await;
        let read = shell.read_until("is-tty\r\n").await;
        assert!(read.contains("33 91\r\n"), "{}: {read}", machine.kind);
        let size = TerminalSize {
            columns: 120,
            rows: 50,
        };
        shell.control.send(Control::Resize(size)).await.unwrap();
        shell.write("sleep 0.1; stty size\n").await;
        shell.read_until("50 120\r\n").await;
        shell.write("exit 4\n").await;
        assert_eq!(shell.wait().await.status, ExitStatus::Code(4));
        shell.run.await.unwrap();
    }
}

#[tokio::test]
async fn a_new_size_is_signalled_to_the_foreground() {
    for machine in machines() {
        let mut shell = shell(&machine).await;
        shell
            .write("trap 'echo is''-resized; stty size' WINCH; echo re''ady\n")
            .await;
        shell.read_until("ready\r\n").await;
        let size = TerminalSize {
            columns: 132,
            rows: 43,
        };
        shell.control.send(Control::Resize(size)).await.unwrap();
        // The shell runs the action of a signal after the next line. The size is set before.
        until_resized(&mut shell).await;
    }
}

async fn until_resized(shell: &mut Started) {
    let mut read = String::new();
    while !read.contains("is-resized") {
        shell.write("sleep 0.05\n").await;
        read.push_str(&shell.read_until("> ").await);
    }
    if !read.contains("43 132\r\n") {
        shell.read_until("43 132\r\n").await;
    }
}

#[tokio::test]
async fn an_interrupt_ends_the_command_and_not_the_shell() {
    for machine in machines() {
        let nap = nap();
        let mut shell = shell(&machine).await;
        shell.write(&format!("sleep {nap}\n")).await;
        until("it runs", || is_running(&nap)).await;
        shell.write("\u{3}").await;
        until("it ends", || !is_running(&nap)).await;
        shell.write("echo code=$?\n").await;
        shell.read_until("code=130\r\n").await;
    }
}

#[tokio::test]
async fn the_jobs_of_a_shell_end_with_it() {
    for machine in machines() {
        let nap = nap();
        let mut shell = shell(&machine).await;
        shell
            .write(&format!("set -m; sleep {nap} & echo st''arted\n"))
            .await;
        shell.read_until("started").await;
        until("it runs", || is_running(&nap)).await;
        shell.run.abort();
        until("it ends", || !is_running(&nap)).await;
    }
}

#[tokio::test]
async fn the_end_of_the_input_ends_the_shell() {
    for machine in machines() {
        let mut shell = shell(&machine).await;
        shell.write("echo re''ady\n").await;
        shell.read_until("ready").await;
        assert_eq!(
            shell.end().await.status,
            ExitStatus::Code(0),
            "{}",
            machine.kind
        );
    }
}
