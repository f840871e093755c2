#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod agents;
mod collection;
mod document;
mod kind;
mod metadata;
pub mod models;
pub mod operations;
mod patch;
pub mod workload;

use std::fmt;

use blaxel_core::HttpService;

use self::agents::Agent;
use self::models::Model;

pub use self::collection::Collection;
pub use self::document::{Document, Spec};
pub use self::kind::{Kind, Resource};
pub use self::metadata::{Event, Generation, Metadata, Status};

/// The Management API of a workspace, over any service that carries requests.
///
/// A clone is as cheap as a clone of the service.
#[derive(Clone)]
pub struct Management<S> {
    service: S,
}

impl<S: HttpService> Management<S> {
    /// The Management API as reached over a service: a `blaxel_transport::Client`, the emulator's
    /// socketless service, or a stack of your own.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self { service }
    }

    /// The agents of the workspace.
    #[must_use]
    pub fn agents(&self) -> Collection<Agent, S> {
        Collection::new(self.service.clone())
    }

    /// The models of the workspace.
    #[must_use]
    pub fn models(&self) -> Collection<Model, S> {
        Collection::new(self.service.clone())
    }
}

impl<S> fmt::Debug for Management<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Management").finish_non_exhaustive()
    }
}
