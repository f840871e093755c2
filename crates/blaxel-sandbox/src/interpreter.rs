//! The code interpreter of a sandbox: code that runs in a kernel and keeps its state from run to run.
//!
//! `run.rs` has the builder of a run, `records.rs` decodes the stream of its records, `stream.rs` and `execution.rs`
//! give them to the caller, and `contexts.rs` has the kernels.

mod contexts;
#[cfg(feature = "lifecycle")]
mod draft;
mod event;
mod execution;
mod kernel;
mod records;
mod rich_result;
mod run;
mod stream;

use std::fmt;

use blaxel_core::{Error, HttpService, OperationInfo, Plane, RequestWriter, response};
use bytes::Bytes;
use http::Method;

pub use self::contexts::{ContextOptions, InterpreterContext};
#[cfg(feature = "lifecycle")]
#[cfg_attr(docsrs, doc(cfg(feature = "lifecycle")))]
pub use self::draft::draft;
pub use self::event::{ExecutionError, ExecutionEvent, Printed};
pub use self::execution::Execution;
use self::kernel::Patience;
pub use self::rich_result::RichResult;
pub use self::run::Run;
pub use self::stream::ExecutionStream;
use crate::remote::{DataOperation, Remote};
use crate::sandbox::SandboxHandle;

/// The code interpreter of a sandbox. [`SandboxHandle::interpreter`] returns it.
///
/// It needs a sandbox of the image `blaxel/jupyter-server` with the port 8888; with the feature `lifecycle`,
/// `interpreter::draft` returns the draft of one. Code runs in a context: a kernel of one language with its own variables and
/// working directory. Runs in one context wait for each other.
#[derive(Clone)]
pub struct CodeInterpreter<S> {
    remote: Remote<S>,
    patience: Patience,
}

impl<S: HttpService> SandboxHandle<S> {
    /// Returns a handle on the code interpreter of the sandbox.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let interpreter = sandbox.interpreter();
    /// let execution = interpreter.run("print('hi'); 6 * 7").output().await?;
    /// assert_eq!(execution.stdout, "hi\n");
    /// assert_eq!(execution.text(), Some("42"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn interpreter(&self) -> CodeInterpreter<S> {
        CodeInterpreter {
            remote: self.remote().clone(),
            patience: Patience::default(),
        }
    }
}

impl<S: HttpService> CodeInterpreter<S> {
    /// Prepares a run of code (`POST /port/8888/execute`). [`Run::output`] or [`Run::stream`] sends it.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(interpreter: blaxel_sandbox::CodeInterpreter<impl HttpService>) -> Result<(), Error> {
    /// let execution = interpreter
    ///     .run("console.log(process.env.NAME)")
    ///     .language("javascript")
    ///     .env("NAME", "Ada")
    ///     .output()
    ///     .await?;
    /// assert!(execution.error.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn run(&self, code: impl Into<String>) -> Run<S> {
        Run::new(self.clone(), code.into())
    }

    /// Returns `true` if the server of the interpreter responds (`GET /port/8888/health`). Its kernels may still be
    /// starting.
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn health(&self) -> Result<bool, Error> {
        self.remote.call(&GetInterpreterHealth).await
    }
}

impl<S> fmt::Debug for CodeInterpreter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CodeInterpreter")
            .field(&self.remote)
            .finish()
    }
}

/// Reads the health of the interpreter: `GET /port/8888/health`.
struct GetInterpreterHealth;

impl DataOperation for GetInterpreterHealth {
    type Output = bool;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("GetInterpreterHealth", Method::GET, "/port/8888/health")
            .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([])
    }

    fn read(response: &http::Response<Bytes>) -> Result<bool, Error> {
        // It is a JSON text, or the text itself.
        let text = response::text(response.clone())?;
        Ok(text.trim().trim_matches('"') == "OK")
    }
}
