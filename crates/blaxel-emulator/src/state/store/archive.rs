//! Archiving a sandbox, and restoring it.

use std::time::Duration;

use super::OpenStore;
use super::failing::FailingWork;
use crate::state::archive::{Archive, Work};
use crate::state::status;
use crate::state::{Collection, SANDBOXES};

impl OpenStore {
    /// Starts to archive a sandbox with so many files and bytes. Its machine must have ended before.
    pub(crate) fn archive(&mut self, sandbox: &str, (files, size): (u64, u64)) {
        let making = self.work(sandbox);
        let collection = Collection::top(&SANDBOXES);
        let key = self.fresh_name(&collection, "archive");
        let Some(record) = self.modify(&collection, sandbox) else {
            return;
        };
        record.archive = Some(Archive {
            key,
            files,
            size,
            making,
            restoring: None,
        });
        let last = match making.fails {
            true => (
                status::DEPLOYED,
                "Archiving has failed (requested by the test).",
            ),
            false => (status::ARCHIVED, "The sandbox is archived."),
        };
        let first = (status::ARCHIVING, "Archiving has begun.");
        let timeline = &mut record.timeline;
        timeline.cancel_pending(making.start);
        timeline.add_state(making.start, "archive", first);
        timeline.add_state(making.end, "archive", last);
        self.changed();
    }

    /// Starts to restore a sandbox from its archive.
    pub(crate) fn unarchive(&mut self, sandbox: &str) {
        let restoring = self.work(sandbox);
        let Some(record) = self.modify(&Collection::top(&SANDBOXES), sandbox) else {
            return;
        };
        if let Some(archive) = &mut record.archive {
            archive.restoring = Some(restoring);
        }
        let last = match restoring.fails {
            true => (
                status::ARCHIVED,
                "Restoring has failed (requested by the test).",
            ),
            false => (status::DEPLOYED, "The sandbox is restored."),
        };
        let first = (status::UNARCHIVING, "Restoring has begun.");
        let timeline = &mut record.timeline;
        timeline.cancel_pending(restoring.start);
        timeline.add_state(restoring.start, "archive", first);
        timeline.add_state(restoring.end, "archive", last);
        record.used = restoring.end;
        self.changed();
    }

    /// Restarts a sandbox after its machine was replaced, which takes as long as a deployment.
    pub(crate) fn restart(&mut self, sandbox: &str) {
        let now = self.now();
        let end = now.saturating_add(self.setting().deploy_time);
        let Some(record) = self.modify(&Collection::top(&SANDBOXES), sandbox) else {
            return;
        };
        let timeline = &mut record.timeline;
        timeline.cancel_pending(now);
        timeline.add_state(
            now,
            "restore",
            (status::DEPLOYING, "The restore has begun."),
        );
        timeline.add_state(
            end,
            "restore",
            (status::DEPLOYED, "The restore is complete."),
        );
        record.used = now;
        self.changed();
    }

    /// Returns the work of archiving or restoring a sandbox from now on.
    fn work(&mut self, sandbox: &str) -> Work {
        let start: Duration = self.now();
        Work {
            start,
            end: start.saturating_add(self.setting().archive_time),
            fails: self.take_failure(FailingWork::Archive, sandbox),
        }
    }
}
