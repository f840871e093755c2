//! The stage `interop`: the platform's own SDKs for other languages judge the emulator, Schemathesis
//! judges whether it keeps to the document that it serves, and a certified OAuth 2.0 server judges
//! our sign-ins.
//!
//! What they need is installed as their lock files say, under `target`, and nothing is written
//! among the sources. Nothing is skipped: without Node.js or Python the stage fails.

mod emulator;
mod install;
mod oauth;
mod process;
mod program;

use std::path::Path;

use super::stages::step;
use emulator::Emulator;
use program::{OAUTH_SERVER, PROGRAMS, Place};

/// Runs every program, each against an emulator of its own. The error tells what went wrong with
/// which.
pub(super) fn run(root: &Path) -> Result<(), String> {
    let places = PROGRAMS
        .iter()
        .map(|program| Place::of(program, root))
        .collect::<Vec<_>>();
    let server = Place::of(&OAUTH_SERVER, root);
    for place in places.iter().chain([&server]) {
        install::bring_up_to_date(place)?;
    }
    super::execute(&step("build --package blaxel-emulator"), root)?;
    let judge = |place: &Place| {
        let emulator = Emulator::start(root)?;
        place.judge(emulator.variables())
    };
    let mut failures: Vec<String> = places
        .iter()
        .filter_map(|place| judge(place).err())
        .collect();
    failures.extend(oauth::judge(&server, root).err());
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("; "))
    }
}
