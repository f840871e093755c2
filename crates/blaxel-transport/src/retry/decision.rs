//! Whether to try again: the rules, without waiting or sending anything.

use blaxel_core::{Delivery, Error, ErrorKind, Idempotency, Plane};

/// The state of a call when an attempt has failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation {
    pub(super) idempotency: Idempotency,
    pub(super) plane: Plane,
    /// Number of attempts made.
    pub(super) sent: u32,
    /// Maximum number of attempts.
    pub(super) allowed: u32,
    /// A request that may be sent only once was sent again already, on proof.
    pub(super) resent_on_proof: bool,
    /// The request was sent again already with another token.
    pub(super) reauthorized: bool,
}

/// The retry decision about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The outcome is the call's.
    Return,
    /// The request is sent again.
    Retry,
    /// The request is sent once more, because it was not processed.
    RetryOnProof,
    /// The request is sent once more and at once: the server did not know the token, and another can be
    /// fetched.
    Reauthorize,
}

impl Situation {
    fn may_repeat(&self) -> bool {
        matches!(
            self.idempotency,
            Idempotency::Safe | Idempotency::Idempotent
        )
    }

    /// Decides about an attempt without a response.
    pub(super) fn judge_failure(&self, error: &Error) -> Decision {
        let of_the_network = matches!(
            error.kind(),
            ErrorKind::Connect | ErrorKind::Transport | ErrorKind::Timeout
        );
        if self.sent >= self.allowed || !of_the_network {
            return Decision::Return;
        }
        match error.delivery() {
            _ if self.may_repeat() => Decision::Retry,
            Delivery::NotSent if !self.resent_on_proof => Decision::RetryOnProof,
            _ => Decision::Return,
        }
    }

    /// Returns `true` if the request may be sent again with another token. `unprocessed` says that none of
    /// the requests sent so far was processed, layers' own repetitions among them.
    pub(super) fn may_reauthorize(&self, unprocessed: bool) -> bool {
        !self.reauthorized && (unprocessed || self.may_repeat())
    }

    /// Returns `true` if the request may be sent again after a transient failure.
    pub(super) fn may_try_again(&self) -> bool {
        self.sent < self.allowed && self.may_repeat()
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

    /// Failure class by idempotency: the table of the design.
    #[test]
    fn only_what_may_be_repeated_is_repeated_without_proof() {
        use Idempotency::{ClientNamed, Idempotent, None as Never, Safe};
        let unsent = Error::connect("x", "refused");
        let unclear = Error::transport("lost", "reset");
        let silent = Error::timeout("head", std::time::Duration::ZERO);
        for (replay, on_unsent, on_unclear) in [
            (Safe, Decision::Retry, Decision::Retry),
            (Idempotent, Decision::Retry, Decision::Retry),
            (ClientNamed, Decision::RetryOnProof, Decision::Return),
            (Never, Decision::RetryOnProof, Decision::Return),
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
                resent.judge_failure(&unsent) == Decision::Return,
                !situation.may_repeat()
            );
            let spent = Situation {
                sent: 3,
                ..situation
            };
            assert_eq!(spent.judge_failure(&unsent), Decision::Return);
        }
    }
}
