//! Deployments: what a record's walk leads to, and when.

use serde_json::Value;

use super::Shelves;
use crate::state::kind::Life;
use crate::state::walk::Aim;
use crate::state::{Author, Kind, Record, Shelf, member};

impl Shelves {
    /// Builds and deploys what was uploaded for a record, if it is still the one with this serial.
    pub(crate) fn build(&mut self, shelf: &Shelf, name: &str, serial: u64) {
        let Some(mut record) = self.rows.take(shelf.collection(), name) else {
            return;
        };
        if record.serial == serial && !record.walk.is_ending() {
            let aim = self.aim(shelf.kind(), &record);
            let steps = (self.setting().build_time, self.setting().deploy_time);
            let revision = record.revisions.latest().map(str::to_owned);
            record
                .walk
                .build(self.now(), steps, aim, revision.as_deref());
        }
        self.rows.keep(shelf.collection(), record);
    }

    /// Lets the next deployment of a record fail, or the next execution of a job.
    pub(crate) fn fail_next(&mut self, kind: &Kind, name: &str) {
        self.failing.insert((kind.path, name.to_owned()));
    }

    /// Whether that was asked for. It comes about once.
    pub(crate) fn is_to_fail(&mut self, kind: &Kind, name: &str) -> bool {
        self.failing.remove(&(kind.path, name.to_owned()))
    }

    /// Starts the deployment of a record, if its kind knows any, and sets its end.
    pub(super) fn deploy(&mut self, kind: &Kind, record: &mut Record, author: &Author<'_>) {
        record.walk.end((kind.end)(record));
        if kind.life == Life::Plain {
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
            record.walk.await_upload(at, revision.as_deref());
        } else {
            let aim = self.aim(kind, record);
            let step = self.setting().deploy_time;
            record.walk.deploy(at, step, aim, revision.as_deref());
        }
    }

    /// Where a deployment of a record leads.
    fn aim(&mut self, kind: &Kind, record: &Record) -> Aim {
        let enabled = member::get(&record.document, "spec/enabled").and_then(Value::as_bool);
        if enabled == Some(false) {
            Aim::Deactivated
        } else if self.is_to_fail(kind, &record.name) {
            Aim::Failed
        } else {
            Aim::Deployed
        }
    }
}
