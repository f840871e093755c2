//! Maintenance commands of the workspace: `cargo xtask <command>`.

mod api_drift;
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

use anyhow::Result;
use clap::Parser;
use flags::{Command, Flags, Release};
use xshell::Shell;

fn main() -> ExitCode {
    if let Some(code) = rustdoc::stand_in() {
        return code;
    }
    // Whoever reads the output may have read enough, as `head` does.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload().downcast_ref::<String>();
        if !text.is_some_and(|text| text.starts_with("failed printing to std")) {
            usual(panic);
        }
    }));
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
    match command {
        Command::Ci(flags) => ci::run(sh, &flags),
        Command::Bench { section } => bench::run(sh, section),
        Command::Fuzz { seconds } => fuzz::run(sh, seconds),
        Command::Lean { selection, update } => lean::run(sh, &selection.packages, update),
        Command::Tidy => tidy::run(sh),
        Command::Features(selection) => features::run(sh, &selection.packages),
        Command::Docs => docs::run(sh),
        Command::PublicApi { bless } => public_api::run(sh, bless),
        Command::Semver(selection) => semver_checks::run(sh, &selection.packages),
        Command::Deny { advisories } => deny::run(sh, advisories),
        Command::ApiDrift { spec } => api_drift::run(sh, &spec),
        Command::Release(step) => release(sh, step),
    }
}

fn release(sh: &Shell, step: Release) -> Result<()> {
    match step {
        Release::Plan { target } => release::plan::run(sh, &target.registry),
        Release::Prepare(flags) => release::prepare::run(sh, &flags),
        Release::Verify { target, dry_run } => {
            release::verify::run(sh, &target.registry, dry_run.dry_run)
        }
        Release::Publish {
            target,
            new_names,
            dry_run,
        } => release::publish::run(sh, &target.registry, new_names.as_deref(), dry_run.dry_run),
        Release::Rehearse => release::rehearse::run(sh),
    }
}
