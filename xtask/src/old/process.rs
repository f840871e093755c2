//! Processes that never outlive the value that stands for them, nor a time limit.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How often a process is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// A process that runs. Dropped, it is ended.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts a command, which errors call by the name. There is nothing for it to read.
    pub(crate) fn start(command: &mut Command, name: &str) -> Result<Self, String> {
        Self::spawn(command.stdin(Stdio::null()), name)
    }

    /// Starts a command whose standard input stays open, and empty, while this process lives. It
    /// closes even if this process is killed: a command that heeds it is never left alone.
    pub(crate) fn start_with_input(command: &mut Command, name: &str) -> Result<Self, String> {
        Self::spawn(command.stdin(Stdio::piped()), name)
    }

    fn spawn(command: &mut Command, name: &str) -> Result<Self, String> {
        match command.spawn() {
            Ok(child) => Ok(Self {
                child,
                name: name.to_owned(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(format!("`{name}` cannot be started: it is not installed"))
            }
            Err(error) => Err(format!("`{name}` cannot be started: {error}")),
        }
    }

    /// The lines it prints, as they come; none unless its output is piped.
    pub(crate) fn lines(&mut self) -> Receiver<String> {
        let (sender, receiver) = mpsc::channel();
        if let Some(output) = self.child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        receiver
    }

    /// Waits for its end and hands over each line it prints. It is ended when the time is over.
    pub(crate) fn finish(
        mut self,
        limit: Duration,
        mut take: impl FnMut(String),
    ) -> Result<ExitStatus, String> {
        let deadline = Instant::now() + limit;
        let late = format!("`{}` did not end within {} s", self.name, limit.as_secs());
        let lines = self.lines();
        loop {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => take(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => return Err(late),
            }
        }
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() >= deadline => return Err(late),
                Ok(None) => thread::sleep(PAUSE),
                Err(error) => return Err(format!("`{}`: {error}", self.name)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_called_by_its_name() {
        let mut command = Command::new("no-such-program-is-here");
        let error = Process::start(&mut command, "abacus").unwrap_err();
        assert_eq!(error, "`abacus` cannot be started: it is not installed");
    }

    #[cfg(unix)]
    mod with_a_shell {
        use super::*;

        fn shell(script: &str) -> Process {
            let mut command = Command::new("sh");
            command.args(["-c", script]).stdout(Stdio::piped());
            Process::start(&mut command, "sh").unwrap()
        }

        #[test]
        fn its_lines_and_its_end_are_told() {
            let mut lines = Vec::new();
            let status = shell("echo one; echo two; exit 3")
                .finish(Duration::from_secs(20), |line| lines.push(line))
                .unwrap();
            assert_eq!(lines, ["one", "two"]);
            assert_eq!(status.code(), Some(3));
        }

        #[test]
        fn one_that_does_not_end_is_ended() {
            let start = Instant::now();
            let error = shell("exec sleep 60")
                .finish(Duration::from_millis(50), |_| ())
                .unwrap_err();
            assert!(error.starts_with("`sh` did not end"), "{error}");
            assert!(start.elapsed() < Duration::from_secs(30));
        }

        #[test]
        fn one_that_closes_its_output_and_lives_on_is_ended() {
            let error = shell("exec sleep 60 >&-")
                .finish(Duration::from_millis(50), |_| ())
                .unwrap_err();
            assert!(error.starts_with("`sh` did not end"), "{error}");
        }

        #[test]
        fn an_input_is_open_until_this_end_of_it_is_gone() {
            let mut command = Command::new("sh");
            command
                .args(["-c", "cat; echo closed"])
                .stdout(Stdio::piped());
            let mut process = Process::start_with_input(&mut command, "sh").unwrap();
            thread::sleep(PAUSE);
            assert_eq!(process.child.try_wait().unwrap(), None);
            drop(process.child.stdin.take());
            let mut lines = Vec::new();
            process
                .finish(Duration::from_secs(20), |line| lines.push(line))
                .unwrap();
            assert_eq!(lines, ["closed"]);
        }

        #[test]
        fn none_outlives_its_value() {
            let process = shell("exec sleep 60");
            let id = process.child.id().to_string();
            drop(process);
            let is_there = Command::new("kill")
                .args(["-0", &id])
                .stderr(Stdio::null())
                .status();
            assert!(!is_there.unwrap().success());
        }
    }
}
