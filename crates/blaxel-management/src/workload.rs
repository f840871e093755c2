//! What workloads of several kinds have in common: variables, triggers, revisions, volumes.

use blaxel_core::open_enum;
use serde::{Deserialize, Serialize};

/// An environment variable of a workload.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EnvVariable {
    /// Its name.
    pub name: String,
    /// Its value. Secret ones come back masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Whether the value is kept secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<bool>,
}

impl EnvVariable {
    /// A variable that anybody who can read the agent may see.
    #[must_use]
    pub fn plain(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: Some(value.into()),
            secret: None,
        }
    }

    /// A variable that the server shows masked.
    #[must_use]
    pub fn secret(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: Some(value.into()),
            secret: Some(true),
        }
    }
}

impl std::fmt::Debug for EnvVariable {
    /// Leaves the value out: even a plain variable holds a secret now and then.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvVariable")
            .field("name", &self.name)
            .field("secret", &self.secret)
            .finish_non_exhaustive()
    }
}

/// Where a workload's source is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Repository {
    /// What kind of place it is, such as `git`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How requests are shared out among revisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RevisionRouting {
    /// The id of the revision that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
    /// The id of the revision that is tried out beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<String>,
    /// The share of requests that the canary gets, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary_percent: Option<u32>,
    /// How long a caller stays with a revision, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticky_session_ttl: Option<u32>,
    /// The share of requests that the active revision gets, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<u32>,
}

open_enum! {
    /// What kind of event starts a workload.
    pub enum TriggerKind {
        /// A request that waits for the answer.
        Http = "http",
        /// A request that does not wait.
        HttpAsync = "http-async",
        /// A schedule.
        Cron = "cron",
    }
}

/// Something that starts a workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Trigger {
    /// Its id; the server gives one if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What kind it is.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<TriggerKind>,
    /// Whether it works. The server takes `true` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Its particulars, which differ by kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<TriggerConfiguration>,
}

/// The particulars of a [`Trigger`].
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct TriggerConfiguration {
    /// The path it is called under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How callers are authenticated, such as `blaxel` or `public`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_type: Option<String>,
    /// Where the result of an asynchronous call is posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// The key by which callbacks are signed; shown once, then masked. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_secret: Option<String>,
    /// How often a failed run is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<u32>,
    /// The schedule, as cron writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// The tasks it hands over, of any shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Vec<serde_json::Value>>,
    /// How long a run may take, in seconds, at most 900.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

impl std::fmt::Debug for TriggerConfiguration {
    /// Leaves the callback secret out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TriggerConfiguration")
            .field("path", &self.path)
            .field("authentication_type", &self.authentication_type)
            .field("callback_url", &self.callback_url)
            .field("retry", &self.retry)
            .field("schedule", &self.schedule)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

open_enum! {
    /// How long a volume lives.
    pub enum VolumeKind {
        /// Beyond the workload that mounts it.
        Persistent = "persistent",
        /// As long as the workload.
        Ephemeral = "ephemeral",
    }
}

/// A volume in the file system of a workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct VolumeAttachment {
    /// The name of the volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount_path: Option<String>,
    /// Whether it can only be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// How large an ephemeral one is, in MB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_mb: Option<u32>,
    /// How long it lives.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<VolumeKind>,
}
