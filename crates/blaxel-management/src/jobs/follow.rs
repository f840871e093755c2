//! Follows an execution until it has ended, and reports the changes of its tasks.

use std::collections::HashMap;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService};
use tokio::time::{Instant, sleep};

use super::{JobExecution, JobExecutionTask, JobExecutionTaskStatus};
use crate::collection::Collection;
use crate::wait::Wait;

impl<S: HttpService> Collection<JobExecution, S> {
    /// Polls an execution until it has ended, successfully or not, and returns it. `changed` is called for each
    /// task when it is first seen, and again whenever its status has changed.
    ///
    /// Status changes between two polls are not reported, except the last one, which always is. Of `wait`, only
    /// [`every`](Wait::every) and [`inactivity`](Wait::inactivity) are used. It needs a tokio runtime with
    /// timers. The future can be dropped at any time; no background task remains.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # use blaxel_management::{Collection, Wait, jobs::JobExecution};
    /// # async fn example(executions: Collection<JobExecution, impl HttpService>) -> Result<(), Error> {
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
    /// [`Error::is_not_found`] if there is no such execution; [`Error::is_timeout`] after too long a time without
    /// a change; otherwise the error of a poll, without a further poll.
    pub async fn follow(
        &self,
        execution: &str,
        wait: &Wait,
        mut changed: impl FnMut(&JobExecutionTask),
    ) -> Result<JobExecution, Error> {
        let mut known: HashMap<Option<String>, Option<JobExecutionTaskStatus>> = HashMap::new();
        let (mut last_status, mut changed_at) = (None, Instant::now());
        loop {
            // The execution is read first: tasks that are read after its end have their final status.
            let current = self.get(execution).await?;
            let mut has_changed = last_status != current.status;
            last_status.clone_from(&current.status);
            let mut tasks = self.tasks(execution).items();
            while let Some(task) = tasks.try_next().await? {
                let before = known.insert(task.metadata.name.clone(), task.status.clone());
                if before.as_ref() != Some(&task.status) {
                    has_changed = true;
                    changed(&task);
                }
            }
            if current.is_finished() {
                return Ok(current);
            }
            if has_changed {
                changed_at = Instant::now();
            }
            if changed_at.elapsed() >= wait.inactivity {
                return Err(Error::timeout("wait for a change", wait.inactivity));
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

    /// A service whose execution and tasks advance with each poll.
    fn executing(
        polls: &'static [(&'static str, &'static [(&'static str, &'static str)])],
    ) -> Script {
        let mut poll = 0;
        Script::with(move |line| {
            if line.ends_with("/executions/exec-1") {
                poll += 1;
                let (status, _) = polls[poll.min(polls.len()) - 1];
                return Reply::json(
                    200,
                    &json!({"metadata": {"id": "exec-1"}, "status": status}),
                );
            }
            let (_, tasks) = polls[poll.min(polls.len()) - 1];
            let tasks: Vec<Value> = tasks
                .iter()
                .map(|(name, status)| json!({"metadata": {"name": name}, "status": status}))
                .collect();
            Reply::json(200, &json!({"data": tasks, "meta": {"hasMore": false}}))
        })
    }

    async fn follow(script: Script, wait: &Wait) -> (Vec<String>, Result<JobExecution, Error>) {
        let mut reported = Vec::new();
        let executions = Management::new(script).jobs().executions("nightly");
        let outcome = executions.follow("exec-1", wait, |task| {
            let name = task.metadata.name.clone().unwrap_or_default();
            let status = task.status.as_ref().map_or("", |status| status.as_str());
            reported.push(format!("{name} {status}"));
        });
        let outcome = outcome.await;
        (reported, outcome)
    }

    #[tokio::test(start_paused = true)]
    async fn each_status_change_is_reported_once_and_every_final_status_is_reported() {
        let script = executing(&[
            ("queued", &[]),
            ("running", &[("a", "running"), ("b", "pending")]),
            ("running", &[("a", "running"), ("b", "running")]),
            (
                "failed",
                &[("a", "succeeded"), ("b", "failed"), ("c", "cancelled")],
            ),
        ]);
        let (reported, outcome) = follow(script, &Wait::new()).await;
        assert!(!outcome.unwrap().is_success());
        let expected = [
            "a running",
            "b pending",
            "b running",
            "a succeeded",
            "b failed",
            "c cancelled",
        ];
        assert_eq!(reported, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn an_execution_without_a_change_times_out() {
        let script = executing(&[("running", &[("a", "running")])]);
        let wait = Wait::new().inactivity(Duration::from_secs(60));
        let (reported, outcome) = follow(script.clone(), &wait).await;
        assert!(outcome.unwrap_err().is_timeout());
        assert_eq!(reported, ["a running"]);
        assert_eq!(script.elapsed(), Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_execution_is_not_found() {
        let script = Script::new([Reply::json(
            404,
            &json!({"code": 404, "error": "not found"}),
        )]);
        let (_, outcome) = follow(script, &Wait::new()).await;
        assert!(outcome.unwrap_err().is_not_found());
    }
}
