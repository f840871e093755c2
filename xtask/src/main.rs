//! Maintenance commands of the workspace: `cargo xtask <command>`.

/// Prints a line as the macro of the standard library does, but continues if nobody reads the output any
/// more, as after `| head`. All modules below use this one; tests use the other, which they capture.
#[cfg(not(test))]
macro_rules! println {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

/// Prints a line to standard error; see [`println`].
#[cfg(not(test))]
macro_rules! eprintln {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

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
mod program;
mod public_api;
mod release;
mod runtime;
mod rustdoc;
mod semver_checks;
mod shell;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use flags::{Command, Flags, ReleaseStep};
use xshell::Shell;

fn main() -> ExitCode {
    program::remember();
    if let Some(code) = rustdoc::stand_in() {
        return code;
    }
    let flags = Flags::parse();
    let run = || shell::at_root().and_then(|sh| run(&sh, flags.command));
    match std::panic::catch_unwind(run) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
        // It has printed its message, unless that is what failed: a library prints commands to
        // standard error before it runs them.
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(sh: &Shell, command: Command) -> Result<()> {
    match command {
        Command::Ci(flags) => ci::run(sh, &flags),
        Command::Bench { section } => bench::run(sh, section),
        Command::Fuzz { seconds } => fuzz::run(sh, seconds),
        Command::Soak { faults, seed } => fuzz::soak(sh, faults, seed),
        Command::Lean { selection, update } => lean::run(sh, &selection.packages, update),
        Command::Tidy => tidy::run(sh),
        Command::Features(selection) => features::run(sh, &selection.packages),
        Command::Docs => docs::run(sh),
        Command::PublicApi { bless } => public_api::run(sh, bless),
        Command::Semver(selection) => semver_checks::run(sh, &selection.packages),
        Command::Deny { advisories } => deny::run(sh, advisories),
        Command::ApiDrift { spec, sandbox } => {
            spec.map_or(Ok(()), |spec| api_drift::run(sh, &spec))?;
            sandbox.map_or(Ok(()), |spec| api_drift::run_sandbox(sh, &spec))
        }
        Command::Release(step) => release(sh, step),
    }
}

fn release(sh: &Shell, step: ReleaseStep) -> Result<()> {
    match step {
        ReleaseStep::Plan { target } => release::plan::run(sh, &target.registry),
        ReleaseStep::Prepare(flags) => release::prepare::run(sh, &flags),
        ReleaseStep::Verify { target, dry_run } => {
            release::verify::run(sh, &target.registry, dry_run.dry_run)
        }
        ReleaseStep::Publish {
            target,
            new_names,
            dry_run,
        } => release::publish::run(sh, &target.registry, new_names.as_deref(), dry_run.dry_run),
        ReleaseStep::Rehearse => release::rehearse::run(sh),
    }
}
