//! What every resource says about itself.

use std::collections::BTreeMap;

use blaxel_core::{Timestamp, open_enum};

record! {
    /// The name of a resource, and what the platform notes about it.
    pub struct Metadata {
        /// What the resource is called: lower-case letters, digits and hyphens, at most 49 of them. It
        /// cannot be changed. An empty one is left out, which only sandboxes may be made with: the server
        /// then gives them one.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub name: String,
        /// What people are shown instead of the name, at most 63 characters.
        pub display_name: Option<String>,
        /// Labels of the user's own.
        pub labels: Option<BTreeMap<String, String>>,
        /// An id in a system of the user's own: at most 64 letters, digits and hyphens. It need not be
        /// unique. Sandboxes, volumes and drives can be found by it.
        pub external_id: Option<String>,
        /// The workspace it belongs to.
        #[server]
        pub workspace: Option<String>,
        /// The address under which it is called, for those that are.
        #[server]
        pub url: Option<String>,
        /// The plan it was made under.
        #[server]
        pub plan: Option<String>,
        pub created_at: Option<Timestamp>,
        pub updated_at: Option<Timestamp>,
        pub created_by: Option<String>,
        pub updated_by: Option<String>,
    }
}

impl Metadata {
    /// Adds a label.
    pub fn add_label(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.labels
            .get_or_insert_default()
            .insert(name.into(), value.into());
    }
}

open_enum! {
    /// Where a resource stands between upload and removal.
    pub enum Status {
        /// Its code is being uploaded.
        Uploading = "UPLOADING",
        /// Its image is being built.
        Building = "BUILDING",
        /// Its image is built.
        Built = "BUILT",
        /// It is being brought up.
        Deploying = "DEPLOYING",
        /// It can be used.
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
        /// It is being put into the archive.
        Archiving = "ARCHIVING",
        /// It lies in the archive.
        Archived = "ARCHIVED",
        /// It is being taken out of the archive.
        Unarchiving = "UNARCHIVING",
    }
}

impl Status {
    /// Whether it can never again become [`Deployed`](Self::Deployed) by itself.
    #[must_use]
    pub fn is_final_failure(&self) -> bool {
        matches!(
            self,
            Self::Failed
                | Self::Deactivating
                | Self::Deactivated
                | Self::Deleting
                | Self::Terminating
                | Self::Terminated
        )
    }
}

open_enum! {
    /// Whether a domain has been shown to belong to those who claim it.
    pub enum VerificationStatus {
        /// Nobody has looked yet, or the records are not there yet.
        Pending = "pending",
        /// It has.
        Verified = "verified",
        /// The records are not as they must be.
        Failed = "failed",
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

record! {
    /// Something that happened to a resource, a deployment for instance.
    #[doc(alias = "CoreEvent")]
    pub struct Event {
        /// What kind of event it is.
        #[serde(rename = "type")]
        #[server]
        pub kind: Option<String>,
        /// The status the resource had with it.
        #[server]
        pub status: Option<Status>,
        /// The event in words.
        #[server]
        pub message: Option<String>,
        /// When it happened.
        #[server]
        pub time: Option<Timestamp>,
        /// The revision it is about.
        #[server]
        pub revision: Option<String>,
        /// The canary revision it is about.
        #[server]
        pub canary_revision: Option<String>,
    }
}

record! {
    /// A kind of machine.
    pub struct Flavor {
        /// Its name.
        pub name: Option<String>,
        /// What it computes with.
        #[serde(rename = "type")]
        pub kind: Option<FlavorKind>,
    }
}

open_enum! {
    /// What a machine computes with.
    pub enum FlavorKind {
        /// Processors.
        Cpu = "cpu",
        /// Graphics processors.
        Gpu = "gpu",
    }
}
