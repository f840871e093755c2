//! Futures that run at the same time, in one task.

use std::task::{Context, Poll};

use blaxel_core::BoxFuture;

/// Polls all futures, which are few, and removes the first that is ready.
pub(crate) fn poll_any<T>(futures: &mut Vec<BoxFuture<T>>, cx: &mut Context<'_>) -> Poll<T> {
    for index in 0..futures.len() {
        if let Some(future) = futures.get_mut(index)
            && let Poll::Ready(output) = future.as_mut().poll(cx)
        {
            drop(futures.swap_remove(index));
            return Poll::Ready(output);
        }
    }
    Poll::Pending
}
