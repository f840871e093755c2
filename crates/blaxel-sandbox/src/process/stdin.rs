//! The standard input of a process.

use std::fmt;
#[cfg(feature = "wait")]
use std::future::poll_fn;
#[cfg(feature = "wait")]
use std::pin::pin;
#[cfg(feature = "wait")]
use std::task::Poll;

#[cfg(feature = "wait")]
use blaxel_core::Body;
use blaxel_core::{Error, HttpService};
use bytes::Bytes;

use super::handle::Process;
use super::operations::{CloseProcessStdin, WriteProcessStdin};

/// Maximum size of one request. The server accepts 8 MiB, but gives up after 10 seconds without progress.
const MAX_CHUNK: usize = 1024 * 1024;

#[cfg(feature = "wait")]
/// The source of the standard input of a [`Command`](super::Command): bytes, a stream, or a pipe that is written to
/// later.
pub struct Input(pub(super) Source);

#[cfg(feature = "wait")]
pub(super) enum Source {
    Bytes(Bytes),
    Stream(Body),
    Piped,
}

#[cfg(feature = "wait")]
impl Input {
    /// Creates a pipe that [`Child::stdin`](super::Child::stdin) writes to.
    #[must_use]
    pub fn piped() -> Self {
        Self(Source::Piped)
    }

    /// Creates the input of a stream of bytes, such as the body of a response. It is read as fast as the process
    /// reads.
    #[must_use]
    pub fn stream(body: Body) -> Self {
        Self(Source::Stream(body))
    }
}

#[cfg(feature = "wait")]
impl<T: Into<Bytes>> From<T> for Input {
    fn from(bytes: T) -> Self {
        Self(Source::Bytes(bytes.into()))
    }
}

#[cfg(feature = "wait")]
impl fmt::Debug for Input {
    /// Omits the bytes, which can contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::Bytes(_) => "Input(bytes)",
            Source::Stream(_) => "Input(stream)",
            Source::Piped => "Input(piped)",
        })
    }
}

/// A writer to the standard input of a process, which was started with a pipe as its input.
///
/// Writes arrive in their order. The pipe is closed by [`close`](Self::close) and not when the writer is dropped, so
/// another program can go on writing. It is also closed when the sandbox's API restarts.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
/// use blaxel_sandbox::process::Input;
///
/// let child = sandbox.command("sort").stdin(Input::piped()).spawn().await?;
/// let mut stdin = child.stdin();
/// stdin.write("b\na\n").await?;
/// stdin.close().await?;
/// let output = child.wait_with_output().await?;
/// assert_eq!(output.stdout, "a\nb\n");
/// # Ok(())
/// # }
/// ```
pub struct Stdin<S> {
    process: Process<S>,
}

impl<S: HttpService> Stdin<S> {
    pub(super) fn new(process: Process<S>) -> Self {
        Self { process }
    }

    /// Writes bytes, and waits until they are in the pipe (`POST /process/{identifier}/stdin`). More than 1 MiB is sent
    /// in several requests.
    ///
    /// It is never repeated by itself. If the future is dropped, it is unknown how much was written.
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if the process has no open pipe; [`Error::is_not_found`] if there is no such process, or
    /// if the server is too old; [`Error::maybe_applied`] if it is unknown whether the bytes were written.
    pub async fn write(&mut self, bytes: impl Into<Bytes>) -> Result<(), Error> {
        let mut bytes = bytes.into();
        while !bytes.is_empty() {
            let remote = self.process.remote();
            let write = WriteProcessStdin {
                process: self.process.name(),
                bytes: bytes.split_to(bytes.len().min(MAX_CHUNK)),
                options: remote.options(),
            };
            let outcome = remote.call(&write).await;
            outcome.map_err(|error| self.process.describe(error))?;
        }
        Ok(())
    }

    /// Closes the pipe: the process reads the end of its input (`DELETE /process/{identifier}/stdin`).
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if the process never had a pipe, and [`Error::is_not_found`] if there is no such process.
    pub async fn close(&mut self) -> Result<(), Error> {
        let remote = self.process.remote();
        let outcome = remote.call(&CloseProcessStdin(self.process.name())).await;
        outcome.map_err(|error| self.process.describe(error))
    }

    /// Writes a whole input and closes the pipe. A process that ends before it has read everything is no error.
    #[cfg(feature = "wait")]
    pub(super) async fn feed(mut self, source: Source) -> Result<(), Error> {
        let outcome = self.feed_all(source).await;
        match outcome {
            Err(error) if error.is_conflict() || error.is_not_found() => {
                let has_ended = match self.process.look().await {
                    Ok(info) => info.exit_status().is_some(),
                    Err(_) => false,
                };
                if has_ended { Ok(()) } else { Err(error) }
            }
            outcome => outcome,
        }
    }

    #[cfg(feature = "wait")]
    async fn feed_all(&mut self, source: Source) -> Result<(), Error> {
        match source {
            Source::Bytes(bytes) => self.write(bytes).await?,
            Source::Stream(mut body) => {
                while let Some(chunk) = body.chunk().await? {
                    self.write(chunk).await?;
                }
            }
            Source::Piped => return Ok(()),
        }
        self.close().await
    }
}

#[cfg(feature = "wait")]
/// Runs `work` while the input of a process is written. A failure to write ends the work.
pub(super) async fn with_input<T, S: HttpService>(
    work: impl Future<Output = Result<T, Error>>,
    process: Process<S>,
    input: Source,
) -> Result<T, Error> {
    let mut work = pin!(work);
    let mut feed = pin!(Stdin::new(process).feed(input));
    let mut is_fed = false;
    poll_fn(|cx| {
        if !is_fed {
            match feed.as_mut().poll(cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => is_fed = true,
                Poll::Pending => {}
            }
        }
        work.as_mut().poll(cx)
    })
    .await
}

impl<S> fmt::Debug for Stdin<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stdin").field(&self.process).finish()
    }
}

impl<S: HttpService> Process<S> {
    /// Returns a writer to the standard input of the process. Nothing is sent before it is used.
    #[must_use]
    pub fn stdin(&self) -> Stdin<S> {
        Stdin::new(self.clone())
    }
}
