//! [`Documents`], the resources that a proxy has seen.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::Value;

use crate::data::{Data, Document as Saved, SavedSettings};
use crate::state::{Document, KINDS, Kind, Layout, SavedRecord, member, rule};

/// The resources that were seen, in the order of their collections and names.
#[derive(Default)]
pub(super) struct Documents {
    workspace: Option<String>,
    seen: BTreeMap<Place, Document>,
}

/// The place of a resource. Parents come before what is nested in them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    parents: Vec<String>,
    collection: &'static str,
    name: String,
}

/// The place that a path of the API names.
struct Found {
    kind: &'static Kind,
    parents: Vec<String>,
    /// `None` for the collection itself.
    name: Option<String>,
}

impl Documents {
    /// Records the workspace that a request names.
    pub(super) fn is_of(&mut self, workspace: &str) {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !workspace.is_empty() && workspace.bytes().all(is_plain) {
            self.workspace = Some(workspace.to_owned());
        }
    }

    /// Records the response to a request for a path below `/v0/`.
    pub(super) fn see(&mut self, method: &Method, path: &str, status: StatusCode, body: &Value) {
        if !status.is_success() {
            return;
        }
        let Some(found) = find(path) else { return };
        match (found.name.clone(), method) {
            (Some(name), &Method::DELETE) => self.remove(&found, &name),
            (Some(name), &(Method::GET | Method::PUT | Method::POST)) => {
                self.add(&found, Some(&name), body);
            }
            (None, &Method::GET) => {
                for item in items(body) {
                    self.add(&found, None, item);
                }
            }
            (None, &(Method::POST | Method::PUT)) => self.add(&found, None, body),
            _ => {}
        }
    }

    fn add(&mut self, found: &Found, name: Option<&str>, document: &Value) {
        let Some(document) = document.as_object() else {
            return;
        };
        let own = match found.kind.form {
            Layout::Resource => member::text(document, "metadata/name"),
            Layout::Flat { key } => member::text(document, key),
        };
        let Some(name) = own.or(name) else { return };
        let place = Place {
            parents: found.parents.clone(),
            collection: found.kind.path,
            name: name.to_owned(),
        };
        let mut document = document.clone();
        // The emulator that is made of the seed has addresses of its own.
        if found.kind.has_url {
            member::remove(&mut document, "metadata/url");
        }
        if found.kind.read_only.contains(&"spec/url") {
            member::remove(&mut document, "spec/url");
        }
        self.seen.insert(place, document);
    }

    fn remove(&mut self, found: &Found, name: &str) {
        self.seen.retain(|place, _| {
            let is_it = place.collection == found.kind.path
                && place.parents == found.parents
                && place.name == name;
            let depth = found.parents.len();
            let is_below = place.collection.starts_with(found.kind.path)
                && place.parents.starts_with(&found.parents)
                && place.parents.get(depth).map(String::as_str) == Some(name);
            !is_it && !is_below
        });
    }

    /// Returns the seed.
    pub(super) fn data(&self) -> Data {
        let mut seed = Saved::seed();
        seed.settings = SavedSettings {
            workspace: self.workspace.clone(),
            ..SavedSettings::default()
        };
        seed.resources = self.seen.iter().map(record).collect();
        Data::new(seed)
    }
}

fn record((place, document): (&Place, &Document)) -> SavedRecord {
    let created = ["metadata/createdAt", "createdAt", "created_at"]
        .iter()
        .find_map(|path| rule::moment(member::text(document, path)?));
    let mut record = SavedRecord::seed(place.collection, &place.name);
    record.parents.clone_from(&place.parents);
    record.document = Some(document.clone());
    record.created = created;
    record
}

/// Returns the resources of a kind in the response to a request for a path below `/v0/`.
pub(super) fn resources<'a>(
    kind: &Kind,
    path: &str,
    body: &'a Value,
) -> impl Iterator<Item = &'a Value> {
    let is_wanted = find(path).is_some_and(|found| found.kind.path == kind.path);
    let body = is_wanted.then_some(body);
    // A list, or one resource.
    body.into_iter()
        .flat_map(|body| items(body).chain(body.is_object().then_some(body)))
}

/// Returns the items of a list: a page, or an array of an old version.
fn items(body: &Value) -> impl Iterator<Item = &Value> {
    let items = body.as_array().or_else(|| body.get("data")?.as_array());
    items.into_iter().flatten()
}

/// Returns the collection or the resource that a path below `/v0/` names.
fn find(path: &str) -> Option<Found> {
    let given: Vec<_> = path.trim_matches('/').split('/').collect();
    KINDS.iter().find_map(|kind| {
        let wanted: Vec<_> = kind.path.split('/').collect();
        let (own, rest) = given.split_at_checked(wanted.len())?;
        let mut parents = Vec::new();
        for (own, wanted) in own.iter().zip(wanted) {
            if wanted.starts_with('{') {
                parents.push((*own).to_owned());
            } else if *own != wanted {
                return None;
            }
        }
        let name = match rest {
            [] => None,
            [name] => Some((*name).to_owned()),
            _ => return None,
        };
        Some(Found {
            kind,
            parents,
            name,
        })
    })
}
