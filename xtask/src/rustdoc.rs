//! Documentation built with unstable options of rustdoc, on a stable compiler.
//!
//! `RUSTC_BOOTSTRAP` allows them. If cargo got it, the build scripts of dependencies would see it too,
//! and half of the tree would be compiled anew, now with it and now without. So cargo takes this program
//! for rustdoc, and only the real one, which it runs, gets the variable.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;
use xshell::{Cmd, Shell};

use crate::program;
use crate::shell::cargo;
use crate::workspace::Workspace;

/// The environment variable with the path of the real rustdoc.
const STAND_IN: &str = "XTASK_RUSTDOC";

/// Runs rustdoc with the arguments of this program if cargo took it for rustdoc.
pub(crate) fn stand_in() -> Option<ExitCode> {
    let rustdoc = std::env::var_os(STAND_IN)?;
    let status = Command::new(&rustdoc)
        .args(std::env::args_os().skip(1))
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove(STAND_IN)
        .status();
    Some(match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: cannot run {}: {error}", rustdoc.display());
            ExitCode::FAILURE
        }
    })
}

/// Returns a command that documents the libraries of packages below `directory`, as docs.rs does, with these flags of
/// rustdoc. What the compiler makes of the dependencies stays in the usual place.
pub(crate) fn cargo_doc<'a>(
    sh: &'a Shell,
    workspace: &Workspace,
    packages: &[&str],
    directory: &Path,
    flags: &[&str],
) -> Result<Cmd<'a>> {
    let rustdoc = std::env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into());
    Ok(cargo(sh, "doc --locked --no-deps --lib")
        .args(packages.iter().flat_map(|name| ["--package", name]))
        .env("CARGO_ENCODED_RUSTDOCFLAGS", flags.join("\u{1f}"))
        .env("RUSTDOC", program::path()?)
        .env(STAND_IN, rustdoc)
        .env("DOCS_RS", "1")
        .env("CARGO_BUILD_BUILD_DIR", &workspace.target)
        .env("CARGO_TARGET_DIR", directory))
}
