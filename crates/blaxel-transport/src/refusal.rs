//! The end of a future whose request was refused before it was passed on.

use std::task::Poll;

use blaxel_core::Error;

/// Returns the error at the first poll. A future that is polled after its end never completes.
pub(crate) fn poll_refused<T>(error: &mut Option<Error>) -> Poll<Result<T, Error>> {
    match error.take() {
        Some(error) => Poll::Ready(Err(error)),
        None => Poll::Pending,
    }
}
