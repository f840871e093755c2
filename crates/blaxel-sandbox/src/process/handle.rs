//! [`Process`]: a process in a sandbox, whoever has started it.

use std::fmt;
use std::sync::Arc;
#[cfg(feature = "wait")]
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService};
use http::StatusCode;

use super::info::{ProcessInfo, ProcessLogs};
use super::operations::{GetProcess, GetProcessLogs, KillProcess, ListProcessPorts, StopProcess};
use super::ports::ProcessPort;
use crate::reference::ProcessRef;
use crate::remote::Remote;

/// Time limit on a response with the state of a process.
#[cfg(feature = "wait")]
const LOOK_LIMIT: Duration = Duration::from_secs(60);

/// A process in a sandbox, by its name or its PID.
///
/// It is returned by [`SandboxHandle::process`](crate::SandboxHandle::process) and
/// [`Sandboxes::process`](crate::Sandboxes::process) for processes that any program has started, and by
/// [`Child::process`](super::Child::process). Nothing is sent before it is used. A clone is as cheap as a clone of the
/// service. Dropping it does nothing to the process.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
/// let web = sandbox.process("web");
/// if web.info().await?.exit_status().is_none() {
///     web.stop().await?;
///     println!("{}", web.wait().await?);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Names
///
/// A number is taken for a PID. Any other text is the name of the process that was started last with it.
///
/// # Errors
///
/// [`Error::is_not_found`] for a process that does not exist. The message of an error names the process.
pub struct Process<S> {
    remote: Remote<S>,
    id: Arc<str>,
    /// The PID, if it is known. It tells the process from a later one with the same name.
    pid: Option<Arc<str>>,
}

impl<S: HttpService> Process<S> {
    pub(crate) fn new(remote: Remote<S>, id: &str) -> Self {
        Self {
            remote,
            id: id.into(),
            pid: None,
        }
    }

    /// Returns the same process with its PID.
    #[cfg(feature = "wait")]
    pub(super) fn with_pid(&self, pid: &str) -> Self {
        Self {
            pid: (!pid.is_empty()).then(|| pid.into()),
            ..self.clone()
        }
    }

    /// Returns the name, or the PID if the process was looked up by it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.id
    }

    /// Returns a reference to the process, which can be stored and [used](crate::Sandboxes::process) later. It contains
    /// no secret.
    #[must_use]
    pub fn reference(&self) -> ProcessRef {
        ProcessRef::new(self.remote.site().reference(), &*self.id)
    }

    /// Returns the state of the process (`GET /process/{identifier}`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such process, or if another process has taken its name.
    pub async fn info(&self) -> Result<ProcessInfo, Error> {
        let info = self.remote.call(&GetProcess(&self.id)).await;
        let info = info.map_err(|error| self.describe(error))?;
        self.check(&info)?;
        Ok(info)
    }

    /// Returns the end of the output as text, at most 4 MiB of each stream (`GET /process/{identifier}/logs`).
    pub async fn logs(&self) -> Result<ProcessLogs, Error> {
        let logs = self.remote.call(&GetProcessLogs(&self.id)).await;
        logs.map_err(|error| self.describe(error))
    }

    /// Returns the sockets of the process and its children (`GET /network/process/{pid}/ports`).
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(web: blaxel_sandbox::Process<impl HttpService>) -> Result<(), Error> {
    /// for port in web.ports().await?.iter().filter(|port| port.is_reachable()) {
    ///     println!("{}", port.local_port);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ports(&self) -> Result<Vec<ProcessPort>, Error> {
        let info;
        let pid = match &self.pid {
            Some(pid) => pid,
            None => {
                info = self.info().await?;
                info.pid.as_str()
            }
        };
        let ports = self.remote.call(&ListProcessPorts(pid)).await;
        ports.map_err(|error| self.describe(error))
    }

    /// Asks the process and its process group to end, with the signal `SIGTERM` (`DELETE /process/{identifier}`).
    ///
    /// It returns when the signal was sent; [`wait`](Self::wait) waits for the end. It does nothing if the process has
    /// already ended.
    pub async fn stop(&self) -> Result<(), Error> {
        self.end(self.remote.call(&StopProcess(&self.id))).await
    }

    /// Ends the process and its process group, with the signal `SIGKILL` (`DELETE /process/{identifier}/kill`).
    ///
    /// It returns when the signal was sent; [`wait`](Self::wait) waits for the end. It does nothing if the process has
    /// already ended. Descendants that have left the process group go on; [`kill_tree`](Self::kill_tree) ends them
    /// too.
    pub async fn kill(&self) -> Result<(), Error> {
        self.end(self.remote.call(&KillProcess(&self.id))).await
    }

    /// Sends a signal to a running process. A process that has ended is left alone: its PID may be that of another
    /// process by now, and the server would not notice.
    async fn end(&self, signal: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
        if self.info().await?.exit_status().is_some() {
            return Ok(());
        }
        let Err(error) = signal.await else {
            return Ok(());
        };
        // The server has the same status for a process that has ended in the meantime.
        if error.status() == Some(StatusCode::NOT_FOUND)
            && let Ok(info) = self.info().await
            && info.exit_status().is_some()
        {
            return Ok(());
        }
        Err(self.describe(error))
    }

    /// Returns the state of the process as [`info`](Self::info) does, within a minute. A response that does not come is
    /// a failure like others for those who try again.
    #[cfg(feature = "wait")]
    pub(super) async fn look(&self) -> Result<ProcessInfo, Error> {
        self.within(LOOK_LIMIT, self.info()).await
    }

    /// Waits for a response, for a limited time.
    #[cfg(feature = "wait")]
    pub(super) async fn within<T>(
        &self,
        limit: Duration,
        response: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let outcome = tokio::time::timeout(limit, response).await;
        outcome.unwrap_or_else(|_| {
            let error = Error::timeout("wait for a response", limit);
            Err(self.describe(error.in_operation(Some(GET))))
        })
    }

    pub(super) fn remote(&self) -> &Remote<S> {
        &self.remote
    }

    /// Fails if another process has taken the name.
    pub(super) fn check(&self, info: &ProcessInfo) -> Result<(), Error> {
        match &self.pid {
            Some(pid) if **pid != *info.pid && !info.pid.is_empty() => {
                let head = http::Response::builder().status(StatusCode::NOT_FOUND);
                let (head, ()) = head.body(()).unwrap_or_default().into_parts();
                let message = "another process has taken its name, so its result is unknown";
                let error = Error::from_response(Some(GET), &head, message.as_bytes());
                Err(self.describe(error))
            }
            _ => Ok(()),
        }
    }

    /// Names the process in an error.
    pub(super) fn describe(&self, error: Error) -> Error {
        error.with_subject(format_args!("the process `{}`", self.id))
    }
}

/// The operation that reports the state of a process.
const GET: &blaxel_core::OperationInfo =
    <GetProcess<'static> as crate::remote::DataOperation>::INFO;

/// Returns `true` if the server itself says that it does not know the process.
#[cfg(feature = "wait")]
pub(super) fn is_unknown(error: &Error) -> bool {
    let origin = error.api().map(blaxel_core::ApiError::origin);
    error.is_not_found() && origin == Some(blaxel_core::ErrorOrigin::Workload)
}

impl<S: Clone> Clone for Process<S> {
    fn clone(&self) -> Self {
        Self {
            remote: self.remote.clone(),
            id: Arc::clone(&self.id),
            pid: self.pid.clone(),
        }
    }
}

impl<S> fmt::Debug for Process<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("name", &self.id)
            .finish_non_exhaustive()
    }
}
