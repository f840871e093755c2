//! Asynchronous calls: which they are, and what their triggers say of them.

use std::time::Duration;

use serde_json::Value;

use super::call::Call;
use crate::state::{Collection, member};
use crate::workload::{PendingCallback, Workload};

/// How long a workload may take in the background unless its trigger says otherwise.
const TIMEOUT: u64 = 15 * 60;
/// The most that a callback is tried again, whatever its trigger says.
const RETRIES: u64 = 10;

/// What is to be done for an asynchronous call.
pub(super) struct Trigger {
    /// How long the workload may take.
    pub(super) timeout: Duration,
    /// Whether the path is that of the trigger.
    pub(super) by_path: bool,
    /// Where the answer goes, if it goes anywhere.
    pub(super) delivery: Option<PendingCallback>,
}

impl Trigger {
    /// What a call triggers; `None` for one that waits for its answer. `async=true` makes any call of
    /// an agent or function asynchronous, and so does the path of an asynchronous trigger.
    pub(super) fn of(call: &Call, workload: &Workload) -> Option<Self> {
        let kind = workload.kind();
        kind.triggers?;
        let store = call.engine.store.open();
        let record = store.get(&Collection::top(kind), workload.name())?;
        let triggers = member::get(&record.document, "spec/triggers").and_then(Value::as_array);
        let triggers: Vec<_> = triggers
            .into_iter()
            .flatten()
            .filter(|trigger| is_asynchronous(trigger))
            .filter_map(|trigger| trigger.get("configuration"))
            .collect();
        let address = format!("{workload}{}", call.below);
        let here = triggers
            .iter()
            .find(|configuration| has_path(configuration, &address));
        let asked = call.query.get("async") == Some("true");
        let calling_back = || triggers.iter().find(|trigger| url(trigger).is_some());
        let configuration = match here {
            Some(here) => Some(here),
            None if asked => calling_back(),
            None => return None,
        };
        let number = |name: &str| configuration.and_then(|it| it.get(name)?.as_u64());
        let timeout = number("timeout").filter(|seconds| (1..TIMEOUT).contains(seconds));
        let delivery = configuration.and_then(|configuration| {
            let secret = configuration.get("callbackSecret").and_then(Value::as_str);
            let retries = number("retry").unwrap_or(0).min(RETRIES);
            Some(PendingCallback {
                workload: workload.clone(),
                url: url(configuration)?.to_owned(),
                secret: secret.unwrap_or_default().to_owned(),
                retries: u32::try_from(retries).unwrap_or_default(),
            })
        });
        Some(Self {
            timeout: Duration::from_secs(timeout.unwrap_or(TIMEOUT)),
            by_path: here.is_some(),
            delivery,
        })
    }
}

fn is_asynchronous(trigger: &Value) -> bool {
    let kind = trigger.get("type").and_then(Value::as_str);
    let enabled = trigger.get("enabled").and_then(Value::as_bool);
    kind == Some("http-async") && enabled != Some(false)
}

fn url(configuration: &Value) -> Option<&str> {
    let url = configuration.get("callbackUrl")?.as_str()?;
    (!url.is_empty()).then_some(url)
}

/// Whether a trigger has this path, such as `agents/support-bot/async`.
fn has_path(configuration: &Value, address: &str) -> bool {
    let path = configuration.get("path").and_then(Value::as_str);
    let path = path.unwrap_or_default().trim_matches('/');
    !path.is_empty() && path == address.trim_end_matches('/')
}
