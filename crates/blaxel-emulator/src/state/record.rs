//! Records: documents as they are kept.

use std::time::Duration;

use serde_json::Value;

use super::member::Document;
use super::revision::Revisions;
use super::timeline::Timeline;

/// What makes one emulator's resources its own.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) workspace: String,
    /// The id of the account that the workspace is of.
    pub(crate) account: String,
    /// Where the emulator is reached, such as `http://127.0.0.1:4242`.
    pub(crate) origin: String,
    /// The base of the workloads' addresses.
    pub(crate) run_url: String,
    /// How long each step of a deployment lasts.
    pub(crate) deploy_time: Duration,
    /// How long a build lasts.
    pub(crate) build_time: Duration,
    /// How long a deletion lasts.
    pub(crate) delete_time: Duration,
}

/// Who writes, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Author<'a> {
    pub(crate) name: &'a str,
    /// How long ago it is to have been; zero, but for what the emulator puts in place itself.
    pub(crate) ago: Duration,
    /// Whether an upload is to follow, which is deployed then.
    pub(crate) uploads: bool,
}

/// A document in the store.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Grows with every creation, so it orders as the times of creation do, and without ties.
    pub(crate) serial: u64,
    pub(crate) name: String,
    /// As it is kept: without what is computed, and with its secrets.
    pub(crate) document: Document,
    /// When it was created, since 1970-01-01T00:00:00Z.
    pub(crate) created: Duration,
    /// When it was last used.
    pub(crate) used: Duration,
    pub(crate) timeline: Timeline,
    pub(crate) revisions: Revisions,
    /// The secrets that the server made when it was last written.
    pub(super) new_secrets: Vec<String>,
}

impl Record {
    /// Where it is: in its timeline, or else what its document says.
    pub(crate) fn status(&self, now: Duration) -> &str {
        let stored = || self.document.get("status").and_then(Value::as_str);
        self.timeline
            .status(now)
            .or_else(stored)
            .unwrap_or_default()
    }
}
