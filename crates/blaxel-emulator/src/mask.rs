//! Masking of secrets in what is kept of a request or a response: by the names of headers, parameters
//! and members, and by values that are known to be secret.

mod text;

use std::borrow::Cow;

use blaxel_core::__private::redact;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use self::text::mask_strings;
pub(crate) use crate::state::MASK;

/// Names of members and parameters whose values are secret, in lower case, without `_` and `-`.
const NAMES: [&str; 21] = [
    "accesstoken",
    "apikey",
    "authorization",
    "blapikey",
    "blpreviewtoken",
    "clientcredentials",
    "clientsecret",
    "credentials",
    "devicecode",
    "idtoken",
    "jwt",
    "password",
    "privatekey",
    "refreshtoken",
    "secret",
    "secretkey",
    "sessiontoken",
    "token",
    "usercode",
    "xamzsecuritytoken",
    "xamzsignature",
];

/// The parameter in which the platform takes the token of a preview.
const PREVIEW_TOKEN: &str = "bl_preview_token";

/// Parts of the names of headers whose values are secret.
const HEADERS: [&str; 6] = [
    "authorization",
    "cookie",
    "token",
    "secret",
    "api-key",
    "apikey",
];

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

    /// Returns a text without the secrets.
    pub(crate) fn replace_in(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.replace(text.as_bytes())).into_owned()
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

/// Returns `true` if a member or a parameter of this name is secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(|character| !matches!(character, '_' | '-'))
        .map(|character| character.to_ascii_lowercase())
        .collect();
    NAMES.contains(&plain.as_str())
}

/// Adds the strings of secret members of a document to the secrets that are known.
pub(crate) fn collect(document: &Value, secrets: &mut Secrets) {
    match document {
        Value::Array(items) => items.iter().for_each(|item| collect(item, secrets)),
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if is_secret_name(name) && text != MASK => {
                        secrets.add(text);
                    }
                    other => collect(other, secrets),
                }
            }
        }
        _ => {}
    }
}

/// Returns `true` if a header of this name is secret.
pub(crate) fn is_secret_header(name: &HeaderName) -> bool {
    HEADERS.iter().any(|part| name.as_str().contains(part))
}

/// Returns headers in which secrets are masked. The scheme of an authorization is kept.
pub(crate) fn headers(headers: &HeaderMap, secrets: &Secrets) -> HeaderMap {
    let mut masked = headers.clone();
    for (name, value) in &mut masked {
        if is_secret_header(name) {
            *value = masked_value(name, value);
        } else if let Cow::Owned(replaced) = secrets.replace(value.as_bytes()) {
            let replaced = HeaderValue::from_bytes(&replaced);
            *value = replaced.unwrap_or(HeaderValue::from_static(MASK));
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
        if value.is_empty() || !(is_known || is_secret_name(&plain)) {
            return pair.to_owned();
        }
        if is_known || plain != PREVIEW_TOKEN {
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
/// masked as text.
pub(crate) fn body(kind: &str, path: &str, bytes: &[u8], secrets: &Secrets) -> Vec<u8> {
    let masked = match kind.split(';').next().map(str::trim) {
        Some("application/x-www-form-urlencoded") => {
            let form = String::from_utf8_lossy(bytes);
            let masked = parameters(&form, |value| secrets.contain(value));
            masked.text.into_bytes()
        }
        _ => match serde_json::from_slice::<Value>(bytes) {
            Ok(mut document) => match members(&mut document, path) {
                true => document.to_string().into_bytes(),
                false => bytes.to_vec(),
            },
            // Events, lines of JSON, and bodies that are kept in part only.
            Err(_) => mask_strings(bytes, is_secret_name),
        },
    };
    secrets.replace(&masked).into_owned()
}

/// Masks the secrets in a JSON value. Returns `true` if there were some.
fn members(value: &mut Value, path: &str) -> bool {
    let is_secret_of_workspace = path.trim_end_matches('/').ends_with("/secrets");
    match value {
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |any, item| members(item, path) | any),
        Value::Object(object) => {
            let has_secret_value =
                is_secret_of_workspace || object.get("secret") == Some(&Value::Bool(true));
            object.iter_mut().fold(false, |any, (name, value)| {
                let is_secret = is_secret_name(name) || (has_secret_value && name == "value");
                any | match is_secret {
                    true => strings(value),
                    false => members(value, path),
                }
            })
        }
        _ => false,
    }
}

/// Masks all strings of a value.
fn strings(value: &mut Value) -> bool {
    match value {
        Value::String(text) if !text.is_empty() => {
            *text = MASK.to_owned();
            true
        }
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |any, item| strings(item) | any),
        Value::Object(object) => object
            .values_mut()
            .fold(false, |any, item| strings(item) | any),
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
        String::from_utf8(body(kind, path, text.as_bytes(), &known())).unwrap()
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
        let form = masked(
            "application/x-www-form-urlencoded; charset=utf-8",
            "/v0/oauth/token",
            "grant_type=client_credentials&client_secret=canary",
        );
        assert_eq!(form, "grant_type=client_credentials&client_secret=****");
        let cut = r#"data: {"access_token" : "canary\" and", "n": {"token": "can"#;
        let shown = masked("text/event-stream", "/", cut);
        assert_eq!(
            shown,
            r#"data: {"access_token" : "****", "n": {"token": "****"#
        );
    }
}
