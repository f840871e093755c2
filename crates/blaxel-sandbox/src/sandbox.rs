//! [`SandboxHandle`]: a running sandbox.

use std::fmt;

use blaxel_core::{CallOptions, Error, HttpService};

#[cfg(feature = "wait")]
use crate::files::Files;
#[cfg(feature = "wait")]
use crate::process::Command;
use crate::process::{self, Process, ProcessInfo};
use crate::reference::SandboxRef;
use crate::remote::Remote;

/// A handle on a running sandbox.
///
/// It is created by [`Sandboxes`](crate::Sandboxes). A clone is as cheap as a clone of the service; clones can
/// be used at the same time. Dropping a handle does nothing to the sandbox.
#[derive(Clone)]
pub struct SandboxHandle<S> {
    remote: Remote<S>,
}

impl<S: HttpService> SandboxHandle<S> {
    pub(crate) fn new(remote: Remote<S>) -> Self {
        Self { remote }
    }

    /// Returns the name of the sandbox. A sandbox that is reached by a session alone has the name of the
    /// session.
    #[must_use]
    pub fn name(&self) -> &str {
        self.remote.name()
    }

    /// Returns a reference to the sandbox, which can be stored and [joined](crate::Sandboxes::join) later. It
    /// contains no secret: a session's token is not part of it.
    #[must_use]
    pub fn reference(&self) -> SandboxRef {
        self.remote.site().reference()
    }

    /// Returns a handle whose calls have these options. They replace those of the client. By default the
    /// client's apply.
    #[must_use]
    pub fn options(self, options: CallOptions) -> Self {
        Self {
            remote: self.remote.with_options(options),
        }
    }

    /// Returns a command that runs a program. Its arguments are passed on as they are.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let output = sandbox.command("git").args(["log", "--format=%s *"]).output().await?;
    /// assert!(output.status.success());
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "wait")]
    pub fn command(&self, program: impl Into<String>) -> Command<S> {
        Command::new(self.remote.clone(), program.into())
    }

    /// Returns the file system of the sandbox.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// sandbox.fs().write("/app/.env", "A=1").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "wait")]
    #[must_use]
    pub fn fs(&self) -> Files<S> {
        Files::new(self.remote.clone())
    }

    /// Returns a handle on the process with this name or PID. Nothing is sent before it is used.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// println!("{}", sandbox.process("web").info().await?.status);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn process(&self, name_or_pid: &str) -> Process<S> {
        Process::new(self.remote.clone(), name_or_pid)
    }

    /// Returns the processes that were started by the sandbox's API, running and ended, in any order (`GET /process`).
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// for process in sandbox.processes().await? {
    ///     println!("{} {}", process.name, process.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the server or of the connection.
    pub async fn processes(&self) -> Result<Vec<ProcessInfo>, Error> {
        process::list(&self.remote).await
    }

    /// Returns a command that runs a script of the sandbox's shell, with pipes, variables and all of its syntax.
    ///
    /// Never put values into the script that come from elsewhere; add them with [`Command::arg`] and use them as
    /// `"$1"`.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let count = sandbox.shell(r#"ls "$1" | wc -l"#).arg("/my files").output().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "wait")]
    pub fn shell(&self, script: impl Into<String>) -> Command<S> {
        Command::shell(self.remote.clone(), script.into())
    }

    #[allow(dead_code, reason = "used by the areas that are being added")]
    pub(crate) fn remote(&self) -> &Remote<S> {
        &self.remote
    }
}

impl<S> fmt::Debug for SandboxHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SandboxHandle").field(&self.remote).finish()
    }
}
