//! `cargo xtask fuzz`: random input for the decoders of streams.

use anyhow::Result;
use xshell::Shell;

use crate::shell::cargo;

/// Runs the fuzz targets that the tests run for a second each, optimised and for longer.
///
/// They are ordinary tests: `cargo fuzz` needs a nightly compiler.
pub(crate) fn run(sh: &Shell, seconds: u32) -> Result<()> {
    let test = "test --release --locked -p blaxel-inference --all-features --test fuzz";
    Ok(cargo(sh, test)
        .env("FUZZ_SECONDS", seconds.to_string())
        .run()?)
}
