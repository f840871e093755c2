//! The stage `interop`: the platform's own SDKs for other languages judge the emulator, Schemathesis
//! judges whether it keeps to the document that it serves, and the official MCP client its MCP servers.
//! A certified OAuth 2.0 server judges our sign-ins, the reference server of MCP our client.
//!
//! What they need is installed as their lock files say, under `target`, and nothing is written
//! among the sources. Nothing is skipped: without Node.js or Python the stage fails.

mod counterpart;
mod install;
mod program;

use std::path::Path;

use super::stages::step;
use crate::old::emulator::Emulator;
use counterpart::COUNTERPARTS;
use program::{PROGRAMS, Place};

/// Runs every program, each against an emulator of its own. The error tells what went wrong with
/// which.
pub(super) fn run(root: &Path) -> Result<(), String> {
    let places = PROGRAMS
        .iter()
        .map(|program| Place::of(program, root))
        .collect::<Vec<_>>();
    for place in &places {
        install::bring_up_to_date(place)?;
    }
    for counterpart in &COUNTERPARTS {
        install::bring_up_to_date(&Place::of(counterpart.program, root))?;
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
    let counterparts = COUNTERPARTS.iter();
    failures.extend(counterparts.filter_map(|it| counterpart::judge(it, root).err()));
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("; "))
    }
}
