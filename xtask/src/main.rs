//! Maintenance commands of the workspace: `cargo xtask <command>`.

mod bench;
mod ci;
mod deny;
mod docs;
mod emulator;
mod features;
mod flags;
mod fuzz;
mod git;
mod lean;
#[allow(dead_code, unused)]
mod old;
mod process;
mod public_api;
mod release;
mod rustdoc;
mod semver_checks;
mod shell;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use flags::{Command, Flags, Release};
use xshell::Shell;

fn main() -> ExitCode {
    if let Some(code) = rustdoc::stand_in() {
        return code;
    }
    let flags = Flags::parse();
    match shell::at_root().and_then(|sh| run(&sh, flags.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(sh: &Shell, command: Command) -> Result<()> {
    // Commands that are still to be rewritten.
    let root = &old::root();
    let result = match command {
        Command::Ci(flags) => return ci::run(sh, &flags),
        Command::Bench { section } => return bench::run(sh, section),
        Command::Fuzz { seconds } => return fuzz::run(sh, seconds),
        Command::Lean { selection, update } => return lean::run(sh, &selection.packages, update),
        Command::Tidy => return tidy::run(sh),
        Command::Features(selection) => return features::run(sh, &selection.packages),
        Command::Docs => return docs::run(sh),
        Command::PublicApi { bless } => return public_api::run(sh, bless),
        Command::Semver(selection) => return semver_checks::run(sh, &selection.packages),
        Command::Deny { advisories } => return deny::run(sh, advisories),
        Command::Release(Release::Plan { target }) => {
            return release::plan::run(sh, &target.registry);
        }
        Command::Release(Release::Prepare(flags)) => return release::prepare::run(sh, &flags),
        Command::Release(Release::Verify { target, dry_run }) => {
            return release::verify::run(sh, &target.registry, dry_run.dry_run);
        }
        Command::Release(Release::Publish {
            target,
            new_names,
            dry_run,
        }) => {
            let pace = new_names.as_deref();
            return release::publish::run(sh, &target.registry, pace, dry_run.dry_run);
        }
        Command::Release(Release::Rehearse) => return release::rehearse::run(sh),
        Command::ApiDrift { spec } => old::api_drift::run(root, &spec),
    };
    match result {
        Ok(true) => Ok(()),
        Ok(false) => bail!("the check failed; see above"),
        Err(message) => bail!(message),
    }
}
