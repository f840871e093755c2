//! What workloads of several kinds have in common: variables, ports, triggers, revisions, volumes.

use blaxel_core::{Timestamp, open_enum};
use serde_json::Value;

use crate::secret_text::SecretText;
use crate::size::Megabytes;

record! {
    /// An environment variable of a workload.
    #[doc(alias = "Env")]
    pub struct EnvVariable {
        /// Its name.
        pub name: Option<String>,
        /// Its value. It never prints itself, since even a plain variable holds a secret now and then;
        /// that of a secret one comes back masked.
        pub value: Option<SecretText>,
        /// Whether the value is kept secret.
        pub secret: Option<bool>,
    }

    /// Where a workload's source is kept.
    pub struct Repository {
        /// What kind of place it is, such as `git`.
        #[serde(rename = "type")]
        pub kind: Option<String>,
        /// Its address.
        pub url: Option<String>,
    }

    /// A port of a workload.
    pub struct Port {
        /// The number under which the workload listens.
        pub target: u32,
        /// Its name.
        pub name: Option<String>,
        /// What is spoken there.
        pub protocol: Option<PortProtocol>,
    }

    /// How requests are shared out among revisions.
    #[doc(alias = "RevisionConfiguration")]
    #[doc(alias = "AppRevisionConfiguration")]
    pub struct RevisionRouting {
        /// The id of the revision that answers.
        pub active: Option<String>,
        /// The id of the revision that is tried out beside it.
        pub canary: Option<String>,
        /// The share of requests that the canary gets, in percent.
        pub canary_percent: Option<u32>,
        /// How long a caller stays with a revision, in seconds.
        pub sticky_session_ttl: Option<u32>,
        /// The share of requests that the active revision gets, in percent.
        pub traffic: Option<u32>,
    }

    /// Something that starts a workload.
    pub struct Trigger {
        /// Its id; the server gives one if there is none.
        pub id: Option<String>,
        /// What kind it is.
        #[serde(rename = "type")]
        pub kind: Option<TriggerKind>,
        /// Whether it works. The server takes `true` by default.
        pub enabled: Option<bool>,
        /// Its particulars, which differ by kind.
        pub configuration: Option<TriggerConfiguration>,
    }

    /// The particulars of a [`Trigger`].
    pub struct TriggerConfiguration {
        /// The path it is called under.
        pub path: Option<String>,
        /// How callers are authenticated, such as `blaxel` or `public`.
        pub authentication_type: Option<String>,
        /// Where the result of an asynchronous call is posted.
        pub callback_url: Option<String>,
        /// The key by which callbacks are signed; shown once, then masked.
        #[server]
        pub callback_secret: Option<SecretText>,
        /// How often a failed run is tried again.
        pub retry: Option<u32>,
        /// The schedule, as cron writes it.
        pub schedule: Option<String>,
        /// The tasks it hands over, of any shape.
        pub tasks: Option<Vec<Value>>,
        /// How long a run may take, in seconds, at most 900.
        pub timeout: Option<u32>,
    }

    /// A volume in the file system of a workload.
    ///
    /// Jobs mount ephemeral ones only, and want all of a name, a path and a size:
    /// [`ephemeral`](Self::ephemeral) sets them.
    #[doc(alias = "JobVolume")]
    pub struct VolumeAttachment {
        /// The name of the volume.
        pub name: Option<String>,
        /// Where it is mounted.
        pub mount_path: Option<String>,
        /// Whether it can only be read.
        pub read_only: Option<bool>,
        /// How large an ephemeral one is.
        pub size_mb: Option<Megabytes>,
        /// How long it lives.
        #[serde(rename = "type")]
        pub kind: Option<VolumeKind>,
    }
}

resource! { Revision { name: id, created_at: created_at, status: status } }

impl VolumeAttachment {
    /// A volume of the workspace, mounted at a path.
    #[must_use]
    pub fn persistent(name: impl Into<String>, mount_path: impl Into<String>) -> Self {
        Self::new()
            .name(name)
            .mount_path(mount_path)
            .kind(VolumeKind::Persistent)
    }

    /// A volume of that size that comes and goes with the workload, mounted at a path.
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
    /// A variable that anybody who can read the resource may see.
    #[must_use]
    pub fn plain(name: impl Into<String>, value: impl Into<SecretText>) -> Self {
        Self::new().name(name).value(value)
    }

    /// A variable that the server shows masked.
    #[must_use]
    pub fn hidden(name: impl Into<String>, value: impl Into<SecretText>) -> Self {
        Self::plain(name, value).secret(true)
    }
}

open_enum! {
    /// What is spoken at a [`Port`].
    pub enum PortProtocol {
        /// HTTP.
        Http = "HTTP",
        /// TCP, of any kind.
        Tcp = "TCP",
        /// UDP.
        Udp = "UDP",
        /// TLS.
        Tls = "TLS",
    }
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

open_enum! {
    /// How long a volume lives.
    pub enum VolumeKind {
        /// Beyond the workload that mounts it.
        Persistent = "persistent",
        /// As long as the workload.
        Ephemeral = "ephemeral",
    }
}

response! {
    /// A revision of a workload: one of its deployments.
    #[doc(alias = "RevisionMetadata")]
    pub struct Revision {
        /// Its id.
        pub id: Option<String>,
        /// Whether it answers.
        pub active: Option<bool>,
        /// Whether it is tried out beside the active one.
        pub canary: Option<bool>,
        /// Whether it was the one that answered before.
        pub previous_active: Option<bool>,
        /// The share of requests it gets, in percent.
        pub traffic_percent: Option<u32>,
        /// Where it stands.
        pub status: Option<String>,
        /// When it was made.
        pub created_at: Option<Timestamp>,
        /// Who made it.
        pub created_by: Option<String>,
    }
}

/// Gives a workload the setters that all of them have, wherever in its `spec` they reach: a runtime in
/// it, or itself.
#[allow(
    unused_macros,
    reason = "which workloads there are is a matter of features"
)]
macro_rules! runtime_setters {
    ($name:ident: $runtime:ident) => {
        impl $name {
            /// What it runs on, to be filled in.
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
            /// The region to run in.
            #[must_use]
            pub fn region(mut self, region: impl Into<String>) -> Self {
                self.spec.region = Some(region.into());
                self
            }

            /// The container image to run.
            #[must_use]
            pub fn image(mut self, image: impl Into<String>) -> Self {
                let $workload = &mut self;
                let runtime = $runtime;
                runtime.image = Some(image.into());
                self
            }

            /// Its memory.
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

#[allow(
    unused_imports,
    reason = "which workloads there are is a matter of features"
)]
pub(crate) use runtime_setters;
