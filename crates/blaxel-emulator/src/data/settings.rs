//! The settings of an emulator in its data.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The settings that decide about what an emulator has and what its secrets are.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SavedSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) workspace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_admin: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) features: Option<BTreeMap<String, bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deploy_time: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build_time: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delete_time: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) standby_after: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot_time: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) archive_time: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wake_time: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) execution_time: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total_limit: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_parallelism: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_capacity: Option<usize>,
}

impl SavedSettings {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A duration: a number of seconds, or `never`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

const NEVER: &str = "never";

#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Seconds(f64),
    Text(String),
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0, self.0.subsec_nanos()) {
            (Duration::MAX, _) => serializer.serialize_str(NEVER),
            (duration, 0) => serializer.serialize_u64(duration.as_secs()),
            (duration, _) => serializer.serialize_f64(duration.as_secs_f64()),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let duration = match Form::deserialize(deserializer)? {
            Form::Seconds(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            Form::Text(text) => (text == NEVER).then_some(Duration::MAX),
        };
        duration
            .map(Self)
            .ok_or_else(|| de::Error::custom("expected a number of seconds, or `never`"))
    }
}
