//! Sandboxes: small virtual machines of one's own, in which an agent runs what it likes.
//!
//! A sandbox goes to standby by itself when nobody uses it, with its memory and its processes, and comes
//! back within milliseconds. It lives until it is deleted, or until its [`SandboxLifecycle`] says so.
//! Under each lie its [`Preview`]s, which show a port of it to the web, its [`Schedule`]s, which run
//! commands in it, and its [`Snapshot`]s.

mod create;
#[cfg(feature = "wait")]
mod ensure;
mod fork;
mod lifecycle;
mod network;
mod previews;
mod schedules;
mod snapshots;

use std::collections::BTreeMap;

use blaxel_core::{HttpService, Idempotency, OperationInfo, Period, Timestamp, open_enum};
use http::Method;

pub use self::create::CreateSandbox;
#[cfg(feature = "wait")]
pub use self::ensure::Ensure;
pub use self::fork::{Fork, ForkKind, ForkSandbox, Forked};
pub use self::lifecycle::{ExpirationAction, ExpirationKind, ExpirationPolicy, SandboxLifecycle};
pub use self::network::{
    EgressConfig, EgressPolicy, FirewallConfig, NetworkFirewall, ProxyConfig, ProxyTarget,
    SandboxNetwork,
};
pub use self::previews::{
    CreatePreview, Preview, PreviewMetadata, PreviewSpec, PreviewToken, PreviewTokenDeletion,
    PreviewTokenMetadata, PreviewTokenSpec,
};
pub use self::schedules::{Schedule, ScheduleExecution, ScheduleInput, ScheduleKind};
pub use self::snapshots::{NewSnapshot, Snapshot, SnapshotStatus};
use crate::Management;
use crate::clearable::Clearable;
use crate::collection::Collection;
use crate::kind::{
    Applied, ApplyOrder, Created, Deleted, ExternallyNamed, Fetched, Listed, Replaced,
    SHOW_SECRETS, Secretive,
};
use crate::metadata::{Event, Metadata, Status};
use crate::parent_path::ParentPath;
use crate::size::Megabytes;
use crate::workload::runtime_setters;
use crate::workload::{EnvVariable, Port, VolumeAttachment};

document! {
    /// A sandbox.
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
    ///     .port(Port::new(3000u32))
    ///     .ttl(Period::days(7))
    ///     .lifecycle(SandboxLifecycle::new().expiration_policies([idle]));
    /// assert_eq!(sandbox.metadata.name, "code-runner");
    /// ```
    pub struct Sandbox {
        pub metadata: Metadata,
        pub spec: SandboxSpec,
        pub status: Option<Status>,
        pub events: Option<Vec<Event>>,
        /// Whether it runs or stands by.
        #[server]
        pub state: Option<SandboxState>,
        /// What went wrong with the machinery under it, the oldest first.
        #[server]
        pub errors: Option<Vec<SandboxInfrastructureError>>,
        /// In how many seconds it will be deleted; only where something limits its life.
        #[server]
        pub expires_in: Option<i64>,
        /// When it was used last.
        #[server]
        pub last_used_at: Option<Timestamp>,
        /// The generation of the machinery it runs on, such as `mk3.1`.
        #[server]
        pub node_generation: Option<String>,
    }
}

record! {
    /// What a sandbox is to be.
    pub struct SandboxSpec {
        /// Whether it takes connections. The server takes `true` by default.
        pub enabled: Option<bool>,
        /// The region it runs in; the one nearest to the caller if there is none.
        pub region: Option<String>,
        /// What it runs on.
        pub runtime: Option<SandboxRuntime>,
        /// When it is deleted by itself. To lift a limit set before, clear it: an empty one is refused.
        pub lifecycle: Clearable<SandboxLifecycle>,
        /// What it reaches of the world, and by which way.
        pub network: Option<SandboxNetwork>,
        /// The volumes it mounts.
        pub volumes: Option<Vec<VolumeAttachment>>,
        /// The name of its VPC. The server takes `default` by default.
        pub vpc: Option<String>,
    }

    /// What a sandbox runs on.
    pub struct SandboxRuntime {
        /// The image: one of the platform's, or one of your own.
        pub image: Option<String>,
        /// Its memory. The platform gives one processor for each 2048 MB.
        pub memory: Option<Megabytes>,
        /// The ports under which it can be called.
        pub ports: Option<Vec<Port>>,
        /// Its environment variables.
        pub envs: Option<Vec<EnvVariable>>,
        /// How long after its creation it is deleted, used or not. To have it deleted when it is idle,
        /// use a [`SandboxLifecycle`].
        pub ttl: Clearable<Period>,
        /// The moment at which it is deleted.
        pub expires: Option<Timestamp>,
        /// Parts of the kernel to have, such as `iptables`, `nfs` or `tun`, each `enabled` or `disabled`.
        /// They cannot be changed later.
        pub extra_args: Option<BTreeMap<String, String>>,
        /// How many seconds it gets to end in good order. The server takes 0 by default.
        pub termination_grace_period_seconds: Option<u32>,
    }

    /// A failure of the machinery under a sandbox.
    pub struct SandboxInfrastructureError {
        /// The word for this kind of failure, such as `VM_NETWORK_FAILURE`.
        #[server]
        pub code: Option<String>,
        /// Whether it ended the sandbox; if not, a restart put it right.
        #[server]
        pub fatal: Option<bool>,
        /// The instance it befell.
        #[server]
        pub instance: Option<String>,
        /// The failure in words.
        #[server]
        pub message: Option<String>,
        /// When it was noted.
        #[server]
        pub time: Option<Timestamp>,
    }
}

open_enum! {
    /// Whether a sandbox runs.
    pub enum SandboxState {
        /// It runs.
        Running = "RUNNING",
        /// It stands by, and comes back with the next request.
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
        termination_grace_period_seconds: u32,
    }
}

impl Sandbox {
    /// One that the server names, with everything else left to it, too. Such ones come fastest, for the
    /// platform may have some ready.
    #[must_use]
    pub fn unnamed() -> Self {
        Self::default()
    }

    /// How long after its creation it is deleted, used or not.
    #[must_use]
    pub fn ttl(mut self, ttl: impl Into<Clearable<Period>>) -> Self {
        self.runtime_mut().ttl = ttl.into();
        self
    }

    /// When it is deleted by itself.
    #[must_use]
    pub fn lifecycle(mut self, lifecycle: impl Into<Clearable<SandboxLifecycle>>) -> Self {
        self.spec.lifecycle = lifecycle.into();
        self
    }
}

impl<S: HttpService> Management<S> {
    /// The sandboxes of the workspace.
    ///
    /// A list leaves out those that have ended, unless it is asked for them: see
    /// [`ListParams::include_terminated`](blaxel_core::ListParams::include_terminated).
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
