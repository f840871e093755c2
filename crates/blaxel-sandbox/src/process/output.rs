//! [`Output`]: the whole output of a process.

use blaxel_core::{Error, HttpService};
use bytes::Bytes;

use super::event::Event;
use super::follow::Follow;
use super::handle::Process;
use super::info::{ExitStatus, ProcessInfo};
use super::outage::Outage;
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
    let mut status = None;
    while let Some(event) = follow.next().await? {
        let (stream, bytes) = match event {
            Event::Stdout(bytes) => (&mut stdout, bytes),
            Event::Stderr(bytes) => (&mut stderr, bytes),
            Event::Restarted => continue,
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
        check_size(stdout.len(), stderr.len(), limit)
            .map_err(|error| follow.process().describe(error))?;
    }
    let process = follow.process();
    let unknown = || process.describe(Error::decode("its exit status is unknown"));
    let status = status.ok_or_else(unknown)?;
    if follow.is_text()
        && let Some((stdout, stderr)) = exact_logs(process).await
    {
        return Ok(Output {
            status,
            stdout,
            stderr,
            lossy: false,
        });
    }
    Ok(Output {
        status,
        stdout: stdout.into(),
        stderr: stderr.into(),
        lossy,
    })
}

/// Fails for output that is larger than the limit.
pub(super) fn check_size(stdout: usize, stderr: usize, limit: usize) -> Result<(), Error> {
    if stdout.saturating_add(stderr) > limit {
        let message = format!("its output is larger than the limit of {limit} bytes");
        return Err(Error::decode(message));
    }
    Ok(())
}

/// Returns the output of a process that has ended, if the logs contain it as it is: complete, without replaced bytes,
/// and without the lines that the server adds for a restart. Old servers have no other exact form.
async fn exact_logs<S: HttpService>(process: &Process<S>) -> Option<(Bytes, Bytes)> {
    let mut outage = Outage::default();
    let logs = loop {
        let logs = match process.look().await {
            Ok(info) if info.restart_count != 0 => return None,
            Ok(_) => process.logs().await,
            Err(error) => Err(error),
        };
        match logs {
            Ok(logs) => break logs,
            Err(error) => outage.pause(error).await.ok()?,
        }
    };
    let whole = |text: &str| whole_below(text, WHOLE_LOGS).map(Bytes::from);
    Some((whole(&logs.stdout)?, whole(&logs.stderr)?))
}
