//! Resources, and where they are kept.
//!
//! # How to use it
//!
//! A [`Kind`] says what a resource is and which of the usual operations it has; `state/kinds/` has
//! them all, and `router/resources.rs` performs those operations for every kind. An operation of
//! another sort is a [`Route`](crate::router::Route) of its own, whose handler opens the store and
//! works on its [`OpenStore`]:
//!
//! ```ignore
//! fn fork(call: &Call) -> HandlerResult {
//!     let mut store = call.engine.store.open();
//!     let collection = resources::collection(call, &SANDBOXES, &store)?; // 404 if a parent is missing
//!     let name = call.path(SANDBOXES.parameter);
//!     let source = store.get(&collection, name).ok_or_else(|| not_found(&SANDBOXES))?;
//!     let copy = source.document.clone();
//!     if !store.create(&collection, &target, copy, &call.author()) {
//!         return Err(taken(&SANDBOXES, &target));
//!     }
//!     ...
//! }
//! ```
//!
//! - A [`Collection`] is a collection: a kind, and the names of the parents it is under.
//! - [`OpenStore`] has `get`, `all` and `everywhere` to read; `create`, `put`, `replace`, `modify`,
//!   `delete` and `remove` to write; `show` and `shown` for what the API answers.
//! - [`Rows`] are below: the records by [`Collection`], whatever their kinds are like. They are what the
//!   functions of a [`Kind`] get to see.
//! - The guard that [`Store::open`] gives is the transaction: what is looked up stays true until it
//!   is dropped. Open it once in a handler, and hand `&OpenStore` on.
//! - A [`Record`] keeps what the client wrote. Status and events are computed from its [`timeline`] when
//!   it is shown, and so is what [`Kind::compute`] adds.
//! - Times are `Duration`s since 1970-01-01T00:00:00Z of the emulator's clock; `clock::timestamp`
//!   writes one as the API does.

#![allow(
    dead_code,
    reason = "the operations to come need what the first kinds do not"
)]

mod collection;
mod kind;
mod kinds;
pub(crate) mod member;
mod record;
mod revision;
mod rows;
pub(crate) mod rule;
mod secret;
pub(crate) mod status;
mod store;
mod timeline;
pub(crate) mod traffic;

pub(crate) use self::collection::Collection;
pub(crate) use self::kind::{DeleteResponse, Kind, Layout, Listing, Naming, Pages};
pub(crate) use self::kinds::{
    AGENTS, API_KEYS, APPLICATIONS, CUSTOM_DOMAINS, DOMAIN_SHARES, DRIVES, EGRESS_GATEWAYS,
    EGRESS_IPS, EXECUTIONS, FUNCTIONS, IMAGE_SHARES, IMAGES, INTEGRATION_CONNECTIONS, JOBS, KINDS,
    MODELS, PENDING_SHARES, POLICIES, PREVIEWS, SANDBOXES, SCHEDULE_EXECUTIONS, SCHEDULES,
    SERVICE_ACCOUNTS, SNAPSHOTS, USERS, VOLUME_TEMPLATES, VOLUMES, WORKSPACES, policy_users,
    schedule_changed,
};
pub(crate) use self::kinds::{access, executions as execution, images as image};
pub(crate) use self::member::Document;
pub(crate) use self::record::{Author, Record, Settings};
pub(crate) use self::rows::{CollectionKey, Rows};
pub(crate) use self::secret::Visibility;
pub(crate) use self::store::{OpenStore, Store};
