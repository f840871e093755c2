//! The health of a sandbox's API server.

use std::time::Duration;

use blaxel_core::__private::lenient::{count, number, text};
use blaxel_core::{Timestamp, open_enum};
use serde::{Deserialize, Serialize};

use crate::lenient::{float, time};

/// The health of a sandbox's API server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Health {
    /// The status: `ok`.
    pub status: String,
    /// The version, such as `v0.1.0`.
    #[serde(default, deserialize_with = "text")]
    pub version: Option<String>,
    /// The commit that the server was built from.
    #[serde(default, deserialize_with = "text")]
    pub git_commit: Option<String>,
    /// The time of the build.
    #[serde(default, deserialize_with = "time")]
    pub build_time: Option<Timestamp>,
    /// The version of Go that built the server.
    #[serde(default, deserialize_with = "text")]
    pub go_version: Option<String>,
    /// The operating system, such as `linux`.
    #[serde(default, deserialize_with = "text")]
    pub os: Option<String>,
    /// The processor architecture, such as `amd64`.
    #[serde(default, deserialize_with = "text")]
    pub arch: Option<String>,
    /// The time since the start as text, such as `1h30m0s`.
    #[serde(default, deserialize_with = "text")]
    pub uptime: Option<String>,
    /// The time since the start, in seconds.
    #[serde(default, deserialize_with = "float")]
    pub uptime_seconds: Option<f64>,
    /// The number of upgrades since the sandbox was created.
    #[serde(default, deserialize_with = "count")]
    pub upgrade_count: u64,
    /// The time of the start.
    #[serde(default, deserialize_with = "time")]
    pub started_at: Option<Timestamp>,
    /// The last attempt of an upgrade in this process of the server. A successful upgrade replaces the process,
    /// so the new one reports [`UpgradeState::Idle`].
    #[serde(
        default,
        deserialize_with = "blaxel_core::__private::lenient::optional_object"
    )]
    pub last_upgrade: Option<UpgradeStatus>,
}

impl Health {
    /// Returns `true` if the status is `ok`.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == "ok"
    }

    /// Returns the time since the start, if the server reports it.
    #[must_use]
    pub fn uptime(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.uptime_seconds?).ok()
    }
}

/// An attempt of an upgrade of a sandbox's API server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpgradeStatus {
    /// The state of the attempt.
    pub status: UpgradeState,
    /// The current step, or the last one.
    #[serde(default = "no_step", deserialize_with = "step")]
    pub step: UpgradeStep,
    /// The requested version.
    #[serde(default, deserialize_with = "text")]
    pub version: Option<String>,
    /// The time of the last change of this status.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time"
    )]
    pub last_attempt: Option<Timestamp>,
    /// The reason for the failure.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text"
    )]
    pub error: Option<String>,
    /// The address that the new program is downloaded from.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text"
    )]
    pub download_url: Option<String>,
    /// The number of bytes downloaded.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "number"
    )]
    pub bytes_downloaded: Option<u64>,
    /// The path of the downloaded program.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text"
    )]
    pub binary_path: Option<String>,
}

open_enum! {
    /// The state of an upgrade.
    pub enum UpgradeState {
        /// No upgrade was attempted.
        Idle = "idle",
        /// The upgrade is in progress.
        Running = "running",
        /// The new program is about to replace the old one.
        Completed = "completed",
        /// The upgrade failed, and the old program continues to run.
        Failed = "failed",
    }
}

open_enum! {
    /// A step of an upgrade.
    pub enum UpgradeStep {
        /// No upgrade was attempted.
        None = "none",
        /// The upgrade begins.
        Starting = "starting",
        /// The new program is downloaded.
        Download = "download",
        /// The new program is tested.
        Validate = "validate",
        /// The new program replaces the old one.
        Replace = "replace",
        /// The upgrade is complete.
        Completed = "completed",
        /// The server does not upgrade itself, for example because it runs in development mode.
        Skipped = "skipped",
    }
}

fn no_step() -> UpgradeStep {
    UpgradeStep::None
}

fn step<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<UpgradeStep, D::Error> {
    Ok(text(deserializer)?.map_or_else(no_step, UpgradeStep::from))
}
