//! A limit on how many requests may be open to one origin.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use blaxel_core::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::place::Place;

/// The turns of all origins. An origin is known only while someone has a turn there or waits for one.
pub(super) struct Turns {
    each: usize,
    origins: Mutex<HashMap<Place, Origin>>,
}

struct Origin {
    turns: Arc<Semaphore>,
    /// How many have a turn or wait for one.
    stays: usize,
}

/// The right to have a request open, from before it is sent until its answer's body ends.
pub(super) struct Turn {
    // Given back before the origin is looked at: fields are dropped in order.
    _permit: Option<OwnedSemaphorePermit>,
    _stay: Stay,
}

/// What it takes to get a turn.
pub(super) enum Entry {
    Now(Turn),
    /// Turns come in the order in which they were asked for.
    Later(BoxFuture<Turn>),
}

impl Turns {
    pub(super) fn new(each: usize) -> Self {
        Self {
            each: each.clamp(1, Semaphore::MAX_PERMITS),
            origins: Mutex::default(),
        }
    }

    pub(super) fn enter(self: &Arc<Self>, place: &Place) -> Entry {
        let stay = self.stay(place);
        // While others wait, turns that end go to them directly, so this does not overtake anyone.
        match Arc::clone(&stay.turns).try_acquire_owned() {
            Ok(permit) => Entry::Now(Turn {
                _permit: Some(permit),
                _stay: stay,
            }),
            Err(_) => Entry::Later(Box::pin(async move {
                let permit = Arc::clone(&stay.turns).acquire_owned().await;
                Turn {
                    // It is never closed, so there is a permit.
                    _permit: permit.ok(),
                    _stay: stay,
                }
            })),
        }
    }

    fn stay(self: &Arc<Self>, place: &Place) -> Stay {
        let mut origins = self.lock();
        let origin = origins.entry(place.clone()).or_insert_with(|| Origin {
            turns: Arc::new(Semaphore::new(self.each)),
            stays: 0,
        });
        origin.stays += 1;
        Stay {
            all: Arc::clone(self),
            place: place.clone(),
            turns: Arc::clone(&origin.turns),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Origin>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns")
            .field("each", &self.each)
            .finish_non_exhaustive()
    }
}

/// Someone's interest in an origin. The last one to lose it takes the origin out of the list.
struct Stay {
    all: Arc<Turns>,
    place: Place,
    turns: Arc<Semaphore>,
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut origins = self.all.lock();
        if let Some(origin) = origins.get_mut(&self.place) {
            origin.stays -= 1;
            if origin.stays == 0 {
                origins.remove(&self.place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    fn place(uri: &str) -> Place {
        let uri: http::Uri = uri.parse().unwrap();
        Place::new(uri.scheme().unwrap(), uri.authority().unwrap())
    }

    fn now(entry: Entry) -> Turn {
        match entry {
            Entry::Now(turn) => turn,
            Entry::Later(_) => panic!("there is a turn"),
        }
    }

    fn later(entry: Entry) -> BoxFuture<Turn> {
        match entry {
            Entry::Now(_) => panic!("there is no turn"),
            Entry::Later(turn) => turn,
        }
    }

    fn poll(turn: &mut BoxFuture<Turn>) -> Option<Turn> {
        match turn.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            std::task::Poll::Ready(turn) => Some(turn),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn turns_come_in_order_and_each_origin_has_its_own() {
        let turns = Arc::new(Turns::new(1));
        let (a, b) = (place("https://a.bl.run/x"), place("https://b.bl.run/y"));
        let first = now(turns.enter(&a));
        let other = now(turns.enter(&b));
        let mut second = later(turns.enter(&a));
        let mut third = later(turns.enter(&a));
        assert!(poll(&mut second).is_none() && poll(&mut third).is_none());
        drop(first);
        // Its turn is the second one's, who has not looked yet: a newcomer waits.
        let mut fourth = later(turns.enter(&a));
        assert!(poll(&mut third).is_none() && poll(&mut fourth).is_none());
        let second = poll(&mut second).unwrap();
        drop(second);
        let third = poll(&mut third).unwrap();
        drop(fourth);
        drop((third, other));
        assert!(turns.lock().is_empty());
    }

    #[test]
    fn who_leaves_the_queue_takes_nothing_along() {
        let turns = Arc::new(Turns::new(2));
        let a = place("https://a.bl.run");
        let held = [now(turns.enter(&a)), now(turns.enter(&a))];
        let never_polled = later(turns.enter(&a));
        let mut polled = later(turns.enter(&a));
        assert!(poll(&mut polled).is_none());
        // A turn has been given to the one who then goes.
        drop(held);
        drop(polled);
        assert_eq!(turns.lock().len(), 1);
        drop(never_polled);
        assert!(turns.lock().is_empty());
        let again = [now(turns.enter(&a)), now(turns.enter(&a))];
        assert_eq!(turns.lock().len(), 1);
        drop(again);
        assert!(turns.lock().is_empty());
    }

    #[test]
    fn many_threads_leave_no_origin_behind() {
        let turns = Arc::new(Turns::new(1));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..2000 {
                        let place = place(["https://a.bl.run", "https://b.bl.run"][round % 2]);
                        let entry = turns.enter(&place);
                        if let Entry::Later(mut turn) = entry {
                            drop(poll(&mut turn));
                        }
                    }
                });
            }
        });
        assert!(turns.lock().is_empty());
    }
}
