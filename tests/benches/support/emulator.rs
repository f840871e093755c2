//! The emulator as a process of its own, and what the system says about processes. `self` stands for
//! this one. On other systems than Linux, all figures are 0.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A process with an emulator: this program started again with the argument `serve`. It ends when
/// this value is dropped.
pub struct Emulator {
    child: Child,
    /// The environment variables of its clients.
    pub variables: Vec<(String, String)>,
}

impl Emulator {
    /// Starts it, and reads the variables that it prints, up to an empty line.
    pub fn start() -> io::Result<Self> {
        Self::start_by(Command::new(std::env::current_exe()?))
    }

    /// Starts it by a command that starts this program.
    pub fn start_by(mut command: Command) -> io::Result<Self> {
        let mut child = command
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

    /// Returns the id of the process.
    pub fn pid(&self) -> String {
        self.child.id().to_string()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // The process exits when its input ends.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Returns the processor time of a process in seconds.
pub fn cpu_seconds(pid: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold anything; the field after it is the third one.
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let fields = fields.split_whitespace().skip(14 - 3).take(2);
    let ticks: f64 = fields.flat_map(str::parse::<f64>).sum();
    // Hundredths of a second on every Linux that Rust runs on.
    ticks / 100.0
}

/// Returns a size in the status of a process, such as `VmHWM:`, in KiB.
pub fn size_kib(pid: &str, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let size = line.and_then(|line| line.trim().strip_suffix(" kB"));
    size.and_then(|size| size.parse().ok()).unwrap_or_default()
}
