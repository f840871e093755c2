//! The world as it is: cargo, the registry behind it, and the clock of this machine.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, SystemTime};

use super::super::registry::Registry;
use super::answer::{self, Answer, Failure, Retry};
use super::course::{Crate, World};
use crate::old::ci::{cargo_in, say};

/// Cargo in a workspace, for one registry.
pub(super) struct Cargo<'a> {
    pub(super) root: &'a Path,
    pub(super) registry: &'a Registry,
}

impl World for Cargo<'_> {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn wait(&mut self, time: Duration) {
        thread::sleep(time);
    }

    fn say(&mut self, line: &str) {
        say(line);
    }

    fn holds(&mut self, item: &Crate) -> Result<bool, String> {
        self.registry.holds(&item.name, &item.version)
    }

    fn upload(&mut self, item: &Crate) -> Answer {
        match self.publish(item) {
            Ok((success, printed)) => answer::read(success, &printed, SystemTime::now()),
            Err(error) => Answer::Failed(Failure {
                said: format!("cargo cannot be run: {error}"),
                retry: Retry::Never,
            }),
        }
    }
}

impl Cargo<'_> {
    /// Uploads a crate, and passes on what cargo prints while it does.
    fn publish(&self, item: &Crate) -> std::io::Result<(bool, String)> {
        let arguments = [
            "publish",
            "--package",
            &item.name,
            "--no-verify",
            "--locked",
        ];
        let mut cargo = cargo_in(self.root)
            .args(arguments)
            .args(["--registry", self.registry.name(), "--color", "never"])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut printed = String::new();
        if let Some(output) = cargo.stderr.take() {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            while output.read_until(b'\n', &mut line)? > 0 {
                let text = String::from_utf8_lossy(&line);
                // Nothing can be done about an output that nobody takes.
                let _ = std::io::stderr().write_all(&line);
                printed.push_str(&text);
                line.clear();
            }
        }
        Ok((cargo.wait()?.success(), printed))
    }
}
