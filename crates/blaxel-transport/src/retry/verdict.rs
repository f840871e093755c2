//! Whether to try again: the rules, without waiting or sending anything.

use blaxel_core::{Delivery, Error, ErrorKind, Idempotency, Plane};
use http::{HeaderMap, StatusCode};

use crate::defaults::is_from_platform;

/// Where a call stands when an attempt has failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation {
    pub(super) idempotency: Idempotency,
    pub(super) plane: Plane,
    /// How often the request was sent.
    pub(super) sent: u32,
    /// How often it may be sent.
    pub(super) allowed: u32,
    /// Whether one that may be sent only once was sent again already, on proof.
    pub(super) resent_on_proof: bool,
    /// Whether it was sent again already with another token.
    pub(super) reauthorized: bool,
}

/// What is to be done about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep,
    Again,
    /// Once more, for the request was not processed.
    AgainOnProof,
    /// Once more and at once, for the server did not know the token, and another can be had.
    Reauthorized,
}

/// What an answer with an error status tells.
#[derive(Clone, Debug, Default)]
pub(super) struct Finding {
    pub(super) status: StatusCode,
    /// Whether the gateway made the answer, rather than a workload.
    pub(super) platform: bool,
    /// The gateway's code, `WORKLOAD_UNAVAILABLE` for instance.
    pub(super) code: Option<String>,
    /// The gateway's word, in the body.
    pub(super) retryable: Option<bool>,
    /// The word of the header `x-should-retry`.
    pub(super) should_retry: Option<bool>,
    /// Whether the token was refused, and dropped for another.
    pub(super) token_dropped: bool,
}

impl Finding {
    /// What the head tells.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            status,
            platform: is_from_platform(headers),
            code: text("x-blaxel-error-code").map(str::to_owned),
            retryable: None,
            token_dropped: false,
            should_retry: match text("x-should-retry") {
                Some("true") => Some(true),
                Some("false") => Some(false),
                _ => None,
            },
        }
    }
}

impl Situation {
    fn may_repeat(&self) -> bool {
        matches!(
            self.idempotency,
            Idempotency::Safe | Idempotency::Idempotent
        )
    }

    /// The verdict on an attempt without an answer.
    pub(super) fn judge_failure(&self, error: &Error) -> Verdict {
        let of_the_network = matches!(
            error.kind(),
            ErrorKind::Connect | ErrorKind::Transport | ErrorKind::Timeout
        );
        if self.sent >= self.allowed || !of_the_network {
            return Verdict::Keep;
        }
        match error.delivery() {
            _ if self.may_repeat() => Verdict::Again,
            Delivery::NotSent if !self.resent_on_proof => Verdict::AgainOnProof,
            _ => Verdict::Keep,
        }
    }

    /// The verdict on an answer with an error status.
    pub(super) fn judge_answer(&self, finding: &Finding) -> Verdict {
        if finding.token_dropped && !self.reauthorized {
            return Verdict::Reauthorized;
        }
        let again = self.sent < self.allowed && self.may_repeat() && self.is_passing(finding);
        if again { Verdict::Again } else { Verdict::Keep }
    }

    fn is_passing(&self, finding: &Finding) -> bool {
        let status = finding.status.as_u16();
        if finding.should_retry == Some(false) || status == 409 {
            return false;
        }
        // What a workload says about its own requests is none of our business.
        let own_word = self.plane == Plane::Run && !finding.platform;
        if own_word && finding.status.is_client_error() {
            return false;
        }
        if finding.should_retry == Some(true) {
            return true;
        }
        if let (true, Some(retryable)) = (finding.platform, finding.retryable) {
            return retryable;
        }
        finding.code.as_deref() == Some("WORKLOAD_UNAVAILABLE")
            || matches!(status, 408 | 425 | 429 | 502 | 503 | 504)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::__private::ErrorParts;

    fn situation(idempotency: Idempotency) -> Situation {
        Situation {
            idempotency,
            plane: Plane::Control,
            sent: 1,
            allowed: 3,
            resent_on_proof: false,
            reauthorized: false,
        }
    }

    fn answer(status: u16) -> Finding {
        Finding {
            status: StatusCode::from_u16(status).unwrap(),
            ..Finding::default()
        }
    }

    /// Failure class by replay class: the table of the design.
    #[test]
    fn only_what_may_be_repeated_is_repeated_without_proof() {
        use Idempotency::{ClientNamed, Idempotent, None as Never, Safe};
        let unsent = Error::connect("x", "refused");
        let unclear = Error::transport("lost", "reset");
        let silent = Error::timeout("head", std::time::Duration::ZERO);
        for (replay, on_unsent, on_unclear) in [
            (Safe, Verdict::Again, Verdict::Again),
            (Idempotent, Verdict::Again, Verdict::Again),
            (ClientNamed, Verdict::AgainOnProof, Verdict::Keep),
            (Never, Verdict::AgainOnProof, Verdict::Keep),
        ] {
            let situation = situation(replay);
            assert_eq!(situation.judge_failure(&unsent), on_unsent, "{replay:?}");
            assert_eq!(situation.judge_failure(&unclear), on_unclear, "{replay:?}");
            assert_eq!(situation.judge_failure(&silent), on_unclear, "{replay:?}");
            let resent = Situation {
                resent_on_proof: true,
                ..situation
            };
            assert_eq!(
                resent.judge_failure(&unsent) == Verdict::Keep,
                !situation.may_repeat()
            );
            let spent = Situation {
                sent: 3,
                ..situation
            };
            assert_eq!(spent.judge_failure(&unsent), Verdict::Keep);
        }
    }

    #[test]
    fn failures_that_are_not_the_network_s_are_kept() {
        let situation = situation(Idempotency::Safe);
        for error in [
            Error::credentials("none"),
            Error::decode("odd"),
            Error::input("x", &blaxel_core::Source::Code, "bad"),
        ] {
            assert_eq!(situation.judge_failure(&error), Verdict::Keep);
        }
    }

    #[test]
    fn statuses_that_pass_are_tried_again_for_idempotent_operations_only() {
        for status in 400..=599 {
            let passing = matches!(status, 408 | 425 | 429 | 502 | 503 | 504);
            let expected = if passing {
                Verdict::Again
            } else {
                Verdict::Keep
            };
            assert_eq!(
                situation(Idempotency::Safe).judge_answer(&answer(status)),
                expected,
                "{status}"
            );
            for replay in [Idempotency::ClientNamed, Idempotency::None] {
                assert_eq!(
                    situation(replay).judge_answer(&answer(status)),
                    Verdict::Keep
                );
            }
        }
    }

    #[test]
    fn the_server_s_word_counts_but_a_conflict_is_an_answer() {
        let safe = situation(Idempotency::Safe);
        let told = |status, word| Finding {
            should_retry: Some(word),
            ..answer(status)
        };
        assert_eq!(safe.judge_answer(&told(500, true)), Verdict::Again);
        assert_eq!(safe.judge_answer(&told(503, false)), Verdict::Keep);
        assert_eq!(safe.judge_answer(&told(409, true)), Verdict::Keep);
        assert_eq!(
            situation(Idempotency::None).judge_answer(&told(500, true)),
            Verdict::Keep
        );
    }

    #[test]
    fn the_gateway_is_believed_and_a_workload_s_own_4xx_is_its_answer() {
        let run = Situation {
            plane: Plane::Run,
            ..situation(Idempotency::Safe)
        };
        let gateway = |status, retryable| Finding {
            platform: true,
            retryable,
            code: Some("WORKLOAD_UNAVAILABLE".to_owned()),
            ..answer(status)
        };
        assert_eq!(run.judge_answer(&gateway(404, Some(true))), Verdict::Again);
        assert_eq!(run.judge_answer(&gateway(404, None)), Verdict::Again);
        assert_eq!(run.judge_answer(&gateway(503, Some(false))), Verdict::Keep);
        for status in [404, 408, 429] {
            assert_eq!(run.judge_answer(&answer(status)), Verdict::Keep, "{status}");
        }
        assert_eq!(run.judge_answer(&answer(503)), Verdict::Again);
    }
}
