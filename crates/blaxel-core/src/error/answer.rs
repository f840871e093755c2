//! What a server says about its error status, in any of the shapes seen on the wire.
//!
//! The shapes are told apart by the type of their JSON members and by two headers, never by URL:
//!
//! | shape | who sends it |
//! | --- | --- |
//! | `{error: text, code: number, message}` and without `message` or `code` | the control plane |
//! | `{error: text, code, stack: [...]}` | older parts of it |
//! | `{error: "invalid_api_version", message}` | the version check |
//! | `{code: text, message, details, step, reason, ...}` | creation of a sandbox |
//! | `{error: {code, message, origin, retryable, action, ...}}` and headers | the gateway |
//! | `{error: text, error_description}` | the OAuth endpoints |
//! | an HTML page | the content network before the platform |
//! | an XML document with `Code` and `Message` | the storage that uploads go to |
//! | nothing, or plain text | anybody |
//! | anything else | the user's own workload |

use http::HeaderMap;
use serde_json::{Map, Value};

use crate::description::Plane;
use crate::time::Timestamp;
use crate::version::ApiVersion;

/// How much of a plain-text body is kept as the message, in characters.
const TEXT_KEPT: usize = 300;

/// Who produced an error answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The Management or Billing API.
    ControlPlane,
    /// The gateway in front of the workloads.
    Gateway,
    /// The caller's own agent, model, server or job.
    Workload,
    /// A token or sign-in endpoint.
    OAuth,
    /// Something between the client and the platform that answered in HTML.
    Edge,
    /// The storage that uploads go to.
    Storage,
}

/// The content of an error answer.
#[derive(Clone, Debug)]
pub struct ApiError {
    origin: Origin,
    code: Option<String>,
    message: Option<String>,
    body: Map<String, Value>,
}

impl ApiError {
    /// Reads the answer. Whatever the body is, something comes of it.
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
            error.origin = Origin::Gateway;
        } else if plane == Some(Plane::Run) && !error.came_from_before_the_workload(head) {
            error.origin = Origin::Workload;
        }
        error.code = error.code.or_else(|| header("x-blaxel-error-code"));
        error
    }

    /// Whether an answer to a call of a workload was made on the way to it. A workload may use any
    /// shape that the platform uses, pages of HTML among them; of those only what a content network
    /// says of itself counts.
    fn came_from_before_the_workload(&self, head: &http::response::Parts) -> bool {
        match self.origin {
            Origin::Gateway => true,
            Origin::Edge => {
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

    fn bare(origin: Origin, message: Option<String>) -> Self {
        Self {
            origin,
            code: None,
            message,
            body: Map::new(),
        }
    }

    fn from_text(text: &str) -> Self {
        Self::bare(Origin::ControlPlane, one_line(text))
    }

    fn from_html(page: &str) -> Self {
        let title = html_title(page).and_then(one_line);
        let message = match title {
            Some(title) => format!("the answer is an HTML page titled \"{title}\""),
            None => "the answer is an HTML page".to_owned(),
        };
        Self::bare(Origin::Edge, Some(message))
    }

    /// The XML of a storage, of which only these two are taken: the rest repeats the signed request.
    fn from_storage(document: &str) -> Option<Self> {
        let element = |open: &str, close: &str| {
            let (_, after) = document.split_once(open)?;
            one_line(after.split_once(close)?.0)
        };
        let code = element("<Code>", "</Code>")?;
        Some(Self {
            code: Some(code),
            ..Self::bare(Origin::Storage, element("<Message>", "</Message>"))
        })
    }

    fn from_object(mut members: Map<String, Value>) -> Self {
        match members.remove("error") {
            Some(Value::Object(envelope)) => Self::from_envelope(envelope),
            Some(Value::String(error)) => Self::from_flat(&error, members),
            _ => Self {
                origin: Origin::ControlPlane,
                code: text_member(&members, "code"),
                message: text_member(&members, "message"),
                body: members,
            },
        }
    }

    /// The gateway's envelope. A workload may answer in the same manner, as model servers do; only
    /// the gateway says that it is the platform.
    fn from_envelope(envelope: Map<String, Value>) -> Self {
        let platform = envelope.get("origin").and_then(Value::as_str) == Some("platform");
        Self {
            origin: if platform {
                Origin::Gateway
            } else {
                Origin::ControlPlane
            },
            code: text_member(&envelope, "code").or_else(|| text_member(&envelope, "type")),
            message: text_member(&envelope, "message"),
            body: envelope,
        }
    }

    /// `error` is a text: a word for programs, or a sentence for people.
    fn from_flat(error: &str, members: Map<String, Value>) -> Self {
        let description = text_member(&members, "error_description");
        let origin = if description.is_some() {
            Origin::OAuth
        } else {
            Origin::ControlPlane
        };
        let explained = description.or_else(|| text_member(&members, "message"));
        let code =
            text_member(&members, "code").or_else(|| is_word(error).then(|| error.to_owned()));
        let message = explained.or_else(|| one_line(error));
        Self {
            origin,
            code,
            message,
            body: members,
        }
    }

    /// Who produced the answer.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The server's word for the failure. A numeric code, which only repeats the status, is none.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The server's sentence about the failure.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Whether the server says that the same request can succeed later.
    #[must_use]
    pub fn retryable(&self) -> Option<bool> {
        self.body.get("retryable").and_then(Value::as_bool)
    }

    /// What the platform advises to do.
    #[must_use]
    pub fn action(&self) -> Option<&str> {
        self.text("action")
    }

    /// What the platform advises not to do.
    #[must_use]
    pub fn do_not(&self) -> Option<&str> {
        self.text("do_not")
    }

    /// A page about the failure.
    #[must_use]
    pub fn docs_url(&self) -> Option<&str> {
        self.text("docs_url")
    }

    /// When the platform says that it failed.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.text("timestamp")?.parse().ok()
    }

    /// The status that the answer names in its body. It can differ from that of the response, which
    /// [`Error::status`](crate::Error::status) tells, where something on the way changed the latter.
    #[must_use]
    pub fn stated_status(&self) -> Option<u16> {
        let status = self
            .body
            .get("status")
            .or_else(|| self.body.get("status_code"))?;
        u16::try_from(status.as_u64()?).ok()
    }

    /// The finer word some answers carry beside the code, such as `CREATION_IN_PROGRESS`.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.text("reason")
    }

    /// The other members of a JSON answer; of the gateway's envelope, the members inside it.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.body
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// The versions listed in the message of a refused version. The message quotes the refused one
    /// first, so only what stands behind the word "valid" counts.
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

fn text_header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

fn text_member(members: &Map<String, Value>, name: &str) -> Option<String> {
    let text = members.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// Whether a text is a word for programs, like `invalid_grant`, rather than a sentence.
fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.contains('_') && text.bytes().all(plain)
}

/// The start of a text with its white space folded, or nothing if there is no text.
fn one_line(text: &str) -> Option<String> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(TEXT_KEPT).collect();
    (!cut.is_empty()).then_some(cut)
}

fn looks_like_html(text: &str, content_type: &str) -> bool {
    content_type.starts_with("text/html") || text.trim_start().starts_with('<')
}

fn html_title(page: &str) -> Option<&str> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let length = lower.get(start..)?.find("</title>")?;
    page.get(start..start + length)
}
