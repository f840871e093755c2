//! Programs inside jobs.
//!
//! The platform starts the program of a job once for each task of an execution. [`run`] is the body of such a program:
//! it finds the task, reads its arguments, runs the work, and returns the exit status. On the command line, the same
//! program takes its arguments as `--name value`.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use blaxel_core::{Error, HttpService};
//! use blaxel_inference::job::{self, Task};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Page {
//!     page: u32,
//! }
//!
//! async fn work(task: Task<Page>) -> Result<(), Error> {
//!     println!("task {} is page {}", task.index, task.arguments.page);
//!     Ok(())
//! }
//!
//! // In `main`, with a `blaxel_transport::Client` as the service.
//! async fn program(client: impl HttpService) -> ExitCode {
//!     job::run(client, work).await
//! }
//! ```
//!
//! [`Program`] does the same with variables and arguments of your choice. [`LocalRun`] runs the work for many tasks at
//! once, as an execution would.

mod command_line;
mod local;
mod program;
mod task;

use std::error::Error as StdError;
use std::fmt;
use std::process::ExitCode;

use blaxel_core::__private::one_line;
use blaxel_core::HttpService;
use serde::de::DeserializeOwned;

pub use self::local::{LocalFailure, LocalReport, LocalRun};
pub use self::program::Program;
pub use self::task::Task;

/// Any error of the work of a task.
type AnyError = Box<dyn StdError + Send + Sync>;

/// Runs the work of the task that this process executes, and returns the exit status of the process.
///
/// The environment and the command line are read once, here; see [`Program`] for what they mean. The future of
/// `work` is polled by the returned future, so it may borrow. An error, with its causes, is printed on the standard
/// error output in one line, and the status is then 1. A panic of `work` is a panic of this function.
///
/// The arguments are of any type that serde deserializes. A program without arguments takes
/// [`IgnoredAny`](serde::de::IgnoredAny). The error is of any type that `?` converts into a boxed error.
///
/// It requires a tokio runtime with its timer enabled.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use blaxel_core::{Error, HttpService};
/// use blaxel_inference::job::{self, Task};
/// use serde_json::Value;
///
/// async fn program(client: impl HttpService) -> ExitCode {
///     job::run(client, async |task: Task<Value>| -> Result<(), Error> {
///         println!("{}", task.arguments);
///         Ok(())
///     })
///     .await
/// }
/// ```
pub async fn run<S, T, F, Fut, E>(service: S, work: F) -> ExitCode
where
    S: HttpService,
    T: DeserializeOwned,
    F: FnOnce(Task<T>) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<AnyError>,
{
    match Program::from_env(service).run(work).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", Chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Formats an error and its causes in one line.
struct Chain<'a>(&'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        f.write_str(&one_line(&text, usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_several_lines_is_printed_in_one() {
        let error: AnyError = "no page 10\n  of the book\r\n".into();
        assert_eq!(Chain(&*error).to_string(), "no page 10 of the book");
    }
}
