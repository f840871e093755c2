//! What every resource says about itself.

use std::collections::BTreeMap;

use blaxel_core::{Timestamp, open_enum};
use serde::{Deserialize, Serialize};

/// The name of a resource, and what the platform notes about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Metadata {
    /// What the resource is called: lower-case letters, digits and hyphens, at most 49 of them. It
    /// cannot be changed.
    pub name: String,
    /// What people are shown instead of the name, at most 63 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Labels of the user's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// An id in a system of the user's own; it need not be unique.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The workspace it belongs to. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The address under which it is called, for those that are. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The plan it was made under. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// When it was made. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it was changed last. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// Who made it. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Who changed it last. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
}

impl Metadata {
    /// A resource of that name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Adds a label.
    pub fn add_label(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.labels
            .get_or_insert_default()
            .insert(name.into(), value.into());
    }
}

open_enum! {
    /// Where a workload stands between upload and removal.
    pub enum Status {
        /// Its code is being uploaded.
        Uploading = "UPLOADING",
        /// Its image is being built.
        Building = "BUILDING",
        /// Its image is built.
        Built = "BUILT",
        /// It is being brought up.
        Deploying = "DEPLOYING",
        /// It can be called.
        Deployed = "DEPLOYED",
        /// It could not be built or brought up.
        Failed = "FAILED",
        /// It is being switched off.
        Deactivating = "DEACTIVATING",
        /// It is switched off.
        Deactivated = "DEACTIVATED",
        /// It is being removed.
        Deleting = "DELETING",
        /// It is being ended.
        Terminating = "TERMINATING",
        /// It has ended.
        Terminated = "TERMINATED",
    }
}

open_enum! {
    /// The generation of the platform's machinery that a workload runs on.
    pub enum Generation {
        /// The second.
        Mk2 = "mk2",
        /// The third.
        Mk3 = "mk3",
    }
}

/// Something that happened to a resource, a deployment for instance. Set by the server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Event {
    /// What kind of event it is.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The status the resource had with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The event in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// The revision it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The canary revision it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary_revision: Option<String>,
}
