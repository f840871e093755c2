//! The emulator as a process of its own.

use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use blaxel_emulator::Emulator as LocalBlaxel;

use super::machine::{machine, prepare};
use super::process::runtime;
use super::report::cpu_seconds;

/// The name of the only sandbox.
pub const SANDBOX: &str = "bench";

/// A running emulator. It ends when this value is dropped.
pub struct Emulator {
    child: Child,
    /// The environment variables of its clients.
    pub variables: Vec<(String, String)>,
}

impl Emulator {
    pub fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut variables = Vec::new();
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).lines() {
                let line = line?;
                let Some((name, value)) = line.split_once('=') else {
                    break;
                };
                variables.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(Self { child, variables })
    }

    /// Returns the processor time that it has taken so far.
    pub fn seconds(&self) -> f64 {
        cpu_seconds(&PathBuf::from(format!("/proc/{}/stat", self.child.id())))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // The process exits when its input ends.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Serves until the input ends. Prints the variables of its clients and an empty line.
pub fn serve() {
    std::thread::spawn(|| {
        runtime().block_on(async {
            prepare();
            let emulator = LocalBlaxel::builder().real_clock();
            let emulator = emulator.machines(|_, clock| machine(clock));
            let emulator = emulator.start().await.expect("an emulator");
            emulator.add("sandboxes", SANDBOX).expect("a sandbox");
            for (name, value) in emulator.variables() {
                println!("{name}={value}");
            }
            println!();
            std::future::pending::<()>().await;
        });
    });
    let _ = io::stdin().read_to_end(&mut Vec::new());
}
