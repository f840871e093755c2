//! A task with its arguments.

use blaxel_core::Error;
use serde::Serialize;

use super::command_line;
use crate::task::{EXECUTION_ID, TASK_INDEX};

/// A task of an execution, with its arguments.
///
/// ```
/// use blaxel_inference::job::Task;
///
/// let task = Task::new(3, "Oslo").execution("exec-1");
/// assert_eq!((task.index, task.arguments), (3, "Oslo"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task<T> {
    /// The index of the task in the execution, from 0.
    pub index: usize,
    /// The id of the execution, if it is known. Outside of a job there is none.
    pub execution: Option<String>,
    /// The arguments.
    pub arguments: T,
}

impl<T> Task<T> {
    /// Creates a task, for instance for a test of its work.
    #[must_use]
    pub fn new(index: usize, arguments: T) -> Self {
        Self {
            index,
            execution: None,
            arguments,
        }
    }

    /// Sets the id of the execution.
    #[must_use]
    pub fn execution(mut self, id: impl Into<String>) -> Self {
        self.execution = Some(id.into());
        self
    }

    /// Returns the variables, with their values, that a program reads the index and the id of the execution from:
    /// `TASK_INDEX` and, if there is an id, `BL_EXECUTION_ID`.
    ///
    /// ```
    /// use blaxel_inference::job::Task;
    ///
    /// let variables: Vec<_> = Task::new(3, ()).variables().collect();
    /// assert_eq!(variables, [("TASK_INDEX", "3".to_owned())]);
    /// ```
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, String)> {
        let index = (TASK_INDEX.default, self.index.to_string());
        let id = self.execution.clone();
        std::iter::once(index).chain(id.map(|id| (EXECUTION_ID.default, id)))
    }
}

impl<T: Serialize> Task<T> {
    /// Returns the arguments as a command line, `--name value` for each, as [`Program`](super::Program) and the
    /// programs of the other SDKs read it. With [`variables`](Self::variables) it starts another process for the task:
    ///
    /// ```no_run
    /// use blaxel_inference::job::{LocalRun, Task};
    /// use serde_json::{Value, json};
    /// use tokio::process::Command;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// async fn start(task: Task<Value>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    ///     let mut program = Command::new("target/debug/nightly");
    ///     program.args(task.command_line()?).envs(task.variables()).kill_on_drop(true);
    ///     let status = program.status().await?;
    ///     if status.success() { Ok(()) } else { Err(status.to_string().into()) }
    /// }
    ///
    /// let report = LocalRun::new([json!({"page": 1}), json!({"page": 2})]).workers(2).run(start).await;
    /// println!("{report}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the arguments are not a JSON object.
    pub fn command_line(&self) -> Result<Vec<String>, Error> {
        command_line::write(&self.arguments)
    }
}
