//! Masking of secrets in what is kept of a request or a response: by the names of headers, parameters
//! and members, and by values that are known to be secret.

mod names;
mod prose;
mod text;

use std::borrow::Cow;

use blaxel_core::__private::{media_type, redact};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::percent_decode_str;
use serde_json::Value;

pub(crate) use self::names::is_secret_header;
use self::names::{is_misplaced, is_secret_name, is_secret_parameter};
use self::text::mask_strings;
pub(crate) use crate::state::MASK;

/// Values that are known to be secret.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Adds a secret, unless it is empty or known already.
    pub(crate) fn add(&mut self, secret: &str) {
        if !secret.is_empty() && !self.0.iter().any(|known| known == secret) {
            self.0.push(secret.to_owned());
        }
    }

    /// Returns `true` if a value is one of the secrets.
    pub(crate) fn contain(&self, value: &str) -> bool {
        self.0.iter().any(|secret| secret == value)
    }

    /// Returns `true` if one of the secrets is in a text.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        // Shorter ones are in texts by chance.
        let mut long = self.0.iter().filter(|secret| secret.len() >= 6);
        long.any(|secret| text.contains(secret.as_str()))
    }

    /// Replaces the secrets in all texts of a document.
    pub(crate) fn replace_within(&self, document: &mut Value) {
        replace_strings(document, &mut |text: &str| self.replace_text(text));
    }

    /// Returns a text without the secrets, or `None` if there are none in it.
    fn replace_text(&self, text: &str) -> Option<String> {
        match self.replace(text.as_bytes()) {
            Cow::Owned(replaced) => Some(String::from_utf8_lossy(&replaced).into_owned()),
            Cow::Borrowed(_) => None,
        }
    }

    /// Replaces the secrets in a text, also within Base64.
    fn replace<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.0 {
            if let Cow::Owned(replaced) = redact(&text, secret) {
                text = Cow::Owned(replaced);
            }
        }
        text
    }
}

/// Adds the strings of secret members of a document to the secrets that are known.
pub(crate) fn collect(document: &Value, secrets: &mut Secrets) {
    match document {
        Value::Array(items) => items.iter().for_each(|item| collect(item, secrets)),
        Value::Object(members) => {
            let has_secret_value = has_secret_value(members);
            for (name, value) in members {
                let is_secret = is_secret_name(name) || (has_secret_value && name == "value");
                match value {
                    Value::String(text) if is_secret && text != MASK => secrets.add(text),
                    other => collect(other, secrets),
                }
            }
        }
        _ => {}
    }
}

/// Returns `true` if the member `value` of an object is secret: it says so, or its name does.
fn has_secret_value(object: &serde_json::Map<String, Value>) -> bool {
    let name = object.get("name").and_then(Value::as_str);
    object.get("secret") == Some(&Value::Bool(true)) || name.is_some_and(is_secret_name)
}

/// Returns headers in which secrets are masked. The scheme of an authorization is kept.
pub(crate) fn headers(headers: &HeaderMap, secrets: &Secrets) -> HeaderMap {
    let mut masked = headers.clone();
    for (name, value) in &mut masked {
        if is_secret_header(name) {
            *value = masked_value(name, value);
            continue;
        }
        let bytes = bytes_without(value.as_bytes(), secrets);
        if bytes != value.as_bytes() {
            let masked = HeaderValue::from_bytes(&bytes);
            *value = masked.unwrap_or(HeaderValue::from_static(MASK));
        }
    }
    masked
}

fn masked_value(name: &HeaderName, value: &HeaderValue) -> HeaderValue {
    let is_authorization = name.as_str().ends_with(header::AUTHORIZATION.as_str());
    let scheme = value.to_str().ok().and_then(|text| text.split_once(' '));
    let masked = scheme
        .filter(|_| is_authorization)
        .and_then(|(scheme, _)| HeaderValue::try_from(format!("{scheme} {MASK}")).ok());
    masked.unwrap_or(HeaderValue::from_static(MASK))
}

/// A query or a form in which secrets are masked.
pub(crate) struct Masked {
    pub(crate) text: String,
    /// The name of the first parameter with a secret that must not be in an address.
    pub(crate) leaked: Option<String>,
}

/// Masks the secrets in the parameters of a query or a form. `is_secret` is asked for each decoded value.
pub(crate) fn parameters(query: &str, is_secret: impl Fn(&str) -> bool) -> Masked {
    let mut leaked = None;
    let mask = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (plain, decoded) = (decode(name), decode(value));
        let is_known = is_secret(&decoded);
        if value.is_empty() || !(is_known || is_secret_parameter(&plain)) {
            // The value may be an address.
            return prose::mask(pair).unwrap_or_else(|| pair.to_owned());
        }
        if is_known || is_misplaced(&plain) {
            leaked.get_or_insert(plain);
        }
        format!("{name}={MASK}")
    };
    let text: Vec<_> = query.split('&').map(mask).collect();
    Masked {
        text: text.join("&"),
        leaked,
    }
}

/// Decodes a part of a query.
fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// Returns a body in which secrets are masked. JSON is changed only if it has some; the rest of a body is
/// masked as text. `headers` are those of the message.
pub(crate) fn body(headers: &HeaderMap, path: &str, bytes: &[u8], secrets: &Secrets) -> Vec<u8> {
    let rules = Rules { path, secrets };
    match media_type(headers).as_str() {
        "application/x-www-form-urlencoded" => {
            let form = String::from_utf8_lossy(bytes);
            let masked = parameters(&form, |value| secrets.contain(value));
            secrets.replace(masked.text.as_bytes()).into_owned()
        }
        "text/event-stream" | "application/x-ndjson" | "application/jsonl" => {
            let lines = bytes.split_inclusive(|byte| *byte == b'\n');
            lines.flat_map(|line| rules.line(line)).collect()
        }
        _ => rules.text(bytes),
    }
}

/// Returns a document in which secrets are masked: that of a path of the API.
pub(crate) fn document(document: &Value, path: &str) -> Value {
    let mut masked = document.clone();
    let secrets = &Secrets::default();
    Rules { path, secrets }.value(&mut masked);
    masked
}

/// Returns bytes without credentials and known secrets, for what is no document.
fn bytes_without(bytes: &[u8], secrets: &Secrets) -> Vec<u8> {
    let mut masked = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let text = chunk.valid();
        let other = prose::mask(text);
        masked.extend_from_slice(other.as_deref().unwrap_or(text).as_bytes());
        masked.extend_from_slice(chunk.invalid());
    }
    match secrets.replace(&masked) {
        Cow::Owned(replaced) => replaced,
        Cow::Borrowed(_) => masked,
    }
}

/// The rules for a body.
struct Rules<'a> {
    path: &'a str,
    secrets: &'a Secrets,
}

impl Rules<'_> {
    /// Masks a text, which may be a document.
    fn text(&self, bytes: &[u8]) -> Vec<u8> {
        match serde_json::from_slice::<Value>(bytes) {
            Ok(mut document) => match self.value(&mut document) {
                true => document.to_string().into_bytes(),
                false => bytes.to_vec(),
            },
            // Bodies that are kept in part only. Nothing tells then which variables are secret.
            Err(_) => {
                let is_secret = |name: &str| name == "value" || is_secret_name(name);
                let masked = mask_strings(bytes, is_secret, |text| self.string(text));
                bytes_without(&masked, self.secrets)
            }
        }
    }

    /// Masks a line of a stream: a document, or an event with one.
    fn line(&self, line: &[u8]) -> Vec<u8> {
        let data = line.strip_prefix(b"data:").unwrap_or(line);
        let end = data.trim_ascii_end().len();
        let (name, end) = (line.len() - data.len(), line.len() - data.len() + end);
        let mut masked = line.get(..name).unwrap_or_default().to_vec();
        masked.extend(self.text(line.get(name..end).unwrap_or_default()));
        masked.extend_from_slice(line.get(end..).unwrap_or_default());
        masked
    }

    /// Masks the secrets in a JSON value. Returns `true` if there were some.
    fn value(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.string(text) {
                Some(masked) => {
                    *text = masked;
                    true
                }
                None => false,
            },
            Value::Array(items) => items
                .iter_mut()
                .fold(false, |any, item| self.value(item) | any),
            Value::Object(object) => {
                let is_of_workspace = self.path.trim_end_matches('/').ends_with("/secrets");
                let has_secret_value = is_of_workspace || has_secret_value(object);
                object.iter_mut().fold(false, |any, (name, value)| {
                    let is_secret = is_secret_name(name) || (has_secret_value && name == "value");
                    any | match is_secret {
                        true => replace_strings(value, &mut |text: &str| {
                            let is_shown = !text.is_empty() && text != MASK;
                            is_shown.then(|| MASK.to_owned())
                        }),
                        false => self.value(value),
                    }
                })
            }
            _ => false,
        }
    }

    /// Returns a string of a document without secrets, or `None` if there are none in it. It may be a document
    /// itself.
    fn string(&self, text: &str) -> Option<String> {
        if text.contains('"') {
            let masked = self.text(text.as_bytes());
            let is_other = masked != text.as_bytes();
            return is_other.then(|| String::from_utf8_lossy(&masked).into_owned());
        }
        let masked = prose::mask(text);
        let replaced = self.secrets.replace_text(masked.as_deref().unwrap_or(text));
        replaced.or(masked)
    }
}

/// Replaces the strings of a value for which there is another one. Returns `true` if there was one.
pub(crate) fn replace_strings(
    value: &mut Value,
    by: &mut impl FnMut(&str) -> Option<String>,
) -> bool {
    match value {
        Value::String(text) => match by(text) {
            Some(other) => {
                *text = other;
                true
            }
            None => false,
        },
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |any, item| replace_strings(item, by) | any),
        Value::Object(object) => object
            .values_mut()
            .fold(false, |any, item| replace_strings(item, by) | any),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn known() -> Secrets {
        let mut secrets = Secrets::default();
        secrets.add("canary-5b1f");
        secrets
    }

    fn masked(kind: &str, path: &str, text: &str) -> String {
        let kind = HeaderValue::try_from(kind).unwrap();
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]);
        String::from_utf8(body(&headers, path, text.as_bytes(), &known())).unwrap()
    }

    #[test]
    fn headers_with_secrets_are_masked_by_name_and_by_value() {
        let mut sent = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer canary"),
            ("x-blaxel-authorization", "Bearer canary"),
            ("cookie", "session=canary"),
            ("x-blaxel-preview-token", "canary"),
            ("x-note", "it is canary-5b1f"),
            ("accept", "*/*"),
        ] {
            sent.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        let masked = headers(&sent, &known());
        assert!(!format!("{masked:?}").contains("canary"), "{masked:?}");
        assert_eq!(masked["authorization"], "Bearer ****");
        assert_eq!(masked["cookie"], "****");
        assert_eq!(masked["accept"], "*/*");
    }

    #[test]
    fn parameters_with_secrets_are_masked_and_named() {
        let of = |query| parameters(query, |value| known().contain(value));
        for (query, text, leaked) in [
            ("limit=5&q=a%20b", "limit=5&q=a%20b", None),
            ("a=1&Api_Key=x", "a=1&Api_Key=****", Some("Api_Key")),
            ("x=canary%2D5b1f", "x=****", Some("x")),
            ("bl_preview_token=x", "bl_preview_token=****", None),
            ("token=&token", "token=&token", None),
            ("%74oken=%zz%", "%74oken=****", Some("token")),
        ] {
            let masked = of(query);
            assert_eq!(masked.text, text);
            assert_eq!(masked.leaked.as_deref(), leaked, "{query}");
        }
    }

    #[test]
    fn bodies_are_masked_whatever_their_format() {
        let plain = r#"{ "name":  "a" }"#;
        assert_eq!(masked("application/json", "/v0/agents", plain), plain);
        let environment = json!({"envs": [
            {"name": "A", "value": "shown"},
            {"name": "B", "value": "canary", "secret": true},
        ], "secret": {"key": "canary"}, "note": "canary-5b1f", "access_token": "canary"});
        let shown = masked("application/json", "/v0/agents", &environment.to_string());
        assert!(
            !shown.contains("canary") && shown.contains("shown"),
            "{shown}"
        );
        let secret = json!({"name": "A", "value": "canary"}).to_string();
        assert!(!masked("application/json", "/v0/secrets", &secret).contains("canary"));
        for kind in [
            "application/x-www-form-urlencoded; charset=utf-8",
            "APPLICATION/X-WWW-FORM-URLENCODED",
        ] {
            let form = "grant_type=client_credentials&client_secret=ca%6eary%2D5b1f";
            let form = masked(kind, "/v0/oauth/token", form);
            let expected = "grant_type=client_credentials&client_secret=****";
            assert_eq!(form, expected, "{kind}");
        }
        let list =
            r#"it says {"cookies": ["canary", {"a": "canary"}], "b": "shown"} and {"token": ["can"#;
        assert_eq!(
            masked("text/plain", "/", list),
            r#"it says {"cookies": ["****", {"a": "****"}], "b": "shown"} and {"token": ["****"#
        );
        let cut = r#"data: {"access_token" : "canary\" and", "n": {"token": "can"#;
        let shown = masked("text/event-stream", "/", cut);
        assert_eq!(
            shown,
            r#"data: {"access_token" : "****", "n": {"token": "****"#
        );
    }
}
