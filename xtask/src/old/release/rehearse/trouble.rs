//! What can go wrong with an upload, and does in a rehearsal.

use std::time::{Duration, SystemTime};

/// The trouble that one upload meets on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The registry is busy and says in a header for how long. The upload does not reach it.
    BusyByHeader(Duration),
    /// The registry is busy and says in a sentence until when, as the public one does.
    BusyBySentence(Duration),
    /// The connection is lost before the upload has reached the registry.
    RequestLost,
    /// The connection is lost after the upload was taken, before that was said.
    AnswerLost,
    /// All goes well, but whoever sent it is killed as soon as it has the answer.
    SenderKilled,
}

impl Trouble {
    /// Whether the upload reaches the registry all the same.
    pub(super) fn reaches(self) -> bool {
        matches!(self, Self::AnswerLost | Self::SenderKilled)
    }

    /// How long the sender is asked to wait.
    pub(super) fn wait(self) -> Option<Duration> {
        match self {
            Self::BusyByHeader(wait) | Self::BusyBySentence(wait) => Some(wait),
            _ => None,
        }
    }

    /// The response that the sender gets in place of the registry's, if it gets any.
    pub(super) fn refusal(self, now: SystemTime) -> Option<String> {
        match self {
            Self::BusyByHeader(wait) => Some(response(
                &format!("retry-after: {}\r\n", wait.as_secs()),
                "busy",
            )),
            Self::BusyBySentence(wait) => {
                // The date has no parts of a second: rounded up, the wait is never shorter.
                let until = httpdate::fmt_http_date(now + wait + Duration::from_secs(1));
                let detail = format!(
                    "You have published too many new crates in a short period of time. Please try \
                     again after {until} and see the documentation of rate limits."
                );
                let body = serde_json::json!({"errors": [{"detail": detail}]});
                Some(response(
                    "content-type: application/json\r\n",
                    &body.to_string(),
                ))
            }
            _ => None,
        }
    }
}

fn response(headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 429 Too Many Requests\r\n{headers}content-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(2);

    #[test]
    fn a_busy_registry_says_how_long_in_a_header_or_until_when_in_a_sentence() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(59_500);
        let header = Trouble::BusyByHeader(WAIT).refusal(now).unwrap();
        assert!(header.contains("\r\nretry-after: 2\r\n"), "{header}");
        let sentence = Trouble::BusyBySentence(WAIT).refusal(now).unwrap();
        // 59.5 s, 2 s and the rest of a second.
        assert!(
            sentence.contains("try again after Thu, 01 Jan 1970 00:01:02 GMT"),
            "{sentence}"
        );
    }

    #[test]
    fn what_was_refused_never_reached_the_registry() {
        for trouble in [Trouble::BusyByHeader(WAIT), Trouble::BusyBySentence(WAIT)] {
            assert!(!trouble.reaches());
            assert_eq!(trouble.wait(), Some(WAIT));
        }
        assert_eq!(Trouble::AnswerLost.refusal(SystemTime::UNIX_EPOCH), None);
    }
}
