//! The task that runs a process.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use blaxel_core::BoxFuture;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use super::launch::{Launch, StartError};
use super::record::{Channels, Record};
use crate::clock::{Awake, Clock};
use crate::process::{ExitStatus, Output, Process};

/// The pause before a restart.
const RESTART_DELAY: Duration = Duration::from_secs(1);
/// The chunks of output that are taken at once.
const OUTPUT_BATCH: usize = 64;
/// The bytes up to which chunks of output are joined.
const JOINED: usize = 4096;

/// Runs a process, restarts it when it fails, and runs what its starts left in the background. The
/// guard is dropped when the process has ended.
pub(super) async fn supervise(
    record: Arc<Record>,
    mut process: Process,
    launch: Launch,
    clock: Clock,
    awake: Option<Awake>,
) {
    let mut leftovers = FuturesUnordered::new();
    loop {
        let (exit, leftover) = beside(&mut leftovers, run(&record, process, &clock)).await;
        leftovers.push(leftover);
        if record.ended(exit, clock.since_epoch()).is_none() {
            break;
        }
        beside(&mut leftovers, clock.sleep(RESTART_DELAY)).await;
        match beside(&mut leftovers, launch.start(&record.order)).await {
            Ok(started) => {
                record.restarted(channels(&started), clock.since_epoch());
                process = started;
            }
            Err(error) => {
                record.restart_failed(&StartError::to_string(&error));
                break;
            }
        }
    }
    drop(awake);
    while leftovers.next().await.is_some() {}
    record.vanished();
}

/// Returns the channels of a started process that requests use.
pub(super) fn channels(process: &Process) -> Channels {
    Channels {
        guest_pid: process.pid,
        stdin: process.stdin.clone(),
        control: process.control.clone(),
    }
}

/// Waits for a future, and polls what is left of earlier starts meanwhile.
async fn beside<T>(
    leftovers: &mut FuturesUnordered<BoxFuture<()>>,
    future: impl Future<Output = T>,
) -> T {
    let mut future = pin!(future);
    loop {
        tokio::select! {
            output = &mut future => return output,
            Some(()) = leftovers.next(), if !leftovers.is_empty() => {}
        }
    }
}

/// Runs one start until its end. Returns its status, and the future of what it left behind.
async fn run(record: &Arc<Record>, process: Process, clock: &Clock) -> (ExitStatus, BoxFuture<()>) {
    let Process {
        mut output,
        mut exit,
        mut run,
        stdin,
        control,
        pid: _,
    } = process;
    // The record has its own. As long as there are others, standard input does not end.
    drop((stdin, control));
    let timeout = record.order.timeout;
    let mut time_limit = clock.sleep(timeout);
    let mut has_limit = record.order.keep_alive && !timeout.is_zero();
    let (mut is_open, mut is_running) = (true, true);
    let mut chunks = Vec::new();
    let status = loop {
        tokio::select! {
            status = &mut exit => break status,
            count = output.recv_many(&mut chunks, OUTPUT_BATCH), if is_open => {
                is_open = count > 0;
                push(record, &mut chunks);
            }
            () = &mut run, if is_running => is_running = false,
            () = &mut time_limit, if has_limit => {
                has_limit = false;
                if record.run().keep_alive {
                    // It fails only if the process has just ended.
                    let _ = record.kill().await;
                }
            }
        }
    };
    drain(record, &mut output, &mut chunks);
    // A guest that drops the sender has lost the process.
    let status = status.unwrap_or(ExitStatus::Signal(9));
    let record = Arc::clone(record);
    let leftover = async move {
        while is_open || is_running {
            tokio::select! {
                count = output.recv_many(&mut chunks, OUTPUT_BATCH), if is_open => {
                    is_open = count > 0;
                    push(&record, &mut chunks);
                }
                () = &mut run, if is_running => is_running = false,
            }
        }
    };
    (status, Box::pin(leftover))
}

/// Takes the output that is there without waiting for more.
fn drain(record: &Record, output: &mut mpsc::Receiver<Output>, chunks: &mut Vec<Output>) {
    while let Ok(chunk) = output.try_recv() {
        chunks.push(chunk);
    }
    push(record, chunks);
}

/// Adds chunks to the history. Chunks of one stream that follow each other are joined, as if the
/// server had read them at once.
fn push(record: &Record, chunks: &mut Vec<Output>) {
    let mut joined: Option<(crate::process::Stream, Vec<u8>)> = None;
    for chunk in chunks.drain(..) {
        match &mut joined {
            Some((stream, bytes))
                if *stream == chunk.stream && bytes.len() + chunk.bytes.len() <= JOINED =>
            {
                bytes.extend_from_slice(&chunk.bytes);
            }
            _ => {
                if let Some((stream, bytes)) = joined.take() {
                    record.history.push(stream, bytes.into());
                }
                joined = Some((chunk.stream, chunk.bytes.into()));
            }
        }
    }
    if let Some((stream, bytes)) = joined {
        record.history.push(stream, bytes.into());
    }
}
