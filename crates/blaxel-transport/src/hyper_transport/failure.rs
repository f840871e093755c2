//! Finds out whether a failed request may have been processed.
//!
//! Only the transport can know: the error types of hyper and h2 that prove it do not leave this
//! crate.

use std::error::Error as StdError;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Delivery, Error};
use h2::Reason;
use hyper::client::conn::TrySendError;

use super::origin::Origin;

/// Converts a failure before the response headers were received. Nothing was written if hyper gives the request back.
pub(super) fn before_headers<T>(refused: TrySendError<T>, origin: &Origin) -> Error {
    let delivery = if refused.message().is_some() || is_unprocessed(refused.error()) {
        Delivery::NotSent
    } else {
        Delivery::Unknown
    };
    let message = format!("the connection to {origin} failed before the response headers arrived");
    Error::transport(message, refused.into_error()).with_delivery(delivery)
}

/// Converts a failure within the response body.
pub(super) fn in_body(error: hyper::Error, origin: &Origin) -> Error {
    let message = format!("the connection to {origin} failed before the response was complete");
    Error::transport(message, error).with_delivery(Delivery::Responded)
}

/// Returns `true` if it is certain that a request, assigned to a connection, was not processed.
fn is_unprocessed(error: &hyper::Error) -> bool {
    let first: &(dyn StdError + 'static) = error;
    let causes = std::iter::successors(Some(first), |cause| (*cause).source());
    for cause in causes {
        // Cancelled before its first byte was written.
        if cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_canceled)
        {
            return true;
        }
        if let Some(error) = cause.downcast_ref::<h2::Error>() {
            return is_refused(error);
        }
    }
    false
}

/// Returns `true` if the peer stated that it did not process a stream.
///
/// A `GOAWAY` of the peer becomes the error of only those streams that are above the last one it
/// names, and of those that were to be opened later. The streams below continue; if they fail, they
/// fail with the loss of the connection. So the reason of the `GOAWAY` does not matter. A stream
/// that was reset was not processed if it was refused; all other reasons leave it open.
fn is_refused(error: &h2::Error) -> bool {
    error.is_remote() && (error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM))
}
