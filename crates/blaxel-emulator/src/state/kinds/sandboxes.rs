//! Sandboxes.

use std::time::Duration;

use serde_json::{Value, json};

use super::PAGES;
use super::workloads::{ENVS, WORKLOAD};
use crate::catalog::REGIONS;
use crate::clock::{Clock, timestamp};
use crate::state::kind::{Kind, Lifecycle, Listing, Naming, Operations, Pages};
use crate::state::rule::{self, Check};
use crate::state::secret::{Rule, Secret};
use crate::state::timeline::End;
use crate::state::{CollectionKey, Document, Record, Rows, Shown, member, status};

/// The default image of a sandbox.
const IMAGE: &str = "blaxel/base-image:latest";
/// The default region of a sandbox and of a volume: the nearest one.
const REGION: &str = REGIONS[0].name;
/// The default memory of a sandbox, in megabytes.
const MEMORY: u64 = 4096;

pub(crate) static SANDBOXES: Kind = Kind {
    path: "sandboxes",
    parameter: "sandboxName",
    noun: "Sandbox",
    operations: Operations {
        list: Some("ListSandboxes"),
        // Creation has its own route: see `router/sandboxes.rs`.
        create: None,
        get: Some("GetSandbox"),
        update: Some("UpdateSandbox"),
        delete: Some("DeleteSandbox"),
        by_external_id: Some("GetSandboxByExternalId"),
        ..Operations::NONE
    },
    naming: Naming::GivenOrGenerated("sandbox"),
    listing: Listing::Paged(Pages {
        status_always: true,
        ..PAGES
    }),
    lifecycle: Lifecycle::Retained,
    uploads: true,
    secrets: &[
        ENVS,
        Secret {
            path: "spec/runtime/dockerConfig",
            rule: Rule::Always,
        },
        Secret {
            path: "spec/network/proxy/routing/*/secrets",
            rule: Rule::Hidden,
        },
    ],
    show_secrets: true,
    read_only: &[
        "archive",
        "errors",
        "expiresIn",
        "lastUsedAt",
        "nodeGeneration",
        "state",
    ],
    sticky: &[
        "metadata/externalId",
        "spec/lifecycle",
        "spec/runtime/extraArgs",
        "spec/runtime/ttl",
    ],
    check,
    complete: |document, context| {
        member::default(document, "spec/runtime/image", IMAGE);
        member::default(document, "spec/runtime/memory", MEMORY);
        complete_region(document, context.before);
    },
    compute,
    abridge: |shown, _| shown.remove("events"),
    end,
    sample: |_| json!({"enabled": true, "runtime": {"image": IMAGE, "memory": MEMORY}}),
    ..WORKLOAD
};

/// Fills in the region that the resource had before, or the nearest one.
pub(super) fn complete_region(document: &mut Document, before: Option<&Document>) {
    let region = before.and_then(|before| member::text(before, "spec/region"));
    member::default(document, "spec/region", region.unwrap_or(REGION));
}

fn check(document: &Document) -> Check {
    rule::lifetime(document, "spec/runtime/ttl", rule::LEAST_AGE)?;
    rule::time(document, "spec/runtime/expires")?;
    rule::lifecycle(document, "spec/lifecycle")
}

fn compute(rows: &Rows, _: &CollectionKey, record: &Record, shown: &mut Shown<'_>) {
    let now = rows.now();
    let status = record.status(now);
    let is_asleep = status == status::DEPLOYED && is_on_standby(rows, record);
    if !matches!(status, status::ARCHIVING | status::ARCHIVED) {
        let state = if is_asleep { "STANDBY" } else { "RUNNING" };
        shown.set("state", state);
    }
    let archive = record.archive.as_ref();
    if let Some(archive) = archive.and_then(|archive| archive.shown(now)) {
        shown.set("archive", archive);
    }
    shown.set("lastUsedAt", timestamp(record.used).as_str());
    if let Some(end) = record.timeline.terminated_at() {
        shown.set("expiresIn", end.saturating_sub(now).as_secs());
    }
    if status == status::FAILED {
        let error = json!({
            "code": "DEPLOYMENT_FAILED",
            "fatal": true,
            "message": "The deployment has failed (requested by the test).",
        });
        shown.set("errors", json!([error]));
    }
}

/// Returns `true` if a sandbox is on standby because it was not used for a while.
pub(crate) fn is_on_standby(rows: &Rows, record: &Record) -> bool {
    let unused = || record.used.saturating_add(rows.setting().standby_after) <= rows.now();
    let machine = record.machine.as_ref();
    machine.map_or_else(unused, Clock::is_on_standby)
}

/// Returns the end of a sandbox: the first of its time to live, its expiry date and the policies of
/// its lifecycle.
fn end(record: &Record) -> Option<End> {
    let document = &record.document;
    let after = |start: Duration, text: &str| Some(start.saturating_add(rule::seconds(text)?));
    let ttl = member::text(document, "spec/runtime/ttl");
    let ttl = ttl.and_then(|text| after(record.created, text));
    let date = member::text(document, "spec/runtime/expires").and_then(rule::moment);
    let policies = member::get(document, "spec/lifecycle/expirationPolicies");
    let policies = policies.and_then(Value::as_array).into_iter().flatten();
    let ends = policies.filter_map(|policy| {
        let member = |name: &str| policy.get(name).and_then(Value::as_str);
        let value = member("value")?;
        match member("type")? {
            "ttl-max-age" => after(record.created, value),
            "ttl-idle" => after(record.used, value),
            "date" => rule::moment(value),
            _ => None,
        }
    });
    let first = ends.chain(ttl).chain(date).min()?;
    Some(End::retained(document, first))
}
