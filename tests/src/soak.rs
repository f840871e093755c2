//! Random scripts of faults against random calls, and the promises that they must not break.
//!
//! A script is a list of faults and a list of calls, which a seed and a number determine. It runs on
//! a [`FaultServer`](crate::fault::FaultServer) of its own. After it, each outcome is compared with
//! the server's journal. A script that breaks a promise is printed in the smallest form that still
//! breaks it.

mod promise;
mod script;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use self::promise::{Broken, Promise, Tally};
use self::script::Transports;
pub use self::script::{FAULTS, Script};

/// Number of scripts that run concurrently.
const AT_ONCE: usize = 64;
/// Number of broken promises after which a run ends.
const ENOUGH: usize = 10;
/// Time between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(30);

/// The length of a run.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// Until this many scripts have run.
    Scripts(u64),
    /// Until this many faults were applied. Prints its progress.
    Faults(u64),
}

/// Runs random scripts, several at once, and returns the counts.
///
/// The variable `BLAXEL_FAULT_SEED` sets the seed, which is printed.
pub async fn run(until: Until) -> Tally {
    let seed = std::env::var("BLAXEL_FAULT_SEED");
    let seed = seed.ok().and_then(|seed| seed.parse().ok());
    let run = Arc::new(Run {
        seed: seed.unwrap_or_else(|| RandomState::new().hash_one(0)),
        until,
        transports: Transports::new(),
        state: Mutex::new(State {
            started: 0,
            tally: Tally::default(),
            next_progress: Instant::now() + PROGRESS,
        }),
    });
    println!("BLAXEL_FAULT_SEED={}", run.seed);
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let run = Arc::clone(&run);
        workers.spawn(async move { run.work().await });
    }
    workers.join_all().await;
    let tally = run.state().tally.clone();
    println!("{tally}");
    tally
}

/// A run that several workers share.
struct Run {
    seed: u64,
    until: Until,
    transports: Transports,
    state: Mutex<State>,
}

struct State {
    started: u64,
    tally: Tally,
    next_progress: Instant,
}

impl Run {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of the next script, unless the run is complete.
    fn next_script(&self) -> Option<u64> {
        let mut state = self.state();
        let complete = match self.until {
            Until::Faults(faults) => state.tally.faults >= faults,
            Until::Scripts(scripts) => state.started >= scripts,
        };
        if complete || state.tally.broken.len() >= ENOUGH {
            return None;
        }
        state.started += 1;
        Some(state.started - 1)
    }

    /// Adds the counts of a script, and prints the progress of a long run.
    fn add(&self, tally: &Tally) {
        let mut state = self.state();
        state.tally.add(tally);
        if matches!(self.until, Until::Faults(_)) && Instant::now() >= state.next_progress {
            state.next_progress = Instant::now() + PROGRESS;
            println!("{}", state.tally);
        }
    }

    /// Runs scripts until the run is complete.
    async fn work(&self) {
        while let Some(number) = self.next_script() {
            let script = Script::generate(self.seed, number);
            let mut tally = Tally::default();
            if let Err(broken) = script.run(&self.transports, &mut tally).await {
                tally.broken.push(broken.promise);
                let (script, Broken { promise, text }) =
                    script.shrink(broken, &self.transports).await;
                println!(
                    "{promise:?} broken by script {number} of BLAXEL_FAULT_SEED={}, made small:\n\
                     {script:#?}\n{text}",
                    self.seed
                );
            }
            self.add(&tally);
        }
    }
}
