//! Several calls at a time.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::task::Poll;

use blaxel_core::{BoxFuture, Error};

/// Runs calls with at most so many under way, and gives their outcomes in the order of the calls. The
/// first failure ends it, and drops those that are under way.
///
/// It needs no runtime: whoever waits for it moves all of them.
pub(crate) async fn in_order<T>(
    mut calls: impl Iterator<Item = BoxFuture<Result<T, Error>>>,
    at_once: NonZeroUsize,
) -> Result<Vec<T>, Error> {
    let mut outcomes: Vec<Option<T>> = Vec::new();
    let mut under_way: Vec<(usize, BoxFuture<Result<T, Error>>)> = Vec::new();
    poll_fn(|cx| {
        loop {
            while under_way.len() < at_once.get() {
                let Some(call) = calls.next() else { break };
                under_way.push((outcomes.len(), call));
                outcomes.push(None);
            }
            let before = under_way.len();
            let mut failure = None;
            // They are few, so all are polled whichever of them is awake.
            under_way.retain_mut(|(index, call)| match call.as_mut().poll(cx) {
                Poll::Pending => true,
                Poll::Ready(Ok(outcome)) => {
                    if let Some(place) = outcomes.get_mut(*index) {
                        *place = Some(outcome);
                    }
                    false
                }
                Poll::Ready(Err(error)) => {
                    failure.get_or_insert(error);
                    false
                }
            });
            if let Some(error) = failure {
                under_way.clear();
                return Poll::Ready(Err(error));
            }
            match under_way.len() {
                0 if before == 0 => return Poll::Ready(Ok(())),
                // New ones take the places of those that are done, and want to be polled too.
                now if now < before => {}
                _ => return Poll::Pending,
            }
        }
    })
    .await?;
    Ok(outcomes.into_iter().flatten().collect())
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

    /// A call that takes some turns of the runtime.
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
    async fn outcomes_keep_their_order_and_no_more_run_than_may() {
        for at_once in 1..6 {
            let count = Arc::new(Count::default());
            let calls = (0..13).map(|number| call(number, &count));
            let at_once = NonZeroUsize::new(at_once).unwrap();
            let outcomes = in_order(calls, at_once).await.unwrap();
            assert_eq!(outcomes, (0..13).collect::<Vec<_>>());
            assert_eq!(count.most.load(Ordering::Relaxed), at_once.get());
        }
        let none = std::iter::empty::<BoxFuture<Result<(), Error>>>();
        let outcomes = in_order(none, NonZeroUsize::MIN).await.unwrap();
        assert!(outcomes.is_empty());
    }

    #[tokio::test]
    async fn a_failure_starts_no_further_call() {
        let count = Arc::new(Count::default());
        let calls = (0..100).map(|number| call(number, &count));
        let outcome = in_order(calls, NonZeroUsize::new(2).unwrap()).await;
        assert!(outcome.unwrap_err().is_decode());
        assert!(count.started.load(Ordering::Relaxed) < 20);
    }
}
