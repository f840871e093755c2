//! Requests of the journal as commands with `curl`.

use std::fmt::Write as _;

use blaxel_core::__private::quote;
use http::header::{self, AUTHORIZATION};
use http::{HeaderMap, HeaderName};

use crate::engine::Engine;
use crate::journal::{CredentialKind, Entry, Message};
use crate::mask::MASK;
use crate::router::{VERSION, WORKSPACE};

/// Headers that `curl` sets itself.
const OWN: [HeaderName; 5] = [
    header::CONTENT_LENGTH,
    header::HOST,
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::EXPECT,
];

/// Returns the command for a request.
pub(crate) fn command(engine: &Engine, entry: &Entry) -> String {
    let mut command = "curl".to_owned();
    match entry.method.as_str() {
        "GET" => {}
        "HEAD" => command.push_str(" --head"),
        method => {
            let _ = write!(command, " -X {}", quote(method));
        }
    }
    let url = format!("{}{}", engine.origin, entry.target());
    // A URL with brackets or braces would stand for several.
    if url.contains(['[', ']', '{', '}']) {
        command.push_str(" --globoff");
    }
    let _ = write!(command, " {}", quote(&url));
    match &entry.request {
        Some(message) => {
            headers(&mut command, &message.headers);
            body(command, message)
        }
        None => {
            usual_headers(&mut command, engine, entry);
            command
        }
    }
}

/// Adds the headers that a request of its kind needs.
fn usual_headers(command: &mut String, engine: &Engine, entry: &Entry) {
    if entry.credential != CredentialKind::None {
        let _ = write!(command, " -H \"{AUTHORIZATION}: Bearer $BL_API_KEY\"");
        let _ = write!(
            command,
            " -H {}",
            word(WORKSPACE.as_str(), &engine.config.workspace)
        );
    }
    if let Some(version) = &entry.version {
        let _ = write!(command, " -H {}", word(VERSION.as_str(), version));
    }
}

fn headers(command: &mut String, headers: &HeaderMap) {
    for (name, value) in headers.iter().filter(|(name, _)| !OWN.contains(name)) {
        let value = String::from_utf8_lossy(value.as_bytes());
        let scheme = value.strip_suffix(MASK).map(str::trim_end);
        let is_bearer = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"));
        if is_bearer && name.as_str().ends_with(AUTHORIZATION.as_str()) {
            let _ = write!(command, " -H \"{name}: Bearer $BL_API_KEY\"");
        } else {
            let _ = write!(command, " -H {}", word(name.as_str(), &value));
        }
    }
}

/// Returns a header as a word of a shell. One without a value ends with a semicolon.
fn word(name: &str, value: &str) -> String {
    match value {
        "" => quote(&format!("{name};")).into_owned(),
        value => quote(&format!("{name}: {value}")).into_owned(),
    }
}

/// Adds the body.
fn body(mut command: String, message: &Message) -> String {
    if message.size == 0 {
        return command;
    }
    if !message.is_whole {
        let _ = write!(
            command,
            " # without its body: {} of {} bytes were kept",
            message.body.len(),
            message.size
        );
        return command;
    }
    match std::str::from_utf8(&message.body) {
        Ok(text) if !text.contains('\0') => {
            let _ = write!(command, " --data-raw {}", quote(text));
            // `curl` would add one for forms.
            if !message.headers.contains_key(header::CONTENT_TYPE) {
                command.push_str(" -H 'content-type:'");
            }
            command
        }
        // An argument cannot have these bytes.
        _ => {
            let escaped = message.body.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "\\0{byte:03o}");
                text
            });
            format!("printf %b '{escaped}' | {command} --data-binary @-")
        }
    }
}
