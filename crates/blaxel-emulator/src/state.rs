//! Resources and the store that keeps them.
//!
//! # Usage
//!
//! A [`Kind`] describes a type of resource and which of the usual operations it has. All kinds are
//! in `state/kinds/`, and `router/resources.rs` performs those operations for every kind. Any other
//! operation is a [`Route`](crate::router::Route) of its own, whose handler opens the store and
//! works on the [`OpenStore`]:
//!
//! ```ignore
//! fn fork(call: &Call) -> HandlerResult {
//!     let mut store = call.engine.store.open();
//!     let collection = records::collection(call, &SANDBOXES, &store)?; // 404 if a parent is missing
//!     let name = call.path(SANDBOXES.parameter);
//!     let source = store.get(&collection, name).ok_or_else(|| not_found(&SANDBOXES))?;
//!     let copy = Document::clone(&source.document);
//!     if !store.create(&collection, &target, copy, &call.author()) {
//!         return Err(taken(&SANDBOXES, &target));
//!     }
//!     ...
//! }
//! ```
//!
//! - A [`Collection`] is a kind together with the names of the parents.
//! - [`OpenStore`] reads with `get`, `all` and `everywhere`, writes with `create`, `put`,
//!   `replace`, `modify`, `delete` and `remove`, and converts into API documents with `show` and
//!   `shown`.
//! - [`Rows`] are the layer below: the records by [`CollectionKey`], independent of their kinds.
//!   The functions of a [`Kind`] see only these.
//! - The guard of [`Store::open`] is the transaction: what a handler has read stays true until the
//!   guard is dropped. Open the store once per handler and pass `&OpenStore` on. A handler that copies a disk opens it
//!   before and after, and checks twice: see `router/copies.rs`.
//! - A [`Record`] keeps the client's document. Status and events are computed from its [`timeline`]
//!   when it is shown, and so are the members that [`Kind::compute`] adds.
//! - Times are `Duration`s since 1970-01-01T00:00:00Z on the emulator's clock. `clock::timestamp`
//!   converts them into the API's format.

#![allow(
    dead_code,
    reason = "some helpers are kept for operations that are not served yet"
)]

mod archive;
mod collection;
mod kind;
mod kinds;
pub(crate) mod member;
mod record;
mod revision;
mod rows;
pub(crate) mod rule;
mod saved;
pub(crate) mod saved_time;
mod secret;
mod shown;
pub(crate) mod status;
mod store;
mod stored;
mod timeline;
pub(crate) mod traffic;
mod unknown_kind;

pub(crate) use self::collection::Collection;
pub(crate) use self::kind::{DeleteResponse, Kind, Layout, Lifecycle, Listing, Naming, Pages};
pub(crate) use self::kinds::{
    AGENTS, API_KEYS, APPLICATIONS, CUSTOM_DOMAINS, DOMAIN_SHARES, DRIVES, EGRESS_GATEWAYS,
    EGRESS_IPS, EXECUTIONS, FUNCTIONS, IMAGE_SHARES, IMAGES, INTEGRATION_CONNECTIONS, JOBS, KINDS,
    MODELS, PENDING_SHARES, POLICIES, PREVIEW_TOKENS, PREVIEWS, SANDBOXES, SCHEDULE_EXECUTIONS,
    SCHEDULES, SECRETS, SERVICE_ACCOUNTS, SNAPSHOTS, USERS, VOLUME_TEMPLATES, VOLUMES, WORKSPACES,
    all_kinds, is_on_standby, policy_users, preview_host, schedule_changed, token_key, token_name,
    top_kind, top_kinds,
};
pub(crate) use self::kinds::{
    access, executions as execution, images as image, snapshots as snapshot,
};
pub(crate) use self::member::Document;
pub(crate) use self::record::{Author, Contents, Record, Settings};
pub(crate) use self::rows::{CollectionKey, Rows};
pub(crate) use self::saved::{Problem, SavedCounters, SavedRecord};
pub(crate) use self::secret::{MASK, Visibility};
pub(crate) use self::shown::Shown;
pub(crate) use self::store::{FailingWork, OpenStore, Store};
pub use self::unknown_kind::UnknownKind;
