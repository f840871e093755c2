//! Maintenance commands of the workspace: `cargo xtask <command>`.

pub(crate) mod api_drift;
pub(crate) mod bench;
pub(crate) mod ci;
pub(crate) mod deny;
pub(crate) mod docs;
pub(crate) mod emulator;
pub(crate) mod features;
pub(crate) mod files;
pub(crate) mod fuzz;
pub(crate) mod git;
pub(crate) mod lean;
pub(crate) mod outside;
pub(crate) mod process;
pub(crate) mod public_api;
pub(crate) mod release;
pub(crate) mod run;
pub(crate) mod rustdoc;
pub(crate) mod scratch;
pub(crate) mod semver_checks;
pub(crate) mod tags;
pub(crate) mod tidy;
pub(crate) mod tools;
pub(crate) mod workspace;

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum Section {
    #[default]
    Calls,
    Walk,
    Billing,
    Chat,
    Compile,
}

impl Section {
    pub(crate) fn words(self) -> Vec<String> {
        match self {
            Self::Calls => Vec::new(),
            other => vec![format!("{other:?}").to_lowercase()],
        }
    }
}

use std::path::{Path, PathBuf};

const HELP: &str = "\
Maintenance commands of the workspace.

usage: cargo xtask <command>

commands:
  ci [--keep-going] [STAGE...]   run the checks a change must pass: all, or the stages named
  ci --list                      name the stages
  bench                          measure what calls cost, beside others, into BENCHMARKS.md
  bench walk                     measure what walking a long list costs, likewise
  bench billing                  measure what a report of costs takes, likewise
  bench chat                     measure what a streamed chat costs, likewise
  bench compile                  measure what compiling costs, likewise
  fuzz [SECONDS]                 feed the decoders of streams with odd input, a minute each by default
  lean [--crates] [PACKAGE...]   hold what compiling our crates costs users against lean.toml, in crates
                                 and processor time (some minutes, Linux only), or in crates alone
  lean --update ...              write what it costs now into lean.toml, and say what changed
  tidy                           check the rules of the repository that no compiler knows
  features [CRATE...]            compile each crate bare, with each feature alone, and with all
  docs                           build the documentation as docs.rs does, and follow its links
  public-api [--bless]           compare what is public with the snapshots, or write them anew
  semver [CRATE...]              look for what breaks users of the last tagged versions
  deny                           check licences, sources and bans of the dependencies
  deny --advisories              look the dependencies up in the database of advisories
  api-drift --spec FILE          compare the management facade with an OpenAPI document
  release STEP                   plan, prepare, verify, publish or rehearse a release; see `release help`
  help                           show this text

`ci` stops at the first stage that fails; with --keep-going the others still run.
The exit code is 0 if all is well, 1 if a check failed, and 2 if the command was not understood or had
nothing to read.
";

pub(crate) const COMMANDS: [&str; 13] = [
    "ci",
    "bench",
    "fuzz",
    "lean",
    "tidy",
    "features",
    "docs",
    "public-api",
    "semver",
    "deny",
    "api-drift",
    "release",
    "help",
];

/// Runs a command. `Ok` tells whether all is well, `Err` why the command was not understood.
fn dispatch(arguments: &[String]) -> Result<bool, String> {
    let Some((command, rest)) = arguments.split_first() else {
        return Err(format!("no command given\n\n{HELP}"));
    };
    match command.as_str() {
        "bench" => bench::command(&root(), rest),
        "fuzz" => fuzz::command(&root(), rest),
        "lean" => lean::command(&root(), rest),
        "tidy" => match rest.first() {
            None => Ok(tidy::command(&root())),
            Some(argument) => Err(format!(
                "`tidy` takes no arguments, but `{argument}` was given"
            )),
        },
        "api-drift" => api_drift::command(&root(), rest),
        "deny" => deny::command(&root(), rest),
        "docs" => match rest.first() {
            None => docs::check(&root()),
            Some(argument) => Err(format!(
                "`docs` takes no arguments, but `{argument}` was given"
            )),
        },
        "features" => features::command(&root(), rest),
        "semver" => semver_checks::command(&root(), rest),
        "public-api" => public_api::command(&root(), rest),
        "release" => release::command(&root(), rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(true)
        }
        unknown => Err(format!(
            "there is no command `{unknown}`; the commands are {}",
            list(&COMMANDS)
        )),
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    // Asked of the environment first: a target directory may be shared by several clones, and then
    // the path this program was compiled under can be another clone's.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Names as a sentence lists them: `a, b and c`.
pub(crate) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and `{last}`", first.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str]) -> Result<bool, String> {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        dispatch(&arguments)
    }

    #[test]
    fn an_unknown_command_is_answered_with_the_known_ones() {
        let message = run(&["bake"]).unwrap_err();
        assert_eq!(
            message,
            format!(
                "there is no command `bake`; the commands are {}",
                list(&COMMANDS)
            )
        );
    }

    #[test]
    fn nothing_said_is_answered_with_the_help() {
        assert!(run(&[]).unwrap_err().contains("usage: cargo xtask"));
        assert_eq!(run(&["help"]), Ok(true));
    }

    #[test]
    fn the_help_names_every_command() {
        for command in COMMANDS {
            assert!(HELP.contains(&format!("\n  {command} ")), "{command}");
        }
    }
}
