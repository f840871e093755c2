//! Processes that end with the value that stands for them, or at a time limit.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use std::{iter, thread};

use anyhow::{Context, Result, bail};

/// The time between two looks at a process that has closed its output.
const PAUSE: Duration = Duration::from_millis(20);

/// A running process. It is killed when this value is dropped.
///
/// Its standard input is empty, and open as long as this value and this program live. A process that
/// ends when its input closes is never left behind, even if this program is killed.
pub(crate) struct Process {
    child: Child,
    name: String,
    lines: Receiver<String>,
}

impl Process {
    /// Starts a command, which errors call by this name. Its lines can be read if its output is piped.
    pub(crate) fn start(command: &mut Command, name: &str) -> Result<Self> {
        let child = command.stdin(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("cannot start {name}"))?;
        let (sender, lines) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                let lines = BufReader::new(output).split(b'\n').map_while(Result::ok);
                let text = |line: Vec<u8>| String::from_utf8_lossy(&line).trim_end().to_owned();
                lines.map(text).try_for_each(|line| sender.send(line))
            });
        }
        let name = name.to_owned();
        Ok(Self { child, name, lines })
    }

    /// Returns the lines of the output as they come, until it ends or the time is over.
    pub(crate) fn lines(&self, limit: Duration) -> impl Iterator<Item = String> {
        let deadline = Instant::now() + limit;
        let left = move || deadline.saturating_duration_since(Instant::now());
        iter::from_fn(move || self.lines.recv_timeout(left()).ok())
    }

    /// Closes the input, passes on each line of the output, waits for the end, and returns `true` if it
    /// was a success.
    ///
    /// At the limit this process is killed, but not those that it has started.
    pub(crate) fn finish(mut self, limit: Duration, take: impl FnMut(String)) -> Result<bool> {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + limit;
        self.lines(limit).for_each(take);
        while Instant::now() < deadline {
            match self.child.try_wait()? {
                Some(status) => return Ok(status.success()),
                None => thread::sleep(PAUSE),
            }
        }
        bail!("{} did not end within {} s", self.name, limit.as_secs())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        Process::start(&mut command, "the shell").unwrap()
    }

    fn is_alive(id: u32) -> bool {
        let kill = Command::new("kill").args(["-0", &id.to_string()]).output();
        kill.unwrap().status.success()
    }

    #[test]
    fn a_process_is_read_to_its_end_and_its_input_is_open_until_then() {
        let process = shell("echo one; echo two; cat; echo closed; exit 3");
        assert!(process.lines(LONG).take(2).eq(["one", "two"]));
        assert_eq!(process.lines(PAUSE).next(), None);
        let mut lines = Vec::new();
        assert!(!process.finish(LONG, |line| lines.push(line)).unwrap());
        assert_eq!(lines, ["closed"]);
        assert!(shell("true").finish(LONG, drop).unwrap());
    }

    #[test]
    fn a_process_is_killed_at_its_limit_and_with_its_value() {
        // The second one closes its output and continues.
        for script in ["exec sleep 60", "exec sleep 60 >&-"] {
            let (process, other) = (shell(script), shell(script));
            let ids = [process.child.id(), other.child.id()];
            assert!(ids.into_iter().all(is_alive));
            let error = process.finish(PAUSE, drop).unwrap_err().to_string();
            assert!(error.starts_with("the shell did not end within"), "{error}");
            drop(other);
            assert!(!ids.into_iter().any(is_alive), "{script}");
        }
    }
}
