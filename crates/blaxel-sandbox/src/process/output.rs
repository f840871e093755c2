//! [`Output`]: the whole output of a process.

use blaxel_core::{Error, HttpService};
use bytes::Bytes;

use super::event::Event;
use super::follow::Follow;
use super::info::{ExitStatus, ProcessInfo, ProcessLogs};
use super::tail::{whole, whole_below};

/// Size of a text of `GET /process/{identifier}/logs` below which it is the whole output. Servers return 4 MiB.
const WHOLE_LOGS: usize = 4_000_000;

/// The exit status and the output of a process that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// The exit status.
    pub status: ExitStatus,
    /// The bytes of the standard output.
    pub stdout: Bytes,
    /// The bytes of the standard error.
    pub stderr: Bytes,
    /// `true` if the output is not exactly what the process has written: the server has dropped a part of it, or is too
    /// old to send exact bytes; see [`GapReason`](super::GapReason).
    pub lossy: bool,
}

impl Output {
    /// Returns the output that the state of a process contains, if it is exact.
    pub(super) fn of(info: &ProcessInfo) -> Option<Self> {
        Some(Self {
            stdout: whole(info.stdout.as_deref(), info)?.into(),
            stderr: whole(info.stderr.as_deref(), info)?.into(),
            status: info.exit_status()?,
            lossy: false,
        })
    }
}

/// Follows a process to its end and collects its output of at most `limit` bytes.
pub(super) async fn collect<S: HttpService>(
    mut follow: Follow<S>,
    limit: usize,
) -> Result<Output, Error> {
    let (mut stdout, mut stderr, mut lossy) = (Vec::new(), Vec::new(), false);
    let mut restarted = false;
    let mut status = None;
    while let Some(event) = follow.next().await? {
        let (stream, bytes) = match event {
            Event::Stdout(bytes) => (&mut stdout, bytes),
            Event::Stderr(bytes) => (&mut stderr, bytes),
            Event::Restarted => {
                restarted = true;
                continue;
            }
            Event::Gap(_) => {
                lossy = true;
                continue;
            }
            Event::Exited(exit) => {
                status = Some(exit);
                continue;
            }
        };
        stream.extend_from_slice(&bytes);
        if stdout.len() + stderr.len() > limit {
            let message = format!("its output is larger than the limit of {limit} bytes");
            return Err(follow.process().describe(Error::decode(message)));
        }
    }
    let status = status.ok_or_else(|| {
        follow
            .process()
            .describe(Error::decode("its exit status is unknown"))
    })?;
    let mut output = Output {
        status,
        stdout: stdout.into(),
        stderr: stderr.into(),
        lossy,
    };
    if follow.is_text() && !restarted {
        let logs = follow.process().logs().await;
        if let Some((stdout, stderr)) = logs.ok().as_ref().and_then(exact) {
            output = Output {
                stdout,
                stderr,
                lossy: false,
                ..output
            };
        }
    }
    Ok(output)
}

/// Returns the output as text if it is complete and no byte is replaced. Old servers have no other exact form.
fn exact(logs: &ProcessLogs) -> Option<(Bytes, Bytes)> {
    let whole = |text: &str| whole_below(text, WHOLE_LOGS).map(Bytes::from);
    Some((whole(&logs.stdout)?, whole(&logs.stderr)?))
}
