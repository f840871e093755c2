//! The rules that decide about a retry, which neither wait nor send.

use blaxel_core::{Delivery, Error, ErrorKind, Idempotency, Plane};
use http::HeaderMap;

/// The state of a call after a failed attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryState {
    pub(super) idempotency: Idempotency,
    pub(super) plane: Plane,
    /// Number of attempts made.
    pub(super) sent: u32,
    /// Maximum number of attempts.
    pub(super) allowed: u32,
    /// `true` if a request that is not idempotent was already sent again, because it was known not
    /// to have been processed.
    pub(super) resent_on_proof: bool,
    /// `true` if the request was already sent again with another token.
    pub(super) reauthorized: bool,
}

/// The retry decision about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Return the outcome to the caller.
    Return,
    /// Send the request again.
    Retry,
    /// Send the request once more, because it is known not to have been processed.
    RetryOnProof,
    /// Send the request once more without delay: the server rejected the token, and another one can be
    /// fetched.
    Reauthorize,
}

impl RetryState {
    /// Returns `true` if the operation is idempotent.
    fn is_idempotent(&self) -> bool {
        matches!(
            self.idempotency,
            Idempotency::Safe | Idempotency::Idempotent
        )
    }

    /// Decides about an attempt that ended with an error rather than a response.
    pub(super) fn decide_on_error(&self, error: &Error) -> Decision {
        let is_network_error = matches!(
            error.kind(),
            ErrorKind::Connect | ErrorKind::Transport | ErrorKind::Timeout
        );
        if self.sent >= self.allowed || !is_network_error {
            return Decision::Return;
        }
        match error.delivery() {
            _ if self.is_idempotent() => Decision::Retry,
            Delivery::NotSent if !self.resent_on_proof => Decision::RetryOnProof,
            _ => Decision::Return,
        }
    }

    /// Returns `true` if the request may be sent again with another token. `unprocessed` states
    /// that none of the requests sent so far was processed, including repetitions by layers.
    pub(super) fn may_reauthorize(&self, unprocessed: bool) -> bool {
        !self.reauthorized && (unprocessed || self.is_idempotent())
    }

    /// Returns `true` if the request may be sent again after a transient error response.
    pub(super) fn may_retry(&self) -> bool {
        self.sent < self.allowed && self.is_idempotent()
    }

    /// Returns `true` if the request may be sent again should the body of its response prove that the workload has
    /// not received it. Only a body of the gateway can.
    pub(super) fn may_retry_if_unprocessed(&self, headers: &HeaderMap) -> bool {
        let by_gateway = headers
            .get("x-blaxel-source")
            .is_some_and(|it| it == "platform");
        self.sent < self.allowed && by_gateway
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::__private::ErrorParts;

    fn state(idempotency: Idempotency) -> RetryState {
        RetryState {
            idempotency,
            plane: Plane::Control,
            sent: 1,
            allowed: 3,
            resent_on_proof: false,
            reauthorized: false,
        }
    }

    /// Each row has an idempotency, then the decisions for a request that was not sent and for one
    /// that may have been processed.
    #[test]
    fn only_idempotent_operations_are_retried_after_an_unclear_failure() {
        use Idempotency::{ClientNamed, Idempotent, None as Never, Safe};
        let unsent = Error::connect("x", "refused");
        let unclear = Error::transport("lost", "reset");
        let silent = Error::timeout("call", std::time::Duration::ZERO);
        for (idempotency, on_unsent, on_unclear) in [
            (Safe, Decision::Retry, Decision::Retry),
            (Idempotent, Decision::Retry, Decision::Retry),
            (ClientNamed, Decision::RetryOnProof, Decision::Return),
            (Never, Decision::RetryOnProof, Decision::Return),
        ] {
            let state = state(idempotency);
            assert_eq!(state.decide_on_error(&unsent), on_unsent, "{idempotency:?}");
            assert_eq!(
                state.decide_on_error(&unclear),
                on_unclear,
                "{idempotency:?}"
            );
            assert_eq!(
                state.decide_on_error(&silent),
                on_unclear,
                "{idempotency:?}"
            );
            let resent = RetryState {
                resent_on_proof: true,
                ..state
            };
            assert_eq!(
                resent.decide_on_error(&unsent) == Decision::Return,
                !state.is_idempotent()
            );
            let spent = RetryState { sent: 3, ..state };
            assert_eq!(spent.decide_on_error(&unsent), Decision::Return);
        }
    }
}
