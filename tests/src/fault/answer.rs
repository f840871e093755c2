//! What a fault comes to: a plan that is the same for both versions of HTTP.

use std::time::Duration;

use super::bomb;
use super::script::{Code, Fault, Wait};

/// What the server does with a request.
pub(super) enum Plan {
    /// Closes the connection before the request is processed.
    CloseEarly,
    /// Gives the stream back untouched.
    Refuse,
    /// Gives up the connection, with the stream above the last one served.
    GoAwayBefore(Code),
    /// Processes it, and closes the connection.
    Close { reset: bool },
    /// Processes it, and resets its stream.
    Reset(Code),
    /// Processes it, and gives up the connection with its stream as the last one served.
    GoAwayAfter(Code),
    /// Processes it, and says nothing.
    Silence,
    /// Processes it, and says nothing on this connection any more.
    Mute,
    /// Processes it, or refuses to, and says so.
    Answer(Answer),
}

/// An answer, good or bad.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// The length to announce, if it is not the body's.
    pub(super) announced: Option<usize>,
    /// How much of the body is sent, if not all of it; then the connection is closed.
    pub(super) cut: Option<usize>,
    /// Whether it is sent in chunks.
    pub(super) chunked: bool,
    /// The time between two bytes.
    pub(super) pace: Option<Duration>,
    /// Whether an interim answer goes before it.
    pub(super) interim: bool,
    pub(super) then: Then,
}

/// What becomes of the connection after an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Keep,
    Close,
    /// It looks well, until the next request comes.
    Doom,
}

/// Words by which failures of a connection have been recognised, in the text of answers that are
/// none.
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

    /// The answer to a request that met no fault: it names the path, so that the caller can tell it
    /// from the answer to another.
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
    /// What becomes of a request for this path.
    pub(super) fn of(fault: Option<Fault>, path: &str) -> Self {
        let mut answer = Answer::good(path);
        let half = answer.body.len() / 2;
        match fault {
            // The first three are met before a request is there.
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
