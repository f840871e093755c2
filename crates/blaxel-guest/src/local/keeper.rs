//! [`Keeper`], a shell of the host that ends a sandbox, even if this program is killed.
//!
//! It reads a pipe whose other end only this program holds. The kernel closes that end whichever way
//! the program ends, and then the shell kills what is left and removes the directory. With
//! bubblewrap the shell is also the parent of `bwrap --die-with-parent`. The parent has to be a
//! program with a single thread: the kernel sends the signal when the parent's *thread* ends, and the
//! threads of a runtime come and go.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::settings::LocalGuestError;
use super::stopped::Stopped;
use crate::errno::Errno;
use crate::host::{SHELL, errors, shell};

/// Starts bubblewrap, waits for the end of this program, and cleans up.
const CONFINED: &str = r#"
temporary=$1; shift
"$@" </dev/null 3>&1 & init=$!
exec >/dev/null 2>&1
read -r word
if [ -z "$word" ]; then
  read -r child <"/proc/$init/task/$init/children"
  kill -KILL "$init" $child
fi
wait "$init"
"#;

/// Waits for the end of this program, and kills the processes that carry the sandbox's variable, until
/// none is found twice: one that is becoming another program carries none for a moment.
const UNCONFINED: &str = r#"
temporary=$1 mark=$2
exec >/dev/null 2>&1
read -r word
before=first
for round in 1 2 3 4 5 6 7 8 9 10; do
  found=
  for path in $(grep -slaF -e "$mark" /proc/[0-9]*/environ); do
    process=${path#/proc/}
    kill -KILL "${process%/environ}" && found=1
  done
  [ -n "$found$before" ] || break
  before=$found
done
"#;

/// The first process of a sandbox's own process ids, which lives until it is killed.
const IDLE: &str = "echo ready; exec sleep 2147483647";

/// The time that a sandbox has to end before its first process is left to the shell.
const END: Timespec = Timespec {
    tv_sec: 5,
    tv_nsec: 0,
};

/// The shell. Dropping it ends the sandbox, and waits until it has ended.
pub(super) struct Keeper {
    shell: Child,
    init: Option<Init>,
    pub(super) stopped: Stopped,
}

/// The first process of a sandbox with its own process ids. The kernel ends all others with it.
pub(super) struct Init {
    /// Its id on the host.
    pub(super) pid: Pid,
    handle: OwnedFd,
}

impl Keeper {
    /// Starts the shell for processes that carry `mark` in their environment.
    pub(super) fn unconfined(temporary: Option<&Path>, mark: &str) -> Result<Self, Errno> {
        let mut command = shell(UNCONFINED, temporary);
        command
            .arg(mark)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let shell = command.spawn().map_err(|error| errors::of_io(&error))?;
        Ok(Self {
            shell,
            init: None,
            stopped: Stopped::default(),
        })
    }

    /// Starts the shell, and in it bubblewrap with `arguments`, which describe a sandbox.
    pub(super) fn confined<A: AsRef<OsStr>>(
        temporary: Option<&Path>,
        bwrap: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Self, LocalGuestError> {
        let mut command = shell(CONFINED, temporary);
        command
            .arg(bwrap)
            .args(["--die-with-parent", "--info-fd", "3", "--unshare-user"])
            .args(["--uid", "0", "--gid", "0", "--unshare-pid"])
            .args(arguments)
            .args(["--", SHELL, "-c", IDLE])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let refused = |error: io::Error| LocalGuestError::Refused(error.to_string());
        let shell = command.spawn().map_err(refused)?;
        let mut keeper = Self {
            shell,
            init: None,
            stopped: Stopped::default(),
        };
        match keeper.read_init().map_err(refused)? {
            Some(pid) => {
                let handle = pidfd_open(pid, PidfdFlags::empty());
                let handle = handle.map_err(|errno| refused(errno.into()))?;
                keeper.init = Some(Init { pid, handle });
                Ok(keeper)
            }
            None => Err(keeper.complaint()),
        }
    }

    /// Reads the process id that bubblewrap prints. Returns `None` if the sandbox was not started.
    fn read_init(&mut self) -> io::Result<Option<Pid>> {
        let Some(stdout) = self.shell.stdout.take() else {
            return Ok(None);
        };
        let mut pid = None;
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if let Some(value) = line.trim().strip_prefix("\"child-pid\":") {
                let number = value.trim().trim_end_matches(',').parse().ok();
                pid = number.and_then(Pid::from_raw);
            }
            if line == "ready" {
                return Ok(pid);
            }
        }
        Ok(None)
    }

    /// Returns what bubblewrap wrote to standard error.
    fn complaint(&mut self) -> LocalGuestError {
        let mut text = Vec::new();
        if let Some(stderr) = self.shell.stderr.take() {
            // What cannot be read is left out.
            let _ = stderr.take(4096).read_to_end(&mut text);
        }
        LocalGuestError::complaint(&text)
    }

    /// Returns the first process; `None` without isolation.
    pub(super) fn init(&self) -> Option<&Init> {
        self.init.as_ref()
    }

    /// Ends the processes, and keeps the directory.
    pub(super) fn end_processes(mut self) {
        if let Some(stdin) = &mut self.shell.stdin {
            let _ = stdin.write_all(b"keep\n");
        }
    }
}

impl Init {
    /// Returns `true` if the process has ended, and with it all processes of the sandbox.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended_in(Timespec::default())
    }

    /// Waits for the end of the process, and returns `false` if it takes longer.
    fn has_ended_in(&self, limit: Timespec) -> bool {
        let mut ready = [PollFd::new(&self.handle, PollFlags::IN)];
        !matches!(poll(&mut ready, Some(&limit)), Ok(0))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let stdin = self.shell.stdin.take();
        if let (Some(init), Some(mut stdin)) = (&self.init, stdin) {
            // It may have ended.
            let _ = pidfd_send_signal(&init.handle, Signal::KILL);
            self.stopped.resume();
            if init.has_ended_in(END) {
                // The shell then kills nothing. After `end_processes` this is a second line, which is
                // not read.
                let _ = stdin.write_all(b"end\n");
            }
        }
        let _ = self.shell.wait();
    }
}
