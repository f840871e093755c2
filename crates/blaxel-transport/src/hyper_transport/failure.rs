//! How far a request got before its connection failed. Only the leaf can know, from types that do
//! not leave it.

use std::error::Error as StdError;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Delivery, Error};
use h2::Reason;
use hyper_util::client::legacy;

use super::place::Place;

/// A failure before the head of an answer came.
pub(super) fn before_the_head(error: legacy::Error, place: &Place) -> Error {
    // A request that was given to a connection fails with that connection's description. Without
    // one there was none: to resolve, connect, tunnel or shake hands failed.
    if error.connect_info().is_none() {
        return Error::connect(&place.to_string(), error);
    }
    let delivery = if is_unprocessed(&error) {
        Delivery::NotSent
    } else {
        Delivery::Unknown
    };
    let message = format!("the connection to {place} failed before an answer came");
    Error::transport(message, error).with_delivery(delivery)
}

/// A failure within the body of an answer.
pub(super) fn within_the_body(error: hyper::Error, place: &Place) -> Error {
    let message = format!("the connection to {place} failed before its answer was complete");
    Error::transport(message, error).with_delivery(Delivery::Answered)
}

/// Whether there is proof that a request, given to a connection, was not processed.
fn is_unprocessed(error: &legacy::Error) -> bool {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    for cause in causes {
        // Taken back before the first byte of it was written.
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

/// Whether the peer said that it did not process a stream.
///
/// A `GOAWAY` of the peer becomes the error of those streams alone that are above the last one it
/// names, and of those that were to be opened later; the streams below go on, and fail with the
/// loss of the connection if they fail. So the reason does not matter. A stream that was reset was
/// not processed if it was refused; all other reasons leave it open.
fn is_refused(error: &h2::Error) -> bool {
    error.is_remote() && (error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM))
}
