//! A guard that keeps a sandbox from standby.

use std::fmt;
use std::time::Duration;

use blaxel_core::__private::{ErrorParts, later};
use blaxel_core::{Error, HttpService, Source};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::files::watch_root;
use crate::remote::Remote;
use crate::sandbox::SandboxHandle;

/// The delay before a stream that ended is opened again. The sandbox goes on standby after some 15 seconds without a
/// connection.
const REOPEN: Duration = Duration::from_secs(1);

/// Time limit on the response headers and on the silence of a stream. The sandbox sends a line every 30 seconds, and
/// older ones send the headers with the first line.
const SILENCE: Duration = Duration::from_secs(90);

impl<S: HttpService> SandboxHandle<S> {
    /// Keeps the sandbox from standby until the returned guard is dropped, or `duration` is over.
    ///
    /// A sandbox goes on standby seconds after its last connection has closed. So the guard holds one open: a stream of
    /// the changes in the sandbox's root directory (`GET /watch/filesystem/{path}`), on which the sandbox sends a line
    /// every 30 seconds. A background task reads it, and opens it again when it ends. Nothing remains in the sandbox,
    /// not even if this program is killed: the sandbox then goes on standby as usual.
    ///
    /// A sandbox that is awake is billed as a running one. Dropping the guard does not end other connections, nor the
    /// idle ones of the client, which closes them after some seconds.
    ///
    /// The call itself wakes the sandbox, and fails if that fails (`GET /health`). It needs a tokio runtime.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// let awake = sandbox.keep_awake(Duration::from_secs(30 * 60)).await?;
    /// // Work with the sandbox here.
    /// drop(awake);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the first call; [`Error::is_input`] outside of a tokio runtime. Later errors end the guard:
    /// [`KeepAwake::finished`] returns them.
    pub async fn keep_awake(&self, duration: Duration) -> Result<KeepAwake, Error> {
        let deadline = later(Instant::now(), duration);
        self.health().await?;
        let runtime = Handle::try_current()
            .map_err(|problem| Error::input("tokio runtime", &Source::Code, problem))?;
        let options = self.remote().options().unwrap_or_default();
        let remote = self
            .remote()
            .with_options(options.with_deadline(SILENCE).with_idle_limit(SILENCE));
        Ok(KeepAwake {
            task: runtime.spawn(hold(remote, deadline)),
        })
    }
}

/// A guard that keeps a sandbox from standby until it is dropped. [`SandboxHandle::keep_awake`] returns it.
#[must_use = "the sandbox is kept awake until the guard is dropped"]
pub struct KeepAwake {
    task: JoinHandle<Result<(), Error>>,
}

impl KeepAwake {
    /// Returns `true` while the sandbox is kept awake. It becomes `false` when the time is over, and after an error
    /// that does not go away by itself.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !self.task.is_finished()
    }

    /// Waits until the time is over.
    ///
    /// # Errors
    ///
    /// The error that ended the guard before: one that does not go away by itself, such as
    /// [`Error::is_not_found`] for a deleted sandbox.
    pub async fn finished(mut self) -> Result<(), Error> {
        match (&mut self.task).await {
            Ok(outcome) => outcome,
            Err(problem) => Err(Error::failed("the background task has ended").caused_by(problem)),
        }
    }
}

impl Drop for KeepAwake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for KeepAwake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepAwake")
            .field("active", &self.is_active())
            .finish_non_exhaustive()
    }
}

/// Holds a stream open until the deadline.
async fn hold<S: HttpService>(remote: Remote<S>, deadline: Instant) -> Result<(), Error> {
    let hold = async {
        loop {
            match read(&remote).await {
                Err(error) if !error.is_transient() => return error,
                Ok(()) | Err(_) => sleep(REOPEN).await,
            }
        }
    };
    match timeout_at(deadline, hold).await {
        Ok(error) => Err(error),
        Err(_) => Ok(()),
    }
}

/// Opens the stream and reads it to its end.
async fn read<S: HttpService>(remote: &Remote<S>) -> Result<(), Error> {
    let mut body = watch_root(remote).await?.into_body();
    while body.chunk().await?.is_some() {}
    Ok(())
}
