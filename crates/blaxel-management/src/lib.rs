#![doc = include_str!("../README.md")]
//!
//! ## Main types
//!
//! - **Client**: [`Management`] returns the [`Collection`] of each kind of resource. `Management::with_region` sets
//!   the default region of new sandboxes, volumes, drives and egress gateways.
//! - **Workloads**: [`agents`], [`functions`], [`models`], [`jobs`] with their executions, [`applications`], the
//!   [`policies`] that apply to them, and the types that they share ([`workload`]).
//! - **Sandboxes**: [`sandboxes`] with their previews, schedules, snapshots and forks.
//! - **Storage**: [`volumes`], [`volume_templates`], [`drives`].
//! - **Images**: [`images`] with their tags and shares.
//! - **Network**: [`vpcs`] with their egress gateways and IP addresses, [`custom_domains`], [`public_ips`].
//! - **Workspaces**: [`workspaces`], [`users`], [`service_accounts`], [`secrets`], [`features`].
//! - **Catalog**: [`integrations`], [`hubs`], [`templates`], [`locations`], [`changelog`].
//! - **Observability**: [`logs`], [`quotas`].
//! - **Manifests**: `Management::apply_manifests` applies resources described in YAML, and
//!   `Management::delete_manifests` deletes them, with the types in `manifests` (feature `manifests`).
//! - **Waiting and uploads**: [`Wait`] configures `wait_until`; [`upload`] builds resources from archives, and
//!   [`image_builder`] from images that are declared in code.
//! - **Shared types**: [`Metadata`], [`Status`] and [`Event`] of resources; [`Megabytes`], [`ByteSize`],
//!   [`SecretText`] and [`Clearable`] as members of them; `RegistryCredentials` for private images; [`Outcome`] of calls that create a resource only if
//!   necessary. [`Resource`] and [`ItemsExt`] are for code that handles several kinds.
//! - **Operations**: [`operations`] has each API call as a value, for use over a service of your own. A kind has the
//!   operations whose traits it implements, such as [`Listed`] and [`Created`]; a [`ParentPath`] names the parents of a
//!   nested collection.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

// First, because the other modules use its macros.
#[macro_use]
mod record;
#[macro_use]
mod resource;

#[cfg(any(feature = "upload", all(feature = "wait", feature = "sandboxes")))]
mod backoff;
mod clearable;
mod collection;
mod kind;
mod metadata;
pub mod operations;
mod parent_path;
mod patch;
#[cfg(feature = "registry-credentials")]
mod registry_credentials;
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
#[cfg(feature = "image-builder")]
pub mod image_builder;
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
#[cfg(feature = "manifests")]
pub mod manifests;
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
pub mod secrets;
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

/// Re-export of [`blaxel_core`], in the version that this crate uses.
///
/// It keeps its full name because a module called `core` would shadow the language's own `core` in every
/// file that imports this crate by `*`.
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
pub use self::parent_path::ParentPath;
#[cfg(feature = "registry-credentials")]
pub use self::registry_credentials::RegistryCredentials;
pub use self::resource::{Document, ItemsExt, Resource};
pub use self::secret_text::SecretText;
pub use self::size::{ByteSize, Megabytes};
#[cfg(feature = "wait")]
pub use self::wait::{Wait, Watched};

/// The Management API of a workspace, over any service that carries HTTP requests.
///
/// It has one method for each kind of resource, which returns the [`Collection`] of that kind. A handle is as
/// cheap to clone as its service. No method sends a request; the methods of the collection do.
///
/// ```no_run
/// # async fn example(client: impl blaxel_core::HttpService) -> Result<(), blaxel_core::Error> {
/// use blaxel_management::Management;
///
/// let management = Management::new(client);
/// let agent = management.agents().get("support-bot").await?;
/// println!("{:?}", agent.status);
/// for preview in management.sandboxes().previews("code-runner").all().await? {
///     println!("{:?}", preview.spec.url);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Management<S> {
    #[allow(
        dead_code,
        reason = "without any area of the API there is nothing to call"
    )]
    service: S,
    #[allow(dead_code, reason = "the features decide which kinds have a region")]
    region: Option<Arc<str>>,
}

impl<S: HttpService> Management<S> {
    /// Creates a handle that sends its requests over `service`: a `blaxel_transport::Client`, the
    /// emulator's in-memory service, or a stack of your own.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self {
            service,
            region: None,
        }
    }

    /// Sets the default region of new resources, such as `us-pdx-1`. With `None`, and by default, the server chooses the
    /// region.
    ///
    /// The region of a client is that of its builder, or of the variable `BL_REGION`; pass it on with
    /// `.with_region(client.region())`.
    ///
    /// The default applies to sandboxes, volumes, drives and egress gateways that name no region, in every
    /// method that creates them. A resource that names a region keeps it. Requests that replace a
    /// resource are sent unchanged.
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
    pub fn with_region<'a>(mut self, region: impl Into<Option<&'a str>>) -> Self {
        self.region = region.into().map(Arc::from);
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
