//! Deployments: planning the states of a record.

use serde_json::Value;

use super::OpenStore;
use super::failing::FailingWork;
use crate::state::kind::Lifecycle;
use crate::state::timeline::DeploymentGoal;
use crate::state::{Author, Collection, Kind, Record, member};

impl OpenStore {
    /// Builds and deploys the upload for a record, if it still has this serial number. Returns `true` if it
    /// is built: the record exists, and the build does not fail.
    pub(crate) fn build(&mut self, collection: &Collection, name: &str, serial: u64) -> bool {
        let Some(mut record) = self.rows.take(collection.key(), name) else {
            return false;
        };
        let mut is_built = false;
        if record.serial == serial && !record.timeline.is_deleting() {
            let steps = (self.setting().build_time, self.setting().deploy_time);
            let revision = record.revisions.latest().map(str::to_owned);
            let (now, revision) = (self.now(), revision.as_deref());
            is_built = !self.take_failure(FailingWork::Build(collection.kind().path), name);
            if is_built {
                let goal = self.goal_of(collection.kind(), &record);
                record.timeline.build(now, steps, goal, revision);
            } else {
                record.timeline.fail_build(now, steps.0, revision);
            }
        }
        self.rows.insert(collection.key(), record);
        is_built
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
        } else if self.take_failure(FailingWork::Main(kind.path), &record.name) {
            DeploymentGoal::Failed
        } else {
            DeploymentGoal::Deployed
        }
    }
}
