//! Parsing of error responses, in all of the formats that servers use.
//!
//! The formats are distinguished by the types of their JSON members and by two headers, never by URL:
//!
//! | format | sent by |
//! | --- | --- |
//! | `{error: text, code: number, message}` and without `message` or `code` | the control plane |
//! | `{error: text, code, stack: [...]}` | older parts of it |
//! | `{error: "invalid_api_version", message}` | the version check |
//! | `{code: text, message, details, step, reason, ...}` | creation of a sandbox |
//! | `{error: {code, message, origin, retryable, action, ...}}` and headers | the gateway |
//! | `{error: text, error_description}` | the OAuth endpoints |
//! | an HTML page | the content delivery network in front of the platform |
//! | an XML document with `Code` and `Message` | the storage that uploads go to |
//! | nothing, or plain text | any server |
//! | anything else | the user's own workload, and what it calls |
//!
//! `members.rs` finds the code and the message in JSON of any dialect, `markup.rs` in XML and HTML.
//! All text is made safe to print when it is read here.

use std::fmt;

use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value};

use crate::description::Plane;
use crate::redact::redact_text;
use crate::text::{MAX_MESSAGE_CHARS, MAX_NAME_CHARS, one_line};
use crate::time::Timestamp;
use crate::version::ApiVersion;

use super::{markup, members};

/// Maximum number of members that the `Debug` output names.
const MAX_DEBUG_MEMBERS: usize = 20;

/// The part of the platform that produced an error response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorOrigin {
    /// The Management or Billing API.
    ControlPlane,
    /// The gateway in front of the workloads.
    Gateway,
    /// The user's own workload: an agent, model, server, job or sandbox, also a program in a sandbox.
    Workload,
    /// An OAuth endpoint, for tokens or sign-in.
    OAuth,
    /// A proxy between the client and the workload, or the platform.
    Edge,
    /// The storage that uploads go to.
    Storage,
}

crate::open_enum! {
    /// The gateway's statement on whether a request was dispatched to its workload.
    pub enum DispatchState {
        /// The request was not dispatched, so the workload has not received any of it.
        NotDispatched = "not_dispatched",
        /// The request may have been dispatched.
        Unknown = "dispatched_unknown",
    }
}

/// The content of an error response: code, message, origin and further members.
///
/// The code and the message are found in any of the usual formats of JSON, XML and HTML. Every text
/// that a method returns is safe to print: a single line without control characters, and of limited
/// length. [`members`](Self::members) has the response as it was sent. The `Debug` output contains
/// the names of the members, but not their values.
///
/// [`Error::api`](crate::Error::api) returns it:
///
/// ```
/// # use blaxel_core::{Error, ErrorOrigin};
/// let body = r#"{"error": {"code": "POLICY_VIOLATION", "message": "no", "origin": "platform",
///     "retryable": false, "docs_url": "https://docs.blaxel.ai/errors"}}"#;
/// let (head, ()) = http::Response::builder().status(403).body(())?.into_parts();
/// let error = Error::from_response(None, &head, body.as_bytes());
///
/// let api = error.api().unwrap();
/// assert_eq!(api.origin(), ErrorOrigin::Gateway);
/// assert_eq!(api.code(), Some("POLICY_VIOLATION"));
/// assert_eq!(api.retryable(), Some(false));
/// assert_eq!(api.docs_url(), Some("https://docs.blaxel.ai/errors"));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone)]
pub struct ApiError {
    origin: ErrorOrigin,
    code: Option<String>,
    message: Option<String>,
    action: Option<String>,
    do_not: Option<String>,
    docs_url: Option<String>,
    reason: Option<String>,
    /// `true` if a header, and not only the body, states that the platform produced the response.
    by_platform: bool,
    body: Map<String, Value>,
}

impl ApiError {
    /// Replaces a credential in all texts.
    pub(super) fn redact(&mut self, credential: &HeaderValue) {
        let texts = [
            &mut self.code,
            &mut self.message,
            &mut self.action,
            &mut self.do_not,
            &mut self.docs_url,
            &mut self.reason,
        ];
        for text in texts.into_iter().flatten() {
            redact_text(text, credential);
        }
        let body = serde_json::to_string(&self.body).unwrap_or_default();
        let mut redacted = body.clone();
        redact_text(&mut redacted, credential);
        if redacted != body {
            self.body = serde_json::from_str(&redacted).unwrap_or_default();
        }
    }

    /// Parses a response. It never fails: a body of an unknown format gives an error without a
    /// code.
    pub(super) fn read(plane: Option<Plane>, head: &http::response::Parts, body: &[u8]) -> Self {
        let header = |name| text_header(&head.headers, name);
        let platform = header("x-blaxel-source").is_some_and(|source| source == "platform");
        let content_type = header("content-type").unwrap_or_default();
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}');
        let mut error = match serde_json::from_str::<Value>(text) {
            Ok(Value::String(message)) => Self::from_text(&message),
            Ok(json) => Self::from_json(json),
            Err(_) if markup::is_markup(text, &content_type) => Self::from_markup(text),
            Err(_) => Self::from_text(text),
        };
        error.by_platform = platform;
        if platform {
            error.origin = ErrorOrigin::Gateway;
        } else if plane == Some(Plane::Run) && error.origin != ErrorOrigin::Gateway {
            error.origin = if error.is_of_edge(head, text) {
                ErrorOrigin::Edge
            } else {
                ErrorOrigin::Workload
            };
        }
        let code = || header("x-blaxel-error-code").or_else(|| header("x-amzn-errortype"));
        // AWS puts an address after the code.
        let name = |code: String| line(code.split(':').next()?, MAX_NAME_CHARS);
        error.code = error.code.or_else(|| code().and_then(name));
        error
    }

    /// Parses any body, also one that is not an error. Without a message in it, the start of the
    /// body is the message.
    pub(super) fn of_any(plane: Option<Plane>, head: &http::response::Parts, body: &[u8]) -> Self {
        let mut found = Self::read(plane, head, body);
        if found.message.is_none() {
            found.message = line(&String::from_utf8_lossy(body), MAX_MESSAGE_CHARS);
        }
        found
    }

    /// Creates the error of a response whose body cannot be read, with the reason as the message.
    pub(super) fn unreadable(
        plane: Option<Plane>,
        head: &http::response::Parts,
        problem: &str,
    ) -> Self {
        Self {
            message: line(problem, MAX_MESSAGE_CHARS),
            ..Self::read(plane, head, b"")
        }
    }

    /// Parses an error inside of a successful response. Its code may be its type or a number: nothing else states
    /// them.
    pub(super) fn reported(plane: Plane, head: &http::response::Parts, report: &[u8]) -> Self {
        let mut error = Self::read(Some(plane), head, report);
        let text = |member| match error.body.get(member)? {
            Value::String(text) => line(text, MAX_NAME_CHARS),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let kind = || text("type").filter(|kind| kind != "error");
        let code = error.code.clone().or_else(kind).or_else(|| text("code"));
        error.code = code;
        error
    }

    /// Returns `true` if a proxy produced the response to a call of a workload.
    ///
    /// A workload may use any format, HTML pages included. So a page counts only with a gateway status or the
    /// `server` header of a proxy, other bodies only with both, and an empty body with 502: with it a proxy
    /// responds if nothing listens.
    fn is_of_edge(&self, head: &http::response::Parts, body: &str) -> bool {
        let by_status = matches!(head.status.as_u16(), 502..=504);
        let by_edge = is_by_edge(&head.headers);
        match self.origin {
            ErrorOrigin::Edge => by_status || by_edge,
            _ => {
                (by_status && by_edge)
                    || (head.status == StatusCode::BAD_GATEWAY && body.is_empty())
            }
        }
    }

    /// Creates an error without members.
    fn new(origin: ErrorOrigin, code: Option<String>, message: Option<String>) -> Self {
        Self {
            origin,
            code,
            message,
            action: None,
            do_not: None,
            docs_url: None,
            reason: None,
            by_platform: false,
            body: Map::new(),
        }
    }

    /// Creates the error of a plain-text body.
    fn from_text(text: &str) -> Self {
        let message = line(text, MAX_MESSAGE_CHARS);
        Self::new(ErrorOrigin::ControlPlane, None, message)
    }

    /// Creates the error of an HTML page, or of a storage's or another server's XML document.
    fn from_markup(document: &str) -> Self {
        let origin = if document.contains("<Code>") {
            ErrorOrigin::Storage
        } else {
            ErrorOrigin::Edge
        };
        let code = markup::xml_code(document);
        let message = markup::xml_message(document);
        if code.is_some() || message.is_some() {
            return Self::new(origin, code, message);
        }
        let message = match markup::html_title(document) {
            Some(title) => format!("the response is an HTML page titled \"{title}\""),
            None => "the response is an HTML page".to_owned(),
        };
        Self::new(ErrorOrigin::Edge, None, Some(message))
    }

    /// Creates the error of a JSON value. Of a list of objects, the first one counts.
    fn from_json(mut json: Value) -> Self {
        if let Some(first @ Value::Object(_)) = json.get_mut(0) {
            json = first.take();
        }
        match json {
            Value::Object(members) => Self::from_object(members),
            other => Self::new(ErrorOrigin::ControlPlane, None, members::message(&other)),
        }
    }

    /// Creates the error of a JSON object.
    ///
    /// The gateway puts its members into an envelope, the member `error`. A workload, such as a model
    /// server, may do the same; only the gateway sets `origin` to `platform`.
    fn from_object(mut members: Map<String, Value>) -> Self {
        let envelope = match members.get_mut("error") {
            Some(Value::Object(envelope)) => std::mem::take(envelope),
            _ => Map::new(),
        };
        let (code, message) = (members::code(&members), members::object_message(&members));
        if envelope.is_empty() {
            let is_oauth = text(&members, "error").and(text(&members, "error_description"));
            let origin = match is_oauth {
                Some(_) => ErrorOrigin::OAuth,
                None => ErrorOrigin::ControlPlane,
            };
            return Self::new(origin, code, message).with_body(members);
        }
        let origin = match text(&envelope, "origin") {
            Some("platform") => ErrorOrigin::Gateway,
            _ => ErrorOrigin::ControlPlane,
        };
        let code = members::envelope_code(&envelope).or(code);
        let message = members::object_message(&envelope).or(message);
        Self::new(origin, code, message).with_body(envelope)
    }

    /// Sets the members, and takes from them the texts that methods return.
    fn with_body(self, body: Map<String, Value>) -> Self {
        let member = |name, limit| line(text(&body, name)?, limit);
        Self {
            action: member("action", MAX_MESSAGE_CHARS),
            do_not: member("do_not", MAX_MESSAGE_CHARS),
            docs_url: member("docs_url", MAX_MESSAGE_CHARS).filter(|link| is_web_address(link)),
            reason: member("reason", MAX_MESSAGE_CHARS),
            body,
            ..self
        }
    }

    /// Returns the part of the platform that produced the response.
    #[must_use]
    pub fn origin(&self) -> ErrorOrigin {
        self.origin
    }

    /// Returns the error code. A numeric code is ignored, because it only repeats the status, except inside of a
    /// successful response.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the message for people.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Returns the server's statement on whether the same request can succeed later, if it makes
    /// one.
    #[must_use]
    pub fn retryable(&self) -> Option<bool> {
        self.body.get("retryable").and_then(Value::as_bool)
    }

    /// Returns the gateway's statement on whether the request was dispatched to the workload, if it makes one.
    /// Workloads and the control plane make none.
    #[must_use]
    pub fn dispatch_state(&self) -> Option<DispatchState> {
        let by_gateway = self.origin == ErrorOrigin::Gateway;
        text(&self.body, "dispatch_state")
            .filter(|_| by_gateway)
            .map(DispatchState::from)
    }

    /// Returns the gateway's statement on whether the same request can be sent again without any risk that it
    /// takes effect twice, if it makes one.
    #[must_use]
    pub fn safe_to_retry_request(&self) -> Option<bool> {
        let by_gateway = self.origin == ErrorOrigin::Gateway;
        let stated = self.body.get("safe_to_retry_request");
        stated.filter(|_| by_gateway).and_then(Value::as_bool)
    }

    /// Returns `true` if the gateway states that the workload has not received the request.
    ///
    /// The statement counts only if a header says that the response is the platform's. A workload that called
    /// another one may pass on the body of its gateway, which says nothing about the request to that workload.
    pub(super) fn proves_unprocessed(&self) -> bool {
        self.by_platform
            && self.dispatch_state() == Some(DispatchState::NotDispatched)
            && self.safe_to_retry_request() != Some(false)
    }

    /// Returns the action that the platform recommends.
    #[must_use]
    pub fn action(&self) -> Option<&str> {
        self.action.as_deref()
    }

    /// Returns the action that the platform advises against.
    #[must_use]
    pub fn do_not(&self) -> Option<&str> {
        self.do_not.as_deref()
    }

    /// Returns the URL of a page about the failure. Anything but an HTTP URL is ignored.
    #[must_use]
    pub fn docs_url(&self) -> Option<&str> {
        self.docs_url.as_deref()
    }

    /// Returns the time of the failure, according to the platform.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        text(&self.body, "timestamp")?.parse().ok()
    }

    /// Returns the status that the body states. It differs from
    /// [`Error::status`](crate::Error::status), the status of the response, if a proxy changed the
    /// latter.
    #[must_use]
    pub fn stated_status(&self) -> Option<u16> {
        let status = self
            .body
            .get("status")
            .or_else(|| self.body.get("status_code"))?;
        u16::try_from(status.as_u64()?).ok()
    }

    /// Returns the more specific code that some responses have beside the code, such as
    /// `CREATION_IN_PROGRESS`.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Returns the members of a JSON response, or of its envelope `error`, as they were sent. Their
    /// texts can be of any length and contain control characters.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.body
    }

    /// Returns the versions listed in the message of a rejected version. The message quotes the
    /// rejected one first, so only the text from "valid version" on counts.
    pub(super) fn offered_versions(&self) -> Vec<ApiVersion> {
        // The whole message, which can be longer than the one for people.
        let message = text(&self.body, "message")
            .or(self.message())
            .unwrap_or_default();
        let Some(at) = message.to_ascii_lowercase().find("valid version") else {
            return Vec::new();
        };
        let listed = message.get(at..).unwrap_or_default();
        listed
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.'))
            .filter_map(|word| word.trim_end_matches('.').parse().ok())
            .collect()
    }
}

/// Returns `true` for a JSON object with an error in it, or a list that begins with one.
pub(super) fn reports_error(body: &[u8]) -> bool {
    let value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let first = value.get(0).unwrap_or(&value);
    ["error", "errors"]
        .iter()
        .any(|member| first.get(member).is_some_and(|error| !error.is_null()))
}

/// Returns `true` if the header `server` names the content delivery network or the proxy in front of the
/// platform.
#[must_use]
pub fn is_by_edge(headers: &HeaderMap) -> bool {
    let server = text_header(headers, "server").unwrap_or_default();
    let server = server.to_ascii_lowercase();
    ["cloudfront", "pingora"]
        .iter()
        .any(|edge| server.contains(edge))
}

/// Returns a header, if it is valid text.
fn text_header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// Returns a text member, unless it is empty.
fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let text = members.get(name)?.as_str()?;
    (!text.is_empty()).then_some(text)
}

/// Returns a text as one line, or `None` if there is nothing in it.
fn line(text: &str, limit: usize) -> Option<String> {
    Some(one_line(text, limit)).filter(|line| !line.is_empty())
}

/// Returns `true` for the address of a web page.
fn is_web_address(text: &str) -> bool {
    let scheme = text
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https")) && !text.contains(' ')
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("origin", &self.origin)
            .field("code", &self.code)
            .field("message", &self.message)
            .field(
                "members",
                &self.body.keys().take(MAX_DEBUG_MEMBERS).collect::<Vec<_>>(),
            )
            .finish_non_exhaustive()
    }
}
