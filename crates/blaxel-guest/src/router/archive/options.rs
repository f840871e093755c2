//! The options of an export.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use blaxel_core::__private::lenient::null_as_default;
use serde::Deserialize;

/// The body of a request for an export. Its addresses and headers are secrets.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ExportOptions {
    #[serde(deserialize_with = "null_as_default")]
    url: String,
    #[serde(deserialize_with = "null_as_default")]
    headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_as_default")]
    excludes: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    dry_run: bool,
    #[serde(deserialize_with = "null_as_default")]
    r#async: bool,
    multipart: Option<Multipart>,
    save_processes: Option<bool>,
    stop_timeout_seconds: Option<u64>,
}

/// The time that processes have to end before they are killed, unless a request says otherwise.
const STOP_TIMEOUT: u64 = 30;

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Multipart {
    #[serde(deserialize_with = "null_as_default")]
    pub(super) part_urls: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub(super) part_size: usize,
    #[serde(deserialize_with = "null_as_default")]
    pub(super) complete_url: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(super) abort_url: String,
}

/// The place that an archive is uploaded to.
pub(super) enum Target {
    Url {
        url: String,
        headers: BTreeMap<String, String>,
    },
    Parts(Multipart),
}

impl ExportOptions {
    pub(super) fn is_async(&self) -> bool {
        self.r#async && !self.dry_run
    }

    /// Returns `true` if the archive names the processes that ran.
    pub(super) fn saves_processes(&self) -> bool {
        self.save_processes.unwrap_or(true)
    }

    /// Returns the time that processes have to end before they are killed.
    pub(super) fn stop_timeout(&self) -> Duration {
        Duration::from_secs(self.stop_timeout_seconds.unwrap_or(STOP_TIMEOUT))
    }

    pub(super) fn excludes(&self) -> Vec<String> {
        self.excludes.clone()
    }

    /// Returns the target; `None` for a dry run.
    pub(super) fn target(&self) -> Result<Option<Target>, &'static str> {
        if self.dry_run {
            return Ok(None);
        }
        if let Some(parts) = &self.multipart {
            if parts.part_urls.is_empty() || parts.part_size == 0 || parts.complete_url.is_empty() {
                return Err("multipart needs partUrls, partSize and completeUrl");
            }
            return Ok(Some(Target::Parts(parts.clone())));
        }
        if self.url.is_empty() {
            return Err("url is required");
        }
        let (url, headers) = (self.url.clone(), self.headers.clone());
        Ok(Some(Target::Url { url, headers }))
    }
}

impl fmt::Debug for ExportOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportOptions")
            .field("excludes", &self.excludes)
            .field("dry_run", &self.dry_run)
            .field("async", &self.r#async)
            .finish_non_exhaustive()
    }
}
