//! Types that many kinds of resources share: metadata, status, events.

use std::collections::BTreeMap;

use blaxel_core::{Timestamp, open_enum};

record! {
    /// The metadata of a resource: its name and labels, and the members that the platform sets.
    pub struct Metadata {
        /// The name: at most 49 lower-case letters, digits and hyphens. It cannot be changed. An empty
        /// name is left out of requests. Only sandboxes can be created without a name; the server then
        /// generates one.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub name: String,
        /// The name that user interfaces show, at most 63 characters.
        pub display_name: Option<String>,
        /// The labels: key-value pairs of your own.
        pub labels: Option<BTreeMap<String, String>>,
        /// An id from a system of your own: at most 64 letters, digits and hyphens. It need not be
        /// unique. Sandboxes, volumes and drives can be looked up by it.
        pub external_id: Option<String>,
        /// The workspace that the resource belongs to.
        #[server]
        pub workspace: Option<String>,
        /// The URL at which the resource can be called, if it can be.
        #[server]
        pub url: Option<String>,
        /// The billing plan under which the resource was created.
        #[server]
        pub plan: Option<String>,
        pub created_at: Option<Timestamp>,
        pub updated_at: Option<Timestamp>,
        pub created_by: Option<String>,
        pub updated_by: Option<String>,
    }
}

impl Metadata {
    /// Adds a label, or replaces the value of the label with that key.
    pub fn add_label(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.labels
            .get_or_insert_default()
            .insert(name.into(), value.into());
    }
}

open_enum! {
    /// The deployment status of a resource.
    pub enum Status {
        /// The code is being uploaded.
        Uploading = "UPLOADING",
        /// The image is being built.
        Building = "BUILDING",
        /// The image is built.
        Built = "BUILT",
        /// The resource is being deployed.
        Deploying = "DEPLOYING",
        /// The resource is ready for use.
        Deployed = "DEPLOYED",
        /// The build or the deployment failed.
        Failed = "FAILED",
        /// The resource is being disabled.
        Deactivating = "DEACTIVATING",
        /// The resource is disabled.
        Deactivated = "DEACTIVATED",
        /// The resource is being deleted.
        Deleting = "DELETING",
        /// The resource is being terminated.
        Terminating = "TERMINATING",
        /// The resource has been terminated.
        Terminated = "TERMINATED",
        /// The resource is being archived.
        Archiving = "ARCHIVING",
        /// The resource is archived.
        Archived = "ARCHIVED",
        /// The resource is being restored from the archive.
        Unarchiving = "UNARCHIVING",
    }
}

impl Status {
    /// Returns `true` if the resource will not become [`Deployed`](Self::Deployed) without another request.
    ///
    /// ```
    /// use blaxel_management::Status;
    ///
    /// assert!(Status::Failed.is_final_failure());
    /// assert!(!Status::Building.is_final_failure());
    /// ```
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
    /// The result of checking that the DNS records of a domain prove its ownership.
    pub enum VerificationStatus {
        /// The records have not been checked yet, or do not exist yet.
        Pending = "pending",
        /// The ownership is proven.
        Verified = "verified",
        /// The records differ from the required ones.
        Failed = "failed",
    }
}

open_enum! {
    /// The generation of the platform's infrastructure that a workload runs on.
    pub enum Generation {
        /// The second generation.
        Mk2 = "mk2",
        /// The third generation.
        Mk3 = "mk3",
    }
}

record! {
    /// An event in the life of a resource, such as a deployment.
    #[doc(alias = "CoreEvent")]
    pub struct Event {
        /// The type of the event.
        #[serde(rename = "type")]
        #[server]
        pub kind: Option<String>,
        /// The status of the resource after the event.
        #[server]
        pub status: Option<Status>,
        /// The description of the event.
        #[server]
        pub message: Option<String>,
        /// The time of the event.
        #[server]
        pub time: Option<Timestamp>,
        /// The revision that the event concerns.
        #[server]
        pub revision: Option<String>,
        /// The canary revision that the event concerns.
        #[server]
        pub canary_revision: Option<String>,
    }
}

record! {
    /// A type of machine.
    pub struct Flavor {
        /// The name of the machine type.
        pub name: Option<String>,
        /// The type of processor.
        #[serde(rename = "type")]
        pub kind: Option<FlavorKind>,
    }
}

open_enum! {
    /// The type of processor of a machine.
    pub enum FlavorKind {
        /// CPUs.
        Cpu = "cpu",
        /// GPUs.
        Gpu = "gpu",
    }
}
