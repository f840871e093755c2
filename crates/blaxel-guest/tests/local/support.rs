//! Local guests, and commands in them.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use blaxel_guest::{
    Clock, Command, Control, Errno, ExitStatus, Guest as _, LocalGuest, Output, Process, Stream,
};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The time after which a test gives up.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A guest, and the name of its kind in messages.
pub(crate) struct Machine {
    pub(crate) kind: &'static str,
    pub(crate) guest: LocalGuest,
}

/// Returns `true` if commands can be isolated here. If not, the refusal has to say what to do.
pub(crate) fn can_isolate() -> bool {
    match LocalGuest::builder().check() {
        Ok(()) => true,
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains("bubblewrap"), "{text}");
            assert!(
                text.ends_with("or ask for unconfined local guests"),
                "{text}"
            );
            false
        }
    }
}

/// Returns a guest of each kind that this machine can run.
pub(crate) fn machines() -> Vec<Machine> {
    let build = |builder: blaxel_guest::LocalGuestBuilder| builder.build(Clock::real()).unwrap();
    let mut machines = vec![Machine {
        kind: "unconfined",
        guest: build(LocalGuest::builder().unconfined()),
    }];
    if can_isolate() {
        machines.push(Machine {
            kind: "isolated",
            guest: build(LocalGuest::builder()),
        });
    }
    machines
}

/// Returns a time in seconds for `sleep` that no other process has, by which it can be found.
pub(crate) fn nap() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("86400.{}{count:04}", std::process::id())
}

/// Returns `true` if a process of this machine has this argument.
pub(crate) fn is_running(argument: &str) -> bool {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let mut lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.any(|line| {
        line.split(|byte| *byte == 0)
            .any(|word| word == argument.as_bytes())
    })
}

/// Returns `true` if a process of this machine names `text` in its arguments, such as the shell that
/// runs a command with it.
pub(crate) fn is_left(text: &str) -> bool {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let mut lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.any(|line| String::from_utf8_lossy(&line).contains(text))
}

/// Waits until a condition holds.
pub(crate) async fn until(message: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < LIMIT, "in vain: {message}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A command that runs in a task.
pub(crate) struct Started {
    pub(crate) pid: u32,
    pub(crate) stdin: Option<mpsc::Sender<Bytes>>,
    pub(crate) control: mpsc::Sender<Control>,
    pub(crate) output: mpsc::Receiver<Output>,
    exit: tokio::sync::oneshot::Receiver<ExitStatus>,
    pub(crate) run: JoinHandle<()>,
}

/// The end of a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn command(text: &str) -> Command {
    Command {
        shell: vec!["sh".to_owned(), "-c".to_owned()],
        text: text.to_owned(),
        working_dir: "/blaxel".to_owned(),
        env: vec![
            ("HOME".to_owned(), "/root".to_owned()),
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
        ],
        ..Command::default()
    }
}

impl Machine {
    pub(crate) async fn try_start(&self, command: Command) -> Result<Started, Errno> {
        let Process {
            pid,
            output,
            stdin,
            control,
            exit,
            run,
            ..
        } = self.guest.spawn(command).await?;
        let run = tokio::spawn(run);
        Ok(Started {
            pid,
            stdin,
            control,
            output,
            exit,
            run,
        })
    }

    pub(crate) async fn start(&self, command: Command) -> Started {
        let started = self.try_start(command).await;
        started.unwrap_or_else(|errno| panic!("{}: {errno}", self.kind))
    }

    /// Runs a text in a shell to its end.
    pub(crate) async fn run(&self, text: &str) -> Ended {
        self.start(command(text)).await.end().await
    }

    /// Returns what a text in a shell prints.
    pub(crate) async fn print(&self, text: &str) -> String {
        let ended = self.run(text).await;
        let kind = self.kind;
        assert_eq!(
            ended.status,
            ExitStatus::Code(0),
            "{kind}: {text}: {ended:?}"
        );
        assert_eq!(ended.stderr, "", "{kind}: {text}");
        ended.stdout
    }
}

impl Started {
    /// Waits for the status, and returns it with the output until then.
    pub(crate) async fn end(mut self) -> Ended {
        drop(self.stdin.take());
        self.wait().await
    }

    pub(crate) async fn wait(&mut self) -> Ended {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut add = |output: Output| match output.stream {
            Stream::Stdout => stdout.extend(output.bytes),
            Stream::Stderr => stderr.extend(output.bytes),
        };
        let (output, exit) = (&mut self.output, &mut self.exit);
        let waited = tokio::time::timeout(LIMIT, async {
            let mut is_open = true;
            loop {
                tokio::select! {
                    status = &mut *exit => return status.unwrap(),
                    chunk = output.recv(), if is_open => match chunk {
                        Some(chunk) => add(chunk),
                        None => is_open = false,
                    },
                }
            }
        });
        let status = waited
            .await
            .unwrap_or_else(|_| panic!("the command does not end"));
        while let Ok(chunk) = self.output.try_recv() {
            add(chunk);
        }
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended {
            status,
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }

    /// Reads output until it contains a text.
    pub(crate) async fn read_until(&mut self, text: &str) -> String {
        let mut read = String::new();
        while !read.contains(text) {
            let chunk = tokio::time::timeout(LIMIT, self.output.recv()).await;
            let chunk = chunk.ok().flatten();
            let chunk = chunk.unwrap_or_else(|| panic!("no {text:?} in {read:?}"));
            read.push_str(&String::from_utf8_lossy(&chunk.bytes));
        }
        read
    }

    pub(crate) async fn signal(&self, number: i32) {
        self.control.send(Control::Signal(number)).await.unwrap();
    }

    pub(crate) async fn write(&self, text: &str) {
        let stdin = self.stdin.as_ref().unwrap();
        stdin.send(text.as_bytes().to_vec().into()).await.unwrap();
    }
}
