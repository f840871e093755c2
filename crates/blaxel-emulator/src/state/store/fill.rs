//! Completing a document before it is stored.

use std::time::Duration;

use serde_json::{Value, json};

use super::OpenStore;
use crate::clock::timestamp;
use crate::state::kind::{Context, Layout, Lifecycle};
use crate::state::{Author, Collection, Document, Kind, Settings, member, secret};

impl OpenStore {
    /// Sets the members that belong to the server, replacing whatever the client sent. Members that
    /// belong to the creation are copied from the previous document, if any. Returns the generated
    /// secrets.
    pub(super) fn fill(
        &mut self,
        collection: &Collection,
        name: &str,
        document: &mut Document,
        before: Option<&Document>,
        author: &Author<'_>,
    ) -> Vec<String> {
        let kind = collection.kind();
        for path in kind.read_only {
            member::remove(document, path);
            if let Some(kept) = before.and_then(|before| member::get(before, path)) {
                member::set(document, path, kept.clone());
            }
        }
        if kind.lifecycle != Lifecycle::Plain {
            document.remove("status");
            document.remove("events");
        }
        for path in kind.sticky {
            match (member::get(document, path), before) {
                (Some(Value::Null), _) => {
                    member::remove(document, path);
                }
                (None, Some(before)) => {
                    if let Some(value) = member::get(before, path) {
                        member::set(document, path, value.clone());
                    }
                }
                _ => {}
            }
        }
        let now = self.now().saturating_sub(author.ago);
        self.stamp(collection, name, document, before, (author, now));
        for (path, parent) in kind.parents_in.iter().zip(collection.parents()) {
            member::set(document, path, parent.as_str().into());
        }
        let context = Context {
            name,
            workspace: &self.setting().workspace,
            now,
            before,
        };
        (kind.complete)(document, &context);
        if let Some(before) = before {
            secret::keep(kind.secrets, document, before);
        }
        let Some(triggers) = kind.triggers else {
            return Vec::new();
        };
        secret::renew_callbacks(triggers, document, before, || self.rows.fresh_secret())
    }

    fn stamp(
        &self,
        collection: &Collection,
        name: &str,
        document: &mut Document,
        before: Option<&Document>,
        (author, now): (&Author<'_>, Duration),
    ) {
        let kind = collection.kind();
        let audit_fields = kind.audit_fields;
        let now = Value::from(timestamp(now).as_str());
        let (key, before) = match kind.form {
            Layout::Resource => (
                "name",
                before
                    .and_then(|before| before.get("metadata"))
                    .and_then(Value::as_object),
            ),
            Layout::Flat { key } => (key, before),
        };
        let head = match kind.form {
            Layout::Flat { .. } => document,
            Layout::Resource => {
                let metadata = document.entry("metadata").or_insert_with(|| json!({}));
                let Value::Object(metadata) = metadata else {
                    return;
                };
                metadata.remove("plan");
                metadata.remove("url");
                if kind.has_url {
                    metadata.insert("url".to_owned(), self.url(kind, name).into());
                }
                metadata
            }
        };
        head.insert(key.to_owned(), name.into());
        let first = [
            (
                audit_fields.workspace,
                Value::from(self.setting().workspace.as_str()),
            ),
            (audit_fields.created_at, now.clone()),
            (audit_fields.created_by, author.name.into()),
        ];
        for (member, fresh) in first {
            let Some(member) = member else { continue };
            let kept = before.and_then(|before| before.get(member)).cloned();
            head.insert(member.to_owned(), kept.unwrap_or(fresh));
        }
        let last = [
            (audit_fields.updated_at, now),
            (audit_fields.updated_by, author.name.into()),
        ];
        for (member, value) in last {
            let Some(member) = member else { continue };
            head.insert(member.to_owned(), value);
        }
    }

    /// Returns the URL of a workload.
    pub(super) fn url(&self, kind: &Kind, name: &str) -> String {
        let Settings {
            run_url, workspace, ..
        } = self.setting();
        format!("{run_url}/{workspace}/{}/{name}", kind.path)
    }
}
