//! The shape that most resources have: metadata, spec, status and events.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::kind::{Kind, Resource};
use crate::metadata::{Event, Metadata, Status};

/// What is particular to a kind of resource that has the common shape.
pub trait Spec: DeserializeOwned + Serialize + Default + Send + Sync + 'static {
    /// The operations of the kind.
    const KIND: Kind;
}

/// A resource: what it is called, what it is to be, and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, bound(deserialize = "S: Spec"))]
#[non_exhaustive]
pub struct Document<S> {
    /// Its name, and what the platform notes about it.
    pub metadata: Metadata,
    /// What it is to be.
    pub spec: S,
    /// Where it stands. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What happened to it. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<Event>>,
}

impl<S: Spec> Document<S> {
    /// A resource of that name, with everything else left to the server.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            metadata: Metadata::new(name),
            ..Self::default()
        }
    }

    /// What people are shown instead of the name.
    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.metadata.display_name = Some(name.into());
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.add_label(name, value);
        self
    }
}

impl<S: Spec> Resource for Document<S> {
    const KIND: Kind = S::KIND;

    fn name(&self) -> &str {
        &self.metadata.name
    }
}
