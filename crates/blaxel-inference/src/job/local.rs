//! Many tasks on this machine, several at once.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::process::ExitCode;

use tokio::task::{Id, JoinError, JoinSet};

use super::task::Task;
use super::{AnyError, Chain};

/// A run of many tasks on this machine, as an execution of a job runs them on the platform.
///
/// ```
/// use blaxel_inference::job::{LocalRun, Task};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let report = LocalRun::new(["Oslo", "Rome"])
///     .workers(2)
///     .max_retries(1)
///     .run(async |task: Task<&str>| -> Result<(), String> {
///         match task.arguments {
///             "Rome" => Err("no map of Rome".to_owned()),
///             _ => Ok(()),
///         }
///     })
///     .await;
/// assert_eq!((report.total, report.success(), report.retried), (2, 1, 1));
/// assert_eq!(report.failures[0].to_string(), "task 1 failed after 2 attempts: no map of Rome");
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing runs until `run` is called"]
pub struct LocalRun<T> {
    tasks: Vec<T>,
    workers: usize,
    max_retries: u32,
    execution: Option<String>,
}

impl<T: Clone> LocalRun<T> {
    /// Creates a run of the tasks with these arguments, one after the other and without retries.
    pub fn new(tasks: impl IntoIterator<Item = T>) -> Self {
        Self {
            tasks: tasks.into_iter().collect(),
            workers: 1,
            max_retries: 0,
            execution: None,
        }
    }

    /// Sets the maximum number of tasks that run at the same time; 0 counts as 1, which is the default.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// Sets the maximum number of retries of a failed task, as `max_retries` of a job does. The default is 0. A task
    /// is retried at once, after the tasks that have not run yet.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Sets the id of the execution that the tasks see. By default they see none.
    pub fn execution(mut self, id: impl Into<String>) -> Self {
        self.execution = Some(id.into());
        self
    }

    /// Runs the work of all tasks, and returns when the last one has ended.
    ///
    /// It requires a tokio runtime, on which each task is spawned: with a multi-threaded one, tasks run in parallel. If
    /// the future is dropped, all tasks are aborted. A panic in a task is a failure of this task. To run another program
    /// for each task, see [`Task::command_line`].
    ///
    /// The work takes the arguments as they were given to [`new`](Self::new): they are not deserialized, as those of
    /// [`run`](super::run) are. Its future is spawned, so it must not borrow; clone what it uses:
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use blaxel_inference::job::{LocalRun, Task};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let greeting = Arc::new("Hello".to_owned());
    /// let work = move |task: Task<&'static str>| {
    ///     let greeting = Arc::clone(&greeting);
    ///     async move {
    ///         println!("{greeting}, {}", task.arguments);
    ///         Ok::<_, String>(())
    ///     }
    /// };
    /// let report = LocalRun::new(["Oslo", "Rome"]).run(work).await;
    /// assert!(report.failures.is_empty());
    /// # }
    /// ```
    pub async fn run<F, Fut, E>(self, work: F) -> LocalReport
    where
        F: Fn(Task<T>) -> Fut,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<AnyError> + 'static,
    {
        let mut report = LocalReport {
            total: self.tasks.len(),
            retried: 0,
            failures: Vec::new(),
        };
        let first = |index| Attempt { index, number: 1 };
        let mut waiting: VecDeque<Attempt> = (0..self.tasks.len()).map(first).collect();
        let mut started: HashMap<Id, Attempt> = HashMap::new();
        let mut running = JoinSet::new();
        loop {
            while running.len() < self.workers
                && let Some(attempt) = waiting.pop_front()
                && let Some(arguments) = self.tasks.get(attempt.index)
            {
                let work = work(Task {
                    index: attempt.index,
                    execution: self.execution.clone(),
                    arguments: arguments.clone(),
                });
                let work = async move { work.await.map_err(Into::into) };
                started.insert(running.spawn(work).id(), attempt);
            }
            let (id, outcome) = match running.join_next_with_id().await {
                None => break,
                Some(Ok((id, outcome))) => (id, outcome),
                Some(Err(problem)) => (problem.id(), Err(panicked(problem))),
            };
            let (Some(attempt), Err(error)) = (started.remove(&id), outcome) else {
                continue;
            };
            if attempt.number <= self.max_retries {
                report.retried += usize::from(attempt.number == 1);
                let number = attempt.number.saturating_add(1);
                waiting.push_back(Attempt { number, ..attempt });
            } else {
                report.failures.push(LocalFailure {
                    index: attempt.index,
                    attempts: attempt.number,
                    error,
                });
            }
        }
        report.failures.sort_by_key(|failure| failure.index);
        report
    }
}

/// Returns the error of a task that panicked, with the message of the panic if it is text.
fn panicked(problem: JoinError) -> AnyError {
    let Ok(payload) = problem.try_into_panic() else {
        return "it was aborted".into();
    };
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    match text {
        Some(text) => format!("it panicked: {text}").into(),
        None => "it panicked".into(),
    }
}

/// An attempt to run a task, the first with the number 1.
#[derive(Clone, Copy)]
struct Attempt {
    index: usize,
    number: u32,
}

/// The outcome of a [`LocalRun`]. It is displayed as a line for the number of tasks, and one for each failure.
#[derive(Debug)]
#[non_exhaustive]
pub struct LocalReport {
    /// The number of tasks.
    pub total: usize,
    /// The number of tasks that were retried, whatever their end.
    pub retried: usize,
    /// The tasks that failed, by index.
    pub failures: Vec<LocalFailure>,
}

impl LocalReport {
    /// Returns the number of tasks that succeeded.
    #[must_use]
    pub fn success(&self) -> usize {
        self.total.saturating_sub(self.failures.len())
    }

    /// Returns `true` if all tasks succeeded.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failures.is_empty()
    }

    /// Returns the exit status of a program that did nothing else: 0 if all tasks succeeded, otherwise 1.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        if self.is_success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

impl fmt::Display for LocalReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} tasks succeeded", self.success(), self.total)?;
        let failures = self.failures.iter();
        failures
            .into_iter()
            .try_for_each(|failure| write!(f, "\n{failure}"))
    }
}

/// A task that failed, after all its attempts.
#[derive(Debug)]
#[non_exhaustive]
pub struct LocalFailure {
    /// The index of the task.
    pub index: usize,
    /// The number of attempts.
    pub attempts: u32,
    /// The error of the last attempt.
    pub error: Box<dyn std::error::Error + Send + Sync>,
}

impl fmt::Display for LocalFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, attempts) = (self.index, self.attempts);
        let times = if attempts == 1 { "attempt" } else { "attempts" };
        let error = Chain(&*self.error);
        write!(f, "task {index} failed after {attempts} {times}: {error}")
    }
}
