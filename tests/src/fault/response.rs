//! Translates a fault into a plan, which is the same for both versions of HTTP.

use std::time::Duration;

use super::bomb;
use super::script::{Code, Fault, Wait};

/// The server's reaction to a request.
pub(super) enum Plan {
    /// Closes the connection before the request is processed.
    CloseEarly,
    /// Refuses the stream without processing the request (`REFUSED_STREAM`).
    Refuse,
    /// Sends `GOAWAY` with a last stream id below this stream, without processing the request.
    GoAwayBefore(Code),
    /// Processes the request and closes the connection.
    Close { reset: bool },
    /// Processes the request and resets its stream.
    Reset(Code),
    /// Processes the request, and sends `GOAWAY` with this stream as the last one processed.
    GoAwayAfter(Code),
    /// Processes the request and sends no response.
    NoResponse,
    /// Processes the request and sends nothing more on this connection.
    Mute,
    /// Processes or rejects the request, and sends a response.
    Respond(Response),
}

/// A response, successful or not.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// The `content-length` to announce, if it differs from the body's.
    pub(super) announced: Option<usize>,
    /// Number of bytes of the body to send before the connection is closed; `None` for all of them.
    pub(super) cut: Option<usize>,
    /// `true` if the body is sent with chunked transfer encoding.
    pub(super) chunked: bool,
    /// The pause before each byte.
    pub(super) pace: Option<Duration>,
    /// `true` if an interim response (103) is sent first.
    pub(super) interim: bool,
    pub(super) after: AfterResponse,
}

/// The state of the connection after a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterResponse {
    Keep,
    Close,
    /// The connection stays open, and is closed without a response to the next request.
    CloseOnNextRequest,
}

/// Words by which clients have wrongly recognised connection failures, put into the text of
/// ordinary error responses.
const MARKERS: &str = "by script: ECONNRESET, GOAWAY, ENHANCE_YOUR_CALM, ERR_HTTP2_STREAM_ERROR";

impl Response {
    fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body: body.into(),
            announced: None,
            cut: None,
            chunked: false,
            pace: None,
            interim: false,
            after: AfterResponse::Keep,
        }
    }

    /// Creates the response to a request that no fault applies to. It names the path, so that the
    /// caller can check that the response belongs to its request.
    fn success(path: &str) -> Self {
        Self::new(200, "application/json", format!("{{\"path\":\"{path}\"}}"))
    }

    fn error(status: u16, code: &str) -> Self {
        let body = format!("{{\"error\":\"{code}\",\"code\":{status},\"message\":\"{MARKERS}\"}}");
        Self::new(status, "application/json", body)
    }

    fn gateway(status: u16, code: &str, retryable: bool) -> Self {
        let body = format!(
            "{{\"error\":{{\"code\":\"{code}\",\"message\":\"by script\",\"origin\":\"platform\",\
             \"retryable\":{retryable},\"status\":{status}}}}}"
        );
        Self::new(status, "application/json", body)
            .with("x-blaxel-source", "platform")
            .with("x-blaxel-error-code", code)
    }

    fn echo(status: u16) -> Self {
        let (plain, base64) = (crate::API_KEY, crate::API_KEY_BASE64);
        let body = format!(
            "{{\"error\":{{\"code\":\"{plain}\",\"message\":\"no user {base64} for {plain}\",\
             \"got\":[\"Bearer {plain}\"]}}}}"
        );
        Self::new(status, "application/json", body).with("x-request-id", plain)
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn with_retry_after(self, wait: Wait) -> Self {
        match wait {
            Wait::NoHeader => self,
            Wait::Millis(millis) => self.with("retry-after-ms", millis.to_string()),
            Wait::Seconds(seconds) => self.with("retry-after", seconds.to_string()),
            Wait::Date(seconds) => self.with("date", "Sun, 06 Nov 1994 08:49:00 GMT").with(
                "retry-after",
                format!(
                    "Sun, 06 Nov 1994 08:{:02}:{:02} GMT",
                    49 + seconds / 60,
                    seconds % 60
                ),
            ),
            Wait::TooLarge => self.with("retry-after", "9".repeat(40)),
            Wait::Malformed => self.with("retry-after", "a while"),
        }
    }
}

impl Plan {
    /// Returns the plan for a request for this path.
    pub(super) fn of(fault: Option<Fault>, path: &str) -> Self {
        let mut response = Response::success(path);
        let half = response.body.len() / 2;
        match fault {
            // The first three apply before there is a request.
            Some(
                Fault::Refuse
                | Fault::ResetOnAccept
                | Fault::AcceptAndClose
                | Fault::CloseAfterHead,
            ) => return Self::CloseEarly,
            Some(Fault::RefusedStream) => return Self::Refuse,
            Some(Fault::GoAwayBefore(code)) => return Self::GoAwayBefore(code),
            Some(Fault::CloseAfterRequest) => return Self::Close { reset: false },
            Some(Fault::ResetAfterRequest) => return Self::Close { reset: true },
            Some(Fault::StreamReset(code)) => return Self::Reset(code),
            Some(Fault::GoAwayAfter(code)) => return Self::GoAwayAfter(code),
            Some(Fault::NoResponse) => return Self::NoResponse,
            Some(Fault::Mute) => return Self::Mute,
            None => {}
            Some(Fault::CloseAfterResponseHead) => response.cut = Some(0),
            Some(Fault::CloseMidBody) => response.cut = Some(half),
            Some(Fault::LengthTooLong) => {
                response.announced = Some(response.body.len() + 7);
                response.after = AfterResponse::Close;
            }
            Some(Fault::LengthTooShort) => response.announced = Some(half),
            Some(Fault::TruncatedChunks) => {
                response.chunked = true;
                response.cut = Some(half);
            }
            Some(Fault::GzipBomb) => {
                response = Response::new(200, "application/json", bomb::GZIP.clone())
                    .with("content-encoding", "gzip");
            }
            Some(Fault::Long(length)) => response.body.resize(length, b' '),
            Some(Fault::Trickle(millis)) => response.pace = Some(Duration::from_millis(millis)),
            Some(Fault::Interim) => response.interim = true,
            Some(Fault::NoContent) => {
                response.status = 204;
                response.headers.clear();
                response.body.clear();
            }
            Some(Fault::IdleClose) => response.after = AfterResponse::Close,
            Some(Fault::IdleLost) => response.after = AfterResponse::CloseOnNextRequest,
            Some(Fault::Status(status)) => response = Response::error(status, "by_script"),
            Some(Fault::Html(status)) => {
                let page = "<html><title>ERROR: the request could not be satisfied</title></html>";
                response = Response::new(status, "text/html", page);
            }
            Some(Fault::TooManyRequests(wait)) => {
                response = Response::error(429, "too_many_requests").with_retry_after(wait);
            }
            Some(Fault::GatewayUnavailable) => {
                response = Response::gateway(404, "WORKLOAD_UNAVAILABLE", true);
            }
            Some(Fault::Gateway(status, retryable)) => {
                response = Response::gateway(status, "BY_SCRIPT", retryable);
            }
            Some(Fault::AppError(status)) => {
                response = Response::new(status, "application/json", "{\"detail\":\"my own\"}");
            }
            Some(Fault::ShouldRetry(status, word)) => {
                response =
                    Response::error(status, "by_script").with("x-should-retry", word.to_string());
            }
            Some(Fault::Echo(status)) => response = Response::echo(status),
        }
        Self::Respond(response)
    }
}
