//! Futures that run as background tasks.

use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{self, Context, Poll};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BoxFuture, Error};
use tokio::task::JoinHandle;

use crate::runtime;

/// Spawns a future on the current tokio runtime, and returns a future for its output. Dropping that
/// future aborts the task.
///
/// Pass it to `Pages::read_ahead`, so that a page is fetched while the previous one is processed:
///
/// ```
/// # use blaxel_core::{Error, Operation, Page, Pages};
/// # fn example(pages: Pages<Page<serde_json::Value>>) {
/// let pages = pages.read_ahead(blaxel_transport::in_background);
/// # }
/// ```
///
/// Outside of a tokio runtime, the returned future fails.
///
/// # Panics
///
/// The returned future panics if the spawned one did.
#[must_use]
pub fn in_background<T: Send + 'static>(
    work: BoxFuture<Result<T, Error>>,
) -> BoxFuture<Result<T, Error>> {
    match runtime::current() {
        Ok(runtime) => Box::pin(Background(runtime.spawn(work))),
        Err(error) => Box::pin(ready(Err(error))),
    }
}

/// A future for the output of a task, which it aborts when dropped.
struct Background<T>(JoinHandle<Result<T, Error>>);

impl<T> Future for Background<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match task::ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(outcome) => outcome,
            Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
            Err(ended) => Err(Error::transport("the runtime was shut down", ended)),
        })
    }
}

impl<T> Drop for Background<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_task_runs_while_its_output_is_not_awaited() {
        let work = in_background(Box::pin(async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Ok(1)
        }));
        let start = tokio::time::Instant::now();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(work.await.unwrap(), 1);
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }

    #[test]
    fn outside_of_a_runtime_the_future_fails() {
        let work = in_background(Box::pin(ready(Ok(1))));
        let mut cx = Context::from_waker(task::Waker::noop());
        let outcome = std::pin::pin!(work).poll(&mut cx);
        assert!(matches!(outcome, Poll::Ready(Err(error)) if error.is_input()));
    }

    #[tokio::test]
    async fn dropping_the_future_aborts_the_task() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let work = in_background(Box::pin(async move {
            std::future::pending::<()>().await;
            drop(held);
            Ok(())
        }));
        tokio::task::yield_now().await;
        drop(work);
        while Arc::strong_count(&alive) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
