//! [`Chaos`], faults by chance that can be repeated.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::fault::Fault;
use crate::incident::Incident;
use crate::lock::lock;

/// One request of so many meets a fault.
const ONE_OF: u64 = 10;

/// The draws of an emulator in its chaos mode.
pub(crate) struct Chaos {
    seed: Option<u64>,
    /// The number of calls of each operation.
    calls: Mutex<HashMap<String, u64>>,
}

impl Chaos {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self {
            seed,
            calls: Mutex::default(),
        }
    }

    /// Begins again with the first draw.
    pub(crate) fn clear(&self) {
        lock(&self.calls).clear();
    }

    /// Draws the fault of the next call of an operation, with its incident.
    pub(crate) fn draw(&self, operation: &str) -> Option<(Incident, Fault)> {
        let seed = self.seed?;
        let call = {
            let mut calls = lock(&self.calls);
            let call = calls.entry(operation.to_owned()).or_default();
            *call += 1;
            *call
        };
        let number = mixed(mixed(seed ^ hash(operation)) ^ call);
        let (is_met, choice) = (number.is_multiple_of(ONE_OF), number / ONE_OF);
        if !is_met {
            return None;
        }
        let mut possible = Incident::faults_of(operation);
        let count = possible.len() as u64;
        let choice = usize::try_from(choice.checked_rem(count)?).ok()?;
        Some(possible.swap_remove(choice))
    }
}

/// Returns a number for a text: FNV-1a.
fn hash(text: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    text.bytes().fold(start, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Returns a number whose bits all depend on all bits of another one: the last step of `SplitMix64`.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(seed: u64, operation: &str) -> Vec<Option<&'static str>> {
        let chaos = Chaos::new(Some(seed));
        // The calls of other operations make no difference.
        let draw = |call: usize| {
            (0..call % 3).for_each(|_| drop(chaos.draw("ListModels")));
            chaos.draw(operation).map(|(incident, _)| incident.name())
        };
        (0..2000).map(draw).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_faults_to_the_same_calls() {
        let first = draws(7, "CreateSandbox");
        assert_eq!(first, draws(7, "CreateSandbox"));
        assert_ne!(first, draws(8, "CreateSandbox"));
        let met: Vec<_> = first.iter().flatten().copied().collect();
        assert!((120..280).contains(&met.len()), "{}", met.len());
        for name in ["vanished-create", "edge-504-create", "duplicate-delivery"] {
            assert!(met.contains(&name), "{name} of {met:?}");
        }
        assert!(!met.contains(&"cut-log-stream"), "not of this operation");
    }

    #[test]
    fn without_a_seed_nothing_is_drawn() {
        let chaos = Chaos::new(None);
        assert!((0..1000).all(|_| chaos.draw("CreateSandbox").is_none()));
    }
}
