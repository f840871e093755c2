//! `cargo xtask fuzz`: random input for the decoders of streams.

use anyhow::Result;
use xshell::Shell;

use crate::shell::cargo;

/// The tests that run the fuzz targets: on random tokens, and on changed bodies of `tests/corpus`.
const TESTS: [&str; 2] = [
    "test --release --locked -p blaxel-inference --all-features --test fuzz",
    "test --release --locked -p blaxel-tests --test corpus fuzz",
];

/// Runs the fuzz targets that the tests run for a second each, optimised and for longer.
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
