//! Concurrent calls without a runtime.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::task::Poll;

use blaxel_core::{BoxFuture, Error};

/// Runs calls with at most `max_in_flight` at a time, and returns their outputs in the order of the calls.
/// The first failure drops all calls in flight and is returned.
///
/// No task is spawned: the returned future polls all calls.
pub(crate) async fn in_order<T>(
    mut calls: impl Iterator<Item = BoxFuture<Result<T, Error>>>,
    max_in_flight: NonZeroUsize,
) -> Result<Vec<T>, Error> {
    let mut outputs: Vec<Option<T>> = Vec::new();
    let mut in_flight: Vec<(usize, BoxFuture<Result<T, Error>>)> = Vec::new();
    poll_fn(|cx| {
        loop {
            while in_flight.len() < max_in_flight.get() {
                let Some(call) = calls.next() else { break };
                in_flight.push((outputs.len(), call));
                outputs.push(None);
            }
            let before = in_flight.len();
            let mut failure = None;
            // The calls are few, so all are polled whichever of them was woken.
            in_flight.retain_mut(|(index, call)| match call.as_mut().poll(cx) {
                Poll::Pending => true,
                Poll::Ready(Ok(output)) => {
                    if let Some(slot) = outputs.get_mut(*index) {
                        *slot = Some(output);
                    }
                    false
                }
                Poll::Ready(Err(error)) => {
                    failure.get_or_insert(error);
                    false
                }
            });
            if let Some(error) = failure {
                in_flight.clear();
                return Poll::Ready(Err(error));
            }
            match in_flight.len() {
                0 if before == 0 => return Poll::Ready(Ok(())),
                // Newly started calls have not been polled yet.
                now if now < before => {}
                _ => return Poll::Pending,
            }
        }
    })
    .await?;
    Ok(outputs.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Count {
        now: AtomicUsize,
        most: AtomicUsize,
        started: AtomicUsize,
    }

    /// Creates a call that yields to the runtime a few times.
    fn call(number: usize, count: &Arc<Count>) -> BoxFuture<Result<usize, Error>> {
        let count = Arc::clone(count);
        Box::pin(async move {
            count.started.fetch_add(1, Ordering::Relaxed);
            let now = count.now.fetch_add(1, Ordering::Relaxed) + 1;
            count.most.fetch_max(now, Ordering::Relaxed);
            for _ in 0..=(number * 7 % 5) {
                tokio::task::yield_now().await;
            }
            count.now.fetch_sub(1, Ordering::Relaxed);
            if number == 13 {
                return Err(Error::decode("thirteen"));
            }
            Ok(number)
        })
    }

    #[tokio::test]
    async fn outputs_keep_their_order_and_the_limit_of_concurrent_calls_is_kept() {
        for max_in_flight in 1..6 {
            let count = Arc::new(Count::default());
            let calls = (0..13).map(|number| call(number, &count));
            let max_in_flight = NonZeroUsize::new(max_in_flight).unwrap();
            let outputs = in_order(calls, max_in_flight).await.unwrap();
            assert_eq!(outputs, (0..13).collect::<Vec<_>>());
            assert_eq!(count.most.load(Ordering::Relaxed), max_in_flight.get());
        }
        let none = std::iter::empty::<BoxFuture<Result<(), Error>>>();
        let outputs = in_order(none, NonZeroUsize::MIN).await.unwrap();
        assert!(outputs.is_empty());
    }

    #[tokio::test]
    async fn no_call_is_started_after_a_failure() {
        let count = Arc::new(Count::default());
        let calls = (0..100).map(|number| call(number, &count));
        let output = in_order(calls, NonZeroUsize::new(2).unwrap()).await;
        assert!(output.unwrap_err().is_decode());
        assert!(count.started.load(Ordering::Relaxed) < 20);
    }
}
