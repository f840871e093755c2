//! Limits the number of concurrent requests per origin.
//!
//! Each origin gets a [`Semaphore`]. The map holds an origin only while a request to it is in flight or
//! waiting, so it does not grow with the number of hosts ever contacted.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use blaxel_core::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::origin::Origin;

/// Hands out one semaphore permit per request in flight, per origin.
pub(super) struct OriginLimiter {
    max_in_flight: usize,
    origins: Mutex<HashMap<Origin, Entry>>,
}

/// The state of one origin.
struct Entry {
    semaphore: Arc<Semaphore>,
    /// Number of permits that are held or waited for.
    users: usize,
}

/// A permit for one request, held until the response body ends.
pub(super) struct Permit {
    // Declared before `_user`: fields are dropped in this order, and the semaphore permit must be
    // returned before the origin's entry may be removed.
    _permit: Option<OwnedSemaphorePermit>,
    _user: OriginUser,
}

/// The result of [`OriginLimiter::acquire`].
pub(super) enum Acquire {
    /// A permit was available.
    Ready(Permit),
    /// The limit is reached. Permits are granted in the order in which they were requested.
    Waiting(BoxFuture<Permit>),
}

impl OriginLimiter {
    /// Creates a limiter that allows `max_in_flight` requests per origin, at least one.
    pub(super) fn new(max_in_flight: usize) -> Self {
        Self {
            max_in_flight: max_in_flight.clamp(1, Semaphore::MAX_PERMITS),
            origins: Mutex::default(),
        }
    }

    /// Requests a permit for `origin`.
    pub(super) fn acquire(self: &Arc<Self>, origin: &Origin) -> Acquire {
        let user = self.add_user(origin);
        // The semaphore hands returned permits to its waiters first, so this overtakes none of them.
        match Arc::clone(&user.semaphore).try_acquire_owned() {
            Ok(permit) => Acquire::Ready(Permit {
                _permit: Some(permit),
                _user: user,
            }),
            Err(_) => Acquire::Waiting(Box::pin(async move {
                let permit = Arc::clone(&user.semaphore).acquire_owned().await;
                Permit {
                    // The semaphore is never closed, so this is never `None`.
                    _permit: permit.ok(),
                    _user: user,
                }
            })),
        }
    }

    /// Counts one more user of an origin's entry, creating the entry if there is none.
    fn add_user(self: &Arc<Self>, origin: &Origin) -> OriginUser {
        let mut origins = self.lock();
        let entry = origins.entry(origin.clone()).or_insert_with(|| Entry {
            semaphore: Arc::new(Semaphore::new(self.max_in_flight)),
            users: 0,
        });
        entry.users += 1;
        OriginUser {
            limiter: Arc::clone(self),
            origin: origin.clone(),
            semaphore: Arc::clone(&entry.semaphore),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Origin, Entry>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for OriginLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OriginLimiter")
            .field("max_in_flight", &self.max_in_flight)
            .finish_non_exhaustive()
    }
}

/// Counts one user of an origin's entry; dropping the last one removes the entry.
struct OriginUser {
    limiter: Arc<OriginLimiter>,
    origin: Origin,
    semaphore: Arc<Semaphore>,
}

impl Drop for OriginUser {
    fn drop(&mut self) {
        let mut origins = self.limiter.lock();
        if let Some(entry) = origins.get_mut(&self.origin) {
            entry.users -= 1;
            if entry.users == 0 {
                origins.remove(&self.origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    fn origin(uri: &str) -> Origin {
        let uri: http::Uri = uri.parse().unwrap();
        Origin::new(uri.scheme().unwrap(), uri.authority().unwrap())
    }

    fn ready(acquire: Acquire) -> Permit {
        match acquire {
            Acquire::Ready(permit) => permit,
            Acquire::Waiting(_) => panic!("no permit is available"),
        }
    }

    fn waiting(acquire: Acquire) -> BoxFuture<Permit> {
        match acquire {
            Acquire::Ready(_) => panic!("a permit is available"),
            Acquire::Waiting(permit) => permit,
        }
    }

    fn poll(permit: &mut BoxFuture<Permit>) -> Option<Permit> {
        match permit
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            std::task::Poll::Ready(permit) => Some(permit),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn permits_are_granted_in_order_and_per_origin() {
        let limiter = Arc::new(OriginLimiter::new(1));
        let (a, b) = (origin("https://a.bl.run/x"), origin("https://b.bl.run/y"));
        let first = ready(limiter.acquire(&a));
        let other = ready(limiter.acquire(&b));
        let mut second = waiting(limiter.acquire(&a));
        let mut third = waiting(limiter.acquire(&a));
        assert!(poll(&mut second).is_none() && poll(&mut third).is_none());
        drop(first);
        // The permit belongs to the second one, which has not been polled yet: a newcomer waits.
        let mut fourth = waiting(limiter.acquire(&a));
        assert!(poll(&mut third).is_none() && poll(&mut fourth).is_none());
        let second = poll(&mut second).unwrap();
        drop(second);
        let third = poll(&mut third).unwrap();
        drop(fourth);
        drop((third, other));
        assert!(limiter.lock().is_empty());
    }

    #[test]
    fn a_dropped_waiter_returns_its_permit() {
        let limiter = Arc::new(OriginLimiter::new(2));
        let a = origin("https://a.bl.run");
        let held = [ready(limiter.acquire(&a)), ready(limiter.acquire(&a))];
        let never_polled = waiting(limiter.acquire(&a));
        let mut polled = waiting(limiter.acquire(&a));
        assert!(poll(&mut polled).is_none());
        // The waiter is dropped after a permit was assigned to it.
        drop(held);
        drop(polled);
        assert_eq!(limiter.lock().len(), 1);
        drop(never_polled);
        assert!(limiter.lock().is_empty());
        let again = [ready(limiter.acquire(&a)), ready(limiter.acquire(&a))];
        assert_eq!(limiter.lock().len(), 1);
        drop(again);
        assert!(limiter.lock().is_empty());
    }

    #[test]
    fn many_threads_leave_no_origin_behind() {
        let limiter = Arc::new(OriginLimiter::new(1));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..2000 {
                        let origin = origin(["https://a.bl.run", "https://b.bl.run"][round % 2]);
                        let acquire = limiter.acquire(&origin);
                        if let Acquire::Waiting(mut permit) = acquire {
                            drop(poll(&mut permit));
                        }
                    }
                });
            }
        });
        assert!(limiter.lock().is_empty());
    }
}
