//! Deployments: what a record's timeline leads to, and when.

use serde_json::Value;

use super::OpenStore;
use crate::state::kind::Lifecycle;
use crate::state::timeline::DeploymentGoal;
use crate::state::{Author, Collection, Kind, Record, member};

impl OpenStore {
    /// Builds and deploys what was uploaded for a record, if it is still the one with this serial.
    pub(crate) fn build(&mut self, collection: &Collection, name: &str, serial: u64) {
        let Some(mut record) = self.rows.take(collection.key(), name) else {
            return;
        };
        if record.serial == serial && !record.timeline.is_deleting() {
            let goal = self.goal(collection.kind(), &record);
            let steps = (self.setting().build_time, self.setting().deploy_time);
            let revision = record.revisions.latest().map(str::to_owned);
            record
                .timeline
                .build(self.now(), steps, goal, revision.as_deref());
        }
        self.rows.insert(collection.key(), record);
    }

    /// Lets the next deployment of a record fail, or the next execution of a job.
    pub(crate) fn fail_next(&mut self, kind: &Kind, name: &str) {
        self.failing.insert((kind.path, name.to_owned()));
    }

    /// Whether that was asked for. It comes about once.
    pub(crate) fn take_failure(&mut self, kind: &Kind, name: &str) -> bool {
        self.failing.remove(&(kind.path, name.to_owned()))
    }

    /// Starts the deployment of a record, if its kind knows any, and sets its end.
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
            let goal = self.goal(kind, record);
            let step = self.setting().deploy_time;
            record.timeline.deploy(at, step, goal, revision.as_deref());
        }
    }

    /// Where a deployment of a record leads.
    fn goal(&mut self, kind: &Kind, record: &Record) -> DeploymentGoal {
        let enabled = member::get(&record.document, "spec/enabled").and_then(Value::as_bool);
        if enabled == Some(false) {
            DeploymentGoal::Deactivated
        } else if self.take_failure(kind, &record.name) {
            DeploymentGoal::Failed
        } else {
            DeploymentGoal::Deployed
        }
    }
}
