//! [`Shown`], a record as the API shows it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;

use super::Document;
use super::secret::{self, Secret, Visibility};
use super::stored::StoredDocument;
use super::timeline::Events;

/// A record as the API shows it: its stored document and the members that are computed. The document is
/// copied only if some of it is shown otherwise than it is stored.
pub(crate) struct Shown<'a> {
    document: Cow<'a, StoredDocument>,
    /// Members that are added to those of the document, or replace them.
    computed: BTreeMap<&'static str, Computed<'a>>,
}

/// A computed member.
enum Computed<'a> {
    Text(&'a str),
    Events(Events<'a>),
    Value(Value),
}

impl<'a> Shown<'a> {
    pub(super) fn new(stored: &'a StoredDocument) -> Self {
        Self {
            document: Cow::Borrowed(stored),
            computed: BTreeMap::new(),
        }
    }

    /// Sets the current state, and those before it.
    pub(super) fn set_state(&mut self, status: &'a str, events: Events<'a>) {
        self.computed.insert("status", Computed::Text(status));
        self.computed.insert("events", Computed::Events(events));
    }

    /// Sets a member.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.computed.insert(name, Computed::Value(value.into()));
    }

    /// Removes a member.
    pub(super) fn remove(&mut self, name: &str) {
        self.computed.remove(name);
        if self.document.contains_key(name) {
            self.document.to_mut().remove(name);
        }
    }

    /// Masks or removes secrets. `new_secrets` are those that the server generated at the last write.
    pub(super) fn hide_secrets(
        &mut self,
        secrets: &[Secret],
        visibility: Visibility,
        new_secrets: &[String],
    ) {
        let is_computed = |secret: &Secret| self.computed.keys().any(|name| secret.is_in(name));
        let are_there = || match (visibility, &self.document) {
            (Visibility::Masked, Cow::Borrowed(stored)) => stored.is_secretive(secrets),
            (_, document) => secret::are_there(secrets, document, visibility, new_secrets),
        };
        if secrets.iter().any(is_computed) || are_there() {
            secret::hide(secrets, self.to_mut(), visibility, new_secrets);
        }
    }

    /// Returns the whole document for changing more of it than members at its root.
    pub(crate) fn to_mut(&mut self) -> &mut Document {
        let document: &mut Document = self.document.to_mut();
        for (name, member) in std::mem::take(&mut self.computed) {
            document.insert(name.to_owned(), member.into_value());
        }
        document
    }

    /// Returns it as a document.
    pub(crate) fn into_document(mut self) -> Document {
        std::mem::take(self.to_mut())
    }
}

impl Computed<'_> {
    fn into_value(self) -> Value {
        match self {
            Self::Text(text) => text.into(),
            Self::Events(events) => events.to_value(),
            Self::Value(value) => value,
        }
    }
}

impl Serialize for Computed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Events(events) => events.serialize(serializer),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.document {
            Cow::Borrowed(stored) => self.write(serializer, stored.texts()),
            Cow::Owned(changed) => self.write(serializer, changed.iter()),
        }
    }
}

impl Shown<'_> {
    /// Writes the members of the document and those that are computed, all in the order of
    /// [`into_document`](Self::into_document).
    fn write<'m, S: Serializer>(
        &self,
        serializer: S,
        members: impl Iterator<Item = (&'m String, impl Serialize)>,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut computed = self.computed.iter().peekable();
        for (name, value) in members {
            while let Some((name, member)) = computed.next_if(|(other, _)| **other < name.as_str())
            {
                map.serialize_entry(name, member)?;
            }
            if !self.computed.contains_key(name.as_str()) {
                map.serialize_entry(name, &value)?;
            }
        }
        for (name, member) in computed {
            map.serialize_entry(name, member)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::state::status;
    use crate::state::timeline::{DeploymentGoal, Timeline};

    #[test]
    fn a_document_is_written_as_it_would_be_if_it_were_copied() {
        let stored = json!({"metadata": {"name": "a"}, "spec": {}, "state": 1});
        let stored = StoredDocument::from(stored.as_object().unwrap().clone());
        let mut timeline = Timeline::default();
        let now = Duration::from_millis(1500);
        timeline.deploy(now, Duration::ZERO, DeploymentGoal::Deployed, Some("rev-1"));
        for (set, removed) in [
            (&[][..], "none"),
            (&["a", "spec", "state", "z"], "none"),
            (&["metadata", "state"], "state"),
            (&[], "spec"),
        ] {
            let shown = || {
                let mut shown = Shown::new(&stored);
                shown.set_state(status::DEPLOYED, timeline.events(now));
                set.iter().for_each(|name| shown.set(name, *name));
                shown.remove(removed);
                shown
            };
            let written = serde_json::to_string(&shown()).unwrap();
            let document = shown().into_document();
            assert_eq!(written, serde_json::to_string(&document).unwrap());
            assert_eq!(document["events"].as_array().unwrap().len(), 2);
            assert!(!document.contains_key(removed));
        }
    }
}
