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
    Silence,
    /// Processes the request and sends nothing more on this connection.
    Mute,
    /// Processes or rejects the request, and sends a response.
    Answer(Answer),
}

/// A response, successful or not.
pub(super) struct Answer {
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
    pub(super) then: Then,
}

/// The state of the connection after a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Keep,
    Close,
    /// The connection stays open, and is closed without a response to the next request.
    Doom,
}

/// Words by which clients have wrongly recognised connection failures, put into the text of
/// ordinary error responses.
const MARKERS: &str = "by script: ECONNRESET, GOAWAY, ENHANCE_YOUR_CALM, ERR_HTTP2_STREAM_ERROR";

impl Answer {
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
            then: Then::Keep,
        }
    }

    /// Creates the response to a request that no fault applies to. It names the path, so that the
    /// caller can check that the response belongs to its request.
    fn good(path: &str) -> Self {
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

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn asking_for(self, wait: Wait) -> Self {
        match wait {
            Wait::Unsaid => self,
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
            Wait::Absurd => self.with("retry-after", "9".repeat(40)),
            Wait::Nonsense => self.with("retry-after", "a while"),
        }
    }
}

impl Plan {
    /// Returns the plan for a request for this path.
    pub(super) fn of(fault: Option<Fault>, path: &str) -> Self {
        let mut answer = Answer::good(path);
        let half = answer.body.len() / 2;
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
            Some(Fault::NeverAnswer) => return Self::Silence,
            Some(Fault::Mute) => return Self::Mute,
            None => {}
            Some(Fault::CloseAfterResponseHead) => answer.cut = Some(0),
            Some(Fault::CloseMidBody) => answer.cut = Some(half),
            Some(Fault::LengthTooLong) => {
                answer.announced = Some(answer.body.len() + 7);
                answer.then = Then::Close;
            }
            Some(Fault::LengthTooShort) => answer.announced = Some(half),
            Some(Fault::TruncatedChunks) => {
                answer.chunked = true;
                answer.cut = Some(half);
            }
            Some(Fault::GzipBomb) => {
                answer = Answer::new(200, "application/json", bomb::GZIP.clone())
                    .with("content-encoding", "gzip");
            }
            Some(Fault::Long(length)) => answer.body.resize(length, b' '),
            Some(Fault::Trickle(millis)) => answer.pace = Some(Duration::from_millis(millis)),
            Some(Fault::Interim) => answer.interim = true,
            Some(Fault::NoContent) => {
                answer.status = 204;
                answer.headers.clear();
                answer.body.clear();
            }
            Some(Fault::IdleClose) => answer.then = Then::Close,
            Some(Fault::IdleLost) => answer.then = Then::Doom,
            Some(Fault::Status(status)) => answer = Answer::error(status, "by_script"),
            Some(Fault::Html(status)) => {
                let page = "<html><title>ERROR: the request could not be satisfied</title></html>";
                answer = Answer::new(status, "text/html", page);
            }
            Some(Fault::TooManyRequests(wait)) => {
                answer = Answer::error(429, "too_many_requests").asking_for(wait);
            }
            Some(Fault::GatewayUnavailable) => {
                answer = Answer::gateway(404, "WORKLOAD_UNAVAILABLE", true);
            }
            Some(Fault::Gateway(status, retryable)) => {
                answer = Answer::gateway(status, "BY_SCRIPT", retryable);
            }
            Some(Fault::AppError(status)) => {
                answer = Answer::new(status, "application/json", "{\"detail\":\"my own\"}");
            }
            Some(Fault::ShouldRetry(status, word)) => {
                answer =
                    Answer::error(status, "by_script").with("x-should-retry", word.to_string());
            }
        }
        Self::Answer(answer)
    }
}
