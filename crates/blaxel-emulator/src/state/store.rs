//! The store: documents by kind and name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use blaxel_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Kind;
use crate::lock;

/// A resource as JSON: members that the emulator knows nothing about are kept.
pub(crate) type Document = Map<String, Value>;

/// Who writes a document, and what the server adds to it.
pub(crate) struct Author<'a> {
    pub(crate) name: &'a str,
    pub(crate) workspace: &'a str,
    pub(crate) url: String,
    pub(crate) now: Timestamp,
}

/// A document in the store.
#[derive(Clone)]
pub(crate) struct Record {
    /// Grows with every creation, so it orders as `createdAt` does, and without ties.
    pub(crate) serial: u64,
    pub(crate) name: String,
    pub(crate) document: Document,
}

/// Where a page ended: what the next one comes after. It stays good whatever is created or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Position {
    Serial(u64),
    Name(String),
}

#[derive(Default)]
pub(crate) struct Store(Mutex<Shelves>);

#[derive(Default)]
struct Shelves {
    serial: u64,
    by_kind: HashMap<&'static str, BTreeMap<String, Record>>,
}

impl Shelves {
    fn put(
        &mut self,
        kind: &Kind,
        name: &str,
        mut document: Document,
        author: &Author<'_>,
    ) -> Document {
        complete(&mut document, name, author, None);
        self.serial += 1;
        let record = Record {
            serial: self.serial,
            name: name.to_owned(),
            document: document.clone(),
        };
        self.by_kind
            .entry(kind.plural)
            .or_default()
            .insert(name.to_owned(), record);
        document
    }
}

impl Store {
    /// Creates a document, or puts it in the place of another one.
    pub(crate) fn put(&self, kind: &Kind, name: &str, document: Document, author: &Author<'_>) {
        lock(&self.0).put(kind, name, document, author);
    }

    /// Creates a document; `None` if the name is taken.
    pub(crate) fn create(
        &self,
        kind: &Kind,
        name: &str,
        document: Document,
        author: &Author<'_>,
    ) -> Option<Document> {
        let mut shelves = lock(&self.0);
        let taken = shelves
            .by_kind
            .get(kind.plural)
            .is_some_and(|shelf| shelf.contains_key(name));
        (!taken).then(|| shelves.put(kind, name, document, author))
    }

    pub(crate) fn get(&self, kind: &Kind, name: &str) -> Option<Document> {
        Some(
            lock(&self.0)
                .by_kind
                .get(kind.plural)?
                .get(name)?
                .document
                .clone(),
        )
    }

    pub(crate) fn contains(&self, kind: &Kind, name: &str) -> bool {
        lock(&self.0)
            .by_kind
            .get(kind.plural)
            .is_some_and(|shelf| shelf.contains_key(name))
    }

    /// Replaces a document as a whole, but for what the server keeps; `None` if there is none.
    pub(crate) fn replace(
        &self,
        kind: &Kind,
        name: &str,
        mut document: Document,
        author: &Author<'_>,
    ) -> Option<Document> {
        let mut shelves = lock(&self.0);
        let record = shelves.by_kind.get_mut(kind.plural)?.get_mut(name)?;
        complete(&mut document, name, author, record.document.get("metadata"));
        record.document.clone_from(&document);
        Some(document)
    }

    pub(crate) fn remove(&self, kind: &Kind, name: &str) -> Option<Document> {
        Some(
            lock(&self.0)
                .by_kind
                .get_mut(kind.plural)?
                .remove(name)?
                .document,
        )
    }

    /// All documents of a kind, by name.
    pub(crate) fn all(&self, kind: &Kind) -> Vec<Record> {
        let shelves = lock(&self.0);
        shelves
            .by_kind
            .get(kind.plural)
            .map(|shelf| shelf.values().cloned().collect())
            .unwrap_or_default()
    }
}

/// Sets the members that are the server's: whatever the client sent for them is replaced. What
/// belongs to the creation is taken from the metadata there was before, if any.
fn complete(document: &mut Document, name: &str, author: &Author<'_>, before: Option<&Value>) {
    let now = Value::from(author.now.as_str());
    let kept = |member: &str, fresh: Value| {
        before
            .and_then(|metadata| metadata.get(member))
            .cloned()
            .unwrap_or(fresh)
    };
    let own = [
        ("name", Value::from(name)),
        ("workspace", kept("workspace", author.workspace.into())),
        ("url", kept("url", author.url.as_str().into())),
        ("createdAt", kept("createdAt", now.clone())),
        ("createdBy", kept("createdBy", author.name.into())),
        ("updatedAt", now),
        ("updatedBy", author.name.into()),
    ];
    let metadata = document.entry("metadata").or_insert_with(|| json!({}));
    if let Value::Object(metadata) = metadata {
        metadata.extend(own.map(|(member, value)| (member.to_owned(), value)));
        // The client's own, but it stays until the client sends another one.
        if let Some(id) = before.and_then(|metadata| metadata.get("externalId")) {
            metadata.entry("externalId").or_insert_with(|| id.clone());
        }
    }
    document.insert("status".to_owned(), "DEPLOYED".into());
    document.insert("events".to_owned(), json!([]));
}
