//! The program of a job: it finds its task, and runs the work.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use blaxel_core::{CallOptions, Error, HttpService};
use http::StatusCode;
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use super::task::Task;
use super::{AnyError, command_line};
use crate::task::{JobTask, execution_id, task_index};

/// The delays before the second and each further attempt to read the arguments.
const DELAYS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// A source of environment variables.
type Variables = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A program that executes one task of a job.
///
/// | the variable | has |
/// | --- | --- |
/// | `BL_EXECUTION_DATA_URL` | the presigned address of the arguments of all tasks. Outside of a job it is unset |
/// | `TASK_INDEX`, or the one that `BL_TASK_KEY` names | the index of the task; outside of a job 0 by default |
/// | `BL_EXECUTION_ID`, or the one that `BL_EXECUTION_KEY` names | the id of the execution |
///
/// Outside of a job, the arguments are those of the command line: `--name value`, `--name=value`, or `--name` alone
/// for `true`. A number or a truth value is read as such if the type of the arguments has one there, and a list or a
/// map as JSON.
///
/// ```
/// use blaxel_core::{Error, HttpService};
/// use blaxel_inference::job::{Program, Task};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Page {
///     page: u32,
/// }
///
/// # async fn example(client: impl HttpService) -> Result<(), Error> {
/// let program = Program::new(client).arguments(["--page", "7"]);
/// let task: Task<Page> = program.task().await?;
/// assert_eq!((task.index, task.arguments.page), (0, 7));
/// # Ok(())
/// # }
/// ```
pub struct Program<S> {
    service: S,
    variables: Variables,
    arguments: Vec<OsString>,
    options: Option<CallOptions>,
}

impl<S: HttpService> Program<S> {
    /// Creates a program without variables and arguments.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self {
            service,
            variables: Box::new(|_| None),
            arguments: Vec::new(),
            options: None,
        }
    }

    /// Creates a program with the variables and the arguments of this process.
    #[must_use]
    pub fn from_env(service: S) -> Self {
        Self::new(service)
            // A value that is not Unicode is malformed, and not missing.
            .variables(|name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))
            .arguments(std::env::args_os().skip(1))
    }

    /// Sets the source of the environment variables. By default there are none.
    #[must_use]
    pub fn variables<F>(mut self, variables: F) -> Self
    where
        F: Fn(&str) -> Option<String> + Send + Sync + 'static,
    {
        self.variables = Box::new(variables);
        self
    }

    /// Sets the arguments of the command line, without the name of the program. By default there are none. In a job
    /// they are ignored.
    #[must_use]
    pub fn arguments<I>(mut self, arguments: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the options of the requests for the arguments. They replace those of the client. By default each attempt
    /// is a single request.
    #[must_use]
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = Some(options);
        self
    }

    /// Finds the task, and reads its arguments (in a job: `GET` of the address in `BL_EXECUTION_DATA_URL`, without a
    /// credential).
    ///
    /// The storage is asked up to three more times, after 1, 2 and 4 seconds, if it responds with 429 or a status from
    /// 500 on, or if the network fails. The document with all tasks may have up to 256 MiB.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], naming the variable or the argument, if one is missing or malformed; the error of the last
    /// request; [`Error::is_decode`] if there is no such task, or if its arguments are not of this type.
    pub async fn task<T: DeserializeOwned>(&self) -> Result<Task<T>, Error> {
        let Some(task) = JobTask::find(self.service.clone(), &self.variables)? else {
            return Ok(Task {
                index: task_index(&self.variables)?.unwrap_or(0),
                execution: execution_id(&self.variables)?,
                arguments: command_line::read(&self.arguments)?,
            });
        };
        let once = CallOptions::new().with_attempts(1);
        let task = task.options(self.options.unwrap_or(once));
        Ok(Task {
            index: task.index(),
            execution: task.execution().map(str::to_owned),
            arguments: read(&task).await?,
        })
    }

    /// Finds the task, reads its arguments, and runs the work. [`run`](super::run) also makes an exit status of the
    /// result.
    ///
    /// # Errors
    ///
    /// The [`Error`] of [`task`](Self::task), or that of `work`.
    pub async fn run<T, F, Fut, E>(&self, work: F) -> Result<(), AnyError>
    where
        T: DeserializeOwned,
        F: FnOnce(Task<T>) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Into<AnyError>,
    {
        let task = self.task().await?;
        work(task).await.map_err(Into::into)
    }
}

/// Reads the arguments, and tries again after a failure that may go away.
async fn read<S: HttpService, T: DeserializeOwned>(task: &JobTask<S>) -> Result<T, Error> {
    for delay in DELAYS {
        match task.arguments().await {
            Err(error) if may_go_away(&error) => sleep(delay).await,
            outcome => return outcome,
        }
    }
    task.arguments().await
}

fn may_go_away(error: &Error) -> bool {
    let status = error.status();
    let by_status =
        |status: StatusCode| status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    error.is_transient() || status.is_some_and(by_status)
}

impl<S> fmt::Debug for Program<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").finish_non_exhaustive()
    }
}
