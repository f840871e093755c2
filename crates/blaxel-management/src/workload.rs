//! Types that several kinds of workloads share: environment variables, ports, triggers, revisions, volumes.
//!
//! The specs of agents, functions, jobs, applications and sandboxes are made of them.

use blaxel_core::{Timestamp, open_enum};
use serde_json::Value;

use crate::secret_text::SecretText;
use crate::size::Megabytes;

record! {
    /// An environment variable of a workload.
    ///
    /// ```
    /// use blaxel_management::agents::Agent;
    /// use blaxel_management::workload::EnvVariable;
    ///
    /// let agent = Agent::new("support-bot")
    ///     .env(EnvVariable::plain("MODE", "fast"))
    ///     .env(EnvVariable::hidden("API_KEY", "sk-example"));
    /// # let _ = agent;
    /// ```
    #[doc(alias = "Env")]
    pub struct EnvVariable {
        /// The name of the variable.
        pub name: Option<String>,
        /// The value. Its `Debug` output is redacted, because even a plain variable may hold a secret. The
        /// server returns the value of a secret variable masked.
        pub value: Option<SecretText>,
        /// `true` if the value is a secret, which the server masks in responses.
        pub secret: Option<bool>,
    }

    /// The source code repository of a workload.
    pub struct Repository {
        /// The type of the repository, such as `git`.
        #[serde(rename = "type")]
        pub kind: Option<String>,
        /// The URL of the repository.
        pub url: Option<String>,
    }

    /// A port of a workload.
    ///
    /// ```
    /// use blaxel_management::workload::{Port, PortProtocol};
    ///
    /// let port = Port::new(8443).name("admin").protocol(PortProtocol::Tls);
    /// assert_eq!(port.target, 8443);
    /// ```
    pub struct Port {
        /// The port number that the workload listens on.
        pub target: u32,
        /// The name of the port.
        pub name: Option<String>,
        /// The protocol of the port.
        pub protocol: Option<PortProtocol>,
    }

    /// The distribution of requests among the revisions of a workload.
    #[doc(alias = "RevisionConfiguration")]
    #[doc(alias = "AppRevisionConfiguration")]
    pub struct RevisionRouting {
        /// The id of the active revision, which handles the requests.
        pub active: Option<String>,
        /// The id of the canary revision, which handles a share of the requests.
        pub canary: Option<String>,
        /// The share of requests for the canary revision, in percent.
        pub canary_percent: Option<u32>,
        /// The time for which a caller is routed to the same revision, in seconds.
        pub sticky_session_ttl: Option<u32>,
        /// The share of requests for the active revision, in percent.
        pub traffic: Option<u32>,
    }

    /// A trigger, which starts a workload.
    pub struct Trigger {
        /// The id. If there is none, the server generates one.
        pub id: Option<String>,
        /// The type of the trigger.
        #[serde(rename = "type")]
        pub kind: Option<TriggerKind>,
        /// `true` if the trigger is active. The server's default is `true`.
        pub enabled: Option<bool>,
        /// The settings of the trigger, which depend on its type.
        pub configuration: Option<TriggerConfiguration>,
    }

    /// The settings of a [`Trigger`].
    pub struct TriggerConfiguration {
        /// The URL path of the trigger.
        pub path: Option<String>,
        /// The authentication of callers, such as `blaxel` or `public`.
        pub authentication_type: Option<String>,
        /// The URL to which the result of an asynchronous call is posted.
        pub callback_url: Option<String>,
        /// The key that signs callbacks. The server shows it once, and masks it afterwards.
        #[server]
        pub callback_secret: Option<SecretText>,
        /// The maximum number of retries of a failed run.
        pub retry: Option<u32>,
        /// The schedule, as a cron expression.
        pub schedule: Option<String>,
        /// The tasks of the run, as JSON values of any type.
        pub tasks: Option<Vec<Value>>,
        /// The reference to the tasks, if they are too many to be included. The server sets it.
        #[server]
        pub tasks_ref: Option<String>,
        /// The timeout of a run in seconds, at most 900.
        pub timeout: Option<u32>,
    }

    /// A volume that is mounted in the file system of a workload.
    ///
    /// Jobs can only mount ephemeral volumes, which need a name, a path and a size; see
    /// [`ephemeral`](Self::ephemeral).
    #[doc(alias = "JobVolume")]
    pub struct VolumeAttachment {
        /// The name of the volume.
        pub name: Option<String>,
        /// The path at which the volume is mounted.
        pub mount_path: Option<String>,
        /// `true` if the volume is mounted read-only.
        pub read_only: Option<bool>,
        /// The size of an ephemeral volume.
        pub size_mb: Option<Megabytes>,
        /// The lifetime of the volume.
        #[serde(rename = "type")]
        pub kind: Option<VolumeKind>,
    }
}

resource! { Revision { name: id, created_at: created_at, status: status } }

impl VolumeAttachment {
    /// Creates an attachment of the workspace's volume `name`, mounted at a path.
    ///
    /// ```
    /// use blaxel_management::workload::VolumeAttachment;
    ///
    /// let data = VolumeAttachment::persistent("data", "/data").read_only(true);
    /// assert_eq!(data.mount_path.as_deref(), Some("/data"));
    /// ```
    #[must_use]
    pub fn persistent(name: impl Into<String>, mount_path: impl Into<String>) -> Self {
        Self::new()
            .name(name)
            .mount_path(mount_path)
            .kind(VolumeKind::Persistent)
    }

    /// Creates an ephemeral volume of this size, mounted at a path. It exists as long as the workload runs.
    ///
    /// ```
    /// use blaxel_management::Megabytes;
    /// use blaxel_management::jobs::Job;
    /// use blaxel_management::workload::VolumeAttachment;
    ///
    /// let scratch = VolumeAttachment::ephemeral("scratch", "/scratch", Megabytes::gigabytes(10));
    /// let job = Job::new("nightly").volume(scratch);
    /// # let _ = job;
    /// ```
    #[must_use]
    pub fn ephemeral(
        name: impl Into<String>,
        mount_path: impl Into<String>,
        size: impl Into<Megabytes>,
    ) -> Self {
        Self::new()
            .name(name)
            .mount_path(mount_path)
            .kind(VolumeKind::Ephemeral)
            .size_mb(size)
    }
}

impl EnvVariable {
    /// Creates a plain variable, whose value is visible to everyone who can read the resource.
    #[must_use]
    pub fn plain(name: impl Into<String>, value: impl Into<SecretText>) -> Self {
        Self::new().name(name).value(value)
    }

    /// Creates a secret variable, whose value the server masks.
    #[must_use]
    pub fn hidden(name: impl Into<String>, value: impl Into<SecretText>) -> Self {
        Self::plain(name, value).secret(true)
    }
}

open_enum! {
    /// The protocol of a [`Port`].
    pub enum PortProtocol {
        /// HTTP.
        Http = "HTTP",
        /// Plain TCP.
        Tcp = "TCP",
        /// UDP.
        Udp = "UDP",
        /// TLS.
        Tls = "TLS",
    }
}

open_enum! {
    /// The type of a [`Trigger`].
    pub enum TriggerKind {
        /// An HTTP request that waits for the result.
        Http = "http",
        /// An HTTP request that does not wait for the result.
        HttpAsync = "http-async",
        /// A cron schedule.
        Cron = "cron",
    }
}

open_enum! {
    /// The lifetime of a volume.
    pub enum VolumeKind {
        /// The volume outlives the workload that mounts it.
        Persistent = "persistent",
        /// The volume exists as long as the workload runs.
        Ephemeral = "ephemeral",
    }
}

response! {
    /// A revision of a workload: one deployment of it.
    #[doc(alias = "RevisionMetadata")]
    pub struct Revision {
        /// The id of the revision.
        pub id: Option<String>,
        /// `true` if the revision is the active one, which handles the requests.
        pub active: Option<bool>,
        /// `true` if the revision is the canary.
        pub canary: Option<bool>,
        /// `true` if the revision was the active one before the current.
        pub previous_active: Option<bool>,
        /// The share of requests for the revision, in percent.
        pub traffic_percent: Option<u32>,
        /// The deployment status.
        pub status: Option<String>,
        /// The time of creation.
        pub created_at: Option<Timestamp>,
        /// The user or service account that created the revision.
        pub created_by: Option<String>,
    }
}

/// Gives a workload the setters that all workloads have. They set members of the `runtime` in its `spec`, or of
/// the `spec` itself if it has no runtime.
#[allow(unused_macros, reason = "the features decide which workloads exist")]
macro_rules! runtime_setters {
    ($name:ident: $runtime:ident) => {
        impl $name {
            /// Returns a mutable reference to the runtime in the `spec`, inserting an empty one if there is none.
            pub fn runtime_mut(&mut self) -> &mut $runtime {
                self.spec.runtime.get_or_insert_default()
            }
        }

        runtime_setters! { @reach $name, |workload| workload.runtime_mut() }
    };
    ($name:ident) => {
        runtime_setters! { @reach $name, |workload| &mut workload.spec }
    };

    (@reach $name:ident, |$workload:ident| $runtime:expr) => {
        impl $name {
            /// Sets the region to run in, such as `us-pdx-1`. Left out by default: then
            /// [`Management::with_region`](crate::Management::with_region) applies to the kinds that it names, and
            /// otherwise the server chooses.
            #[must_use]
            pub fn region(mut self, region: impl Into<String>) -> Self {
                self.spec.region = Some(region.into());
                self
            }

            /// Sets the container image to run. Left out by default.
            #[must_use]
            pub fn image(mut self, image: impl Into<String>) -> Self {
                let $workload = &mut self;
                let runtime = $runtime;
                runtime.image = Some(image.into());
                self
            }

            /// Sets the memory. The platform assigns one CPU per 2048 MB. Left out by default, so the server
            /// chooses.
            #[must_use]
            pub fn memory(mut self, memory: impl Into<$crate::Megabytes>) -> Self {
                let $workload = &mut self;
                let runtime = $runtime;
                runtime.memory = Some(memory.into());
                self
            }

            /// Adds an environment variable.
            #[must_use]
            pub fn env(mut self, variable: impl Into<$crate::workload::EnvVariable>) -> Self {
                let $workload = &mut self;
                let runtime = $runtime;
                runtime.envs.get_or_insert_default().push(variable.into());
                self
            }
        }
    };
}

#[allow(unused_imports, reason = "the features decide which workloads exist")]
pub(crate) use runtime_setters;
