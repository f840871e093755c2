//! `cargo xtask fuzz` and `cargo xtask soak`: random input for the decoders of streams, and random
//! faults for the client. Both do what tests do, optimised and for longer.

use anyhow::Result;
use xshell::Shell;

use crate::shell::cargo;

/// The tests that run the fuzz targets: on random tokens, on changed bodies of `tests/corpus`, and on both for the
/// bodies of sandboxes.
const TESTS: [&str; 3] = [
    "test --release --locked -p blaxel-inference --all-features --test fuzz",
    "test --release --locked -p blaxel-tests --test corpus fuzz",
    "test --release --locked -p blaxel-tests --test sandbox_fuzz",
];

/// Runs the fuzz targets that the tests run for a second each.
///
/// They are ordinary tests: `cargo fuzz` needs a nightly compiler.
pub(crate) fn run(sh: &Shell, seconds: u32) -> Result<()> {
    for test in TESTS {
        cargo(sh, test)
            .env("FUZZ_SECONDS", seconds.to_string())
            .run()?;
    }
    Ok(())
}

/// Runs random scripts of faults until so many faults were applied.
pub(crate) fn soak(sh: &Shell, faults: u64, seed: Option<u64>) -> Result<()> {
    let soak = "run --release --locked -p blaxel-tests --bin soak --";
    let mut command = cargo(sh, soak).arg(faults.to_string());
    if let Some(seed) = seed {
        command = command.env("BLAXEL_FAULT_SEED", seed.to_string());
    }
    Ok(command.run()?)
}
