//! Schedules of sandboxes and their executions.

use std::time::Duration;

use super::sandboxes::SANDBOXES;
use crate::clock::timestamp;
use crate::cron::Cron;
use crate::state::kind::{AuditFields, Kind, Listing, Naming, Operations, Pages};
use crate::state::rule::{self, Check};
use crate::state::secret::{Rule, Secret};
use crate::state::{Document, member};

/// Maximum number of schedules of a sandbox.
const MAX_SCHEDULES: usize = 100;
/// The default number of executions that a schedule keeps.
const DEFAULT_EXECUTIONS: u64 = 100;

/// Pages of the resources under a sandbox.
const PAGES: Pages = Pages {
    default: 20,
    max: 100,
    anchor: false,
    ..Pages::PLAIN
};

pub(crate) static SCHEDULES: Kind = Kind {
    path: "sandboxes/{sandboxName}/schedules",
    parameter: "scheduleId",
    noun: "Schedule",
    parent: Some(&SANDBOXES),
    parents_in: &["sandbox"],
    operations: Operations {
        list: Some("ListSandboxSchedules"),
        create: Some("CreateSandboxSchedule"),
        get: Some("GetSandboxSchedule"),
        // Due executions are recorded before a change: see `router/schedules.rs`.
        update: None,
        delete: None,
        ..Operations::NONE
    },
    naming: Naming::GivenOrGenerated("schedule"),
    audit_fields: AuditFields {
        created_at: Some("createdAt"),
        updated_at: Some(CHANGED),
        ..AuditFields::NONE
    },
    listing: Listing::Paged(Pages {
        types: &["cron", "at"],
        ..PAGES
    }),
    secrets: &[Secret {
        path: "input/env/*",
        rule: Rule::Always,
    }],
    show_secrets: true,
    max_count: MAX_SCHEDULES,
    check,
    complete: |document, context| {
        if member::text(document, "type") == Some("sleep") {
            let length = member::text(document, "value").and_then(rule::seconds);
            let at = timestamp(context.now.saturating_add(length.unwrap_or_default()));
            document.insert("type".to_owned(), "at".into());
            document.insert("value".to_owned(), at.as_str().into());
        }
        member::default(document, "maxExecutions", DEFAULT_EXECUTIONS);
    },
    compute: |_, _, _, shown| shown.remove(CHANGED),
    ..Kind::FLAT
};

/// The member with the time of a schedule's last change. It is not shown.
const CHANGED: &str = "changedAt";

/// Returns the time of a schedule's last change.
pub(crate) fn schedule_changed(document: &Document) -> Option<Duration> {
    rule::moment(member::text(document, CHANGED)?)
}

fn check(document: &Document) -> Check {
    let value = member::text(document, "value").unwrap_or_default();
    let (good, wanted) = match member::text(document, "type") {
        Some("cron") => (
            Cron::parse(value).is_some(),
            "a cron expression of five fields",
        ),
        Some("at") => (rule::moment(value).is_some(), "an RFC 3339 time"),
        Some(_) => (rule::seconds(value).is_some(), "a duration such as 30m"),
        None => return Err("type is missing.".to_owned()),
    };
    if good {
        return Ok(());
    }
    Err(format!("value must be {wanted}."))
}

pub(crate) static SCHEDULE_EXECUTIONS: Kind = Kind {
    path: "sandboxes/{sandboxName}/schedule-executions",
    parameter: "executionId",
    noun: "Schedule execution",
    parent: Some(&SANDBOXES),
    parents_in: &["sandbox"],
    audit_fields: AuditFields {
        created_at: Some("createdAt"),
        ..AuditFields::NONE
    },
    listing: Listing::Paged(PAGES),
    ..Kind::FLAT
};
