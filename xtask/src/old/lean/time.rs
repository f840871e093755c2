//! What a cold check of each entry takes, beside a control.
//!
//! A check from nothing of each entry would compile the same crates dozens of times. They share one
//! directory instead, and the time of an entry is the sum of what its units took, whoever had them
//! compiled: cargo shares a unit only where it would do the very same once more. What a feature leaves to
//! do after the bare crate would be another figure, and not one to add to the bare one's: features
//! change those of what is below them, which is then compiled again in their place.

use std::fs;
use std::path::Path;

use super::Figures;
use super::budget::Budget;
use super::tree::PLATFORM;
use crate::old::ci::say;
use crate::old::outside::{Outside, dependency};

/// What all others are a multiple of, since seconds differ by machine and by compiler: derived types
/// and generic code that speaks HTTP, in the proportions in which ours has them, of crates that change
/// slowly.
const CONTROL: &str = "\
hyper = { version = \"1\", features = [\"client\", \"http1\", \"http2\"] }
serde = { version = \"1\", features = [\"derive\"] }
serde_json = \"1\"
";

/// Its versions are its own, so that a new one of ours does not move the ruler.
const CONTROL_LOCK: &str = include_str!("control.lock");

/// How often all is compiled before it is believed that something is over its budget. Other processes on
/// the machine only ever add to a time, by crowding the caches, so the least is the truest.
const ROUNDS: usize = 3;

/// Takes the times of all entries.
pub(super) fn measure(root: &Path, figures: &mut [Figures], budget: &Budget) -> Result<(), String> {
    let lock = fs::read_to_string(root.join("Cargo.lock"))
        .map_err(|error| format!("Cargo.lock: {error}"))?;
    let outside = Outside::new()?;
    for round in 1..=ROUNDS {
        outside.clean()?;
        let control = outside.check_shared(CONTROL, CONTROL_LOCK)?.seconds;
        say(&format!("round {round}, control: {control:.1} s"));
        for figures in figures.iter_mut() {
            // What was within its budget once is not asked again.
            if round > 1 && !is_over(figures, budget) {
                continue;
            }
            let entry = &figures.entry;
            let dependency = dependency(root, &entry.package, &entry.features);
            let cost = outside.check_shared(&dependency, &lock)?;
            if PLATFORM.starts_with(std::env::consts::ARCH) {
                let agrees = figures.tree.agrees_with(&cost.crates);
                agrees.map_err(|problem| format!("{entry}: {problem}"))?;
            }
            let time = cost.seconds / control;
            say(&format!("{entry}: {:.1} s, {time:.2}", cost.seconds));
            figures.time = Some(figures.time.map_or(time, |least| least.min(time)));
        }
        if !figures.iter().any(|figures| is_over(figures, budget)) {
            break;
        }
    }
    Ok(())
}

/// Whether the time is over its budget; without one nothing is.
fn is_over(figures: &Figures, budget: &Budget) -> bool {
    let limit = budget.limit(&figures.entry).and_then(|limit| limit.time);
    figures
        .time
        .zip(limit)
        .is_some_and(|(time, limit)| time > limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_needs_no_more_than_its_lock_file_has() {
        for line in CONTROL.lines() {
            let name = line.split(' ').next().unwrap();
            assert!(CONTROL_LOCK.contains(&format!("name = \"{name}\"\n")));
        }
    }
}
