use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BoxFuture, Delivery};
use futures_util::future::join_all;
use tokio::time::sleep;

use super::*;
use crate::token::NewToken;

const CALLERS: usize = 1000;
const LIFETIME: u64 = 1000;

type Fetched = Result<NewToken, Error>;

/// A token source that runs a closure with the number of the fetch.
struct Script<F> {
    fetches: Arc<AtomicUsize>,
    script: F,
}

impl<F, R> TokenSource for Script<F>
where
    F: Fn(usize) -> R + Send + Sync + 'static,
    R: Future<Output = Fetched> + Send + 'static,
{
    fn fetch(&self) -> BoxFuture<Fetched> {
        let number = self.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        Box::pin((self.script)(number))
    }

    fn describe(&self) -> String {
        "no token from the test".to_owned()
    }
}

fn cache<F, R>(script: F) -> (TokenCache, impl Fn() -> usize)
where
    F: Fn(usize) -> R + Send + Sync + 'static,
    R: Future<Output = Fetched> + Send + 'static,
{
    let fetches = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fetches);
    (TokenCache::new(Script { fetches, script }), move || {
        count.load(Ordering::SeqCst)
    })
}

fn token(number: usize) -> Fetched {
    let expires_in = Some(Duration::from_secs(LIFETIME));
    Ok(NewToken {
        secret: format!("t{number}").into(),
        expires_in,
    })
}

async fn fetch_token(number: usize) -> Fetched {
    pass(1).await;
    token(number)
}

fn failure() -> Fetched {
    Err(Error::connect("test", "no route"))
}

async fn pass(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

fn bearer(number: usize) -> HeaderValue {
    HeaderValue::try_from(format!("Bearer t{number}")).unwrap()
}

fn ready(cache: &TokenCache) -> Option<HeaderValue> {
    cache.ready()
}

/// Starts callers that all request a header at once, on clones, each in its own task.
fn spawn_callers(cache: &TokenCache) -> Vec<tokio::task::JoinHandle<Outcome>> {
    let call = |_| {
        let cache = cache.clone();
        tokio::spawn(async move { cache.header().await })
    };
    (0..CALLERS).map(call).collect()
}

async fn outcomes(tasks: Vec<tokio::task::JoinHandle<Outcome>>) -> Vec<Outcome> {
    join_all(tasks)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn one_fetch_serves_all_callers() {
    let (cache, fetches) = cache(fetch_token);
    assert_eq!(ready(&cache), None);
    assert_eq!(fetches(), 0, "nothing is fetched before it is needed");
    for outcome in outcomes(spawn_callers(&cache)).await {
        let header = outcome.unwrap();
        assert_eq!(header, bearer(1));
        assert!(header.is_sensitive());
    }
    assert_eq!(ready(&cache), Some(bearer(1)));
    assert_eq!(fetches(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_fetch_serves_callers_on_all_threads() {
    for _ in 0..20 {
        let (cache, fetches) = cache(async |number| {
            tokio::task::yield_now().await;
            token(number)
        });
        for outcome in outcomes(spawn_callers(&cache)).await {
            assert_eq!(outcome.unwrap(), bearer(1));
        }
        assert_eq!(fetches(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn one_failure_is_returned_to_all_callers_and_forgotten_after_five_seconds() {
    let (cache, fetches) = cache(async |number| {
        pass(1).await;
        if number == 1 {
            failure()
        } else {
            token(number)
        }
    });
    for outcome in outcomes(spawn_callers(&cache)).await {
        let error = outcome.unwrap_err();
        assert!(error.is_connect(), "{error}");
    }
    pass(4).await;
    assert!(cache.header().await.unwrap_err().is_connect());
    assert_eq!(fetches(), 1);
    pass(2).await;
    assert_eq!(cache.header().await.unwrap(), bearer(2));
    assert_eq!(fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_takes_too_long_fails_for_all_callers() {
    let (cache, fetches) = cache(async |number| {
        if number == 1 {
            pass(3600).await;
        }
        token(number)
    });
    let start = Instant::now();
    for outcome in outcomes(spawn_callers(&cache)).await {
        let error = outcome.unwrap_err();
        assert!(error.is_timeout() && error.is_transient(), "{error}");
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert!(
            error.to_string().contains("no token from the test"),
            "{error}"
        );
    }
    assert_eq!(start.elapsed().as_secs(), REQUEST_TIMEOUT.as_secs());
    assert_eq!(fetches(), 1);
    pass(6).await;
    assert_eq!(cache.header().await.unwrap(), bearer(2));
}

#[tokio::test(start_paused = true)]
async fn callers_that_come_later_share_a_slow_fetch() {
    let (cache, fetches) = cache(async |number| {
        pass(29).await;
        token(number)
    });
    let first = spawn_callers(&cache);
    pass(20).await;
    let second = spawn_callers(&cache);
    for outcome in outcomes(first.into_iter().chain(second).collect()).await {
        assert_eq!(outcome.unwrap(), bearer(1));
    }
    assert_eq!(fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_and_poisons_nothing() {
    let (cache, fetches) = cache(async |number| {
        pass(1).await;
        assert!(number > 1, "the source fails");
        token(number)
    });
    for outcome in outcomes(spawn_callers(&cache)).await {
        let error = outcome.unwrap_err();
        assert!(error.to_string().contains("panicked"), "{error}");
    }
    assert_eq!(fetches(), 1);
    pass(6).await;
    assert_eq!(cache.header().await.unwrap(), bearer(2));
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_caller_affects_no_other() {
    let (cache, fetches) = cache(fetch_token);
    let mut tasks = spawn_callers(&cache);
    tokio::task::yield_now().await;
    // The first caller is among them, which started the fetch.
    for task in tasks.drain(..CALLERS / 2) {
        task.abort();
    }
    for outcome in outcomes(tasks).await {
        assert_eq!(outcome.unwrap(), bearer(1));
    }
    assert_eq!(fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_continues_when_all_callers_are_cancelled() {
    let (cache, fetches) = cache(fetch_token);
    let tasks = spawn_callers(&cache);
    tokio::task::yield_now().await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    pass(2).await;
    assert_eq!(ready(&cache), Some(bearer(1)));
    assert_eq!(fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_task_outlives_the_last_clone() {
    let (cache, fetches) = cache(|number| async move {
        pass(20).await;
        token(number)
    });
    let clone = cache.clone();
    let caller = tokio::spawn(async move { clone.header().await });
    pass(1).await;
    caller.abort();
    drop(cache);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    assert_eq!(fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_expiring_token_is_used_while_one_fetch_renews_it() {
    let (cache, fetches) = cache(fetch_token);
    assert_eq!(cache.header().await.unwrap(), bearer(1));
    pass(LIFETIME - 210).await;
    assert_eq!(ready(&cache), Some(bearer(1)));
    assert_eq!(fetches(), 1, "it is too early");
    pass(60).await;
    let start = Instant::now();
    for outcome in outcomes(spawn_callers(&cache)).await {
        assert_eq!(outcome.unwrap(), bearer(1));
    }
    assert_eq!(start.elapsed(), Duration::ZERO, "nobody waits");
    pass(2).await;
    assert_eq!(fetches(), 2);
    assert_eq!(ready(&cache), Some(bearer(2)));
    pass(LIFETIME / 2).await;
    assert_eq!(
        ready(&cache),
        Some(bearer(2)),
        "the new token has its own lifetime"
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_failed_renewal_the_token_is_used_until_it_expires() {
    let (cache, fetches) = cache(async |number| {
        pass(1).await;
        if number == 1 {
            token(number)
        } else {
            failure()
        }
    });
    cache.header().await.unwrap();
    pass(LIFETIME - 100).await;
    for second in 0..90 {
        assert_eq!(ready(&cache), Some(bearer(1)), "{second}");
        pass(1).await;
    }
    // Each fetch takes a second, with five seconds between them.
    assert!((14..=17).contains(&fetches()), "{}", fetches());
    pass(20).await;
    assert_eq!(ready(&cache), None);
    assert!(cache.header().await.unwrap_err().is_connect());
}

#[tokio::test(start_paused = true)]
async fn after_a_renewal_that_panics_or_hangs_the_token_is_still_used() {
    let (cache, fetches) = cache(async |number| {
        assert_ne!(number, 2, "the source fails");
        if number == 3 {
            pass(3600).await;
        }
        token(number)
    });
    cache.header().await.unwrap();
    pass(LIFETIME - 150).await;
    for _ in 0..40 {
        assert_eq!(ready(&cache), Some(bearer(1)));
        pass(1).await;
    }
    pass(5).await;
    assert_eq!(ready(&cache), Some(bearer(1)));
    pass(1).await;
    assert_eq!(ready(&cache), Some(bearer(4)));
    assert_eq!(fetches(), 4);
}

#[tokio::test(start_paused = true)]
async fn only_the_refused_token_is_dropped() {
    let (cache, fetches) = cache(fetch_token);
    assert!(cache.invalidate(&bearer(1)), "there is none yet");
    let first = cache.header().await.unwrap();
    assert!(cache.invalidate(&bearer(7)));
    assert_eq!(ready(&cache), Some(first.clone()));
    // Many requests were refused with the same token; one new token is fetched for all of them.
    let refused = (0..CALLERS).map(|_| async {
        assert!(cache.invalidate(&first));
        cache.header().await
    });
    for outcome in join_all(refused).await {
        assert_eq!(outcome.unwrap(), bearer(2));
    }
    assert!(
        cache.invalidate(&first),
        "the refused token is no longer the current one"
    );
    assert_eq!(ready(&cache), Some(bearer(2)));
    assert_eq!(fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_replaced_a_refused_one_is_not_replaced_at_once() {
    let (cache, fetches) = cache(async |number| token(number));
    for round in 0..10 {
        // Every token is refused: 200 calls within a minute cost one token, and the first ones two.
        for _ in 0..200 {
            let used = cache.header().await.unwrap();
            if cache.invalidate(&used) {
                let next = cache.header().await.unwrap();
                assert!(!cache.invalidate(&next));
            }
        }
        assert_eq!(fetches(), 2 + round);
        pass(30).await;
    }
    // A token that worked for longer is replaced as usual.
    let used = cache.header().await.unwrap();
    pass(300).await;
    assert!(cache.invalidate(&used));
}

#[tokio::test(start_paused = true)]
async fn invalidate_returns_false_shortly_after_a_failure() {
    let (cache, fetches) = cache(async |number| if number == 1 { token(1) } else { failure() });
    let first = cache.header().await.unwrap();
    pass(LIFETIME - 100).await;
    assert!(ready(&cache).is_some());
    pass(1).await;
    assert_eq!(fetches(), 2);
    assert!(!cache.invalidate(&first));
    assert!(cache.header().await.unwrap_err().is_connect());
    assert_eq!(fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_remembered_for_as_long_as_the_server_asks() {
    for (status, headers, seconds) in [
        (503, None, 5),
        (503, Some("20"), 20),
        (503, Some("4000"), 60),
        (400, None, 30),
        (401, None, 30),
        (403, None, 5),
    ] {
        let (cache, fetches) = cache(move |_| async move {
            let mut response = http::Response::builder().status(status);
            if let Some(seconds) = headers {
                response = response.header("retry-after", seconds);
            }
            let (head, ()) = response.body(()).unwrap().into_parts();
            Err(Error::from_response(None, &head, b"").while_authenticating("test"))
        });
        assert!(cache.header().await.is_err());
        pass(seconds - 1).await;
        assert!(cache.header().await.is_err());
        assert_eq!(fetches(), 1, "{status}");
        pass(2).await;
        assert!(cache.header().await.is_err());
        assert_eq!(fetches(), 2, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_sent_is_a_failure() {
    let (cache, _) = cache(async |_| {
        Ok(NewToken {
            secret: "canary\n\u{7}".into(),
            expires_in: None,
        })
    });
    let error = cache.header().await.unwrap_err();
    assert_eq!(error.kind(), blaxel_core::ErrorKind::Credentials);
    assert!(!format!("{error}{error:?}").contains("canary"));
}

/// Drives a future on this thread, without a runtime.
fn drive<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        std::thread::yield_now();
    }
}

/// Yields once.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|_| {
        if std::mem::replace(&mut yielded, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

#[test]
fn without_a_runtime_the_first_caller_fetches_for_all() {
    let (cache, fetches) = cache(async |number| {
        yield_once().await;
        token(number)
    });
    let callers = (0..10).map(|_| cache.header());
    for outcome in drive(join_all(callers)) {
        assert_eq!(outcome.unwrap(), bearer(1));
    }
    assert_eq!(fetches(), 1);
}

#[test]
fn without_a_runtime_another_caller_takes_over_from_one_that_is_cancelled() {
    let (cache, fetches) = cache(async |number| {
        yield_once().await;
        token(number)
    });
    let mut cx = Context::from_waker(Waker::noop());
    let mut first = Box::pin(cache.header());
    let mut second = pin!(cache.header());
    assert!(first.as_mut().poll(&mut cx).is_pending());
    assert!(second.as_mut().poll(&mut cx).is_pending());
    drop(first);
    assert_eq!(drive(second).unwrap(), bearer(2));
    assert_eq!(fetches(), 2);
}

fn runtime(paused: bool) -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(paused).build().unwrap()
}

#[test]
fn a_fetch_that_ends_with_its_runtime_is_started_again_in_another() {
    let (cache, fetches) = cache(async |number| {
        pass(if number == 1 { 3600 } else { 1 }).await;
        token(number)
    });
    let first = runtime(true);
    first.block_on(async {
        let cache = cache.clone();
        tokio::spawn(async move { cache.header().await });
        pass(1).await;
    });
    drop(first);
    assert_eq!(runtime(true).block_on(cache.header()).unwrap(), bearer(2));
    assert_eq!(fetches(), 2);
}

#[test]
fn a_fetch_in_a_runtime_that_is_not_running_does_not_block_callers_forever() {
    let (cache, fetches) = cache(fetch_token);
    let idle = runtime(false);
    {
        let _inside = idle.enter();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pin!(cache.header()).as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(runtime(true).block_on(cache.header()).unwrap(), bearer(1));
    assert_eq!(fetches(), 1, "the idle runtime never started the fetch");
    drop(idle);
    assert_eq!(drive(cache.header()).unwrap(), bearer(1));
}

#[test]
fn a_fetch_runs_in_place_if_the_runtime_has_shut_down() {
    let (cache, fetches) = cache(async |number| token(number));
    let ended = runtime(false);
    let handle = ended.handle().clone();
    drop(ended);
    let _inside = handle.enter();
    assert_eq!(drive(cache.header()).unwrap(), bearer(1));
    assert_eq!(fetches(), 1);
}

/// Lets several threads find the cache empty at the same time.
#[test]
fn only_one_of_several_concurrent_callers_starts_a_refresh() {
    const THREADS: usize = 8;
    for _ in 0..300 {
        let (cache, _) = cache(fetch_token);
        let start = std::sync::Barrier::new(THREADS);
        let start_refresh = || {
            start.wait();
            cache.shared.start_refresh().is_some_and(|(_, task)| {
                std::mem::forget(task);
                true
            })
        };
        let started = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(start_refresh)).collect();
            let started = threads.into_iter().map(|thread| thread.join().unwrap());
            started.filter(|started| *started).count()
        });
        assert_eq!(started, 1);
    }
}
