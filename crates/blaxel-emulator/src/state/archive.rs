//! [`Archive`], the archive of a sandbox, with the progress of making it and of restoring from it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::saved_time;
use crate::clock::timestamp;

/// The generation of the infrastructure that archives are made on.
const GENERATION: &str = "mk3.1";

/// The work of archiving or restoring a sandbox, which can be made to fail.
pub(crate) const ARCHIVES: &str = "archives";

/// Work that takes time on the clock.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Work {
    #[serde(with = "saved_time")]
    pub(crate) start: Duration,
    #[serde(with = "saved_time")]
    pub(crate) end: Duration,
    pub(crate) fails: bool,
}

impl Work {
    /// Returns `true` if it is done, successfully or not.
    fn is_over(self, now: Duration) -> bool {
        self.end <= now
    }

    /// Returns the share of an amount that is done.
    fn done(self, amount: u64, now: Duration) -> u64 {
        let (passed, total) = (
            now.saturating_sub(self.start),
            self.end.saturating_sub(self.start),
        );
        if self.is_over(now) || total.is_zero() {
            return amount;
        }
        let share = u128::from(amount) * passed.as_nanos() / total.as_nanos();
        u64::try_from(share).unwrap_or(amount)
    }
}

/// The archive of a sandbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    pub(crate) key: String,
    /// The number of files.
    pub(crate) files: u64,
    /// The size of the files in bytes.
    pub(crate) size: u64,
    pub(crate) making: Work,
    /// The last restoring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restoring: Option<Work>,
}

impl Archive {
    /// Returns the archive as the API shows it, or `None` if making it has failed.
    pub(crate) fn shown(&self, now: Duration) -> Option<Value> {
        let Self {
            key,
            size,
            making,
            restoring,
            ..
        } = self;
        if !making.is_over(now) {
            return Some(json!({"startedAt": timestamp(making.start)}));
        }
        if making.fails {
            return None;
        }
        let mut shown = json!({
            "createdAt": timestamp(making.end),
            "generation": GENERATION,
            "key": key,
            "size": size,
        });
        if let Some(restoring) = restoring {
            shown["restore"] = self.progress(*restoring, now);
            if !restoring.is_over(now) {
                shown["restoreStartedAt"] = timestamp(restoring.start).as_str().into();
            }
        }
        Some(shown)
    }

    fn progress(&self, restoring: Work, now: Duration) -> Value {
        let steps = ["downloading", "extracting", "relaunching"];
        let state = match restoring.is_over(now) {
            true if restoring.fails => "failed",
            true => "succeeded",
            false => {
                let step = restoring.done(steps.len() as u64, now);
                let step = usize::try_from(step).ok().and_then(|step| steps.get(step));
                step.copied().unwrap_or("relaunching")
            }
        };
        json!({
            "state": state,
            "files": restoring.done(self.files, now),
            "restoredBytes": restoring.done(self.size, now),
            "totalBytes": self.size,
        })
    }
}
