#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

// First, since all others are written with its macros.
#[macro_use]
mod record;
#[macro_use]
mod resource;

mod clearable;
mod collection;
mod kind;
mod metadata;
pub mod operations;
mod patch;
#[cfg(any(feature = "upload", all(feature = "wait", feature = "sandboxes")))]
mod pause;
mod scope;
#[cfg(all(
    test,
    feature = "wait",
    any(feature = "sandboxes", feature = "workloads")
))]
mod scripted;
mod secret_text;
mod size;
#[cfg(feature = "wait")]
mod wait;

#[cfg(feature = "workloads")]
pub mod agents;
#[cfg(feature = "workloads")]
pub mod applications;
#[cfg(feature = "catalog")]
pub mod changelog;
#[cfg(feature = "network")]
pub mod custom_domains;
#[cfg(feature = "storage")]
pub mod drives;
#[cfg(feature = "workspaces")]
pub mod features;
#[cfg(feature = "workloads")]
pub mod functions;
#[cfg(feature = "catalog")]
pub mod hubs;
#[cfg(feature = "images")]
pub mod images;
#[cfg(feature = "catalog")]
pub mod integrations;
#[cfg(feature = "workloads")]
pub mod jobs;
#[cfg(feature = "catalog")]
pub mod locations;
#[cfg(feature = "observability")]
pub mod logs;
#[cfg(feature = "workloads")]
pub mod models;
#[cfg(feature = "workloads")]
pub mod policies;
#[cfg(feature = "network")]
pub mod public_ips;
#[cfg(feature = "observability")]
pub mod quotas;
#[cfg(feature = "sandboxes")]
pub mod sandboxes;
#[cfg(feature = "workspaces")]
pub mod service_accounts;
#[cfg(feature = "catalog")]
pub mod templates;
#[cfg(feature = "upload")]
pub mod upload;
#[cfg(feature = "workspaces")]
pub mod users;
#[cfg(feature = "storage")]
pub mod volume_templates;
#[cfg(feature = "storage")]
pub mod volumes;
#[cfg(feature = "network")]
pub mod vpcs;
pub mod workload;
#[cfg(feature = "workspaces")]
pub mod workspaces;

use std::fmt;
use std::sync::Arc;

use blaxel_core::HttpService;

/// The core crate, in the version that this crate uses.
///
/// It keeps its full name: a module called `core` would make the language's own `core` ambiguous in
/// every file that imports this crate by `*`.
pub use blaxel_core;

pub use self::clearable::Clearable;
pub use self::collection::{Collection, Outcome};
pub use self::kind::{
    Applied, ApplyOrder, Created, Deleted, ExternallyNamed, Fetched, Listed, Replaced, Revised,
    Secretive,
};
pub use self::metadata::{
    Event, Flavor, FlavorKind, Generation, Metadata, Status, VerificationStatus,
};
pub use self::resource::{Document, ItemsExt, Resource};
pub use self::scope::Scope;
pub use self::secret_text::SecretText;
pub use self::size::{ByteSize, Megabytes};
#[cfg(feature = "wait")]
pub use self::wait::{Wait, Watched};

/// The Management API of a workspace, over any service that carries requests.
///
/// A clone is as cheap as a clone of the service.
#[derive(Clone)]
pub struct Management<S> {
    #[allow(dead_code, reason = "without any area of the API nothing is called")]
    service: S,
    #[allow(
        dead_code,
        reason = "which kinds have a region is a matter of features"
    )]
    region: Option<Arc<str>>,
}

impl<S: HttpService> Management<S> {
    /// The Management API as reached over a service: a `blaxel_transport::Client`, the emulator's
    /// socketless service, or a stack of your own.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self {
            service,
            region: None,
        }
    }

    /// Returns the same API with a default region, such as `us-pdx-1`.
    ///
    /// Sandboxes, volumes, drives and egress gateways that name no region are created there, by
    /// whichever method creates them. Nothing else is changed: a resource that names a region keeps it, and
    /// whatever replaces one sends what it was given. Without a default the server chooses.
    ///
    /// ```
    /// # async fn example(client: impl blaxel_core::HttpService) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::Management;
    /// use blaxel_management::sandboxes::Sandbox;
    ///
    /// let management = Management::new(client).with_region("us-pdx-1");
    /// management.sandboxes().create(&Sandbox::new("code-runner")).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into().into());
        self
    }
}

impl<S> fmt::Debug for Management<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Management")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}
