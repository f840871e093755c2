//! Deployments: planning the states of a record.

use std::collections::BTreeMap;

use serde_json::Value;

use super::OpenStore;
use crate::state::kind::Lifecycle;
use crate::state::timeline::DeploymentGoal;
use crate::state::{Author, Collection, Kind, Record, member};

impl OpenStore {
    /// Builds and deploys the upload for a record, if it still has this serial number. Returns `false` if the build
    /// fails.
    pub(crate) fn build(&mut self, collection: &Collection, name: &str, serial: u64) -> bool {
        let Some(mut record) = self.rows.take(collection.key(), name) else {
            return true;
        };
        let mut succeeds = true;
        if record.serial == serial && !record.timeline.is_deleting() {
            let steps = (self.setting().build_time, self.setting().deploy_time);
            let revision = record.revisions.latest().map(str::to_owned);
            let (now, revision) = (self.now(), revision.as_deref());
            succeeds = !self.take_build_failure(collection.kind(), name);
            if succeeds {
                let goal = self.goal_of(collection.kind(), &record);
                record.timeline.build(now, steps, goal, revision);
            } else {
                record.timeline.fail_build(now, steps.0, revision);
            }
        }
        self.rows.insert(collection.key(), record);
        succeeds
    }

    /// Makes the next build of a record's image fail, or that of an image.
    pub(crate) fn fail_next_build(&mut self, kind: &Kind, name: &str) {
        self.failing_builds.insert((kind.path, name.to_owned()));
    }

    /// Returns `true` once if [`fail_next_build`](Self::fail_next_build) was called before.
    pub(crate) fn take_build_failure(&mut self, kind: &Kind, name: &str) -> bool {
        self.failing_builds.remove(&(kind.path, name.to_owned()))
    }

    /// Makes the next deployment of a record fail, or the next work of another type.
    pub(crate) fn fail_next(&mut self, work: &'static str, name: &str) {
        self.failing.insert((work, name.to_owned()));
    }

    /// Returns `true` once if [`fail_next`](Self::fail_next) was called before.
    pub(crate) fn take_failure(&mut self, work: &'static str, name: &str) -> bool {
        self.failing.remove(&(work, name.to_owned()))
    }

    /// Makes the first attempts of a task fail, in the next execution of a job.
    pub(crate) fn fail_next_task(&mut self, job: &str, index: usize, attempts: u32) {
        let failing = self.failing_tasks.entry(job.to_owned()).or_default();
        failing.insert(index, attempts);
    }

    /// Returns the tasks whose attempts fail in this execution of a job, with the number of these attempts.
    pub(crate) fn take_task_failures(&mut self, job: &str) -> BTreeMap<usize, u32> {
        self.failing_tasks.remove(job).unwrap_or_default()
    }

    /// Starts the deployment of a record, if its kind is deployed, and sets its end.
    pub(super) fn deploy(&mut self, kind: &Kind, record: &mut Record, author: &Author<'_>) {
        record.timeline.end((kind.end)(record));
        if kind.lifecycle == Lifecycle::Plain {
            return;
        }
        let at = self.now().saturating_sub(author.ago);
        if kind.operations.revisions.is_some() {
            let id = format!("rev-{}", self.rows.next_id());
            let spec = record.document.get("spec");
            record.revisions.add(id, at, author.name, spec);
        }
        let revision = record.revisions.latest().map(str::to_owned);
        if author.uploads {
            record.timeline.await_upload(at, revision.as_deref());
        } else {
            let goal = self.goal_of(kind, record);
            let step = self.setting().deploy_time;
            record.timeline.deploy(at, step, goal, revision.as_deref());
        }
    }

    /// Returns the final state of a record's deployment.
    fn goal_of(&mut self, kind: &Kind, record: &Record) -> DeploymentGoal {
        let enabled = member::get(&record.document, "spec/enabled").and_then(Value::as_bool);
        if enabled == Some(false) {
            DeploymentGoal::Deactivated
        } else if self.take_failure(kind.path, &record.name) {
            DeploymentGoal::Failed
        } else {
            DeploymentGoal::Deployed
        }
    }
}
