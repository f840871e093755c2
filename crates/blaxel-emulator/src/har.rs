//! The journal as an HTTP Archive, in the format HAR 1.2.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, header};
use serde_json::{Value, json};

use crate::clock::timestamp;
use crate::journal::{Entry, Message};
use crate::params::pairs;

/// The version of HTTP, which the journal does not know.
const VERSION: &str = "HTTP/1.1";

/// Returns an archive of requests to an origin.
pub(crate) fn archive(origin: &str, entries: &[Entry]) -> Value {
    let entries: Vec<_> = entries.iter().map(|entry| shown(origin, entry)).collect();
    json!({
        "log": {
            "version": "1.2",
            "creator": {"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")},
            "entries": entries,
        },
    })
}

fn shown(origin: &str, entry: &Entry) -> Value {
    let started = entry.started.duration_since(std::time::UNIX_EPOCH);
    let milliseconds = |moment: Option<crate::journal::Moment>| {
        moment.map_or(0.0, |moment| moment.after.as_secs_f64() * 1e3)
    };
    let head = milliseconds(entry.head.or(entry.end));
    let end = milliseconds(entry.end).max(head);
    let mut shown = json!({
        "startedDateTime": timestamp(started.unwrap_or_default()).as_str(),
        "time": end,
        "request": request(origin, entry),
        "response": response(entry),
        "cache": {},
        "timings": {"send": 0, "wait": head, "receive": end - head},
        "_requestId": entry.request_id,
        "_emulatorTime": entry.at.as_str(),
        "_credential": entry.credential.name(),
        "_timesProcessed": entry.times_processed,
    });
    for (name, value) in [
        ("_operation", entry.operation.as_deref()),
        ("_caller", entry.caller.as_deref()),
        ("_credentialId", entry.credential_id.as_deref()),
        ("_incident", entry.incident),
        (
            "_error",
            entry.is_cut.then_some("the connection was closed"),
        ),
    ] {
        if let Some(value) = value {
            shown[name] = value.into();
        }
    }
    shown
}

fn request(origin: &str, entry: &Entry) -> Value {
    let query = entry.query.as_deref().map(pairs).unwrap_or_default();
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let empty = Message::default();
    let message = entry.request.as_ref().unwrap_or(&empty);
    let mut shown = json!({
        "method": entry.method,
        "url": format!("{origin}{}", entry.target()),
        "httpVersion": VERSION,
        "cookies": [],
        "headers": headers(&message.headers),
        "queryString": query,
        "headersSize": -1,
        "bodySize": size(entry.request.as_ref()),
    });
    if message.size > 0 {
        let mut data = json!({
            "mimeType": text_of(&message.headers, header::CONTENT_TYPE),
            "text": String::from_utf8_lossy(&message.body),
        });
        if !message.is_whole {
            data["comment"] = incomplete(message).into();
        }
        shown["postData"] = data;
    }
    shown
}

fn response(entry: &Entry) -> Value {
    let empty = Message::default();
    let message = entry.response.as_ref().unwrap_or(&empty);
    let status = entry.status.unwrap_or(0);
    let reason = http::StatusCode::from_u16(status).ok();
    let reason = reason.and_then(|status| status.canonical_reason());
    let mut content = json!({
        "size": message.size,
        "mimeType": text_of(&message.headers, header::CONTENT_TYPE),
    });
    if !message.body.is_empty() {
        match std::str::from_utf8(&message.body) {
            Ok(text) => content["text"] = text.into(),
            Err(_) => {
                content["text"] = BASE64_STANDARD.encode(&message.body).into();
                content["encoding"] = "base64".into();
            }
        }
    }
    if !message.is_whole && message.size > 0 {
        content["comment"] = incomplete(message).into();
    }
    json!({
        "status": status,
        "statusText": reason.unwrap_or_default(),
        "httpVersion": VERSION,
        "cookies": [],
        "headers": headers(&message.headers),
        "content": content,
        "redirectURL": text_of(&message.headers, header::LOCATION),
        "headersSize": -1,
        "bodySize": size(entry.response.as_ref()),
    })
}

/// Returns the size of a body, or -1 if it is not known.
fn size(message: Option<&Message>) -> i64 {
    message.map_or(-1, |message| i64::try_from(message.size).unwrap_or(-1))
}

fn incomplete(message: &Message) -> String {
    format!("{} of {} bytes were kept", message.body.len(), message.size)
}

fn headers(headers: &HeaderMap) -> Vec<Value> {
    let shown = headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        json!({"name": name.as_str(), "value": value})
    });
    shown.collect()
}

fn text_of(headers: &HeaderMap, name: http::HeaderName) -> String {
    let value = headers.get(name).map(http::HeaderValue::as_bytes);
    value.map_or_else(String::new, |value| {
        String::from_utf8_lossy(value).into_owned()
    })
}
