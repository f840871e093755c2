//! Secret members: masked when they are read, and restored when a client sends the mask back.

use serde_json::Value;

use super::Document;

/// The mask that is shown instead of a secret.
pub(crate) const MASK: &str = "****";

/// The secret members of a kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secret {
    /// Their path. `*` matches every item of a list or every member of an object.
    pub(crate) path: &'static str,
    pub(crate) rule: Rule,
}

impl Secret {
    /// Returns `true` if this member at the root of a document leads to it.
    pub(super) fn is_in(&self, member: &str) -> bool {
        let rest = self.path.strip_prefix(member);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The part of a matched value that is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The value.
    Always,
    /// Its `value`, if its `secret` is true.
    Flagged,
    /// The value, which is never shown, not even as a mask.
    Hidden,
    /// The value, which the server generates. It is shown once, in the response to the request that
    /// caused it.
    Callback,
}

/// The visibility of secrets in a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// All are masked.
    Masked,
    /// Masked, except those that the server generated for this request.
    ShowNew,
    /// All are shown, except hidden ones.
    Full,
}

/// Masks or removes the secrets of a document. `new_secrets` are those that the server generated at
/// the last write.
pub(crate) fn hide(
    secrets: &[Secret],
    document: &mut Document,
    visibility: Visibility,
    new_secrets: &[String],
) {
    for secret in secrets {
        if secret.rule == Rule::Hidden {
            remove_all(document, secret.path);
            continue;
        }
        if visibility == Visibility::Full {
            continue;
        }
        each(document, None, secret.path, &mut |found, _| {
            let Some(value) = secret.rule.value(found) else {
                return;
            };
            let is_new = value
                .as_str()
                .is_some_and(|text| new_secrets.iter().any(|new_secrets| new_secrets == text));
            if !(visibility == Visibility::ShowNew && is_new) {
                *value = MASK.into();
            }
        });
    }
}

/// Returns `true` if [`hide`] would change the document.
pub(crate) fn are_there(
    secrets: &[Secret],
    document: &Document,
    visibility: Visibility,
    new_secrets: &[String],
) -> bool {
    secrets.iter().any(|secret| {
        let is_hidden = |found: &Value| {
            let is_new = |text: &str| new_secrets.iter().any(|secret| secret == text);
            let shows = |value: &Value| match visibility {
                Visibility::Masked => value == MASK,
                Visibility::ShowNew => value == MASK || value.as_str().is_some_and(is_new),
                Visibility::Full => true,
            };
            secret.rule == Rule::Hidden || secret.rule.value_of(found).is_some_and(|it| !shows(it))
        };
        let (first, rest) = secret.path.split_once('/').unwrap_or((secret.path, ""));
        let first = document.get(first);
        first.is_some_and(|value| any_below(value, rest, &is_hidden))
    })
}

/// Restores the previous secrets wherever a client sent the mask back.
pub(crate) fn keep(secrets: &[Secret], document: &mut Document, before: &Document) {
    for secret in secrets {
        if matches!(secret.rule, Rule::Hidden | Rule::Callback) {
            continue;
        }
        each(document, Some(before), secret.path, &mut |found, before| {
            let kept = before
                .and_then(|before| secret.rule.value_of(before))
                .cloned();
            if let (Some(value), Some(kept)) = (secret.rule.value(found), kept)
                && value == MASK
            {
                *value = kept;
            }
        });
    }
}

impl Rule {
    /// Returns the secret within a matched value.
    fn value(self, found: &mut Value) -> Option<&mut Value> {
        if self != Self::Flagged {
            return Some(found);
        }
        if found.get("secret") != Some(&Value::Bool(true)) {
            return None;
        }
        found.get_mut("value")
    }

    fn value_of(self, found: &Value) -> Option<&Value> {
        if self != Self::Flagged {
            return Some(found);
        }
        let is_secret = found.get("secret") == Some(&Value::Bool(true));
        found.get("value").filter(|_| is_secret)
    }
}

/// Generates a callback secret for each asynchronous trigger at the path that has a callback and no
/// secret. The others keep theirs, whatever the client sent. Returns the new secrets.
pub(crate) fn renew_callbacks(
    triggers: &str,
    document: &mut Document,
    before: Option<&Document>,
    mut make: impl FnMut() -> String,
) -> Vec<String> {
    const MEMBER: &str = "callbackSecret";
    let mut new_secrets = Vec::new();
    each(document, before, triggers, &mut |trigger, before| {
        let calls_back = trigger.get("type").and_then(Value::as_str) == Some("http-async");
        let Some(configuration) = trigger
            .get_mut("configuration")
            .and_then(Value::as_object_mut)
        else {
            return;
        };
        configuration.remove(MEMBER);
        let url = configuration.get("callbackUrl").and_then(Value::as_str);
        if !calls_back || url.is_none_or(str::is_empty) {
            return;
        }
        let kept = before.and_then(|before| before.get("configuration")?.get(MEMBER));
        let secret = kept.cloned().unwrap_or_else(|| {
            new_secrets.push(make());
            new_secrets.last().cloned().unwrap_or_default().into()
        });
        configuration.insert(MEMBER.to_owned(), secret);
    });
    new_secrets
}

/// Visits the values at a path, each with its previous value.
fn each(
    document: &mut Document,
    before: Option<&Document>,
    path: &str,
    visit: &mut dyn FnMut(&mut Value, Option<&Value>),
) {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let before = before.and_then(|before| before.get(first));
    if let Some(value) = document.get_mut(first) {
        each_below(value, before, rest, visit);
    }
}

fn each_below(
    value: &mut Value,
    before: Option<&Value>,
    path: &str,
    visit: &mut dyn FnMut(&mut Value, Option<&Value>),
) {
    if path.is_empty() {
        visit(value, before);
        return;
    }
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    match value {
        Value::Array(items) if first == "*" => {
            for (place, item) in items.iter_mut().enumerate() {
                let before = before.and_then(|before| counterpart(item, place, before));
                each_below(item, before, rest, visit);
            }
        }
        Value::Object(members) if first == "*" => {
            for (name, member) in members {
                let before = before.and_then(|before| before.get(name));
                each_below(member, before, rest, visit);
            }
        }
        _ => {
            let before = before.and_then(|before| before.get(first));
            if let Some(member) = value.get_mut(first) {
                each_below(member, before, rest, visit);
            }
        }
    }
}

/// Returns `true` if one of the values at a path meets a condition.
fn any_below(value: &Value, path: &str, is_met: &dyn Fn(&Value) -> bool) -> bool {
    if path.is_empty() {
        return is_met(value);
    }
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let mut below = |value| any_below(value, rest, is_met);
    match value {
        Value::Array(items) if first == "*" => items.iter().any(&mut below),
        Value::Object(members) if first == "*" => members.values().any(&mut below),
        _ => value.get(first).is_some_and(below),
    }
}

/// Returns the previous version of a list item: the item with the same id or name, or the one at
/// the same index if it has neither.
fn counterpart<'a>(item: &Value, place: usize, before: &'a Value) -> Option<&'a Value> {
    for key in ["id", "name"] {
        if let Some(own) = item
            .get(key)
            .and_then(Value::as_str)
            .filter(|own| !own.is_empty())
        {
            let mut items = before.as_array()?.iter();
            return items.find(|other| other.get(key).and_then(Value::as_str) == Some(own));
        }
    }
    before.get(place)
}

/// Removes the values at a path whose last segment is not `*`.
fn remove_all(document: &mut Document, path: &str) {
    let Some((owner, name)) = path.rsplit_once('/') else {
        document.remove(path);
        return;
    };
    each(document, None, owner, &mut |owner, _| {
        if let Some(owner) = owner.as_object_mut() {
            owner.remove(name);
        }
    });
}
