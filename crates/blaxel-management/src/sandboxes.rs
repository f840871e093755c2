//! Sandboxes: small virtual machines in which an agent can run any code.
//!
//! An unused [`Sandbox`] is put on standby automatically, with its memory and processes, and resumes within
//! milliseconds. It exists until it is deleted, or until its [`SandboxLifecycle`] or time to live ends it.
//! [`Management::sandboxes`] returns the collection. Nested under a sandbox are its [`Preview`]s, which make
//! a port reachable from the web, its [`Schedule`]s, which run commands, and its [`Snapshot`]s. A [`Fork`]
//! copies a sandbox or a snapshot. A sandbox that is not needed for a while can be
//! [archived](Collection::archive).

mod archive;
#[cfg(feature = "wait")]
mod archive_wait;
mod create;
#[cfg(feature = "wait")]
mod creation;
#[cfg(feature = "wait")]
mod creation_request;
#[cfg(feature = "wait")]
mod creation_timeout;
mod defaults;
mod drift;
#[cfg(feature = "wait")]
mod ensure;
mod extra_args;
mod fork;
#[cfg(feature = "catalog")]
mod from_definition;
mod lifecycle;
mod name;
mod network;
mod previews;
#[cfg(feature = "wait")]
mod readiness;
mod schedules;
mod snapshots;
mod workspace_schedules;

use blaxel_core::{HttpService, Idempotency, OperationInfo, Period, Timestamp, open_enum};
use http::Method;

pub use self::archive::{
    ArchiveRestore, ArchiveRestoreState, ArchiveSandbox, SandboxArchive, UnarchiveSandbox,
};
#[cfg(feature = "wait")]
pub use self::archive_wait::ArchiveWait;
pub use self::create::CreateSandbox;
#[cfg(feature = "wait")]
pub use self::creation::Creation;
#[cfg(feature = "wait")]
pub use self::creation_timeout::CreationTimeout;
pub use self::defaults::SandboxDefaults;
pub use self::drift::{Difference, Drift};
#[cfg(feature = "wait")]
pub use self::ensure::Ensure;
pub use self::extra_args::{ExtraArg, ExtraArgs};
pub use self::fork::{Fork, ForkKind, ForkSandbox, Forked};
pub use self::lifecycle::{ExpirationAction, ExpirationKind, ExpirationPolicy, SandboxLifecycle};
pub use self::name::SandboxName;
pub use self::network::{
    EgressConfig, EgressPolicy, FirewallConfig, NetworkFirewall, ProxyConfig, ProxyTarget,
    SandboxNetwork,
};
pub use self::previews::{
    CreatePreview, Preview, PreviewMetadata, PreviewSpec, PreviewToken, PreviewTokenDeletion,
    PreviewTokenMetadata, PreviewTokenSpec, TokenValidity,
};
pub use self::schedules::{
    Schedule, ScheduleExecution, ScheduleExecutionStatus, ScheduleInput, ScheduleKind,
};
pub use self::snapshots::{
    ForkSnapshot, NewSnapshot, RestoreSandboxSnapshot, RestoredSandbox, SandboxSnapshot, Snapshot,
    SnapshotSource, SnapshotSourceKind, SnapshotSpec, SnapshotStatus,
};
pub use self::workspace_schedules::{
    GetScheduleMetrics, ScheduleExecutionCounts, ScheduleMetrics, WorkspaceScheduleExecutions,
    WorkspaceSchedules,
};
use crate::Management;
use crate::clearable::Clearable;
use crate::collection::Collection;
use crate::kind::{
    Applied, ApplyOrder, Created, Deleted, ExternallyNamed, Fetched, Listed, Replaced,
    SHOW_SECRETS, Secretive,
};
use crate::metadata::{Event, Generation, Metadata, Status};
use crate::parent_path::ParentPath;
use crate::secret_text::SecretText;
use crate::size::Megabytes;
use crate::workload::runtime_setters;
use crate::workload::{EnvVariable, Port, VolumeAttachment};

document! {
    /// A sandbox: a small virtual machine in which an agent can run any code.
    ///
    /// ```
    /// use blaxel_core::Period;
    /// use blaxel_management::Megabytes;
    /// use blaxel_management::sandboxes::{ExpirationPolicy, Sandbox, SandboxLifecycle};
    /// use blaxel_management::workload::Port;
    ///
    /// let idle = ExpirationPolicy::idle(Period::hours(1));
    /// let sandbox = Sandbox::new("code-runner")
    ///     .image("blaxel/base-image:latest")
    ///     .memory(Megabytes::gigabytes(4))
    ///     .port(Port::new(3000))
    ///     .ttl(Period::days(7))
    ///     .lifecycle(SandboxLifecycle::new().expiration_policies([idle]));
    /// assert_eq!(sandbox.metadata.name, "code-runner");
    /// ```
    pub struct Sandbox {
        pub metadata: Metadata,
        pub spec: SandboxSpec,
        pub status: Option<Status>,
        pub events: Option<Vec<Event>>,
        /// The activity of the sandbox: running or on standby.
        #[server]
        pub state: Option<SandboxState>,
        /// The infrastructure errors of the sandbox, oldest first.
        #[server]
        pub errors: Option<Vec<SandboxInfrastructureError>>,
        /// The archive of the sandbox, if there is one, and the progress of archiving and restoring.
        #[server]
        pub archive: Option<SandboxArchive>,
        /// The number of seconds until the sandbox is deleted, if its lifetime is limited.
        #[server]
        pub expires_in: Option<i64>,
        /// The time of the last use.
        #[server]
        pub last_used_at: Option<Timestamp>,
        /// The generation of the infrastructure that the sandbox runs on, such as `mk3.1`.
        #[server]
        pub node_generation: Option<String>,
    }
}

record! {
    /// The desired state of a sandbox.
    pub struct SandboxSpec {
        /// `true` if the sandbox accepts connections. The server's default is `true`.
        pub enabled: Option<bool>,
        /// The region that the sandbox runs in. If there is none, the server chooses the one nearest to the
        /// caller.
        pub region: Option<String>,
        /// The runtime: image, resources and environment.
        pub runtime: Option<SandboxRuntime>,
        /// The rules for automatic deletion. To remove an earlier rule, clear the member: the server refuses an
        /// empty lifecycle.
        pub lifecycle: Clearable<SandboxLifecycle>,
        /// The egress network configuration.
        pub network: Option<SandboxNetwork>,
        /// The volumes to mount.
        pub volumes: Option<Vec<VolumeAttachment>>,
        /// The name of the VPC. The server's default is `default`.
        pub vpc: Option<String>,
    }

    /// The runtime of a sandbox: image, resources and environment.
    pub struct SandboxRuntime {
        /// The image: one of the platform's, or one of your own.
        pub image: Option<String>,
        /// The memory. The platform assigns one CPU per 2048 MB.
        pub memory: Option<Megabytes>,
        /// The ports at which the sandbox can be called.
        pub ports: Option<Vec<Port>>,
        /// The environment variables.
        pub envs: Option<Vec<EnvVariable>>,
        /// The time to live: the sandbox is deleted this long after its creation, whether it is used or not. The server
        /// accepts 5 minutes and more. To delete it after idle time, use a [`SandboxLifecycle`].
        pub ttl: Clearable<Period>,
        /// The time at which the sandbox is deleted.
        pub expires: Option<Timestamp>,
        /// The kernel features. They cannot be changed after creation.
        pub extra_args: Option<ExtraArgs>,
        /// The time for a graceful shutdown, in seconds. The server's default is 0.
        pub termination_grace_period_seconds: Option<u32>,
        /// The time for preparations before a standby, in seconds. The server's default is 0.
        ///
        /// The program gets the signal `SIGUSR2` first. To keep the sandbox awake, it writes `+1` to the file that the
        /// variable `BLAXEL_SCALE_FILE` names, and `-1` when it is done.
        pub standby_grace_period_seconds: Option<u32>,
        /// The credentials for a private registry that the image is pulled from: the JSON text of a `config.json` of
        /// Docker, with the member `auths`. `RegistryCredentials` makes it (feature `registry-credentials`).
        pub docker_config: Option<SecretText>,
        /// `true` if snapshots of the sandbox can be taken. The server has its own default.
        pub snapshot_enabled: Option<bool>,
        /// The generation of the infrastructure to run on. By default the platform chooses.
        pub generation: Option<Generation>,
    }

    /// An infrastructure error of a sandbox.
    pub struct SandboxInfrastructureError {
        /// The error code, such as `VM_NETWORK_FAILURE`.
        #[server]
        pub code: Option<String>,
        /// `true` if the error terminated the sandbox, `false` if a restart resolved it.
        #[server]
        pub fatal: Option<bool>,
        /// The affected instance.
        #[server]
        pub instance: Option<String>,
        /// The description of the error.
        #[server]
        pub message: Option<String>,
        /// The time at which the error was recorded.
        #[server]
        pub time: Option<Timestamp>,
    }
}

open_enum! {
    /// The activity of a sandbox: running or on standby.
    pub enum SandboxState {
        /// The sandbox is running.
        Running = "RUNNING",
        /// The sandbox is on standby, and resumes with the next request.
        Standby = "STANDBY",
    }
}

resource! { Sandbox { metadata: metadata, labels: metadata.labels, status: status } }

runtime_setters! { Sandbox: SandboxRuntime }

deep_setters! { Sandbox:
    spec SandboxSpec {
        enabled: bool,
        network: SandboxNetwork,
        volume: [VolumeAttachment volumes],
        vpc: String,
    }
    runtime SandboxRuntime {
        port: [Port ports],
        expires: Timestamp,
        extra_args: ExtraArgs,
        termination_grace_period_seconds: u32,
        standby_grace_period_seconds: u32,
        docker_config: SecretText,
        snapshot_enabled: bool,
        generation: Generation,
    }
}

impl Sandbox {
    /// Creates a draft of a sandbox without a name, in memory only; the server generates a name. All other
    /// members are left out, so the server's defaults apply. Such sandboxes start fastest, because the platform may keep some ready.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::Sandbox;
    ///
    /// let sandbox = management.sandboxes().create(&Sandbox::unnamed()).await?;
    /// println!("{}", sandbox.metadata.name);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn unnamed() -> Self {
        Self::default()
    }

    /// Sets the time to live: the sandbox is deleted this long after its creation, whether it is used or not.
    /// [`Clearable::Null`] clears the stored value. Left out by default.
    #[must_use]
    pub fn ttl(mut self, ttl: impl Into<Clearable<Period>>) -> Self {
        self.runtime_mut().ttl = ttl.into();
        self
    }

    /// Sets the rules for automatic deletion. [`Clearable::Null`] clears the stored rules. Left out by default.
    #[must_use]
    pub fn lifecycle(mut self, lifecycle: impl Into<Clearable<SandboxLifecycle>>) -> Self {
        self.spec.lifecycle = lifecycle.into();
        self
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the collection of the workspace's sandboxes (`/sandboxes`).
    ///
    /// Lists do not include terminated sandboxes, except with
    /// [`ListParams::include_terminated`](blaxel_core::ListParams::include_terminated).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for sandbox in management.sandboxes().all().await? {
    ///     println!("{} is {:?}", sandbox.metadata.name, sandbox.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn sandboxes(&self) -> Collection<Sandbox, S> {
        Collection::new(self.service.clone(), ParentPath::root()).in_region(self.region.clone())
    }
}

impl Listed for Sandbox {
    const LIST: OperationInfo = OperationInfo::new("ListSandboxes", Method::GET, "/sandboxes")
        .with_parameters(&[
            "showTerminated",
            "cursor",
            "limit",
            "sort",
            "q",
            "anchor",
            "status",
            "externalId",
        ]);
    type Item = Self;
}

impl Created for Sandbox {
    const CREATE: OperationInfo = OperationInfo::new("CreateSandbox", Method::POST, "/sandboxes")
        .with_parameters(&["createIfNotExist"])
        .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;

    fn with_region(draft: &Self, region: &str) -> Option<Self> {
        draft
            .spec
            .region
            .is_none()
            .then(|| draft.clone().region(region))
    }
}

impl Fetched for Sandbox {
    const GET: OperationInfo =
        OperationInfo::new("GetSandbox", Method::GET, "/sandboxes/{sandboxName}")
            .with_parameters(SHOW_SECRETS);
}

impl Secretive for Sandbox {}

impl ExternallyNamed for Sandbox {
    const BY_EXTERNAL_ID: OperationInfo = OperationInfo::new(
        "GetSandboxByExternalId",
        Method::GET,
        "/sandboxes/by-external-id/{externalId}",
    );
}

impl Replaced for Sandbox {
    const REPLACE: OperationInfo =
        OperationInfo::new("UpdateSandbox", Method::PUT, "/sandboxes/{sandboxName}");
}

impl Applied for Sandbox {
    const ORDER: ApplyOrder = ApplyOrder::CreateFirst;
}

impl Deleted for Sandbox {
    const DELETE: OperationInfo =
        OperationInfo::new("DeleteSandbox", Method::DELETE, "/sandboxes/{sandboxName}");
    type Response = Self;
}

#[cfg(feature = "wait")]
crate::wait::watched! { Sandbox }

#[cfg(feature = "upload")]
crate::upload::uploadable! { Sandbox }

#[cfg(test)]
mod tests;
