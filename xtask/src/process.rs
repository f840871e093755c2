//! Processes that end with the value that stands for them, or at a time limit.

use std::io::{BufRead, BufReader, ErrorKind};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

/// The time between two looks at a process that has closed its output.
const PAUSE: Duration = Duration::from_millis(20);

/// A running process. It is killed when this value is dropped.
///
/// Its standard input is empty, and open as long as this value and this program live. A process that
/// ends when its input closes is never left behind, even if this program is killed.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    name: String,
    lines: Receiver<String>,
}

impl Process {
    /// Starts a command. Errors call it by this name.
    pub(crate) fn start(command: &mut Command, name: &str) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).spawn().map_err(|error| {
            let why = match error.kind() {
                ErrorKind::NotFound => "it is not installed".to_owned(),
                _ => error.to_string(),
            };
            anyhow!("cannot start `{name}`: {why}")
        })?;
        let (sender, lines) = mpsc::channel();
        // There is none unless the command's output is piped.
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        let name = name.to_owned();
        Ok(Self { child, name, lines })
    }

    /// Waits for the first line of its output in which `find` finds something.
    pub(crate) fn wait_for<T>(
        &self,
        limit: Duration,
        mut find: impl FnMut(&str) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            let line = self.lines.recv_timeout(left(deadline));
            let line = line.with_context(|| format!("`{}` did not tell its address", self.name))?;
            if let Some(found) = find(&line) {
                return Ok(found);
            }
        }
    }

    /// Closes its input, waits for its end and passes on each line of its output.
    ///
    /// # Errors
    ///
    /// Fails after the limit. Then the process is killed, but not the processes that it has started.
    pub(crate) fn finish(
        mut self,
        limit: Duration,
        mut take: impl FnMut(String),
    ) -> Result<ExitStatus> {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + limit;
        let late = || anyhow!("`{}` did not end within {} s", self.name, limit.as_secs());
        loop {
            match self.lines.recv_timeout(left(deadline)) {
                Ok(line) => take(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => return Err(late()),
            }
        }
        loop {
            match self.child.try_wait()? {
                Some(status) => return Ok(status),
                None if left(deadline).is_zero() => bail!(late()),
                None => thread::sleep(PAUSE),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        Process::start(&mut command, "sh").unwrap()
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Process::start(&mut Command::new("no-such-program"), "abacus").unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot start `abacus`: it is not installed"
        );
    }

    #[test]
    fn a_process_is_read_to_its_end() {
        let process = shell("echo one; echo two; cat; echo closed; exit 3");
        let is_two = |line: &str| (line == "two").then_some(2);
        assert_eq!(process.wait_for(LONG, is_two).unwrap(), 2);
        assert!(process.wait_for(SOON, is_two).is_err(), "its input is open");
        let mut lines = Vec::new();
        let status = process.finish(LONG, |line| lines.push(line)).unwrap();
        assert_eq!(
            (lines.concat().as_str(), status.code()),
            ("closed", Some(3))
        );
    }

    #[test]
    fn a_process_past_its_limit_is_killed() {
        // The second one has no output that could be waited for.
        for script in ["exec sleep 60", "exec sleep 60 >&-"] {
            let process = shell(script);
            let id = process.child.id();
            let error = process.finish(SOON, |_| ()).unwrap_err().to_string();
            assert!(error.starts_with("`sh` did not end within"), "{error}");
            assert!(!is_alive(id), "{script}");
        }
    }

    #[test]
    fn a_process_is_killed_with_its_value() {
        let process = shell("exec sleep 60");
        let id = process.child.id();
        assert!(is_alive(id));
        drop(process);
        assert!(!is_alive(id));
    }

    fn is_alive(id: u32) -> bool {
        let mut kill = Command::new("kill");
        kill.args(["-0", &id.to_string()]).stderr(Stdio::null());
        kill.status().unwrap().success()
    }
}
