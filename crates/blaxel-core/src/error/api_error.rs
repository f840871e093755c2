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
//! | anything else | the user's own workload |

use http::HeaderMap;
use serde_json::{Map, Value};

use crate::description::Plane;
use crate::time::Timestamp;
use crate::version::ApiVersion;

/// Maximum number of characters of a plain-text body that are kept as the message.
const MAX_MESSAGE_CHARS: usize = 300;

/// The part of the platform that produced an error response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorOrigin {
    /// The Management or Billing API.
    ControlPlane,
    /// The gateway in front of the workloads.
    Gateway,
    /// The user's own workload: an agent, model, server or job.
    Workload,
    /// An OAuth endpoint, for tokens or sign-in.
    OAuth,
    /// A proxy between the client and the platform that responded with HTML.
    Edge,
    /// The storage that uploads go to.
    Storage,
}

/// The content of an error response: code, message, origin and further members.
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
#[derive(Clone, Debug)]
pub struct ApiError {
    origin: ErrorOrigin,
    code: Option<String>,
    message: Option<String>,
    body: Map<String, Value>,
}

impl ApiError {
    /// Parses a response. It never fails: a body of an unknown format gives an error without a
    /// code.
    pub(super) fn read(plane: Option<Plane>, head: &http::response::Parts, body: &[u8]) -> Self {
        let header = |name| text_header(&head.headers, name);
        let platform = header("x-blaxel-source").is_some_and(|source| source == "platform");
        let content_type = header("content-type").unwrap_or_default();
        let text = String::from_utf8_lossy(body);
        let mut error = match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(members)) => Self::from_object(members),
            Ok(Value::String(message)) => Self::from_text(&message),
            Ok(_) => Self::from_text(""),
            Err(_) if looks_like_html(&text, &content_type) => {
                Self::from_storage(&text).unwrap_or_else(|| Self::from_html(&text))
            }
            Err(_) => Self::from_text(&text),
        };
        if platform {
            error.origin = ErrorOrigin::Gateway;
        } else if plane == Some(Plane::Run) && !error.is_from_before_the_workload(head) {
            error.origin = ErrorOrigin::Workload;
        }
        error.code = error.code.or_else(|| header("x-blaxel-error-code"));
        error
    }

    /// Parses any body, also one that is not an error. Without a message in it, the start of the
    /// body is the message.
    pub(super) fn of_any(plane: Option<Plane>, head: &http::response::Parts, body: &[u8]) -> Self {
        let mut found = Self::read(plane, head, body);
        if found.message.is_none() {
            found.message = one_line(&String::from_utf8_lossy(body));
        }
        found
    }

    /// Creates the error of a response whose body cannot be read, with the reason as the message.
    pub(super) fn unreadable(
        plane: Option<Plane>,
        head: &http::response::Parts,
        problem: String,
    ) -> Self {
        Self {
            message: Some(problem),
            ..Self::read(plane, head, b"")
        }
    }

    /// Returns `true` if a response to a call of a workload was produced before the request reached
    /// it.
    ///
    /// A workload may use any format that the platform uses, HTML pages included. Of HTML pages,
    /// only those with a gateway status or the `server` header of a content delivery network count.
    fn is_from_before_the_workload(&self, head: &http::response::Parts) -> bool {
        match self.origin {
            ErrorOrigin::Gateway => true,
            ErrorOrigin::Edge => {
                let server = text_header(&head.headers, "server").unwrap_or_default();
                let server = server.to_ascii_lowercase();
                matches!(head.status.as_u16(), 502..=504)
                    || ["cloudfront", "pingora"]
                        .iter()
                        .any(|edge| server.contains(edge))
            }
            _ => false,
        }
    }

    /// Creates an error without code and members.
    fn bare(origin: ErrorOrigin, message: Option<String>) -> Self {
        Self {
            origin,
            code: None,
            message,
            body: Map::new(),
        }
    }

    /// Creates the error of a plain-text body.
    fn from_text(text: &str) -> Self {
        Self::bare(ErrorOrigin::ControlPlane, one_line(text))
    }

    /// Creates the error of an HTML page, with its title as the message.
    fn from_html(page: &str) -> Self {
        let title = html_title(page).and_then(one_line);
        let message = match title {
            Some(title) => format!("the response is an HTML page titled \"{title}\""),
            None => "the response is an HTML page".to_owned(),
        };
        Self::bare(ErrorOrigin::Edge, Some(message))
    }

    /// Parses a storage's XML document, of which only the code and the message are kept: the rest
    /// repeats the signed request.
    fn from_storage(document: &str) -> Option<Self> {
        let element = |open: &str, close: &str| {
            let (_, after) = document.split_once(open)?;
            one_line(after.split_once(close)?.0)
        };
        let code = element("<Code>", "</Code>")?;
        Some(Self {
            code: Some(code),
            ..Self::bare(ErrorOrigin::Storage, element("<Message>", "</Message>"))
        })
    }

    /// Creates the error of a JSON object.
    fn from_object(mut members: Map<String, Value>) -> Self {
        match members.remove("error") {
            Some(Value::Object(envelope)) => Self::from_envelope(envelope),
            Some(Value::String(error)) => Self::from_flat(&error, members),
            _ => Self {
                origin: ErrorOrigin::ControlPlane,
                code: text_member(&members, "code"),
                message: text_member(&members, "message"),
                body: members,
            },
        }
    }

    /// Creates the error of the gateway's envelope. A workload, such as a model server, may respond
    /// in the same format; only the gateway sets `origin` to `platform`.
    fn from_envelope(envelope: Map<String, Value>) -> Self {
        let platform = envelope.get("origin").and_then(Value::as_str) == Some("platform");
        Self {
            origin: if platform {
                ErrorOrigin::Gateway
            } else {
                ErrorOrigin::ControlPlane
            },
            code: text_member(&envelope, "code").or_else(|| text_member(&envelope, "type")),
            message: text_member(&envelope, "message"),
            body: envelope,
        }
    }

    /// Creates the error of an object whose member `error` is a text: a machine-readable code, or a
    /// message.
    fn from_flat(error: &str, members: Map<String, Value>) -> Self {
        let description = text_member(&members, "error_description");
        let origin = if description.is_some() {
            ErrorOrigin::OAuth
        } else {
            ErrorOrigin::ControlPlane
        };
        let explained = description.or_else(|| text_member(&members, "message"));
        let code =
            text_member(&members, "code").or_else(|| is_code(error).then(|| error.to_owned()));
        let message = explained.or_else(|| one_line(error));
        Self {
            origin,
            code,
            message,
            body: members,
        }
    }

    /// Returns the part of the platform that produced the response.
    #[must_use]
    pub fn origin(&self) -> ErrorOrigin {
        self.origin
    }

    /// Returns the error code. A numeric code is ignored, because it only repeats the status.
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

    /// Returns the action that the platform recommends.
    #[must_use]
    pub fn action(&self) -> Option<&str> {
        self.text("action")
    }

    /// Returns the action that the platform advises against.
    #[must_use]
    pub fn do_not(&self) -> Option<&str> {
        self.text("do_not")
    }

    /// Returns the URL of a page about the failure.
    #[must_use]
    pub fn docs_url(&self) -> Option<&str> {
        self.text("docs_url")
    }

    /// Returns the time of the failure, according to the platform.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.text("timestamp")?.parse().ok()
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
        self.text("reason")
    }

    /// Returns the remaining members of a JSON response, or of the gateway's envelope.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.body
    }

    /// Returns a text member of the body.
    fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// Returns the versions listed in the message of a rejected version. The message quotes the
    /// rejected one first, so only the text from "valid version" on counts.
    pub(super) fn offered_versions(&self) -> Vec<ApiVersion> {
        let message = self.message.as_deref().unwrap_or_default();
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

/// Returns a header, if it is valid text.
fn text_header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// Returns a text member, unless it is empty.
fn text_member(members: &Map<String, Value>, name: &str) -> Option<String> {
    let text = members.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// Returns `true` if a text is a machine-readable code, like `invalid_grant`, rather than a
/// sentence.
fn is_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.contains('_') && text.bytes().all(plain)
}

/// Returns the start of a text with its white space collapsed, or `None` if there is no text.
fn one_line(text: &str) -> Option<String> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(MAX_MESSAGE_CHARS).collect();
    (!cut.is_empty()).then_some(cut)
}

/// Returns `true` for HTML and XML, by the content type or the first character.
fn looks_like_html(text: &str, content_type: &str) -> bool {
    content_type.starts_with("text/html") || text.trim_start().starts_with('<')
}

/// Returns the title of an HTML page.
fn html_title(page: &str) -> Option<&str> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let length = lower.get(start..)?.find("</title>")?;
    page.get(start..start + length)
}
