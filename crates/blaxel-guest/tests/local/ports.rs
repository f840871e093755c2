//! Ports that commands listen on.

use std::net::TcpListener;

use blaxel_guest::{Command, Errno, Guest as _, Listener};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Machine, command, machines, until};

/// Returns a program that listens on a port and answers with its input, if this machine has one.
fn server(port: u16, address: &str) -> Option<String> {
    let has = |name: &str| std::path::Path::new("/usr/bin").join(name).exists();
    if has("perl") {
        return Some(format!(
            "exec perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => \"{address}\", \
             LocalPort => {port}, Listen => 5, ReuseAddr => 1) or die; $| = 1; print \"listening\\n\"; \
             while ($c = $s->accept) {{ $line = <$c>; print $c \"got $line\"; close $c; }}'"
        ));
    }
    has("python3").then(|| {
        format!(
            "exec python3 -uc 'import socket\ns = socket.create_server((\"{address}\", {port}))\n\
             print(\"listening\")\nwhile True:\n  c, _ = s.accept()\n  f = c.makefile(\"rw\")\n  \
             f.write(\"got \" + f.readline())\n  f.flush()\n  f.close()\n  c.close()'"
        )
    })
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn listener(machine: &Machine, port: u16) -> Option<Listener> {
    let mut all = machine.guest.listeners().into_iter();
    all.find(|listener| listener.port == port)
}

#[tokio::test]
async fn a_port_belongs_to_the_process_that_listens() {
    for machine in machines() {
        let port = free_port();
        let text = server(port, "0.0.0.0").expect("this test needs perl or python3 in /usr/bin");
        let refused = machine.guest.connect(port).await.err();
        assert_eq!(refused, Some(Errno::ConnectionRefused));
        let mut started = machine.start(command(&text)).await;
        started.read_until("listening").await;
        let found = listener(&machine, port).expect("it is listed");
        assert_eq!(found.pid, Some(started.pid), "{}", machine.kind);
        assert_eq!(
            (found.address.as_str(), found.protocol.as_str()),
            ("0.0.0.0", "tcp")
        );
        assert!(
            ["perl", "python3"]
                .iter()
                .any(|name| found.process_name.starts_with(name))
        );
        let mut connection = machine.guest.connect(port).await.unwrap();
        connection.write_all(b"hello\n").await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "got hello\n");
        started.signal(9).await;
        started.wait().await;
        until("the port closes", || listener(&machine, port).is_none()).await;
        let refused = machine.guest.connect(port).await.err();
        assert_eq!(refused, Some(Errno::ConnectionRefused));
    }
}

#[tokio::test]
async fn a_port_belongs_to_the_command_whose_program_listens() {
    for machine in machines() {
        let port = free_port();
        let text = server(port, "0.0.0.0").expect("this test needs perl or python3 in /usr/bin");
        let server = text.strip_prefix("exec ").unwrap();
        // The program is a child of the shell, of another shell, and of one with a session of its own.
        for command_text in [
            format!("{server}; true"),
            format!("(true; {server}; true); true"),
            format!("setsid -w {server}; true"),
        ] {
            let mut started = machine.start(command(&command_text)).await;
            started.read_until("listening").await;
            let found = listener(&machine, port).expect("it is listed");
            assert_eq!(
                found.pid,
                Some(started.pid),
                "{} {command_text}",
                machine.kind
            );
            started.signal(9).await;
            started.wait().await;
            until("the port closes", || listener(&machine, port).is_none()).await;
        }
    }
}

#[tokio::test]
async fn ports_of_others_are_not_reached() {
    let own = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = own.local_addr().unwrap().port();
    let all = machines();
    for machine in &all {
        assert_eq!(listener(machine, port), None, "{}", machine.kind);
        let refused = machine.guest.connect(port).await.err();
        assert_eq!(refused, Some(Errno::ConnectionRefused));
    }
    let Some(text) = server(free_port(), "127.0.0.1") else {
        return;
    };
    let mut started = all[0].start(Command { ..command(&text) }).await;
    started.read_until("listening").await;
    assert_eq!(all[0].guest.listeners().len(), 1);
    for other in &all[1..] {
        assert_eq!(other.guest.listeners(), []);
    }
}
