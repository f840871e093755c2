//! Documents and access to their members by path, such as `spec/runtime/image`.

use serde_json::{Map, Value, json};

/// A resource as JSON. Members that the emulator does not know are kept.
pub(crate) type Document = Map<String, Value>;

pub(crate) fn get<'a>(document: &'a Document, path: &str) -> Option<&'a Value> {
    let mut names = path.split('/');
    let first = document.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

/// Returns the string at a path, if there is one.
pub(crate) fn text<'a>(document: &'a Document, path: &str) -> Option<&'a str> {
    get(document, path)?.as_str()
}

/// Removes a member and returns it.
pub(crate) fn remove(document: &mut Document, path: &str) -> Option<Value> {
    match path.rsplit_once('/') {
        None => document.remove(path),
        Some((owner, name)) => owner_at(document, owner)?.remove(name),
    }
}

/// Sets a member. Missing objects on the path are created; if the path leads through another value,
/// nothing is set.
pub(crate) fn set(document: &mut Document, path: &str, value: Value) {
    let mut names = path.split('/').peekable();
    let mut owner = document;
    while let Some(name) = names.next() {
        if names.peek().is_none() {
            owner.insert(name.to_owned(), value);
            return;
        }
        let next = owner.entry(name).or_insert_with(|| json!({}));
        let Value::Object(next) = next else { return };
        owner = next;
    }
}

/// Sets a member if it is missing or `null`.
pub(crate) fn default(document: &mut Document, path: &str, value: impl Into<Value>) {
    if get(document, path).is_none_or(Value::is_null) {
        set(document, path, value.into());
    }
}

fn owner_at<'a>(document: &'a mut Document, path: &str) -> Option<&'a mut Map<String, Value>> {
    let mut owner = document;
    for name in path.split('/') {
        owner = owner.get_mut(name)?.as_object_mut()?;
    }
    Some(owner)
}
