//! The emulator as a process of its own.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use blaxel_emulator::Emulator as LocalBlaxel;

/// A process with an emulator. It ends when this value is dropped.
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
        variables.push(("BENCH_PID".to_owned(), child.id().to_string()));
        Ok(Self { child, variables })
    }

    /// Returns its memory in MiB, without and with the resident part of the program's own file.
    pub fn memory(&self) -> [f64; 2] {
        let pid = self.child.id().to_string();
        [memory(&pid), field(&pid, "VmRSS:")]
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // The process exits when its input ends.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Serves until the input ends, as the emulator's program does. Prints the variables of its clients
/// and an empty line.
pub fn serve() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let emulator = LocalBlaxel::builder().real_clock().start();
    let emulator = runtime.block_on(emulator).expect("an emulator");
    let mut text = String::new();
    for (name, value) in emulator.variables() {
        text.push_str(&format!("{name}={value}\n"));
    }
    text.push('\n');
    let mut output = io::stdout().lock();
    let printed = output.write_all(text.as_bytes());
    printed.and_then(|()| output.flush()).expect("an output");
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

/// Returns the resident memory of a process in MiB, without that of files, or 0 on other systems than
/// Linux. `self` stands for this process.
pub fn memory(pid: &str) -> f64 {
    field(pid, "RssAnon:")
}

fn field(pid: &str, name: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let size = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: f64 = size.and_then(|size| size.parse().ok()).unwrap_or_default();
    kib / 1024.0
}

/// Returns the processor time of a process in seconds, or 0 on other systems than Linux.
pub fn cpu_seconds(pid: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold anything; the field after it is the third one.
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let fields = fields.split_whitespace().skip(14 - 3).take(2);
    let ticks: f64 = fields.flat_map(str::parse::<f64>).sum();
    // Hundredths of a second on every Linux that Rust runs on.
    ticks / 100.0
}
