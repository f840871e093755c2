//! A multipart upload in progress, which leaves nothing behind when it fails or is dropped.

use std::future::poll_fn;
use std::mem;
use std::task::Poll;
use std::time::Duration;

use blaxel_core::{BoxFuture, Error, HttpService};
use tokio::time::{sleep, timeout};

use super::form::FilledForm;
use super::multipart::{
    AbortUpload, CompleteUpload, InitiateUpload, ListUploadParts, UploadPart, UploadedPart,
};
use super::path::RemotePath;
use super::problem::is_missing;
use super::retry::Attempts;
use super::stat::stat;
use crate::cleanup::in_background;
use crate::remote::Remote;

/// Maximum time for which an abort after a failure is waited for.
const ABORT_LIMIT: Duration = Duration::from_secs(10);

/// Maximum number of times that an abort is repeated, for 7 seconds in all.
const ABORT_RETRIES: u32 = 6;

/// Time that a completion has left after its future was dropped, before the upload is aborted.
const COMPLETION_LIMIT: Duration = Duration::from_secs(7);

/// Delays between the checks of a completion whose response was lost, 74 seconds in all.
const CHECKS: [u64; 12] = [1, 1, 2, 4, 4, 4, 8, 10, 10, 10, 10, 10];

/// Number of checks without a change after which a completion is sent again.
const UNCHANGED_CHECKS: u32 = 3;

/// An upload on the server. Dropping it aborts it, whatever it is doing.
pub(crate) struct Session<S: HttpService> {
    remote: Remote<S>,
    state: State,
}

enum State {
    /// The id is not known yet, but the server may have created the upload.
    Initiating(BoxFuture<Result<String, Error>>),
    Open(String),
    /// The server may be writing the file, which an abort would cut off.
    Completing(String, BoxFuture<Result<(), Error>>),
    Closed,
}

impl<S: HttpService> Session<S> {
    /// Begins an upload.
    pub(crate) async fn begin(
        remote: Remote<S>,
        path: RemotePath,
        mode: Option<u32>,
        retries: u32,
    ) -> Result<Self, Error> {
        let initiating = Box::pin(initiate(
            remote.clone(),
            InitiateUpload { path, mode },
            retries,
        ));
        let mut session = Self {
            remote,
            state: State::Initiating(initiating),
        };
        let outcome = poll_fn(|cx| match &mut session.state {
            State::Initiating(initiating) => initiating.as_mut().poll(cx),
            _ => Poll::Pending,
        })
        .await;
        match outcome {
            Ok(id) => {
                session.state = State::Open(id);
                Ok(session)
            }
            Err(error) => {
                session.state = State::Closed;
                Err(error)
            }
        }
    }

    /// Returns the sender of its parts, or `None` once it is complete.
    pub(crate) fn sender(&self, retries: u32) -> Option<PartSender<S>> {
        let State::Open(id) = &self.state else {
            return None;
        };
        Some(PartSender {
            remote: self.remote.clone(),
            id: id.clone(),
            retries,
        })
    }

    /// Completes the upload. If that fails, the upload is still to be aborted.
    pub(crate) async fn complete(
        &mut self,
        path: RemotePath,
        parts: Vec<UploadedPart>,
    ) -> Result<(), Error> {
        let State::Open(id) = &self.state else {
            return Err(Error::decode("the upload is not open"));
        };
        let id = id.clone();
        let completing = Box::pin(complete(self.remote.clone(), path, id.clone(), parts));
        self.state = State::Completing(id.clone(), completing);
        let outcome = poll_fn(|cx| match &mut self.state {
            State::Completing(_, completing) => completing.as_mut().poll(cx),
            _ => Poll::Pending,
        })
        .await;
        self.state = match outcome {
            Ok(()) => State::Closed,
            Err(_) => State::Open(id),
        };
        outcome
    }

    /// Aborts the upload, and waits at most 10 seconds for it.
    pub(crate) async fn abort(mut self) {
        if let State::Open(id) = &self.state {
            let aborted = timeout(ABORT_LIMIT, abort(&self.remote, id)).await;
            if aborted.is_ok() {
                self.state = State::Closed;
            }
        }
    }
}

impl<S: HttpService> Drop for Session<S> {
    fn drop(&mut self) {
        let remote = self.remote.clone();
        match mem::replace(&mut self.state, State::Closed) {
            State::Closed => {}
            State::Initiating(initiating) => in_background(async move {
                if let Ok(id) = initiating.await {
                    abort(&remote, &id).await;
                }
            }),
            State::Open(id) => in_background(async move { abort(&remote, &id).await }),
            State::Completing(id, completing) => in_background(async move {
                if !matches!(timeout(COMPLETION_LIMIT, completing).await, Ok(Ok(()))) {
                    abort(&remote, &id).await;
                }
            }),
        }
    }
}

/// Begins an upload, with retries after transient failures. If a response is lost, an upload without a part stays on
/// the server, which nobody knows: it has no content, and cannot be told from the upload of another program.
async fn initiate<S: HttpService>(
    remote: Remote<S>,
    operation: InitiateUpload,
    retries: u32,
) -> Result<String, Error> {
    let mut attempts = Attempts::default();
    loop {
        let error = match remote.call(&operation).await {
            Ok(id) => return Ok(id),
            Err(error) => error,
        };
        match attempts.next(retries) {
            Some(delay) if error.is_transient() => sleep(delay).await,
            _ => return Err(error),
        }
    }
}

/// Sends the parts of an upload.
pub(crate) struct PartSender<S> {
    remote: Remote<S>,
    id: String,
    retries: u32,
}

impl<S: HttpService> PartSender<S> {
    /// Returns a future that sends a part, with retries after transient failures.
    pub(crate) fn send(
        &self,
        number: u32,
        form: FilledForm,
        size: usize,
    ) -> BoxFuture<Result<UploadedPart, Error>> {
        let (remote, id, retries) = (self.remote.clone(), self.id.clone(), self.retries);
        Box::pin(async move {
            let mut attempts = Attempts::default();
            loop {
                let operation = UploadPart {
                    id: &id,
                    number,
                    form: form.clone(),
                };
                let error = match remote.call(&operation).await {
                    Ok(part) if part.size == size as u64 && part.part_number == number => {
                        return Ok(part);
                    }
                    Ok(part) => Error::decode(format!(
                        "the server has received {} bytes as part {} instead of {size} as part {number}",
                        part.size, part.part_number,
                    )),
                    Err(error) => error,
                };
                let may_retry = error.is_transient() || error.is_decode() || was_cut(&error);
                match attempts.next(retries) {
                    Some(delay) if may_retry => sleep(delay).await,
                    _ => return Err(error),
                }
            }
        })
    }
}

/// Aborts an upload, with retries. Failures are ignored: the upload may be gone already.
async fn abort<S: HttpService>(remote: &Remote<S>, id: &str) {
    let mut attempts = Attempts::default();
    while let Err(error) = remote.call(&AbortUpload(id)).await {
        match attempts.next(ABORT_RETRIES) {
            Some(delay) if may_abort_later(&error) => sleep(delay).await,
            _ => return,
        }
    }
}

/// Returns `true` if an abort that was refused may succeed later. A server that still receives a part cannot remove
/// the directory of the parts, and reports that with the status of an unknown upload.
fn may_abort_later(error: &Error) -> bool {
    let message = error.api().and_then(blaxel_core::ApiError::message);
    let by_server = error
        .status()
        .is_some_and(|status| status.is_server_error());
    error.is_transient()
        || by_server
        || message.is_some_and(|message| message.contains("failed to remove"))
}

/// Returns `true` if the server reports that it received only a part of the request.
fn was_cut(error: &Error) -> bool {
    let message = error.api().and_then(blaxel_core::ApiError::message);
    message.is_some_and(|message| message.contains("unexpected EOF"))
}

/// Completes an upload. A lost response is settled: the server forgets an upload once it is complete.
///
/// The completion must not be sent again while the first one may still run: the two would write the same file, and
/// the first to end takes the parts away from the other. So it is sent again only if nothing has changed for a
/// while.
async fn complete<S: HttpService>(
    remote: Remote<S>,
    path: RemotePath,
    id: String,
    parts: Vec<UploadedPart>,
) -> Result<(), Error> {
    let size: u64 = parts.iter().map(|part| part.size).sum();
    let operation = CompleteUpload {
        id: &id,
        parts: &parts,
    };
    let mut error = match remote.call(&operation).await {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let mut last = None;
    let mut unchanged = 0;
    for delay in CHECKS {
        if !error.is_transient() {
            return Err(error);
        }
        sleep(Duration::from_secs(delay)).await;
        match remote.call(&ListUploadParts(&id)).await {
            Ok(_) => {}
            Err(gone) if is_missing(&gone) => {
                let metadata = stat(&remote, &path).await;
                let is_complete = metadata.is_ok_and(|metadata| metadata.len == Some(size));
                return if is_complete { Ok(()) } else { Err(error) };
            }
            // The sandbox cannot be reached at the moment.
            Err(other) if other.is_transient() => continue,
            Err(_) => return Err(error),
        }
        let now = stat(&remote, &path).await.ok();
        unchanged = if now == last { unchanged + 1 } else { 0 };
        last = now;
        if unchanged >= UNCHANGED_CHECKS {
            match remote.call(&operation).await {
                Ok(()) => return Ok(()),
                // It was complete after all: the next check finds out.
                Err(gone) if is_missing(&gone) => {}
                Err(other) => error = other,
            }
            unchanged = 0;
        }
    }
    Err(error)
}
