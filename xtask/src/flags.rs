//! The command line: each command, its options, and the text of `cargo xtask help`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use toml_edit::Datetime;

/// Maintenance commands of the workspace.
///
/// The exit code is 0 if all is well, 1 if a check failed, and 2 if the command line is invalid.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the checks that a change must pass
    Ci(Ci),
    /// Measure what calls, walks, reports, chats, sandboxes or compiling cost, into BENCHMARKS.md
    Bench {
        #[arg(value_enum, default_value_t)]
        section: crate::bench::Section,
    },
    /// Feed random input to the decoders of streams
    Fuzz {
        /// Seconds for each target
        #[arg(default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
        seconds: u32,
    },
    /// Inject random network faults into calls, and count the promises that the client breaks
    Soak {
        /// Number of faults to apply
        #[arg(long, default_value_t = 1_000_000)]
        faults: u64,
        /// Seed of a run to repeat, as it prints it; a random one by default
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Compare the number of crates that users compile with the budgets in lean.toml
    Lean {
        #[command(flatten)]
        selection: Selection,
        /// Write the current numbers into lean.toml instead
        #[arg(long)]
        update: bool,
    },
    /// Check the rules of the repository that no compiler knows
    Tidy,
    /// Compile each crate without features, with each one alone, and with all
    Features(Selection),
    /// Build the documentation as docs.rs does, and check its links and those in Markdown
    Docs,
    /// Compare the public API with the snapshots `crates/*/public-api.txt`
    PublicApi {
        /// Write the snapshots instead
        #[arg(long)]
        bless: bool,
    },
    /// Look for changes that break users of the last tagged versions
    Semver(Selection),
    /// Check licences, sources and bans of the dependencies
    Deny {
        /// Look the dependencies up in the database of advisories instead, which needs the network
        #[arg(long)]
        advisories: bool,
    },
    /// Compare the emulator's OpenAPI document, and the list of a sandbox's operations, with the API's documents
    ApiDrift {
        /// The API's document, as YAML or JSON
        #[arg(long, value_name = "FILE", required_unless_present = "sandbox")]
        spec: Option<PathBuf>,
        /// The document of a sandbox's API, as YAML or JSON
        #[arg(long, value_name = "FILE")]
        sandbox: Option<PathBuf>,
    },
    /// Make a release: plan, prepare, verify and publish, in this order
    #[command(subcommand)]
    Release(ReleaseStep),
}

/// Published packages by their names.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// The packages to check; all published ones by default
    #[arg(value_name = "PACKAGE")]
    pub(crate) packages: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Ci {
    /// The stages to run; all by default
    #[arg(value_name = "STAGE")]
    pub(crate) stages: Vec<Stage>,
    /// Run the remaining stages after one has failed
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Print the stages instead
    #[arg(long)]
    pub(crate) list: bool,
}

/// The stages of `ci` in the order in which they run: the fast ones first.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Stage {
    /// the sources are formatted as rustfmt does
    Fmt,
    /// the rules of the repository that no compiler knows
    Tidy,
    /// no crate compiles more crates than its budget allows
    Lean,
    /// no warning of the compiler or of clippy, in any target
    Clippy,
    /// each library crate compiles alone, without features, and with each feature alone
    Features,
    /// all tests
    Test,
    /// the emulator's OpenAPI document agrees with the API's
    Drift,
    /// the documentation builds as docs.rs does, and no link is broken
    Docs,
    /// the snapshots in the crates list what is public
    PublicApi,
    /// no crate breaks users of its last tagged version unannounced
    Semver,
    /// licences, sources and bans of the dependencies
    Deny,
    /// core and facades compile for a browser
    Wasm,
    /// the example in the README runs to its end
    Quickstart,
    /// the official SDKs, Schemathesis, and servers of OAuth and MCP work with the emulator and our clients
    Interop,
    /// a whole release to a registry on this machine succeeds, with faults too
    Rehearsal,
}

impl Stage {
    /// Returns the name on the command line.
    pub(crate) fn name(&self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// The steps of a release.
#[derive(Debug, Subcommand)]
pub(crate) enum ReleaseStep {
    /// Print which crates are due, at which versions, and why
    Plan {
        #[command(flatten)]
        target: Target,
    },
    /// Set the versions, release the changelog's entries, commit and tag; push nothing
    Prepare(Prepare),
    /// Package all crates, check what is in the packages, and build a program from them alone
    Verify {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// Upload what the registry does not have; can be run again after any failure
    Publish {
        #[command(flatten)]
        target: Target,
        /// The registry's limit on new names: N at once, then one each so many SECONDS; 5/600 for
        /// Rust's public one by default, without a limit for others
        #[arg(long, value_name = "N/SECONDS")]
        new_names: Option<String>,
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// Make a whole release in a clone, on a local registry, then another one with faults
    Rehearse,
}

/// The options of `release prepare`.
#[derive(Debug, Parser)]
pub(crate) struct Prepare {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The branch that releases are made from
    #[arg(long, default_value = "main")]
    pub(crate) branch: String,
    /// The date in the changelog, as YYYY-MM-DD; today in UTC by default
    #[arg(long, value_parser = date)]
    pub(crate) date: Option<String>,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

/// Returns the text if it is a date of the calendar.
fn date(text: &str) -> Result<String, &'static str> {
    // A TOML value may also be a time, or both.
    let parsed = text.parse::<Datetime>();
    match parsed.map(|parsed| (parsed.date, parsed.time)) {
        Ok((Some(_), None)) => Ok(text.to_owned()),
        _ => Err("a date is written as YYYY-MM-DD, such as 2026-11-25"),
    }
}

/// The registry of a release.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The registry by its name in cargo's configuration
    #[arg(long, value_name = "NAME", default_value = "crates-io")]
    pub(crate) registry: String,
}

#[derive(Debug, Args)]
pub(crate) struct DryRun {
    /// Print what would be done, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Flags::command().debug_assert();
    }

    #[test]
    fn a_date_is_one_of_the_calendar() {
        for (text, is_valid) in [
            ("2026-11-25", true),
            ("2028-02-29", true),
            ("2026-02-29", false),
            ("2026-13-99", false),
            ("2026-11-25T10:00:00Z", false),
            ("10:00:00", false),
            ("2026-1-2", false),
            ("today", false),
        ] {
            assert_eq!(date(text).is_ok(), is_valid, "{text}");
        }
    }

    #[test]
    fn an_unknown_stage_is_refused_with_the_known_ones() {
        let refusal = Flags::try_parse_from(["xtask", "ci", "fmt", "bake"]).unwrap_err();
        let refusal = refusal.to_string();
        assert!(
            refusal.contains("'bake'") && refusal.contains("public-api"),
            "{refusal}"
        );
    }
}
