//! Following an execution, task by task, until it has ended.

use std::collections::HashMap;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService};
use tokio::time::{Instant, sleep};

use super::{JobExecution, JobExecutionTask, JobExecutionTaskStatus};
use crate::collection::Collection;
use crate::wait::Wait;

impl<S: HttpService> Collection<JobExecution, S> {
    /// Follows an execution until it has ended, in whatever way, and returns it as it stands then. Each
    /// task is told when it is first seen, and again whenever it stands elsewhere.
    ///
    /// What a task went through between two looks is not told; how it ended always is. Of the wait, the
    /// pace and the limit on inactivity count. Time is tokio's, so this needs a tokio runtime. It may be
    /// dropped at any time; nothing goes on behind it.
    ///
    /// ```
    /// # use blaxel_core::{Error, HttpService};
    /// # use blaxel_management::{Collection, Wait, jobs::JobExecution};
    /// # async fn tour(executions: Collection<JobExecution, impl HttpService>) -> Result<(), Error> {
    /// let execution = executions
    ///     .follow("exec-1", &Wait::new(), |task| {
    ///         println!("{:?} is {:?}", task.metadata.name, task.status);
    ///     })
    ///     .await?;
    /// assert!(execution.is_success());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such execution; [`Error::is_timeout`] when nothing happened
    /// for too long; else what a look failed with.
    pub async fn follow(
        &self,
        execution: &str,
        wait: &Wait,
        mut changed: impl FnMut(&JobExecutionTask),
    ) -> Result<JobExecution, Error> {
        let mut known: HashMap<Option<String>, Option<JobExecutionTaskStatus>> = HashMap::new();
        let (mut stood, mut moved_at) = (None, Instant::now());
        loop {
            // The execution is looked at first: the tasks that are read after its end are at their ends.
            let seen = self.get(execution).await?;
            let mut moved = stood != seen.status;
            stood.clone_from(&seen.status);
            let mut tasks = self.tasks(execution).items();
            while let Some(task) = tasks.try_next().await? {
                let before = known.insert(task.metadata.name.clone(), task.status.clone());
                if before.as_ref() != Some(&task.status) {
                    moved = true;
                    changed(&task);
                }
            }
            if seen.is_finished() {
                return Ok(seen);
            }
            if moved {
                moved_at = Instant::now();
            }
            if moved_at.elapsed() >= wait.inactivity {
                return Err(Error::timeout("inactivity", wait.inactivity));
            }
            sleep(wait.every).await;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::Management;
    use crate::scripted::{Reply, Script};

    /// An execution whose status and tasks go on with each look at it.
    fn executing(
        looks: &'static [(&'static str, &'static [(&'static str, &'static str)])],
    ) -> Script {
        let mut look = 0;
        Script::with(move |line| {
            if line.ends_with("/executions/exec-1") {
                look += 1;
                let (status, _) = looks[look.min(looks.len()) - 1];
                return Reply::json(
                    200,
                    &json!({"metadata": {"id": "exec-1"}, "status": status}),
                );
            }
            let (_, tasks) = looks[look.min(looks.len()) - 1];
            let tasks: Vec<Value> = tasks
                .iter()
                .map(|(name, status)| json!({"metadata": {"name": name}, "status": status}))
                .collect();
            Reply::json(200, &json!({"data": tasks, "meta": {"hasMore": false}}))
        })
    }

    async fn follow(script: Script, wait: &Wait) -> (Vec<String>, Result<JobExecution, Error>) {
        let mut told = Vec::new();
        let executions = Management::new(script).jobs().executions("nightly");
        let outcome = executions.follow("exec-1", wait, |task| {
            let name = task.metadata.name.clone().unwrap_or_default();
            let status = task.status.as_ref().map_or("", |status| status.as_str());
            told.push(format!("{name} {status}"));
        });
        let outcome = outcome.await;
        (told, outcome)
    }

    #[tokio::test(start_paused = true)]
    async fn each_change_of_a_task_is_told_once_and_every_end_is_told() {
        let script = executing(&[
            ("queued", &[]),
            ("running", &[("a", "running"), ("b", "pending")]),
            ("running", &[("a", "running"), ("b", "running")]),
            (
                "failed",
                &[("a", "succeeded"), ("b", "failed"), ("c", "cancelled")],
            ),
        ]);
        let (told, outcome) = follow(script, &Wait::new()).await;
        assert!(!outcome.unwrap().is_success());
        let expected = [
            "a running",
            "b pending",
            "b running",
            "a succeeded",
            "b failed",
            "c cancelled",
        ];
        assert_eq!(told, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn an_execution_that_stands_still_is_given_up() {
        let script = executing(&[("running", &[("a", "running")])]);
        let wait = Wait::new().inactivity(Duration::from_secs(60));
        let (told, outcome) = follow(script.clone(), &wait).await;
        assert!(outcome.unwrap_err().is_timeout());
        assert_eq!(told, ["a running"]);
        assert_eq!(script.elapsed(), Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn an_execution_that_is_not_there_is_not_waited_for() {
        let script = Script::new([Reply::json(
            404,
            &json!({"code": 404, "error": "not found"}),
        )]);
        let (_, outcome) = follow(script, &Wait::new()).await;
        assert!(outcome.unwrap_err().is_not_found());
    }
}
