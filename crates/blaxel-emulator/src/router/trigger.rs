//! Asynchronous calls and the triggers that they belong to.

use std::time::Duration;

use serde_json::Value;

use super::call::Call;
use crate::state::{Collection, traffic};
use crate::workload::{PendingCallback, Workload};

/// The default time limit of a workload in the background, in seconds.
const TIMEOUT: u64 = 15 * 60;
/// Maximum number of retries of a callback, whatever its trigger says.
const RETRIES: u64 = 10;

/// The settings of an asynchronous call.
pub(super) struct Trigger {
    /// The time limit of the workload.
    pub(super) timeout: Duration,
    /// Set if the request used the trigger's path.
    pub(super) by_path: bool,
    /// The callback for the response, if there is one.
    pub(super) delivery: Option<PendingCallback>,
}

impl Trigger {
    /// Returns the settings of an asynchronous call, or `None` if the call is synchronous.
    ///
    /// A call of an agent or function is asynchronous if it has `async=true`, or if it uses the
    /// path of an asynchronous trigger.
    pub(super) fn of(call: &Call, workload: &Workload) -> Option<Self> {
        let kind = workload.kind();
        kind.triggers?;
        let store = call.engine.store.open();
        let record = store.get(&Collection::top(kind), workload.name())?;
        let triggers = traffic::served(record, store.now())?.get("triggers");
        let triggers = triggers.and_then(Value::as_array);
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

/// Returns `true` if a trigger has this path, such as `agents/support-bot/async`.
fn has_path(configuration: &Value, address: &str) -> bool {
    let path = configuration.get("path").and_then(Value::as_str);
    let path = path.unwrap_or_default().trim_matches('/');
    !path.is_empty() && path == address.trim_end_matches('/')
}
