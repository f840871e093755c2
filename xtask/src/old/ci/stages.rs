//! The stages: what each is called, what it is for, and what it runs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::old::{api_drift, deny, docs, features, lean, public_api, release, semver_checks, tidy};

/// One check of many.
pub(super) struct Stage {
    pub(super) name: &'static str,
    about: &'static str,
    /// What there is to do in the workspace at this path.
    pub(super) plan: fn(&Path) -> Plan,
}

/// What a stage does when its turn comes.
pub(super) enum Plan {
    /// These commands, until one fails.
    Commands(Vec<Step>),
    /// Another command of this program, as it is typed, and what it does.
    Ours(&'static str, fn(&Path) -> Result<bool, String>),
    /// The platform's own SDKs, run against the emulator.
    Interop,
    /// Nothing, because this machine lacks something.
    Skip(String),
}

/// One run of cargo.
#[derive(Debug, PartialEq)]
pub(crate) struct Step {
    pub(super) arguments: Vec<String>,
}

/// All stages in the order in which they run: the quick ones first, and flags chosen so that later
/// ones find the artefacts of earlier ones.
pub(super) const STAGES: &[Stage] = &[
    Stage {
        name: "fmt",
        about: "the sources are formatted as rustfmt would",
        plan: |_| one("fmt --all --check"),
    },
    Stage {
        name: "tidy",
        about: "the rules of the repository that no compiler knows",
        plan: |_| Plan::Ours("tidy", |root| Ok(tidy::command(root))),
    },
    Stage {
        name: "drift",
        about: "the management facade declares what the API's OpenAPI document describes",
        plan: drift,
    },
    Stage {
        name: "lean",
        about: "no crate of ours has more crates compiled than its budget allows",
        plan: |_| Plan::Ours("lean --crates", lean::check_counts),
    },
    Stage {
        name: "clippy",
        about: "no warning of the compiler or of clippy, in any target",
        plan: |_| one("clippy --workspace --all-targets --locked -- -D warnings"),
    },
    Stage {
        name: "features",
        about: "each library crate compiles alone, bare, and with each feature alone",
        plan: |_| Plan::Ours("features", |root| features::command(root, &[])),
    },
    Stage {
        name: "test",
        about: "all tests",
        plan: |_| one("test --workspace"),
    },
    Stage {
        name: "docs",
        about: "the documentation builds as docs.rs does, and every link leads somewhere",
        plan: |_| Plan::Ours("docs", docs::check),
    },
    Stage {
        name: "public-api",
        about: "the snapshots in the crates say what is public",
        plan: |_| Plan::Ours("public-api", public_api::check),
    },
    Stage {
        name: "semver",
        about: "no crate breaks users of its last tagged version unsaid",
        plan: semver,
    },
    Stage {
        name: "deny",
        about: "licences, sources and bans of the dependencies",
        plan: |_| Plan::Ours("deny", deny::check),
    },
    Stage {
        name: "wasm",
        about: "core and facades compile for a browser",
        plan: wasm,
    },
    Stage {
        name: "quickstart",
        about: "the example in the README runs to its end",
        plan: |_| one("run --example quickstart"),
    },
    Stage {
        name: "interop",
        about: "the official TypeScript and Python SDKs work against the emulator",
        plan: |_| Plan::Interop,
    },
    Stage {
        name: "rehearsal",
        about: "a whole release goes well on a registry of this machine, and with trouble in its way",
        plan: rehearsal,
    },
];

const WASM: &str = "wasm32-unknown-unknown";

/// The API's document, which is not ours to publish: it lies beside the checkout, if at all.
const DOCUMENT: &str = "../shared/spec/controlplane.yml";

const DRIFT: &str = "api-drift --spec ../shared/spec/controlplane.yml";

/// The stages with one line each.
pub(super) fn listing() -> String {
    STAGES
        .iter()
        .map(|stage| format!("{:<12}{}\n", stage.name, stage.about))
        .collect()
}

pub(crate) fn step(arguments: &str) -> Step {
    Step {
        arguments: arguments.split(' ').map(str::to_owned).collect(),
    }
}

fn one(arguments: &str) -> Plan {
    Plan::Commands(vec![step(arguments)])
}

fn drift(root: &Path) -> Plan {
    if root.join(DOCUMENT).is_file() {
        Plan::Ours(DRIFT, |root| api_drift::run(root, &root.join(DOCUMENT)))
    } else {
        Plan::Skip(format!("no OpenAPI document at {DOCUMENT}"))
    }
}

fn semver(root: &Path) -> Plan {
    match semver_checks::has_tags(root) {
        Ok(false) => Plan::Skip("no crate has a tag to be compared with".into()),
        // If the workspace cannot be read, the command fails and says why.
        Ok(true) | Err(_) => Plan::Ours("semver", |root| semver_checks::command(root, &[])),
    }
}

fn rehearsal(root: &Path) -> Plan {
    match release::committed(root) {
        Ok(_) => Plan::Ours("release rehearse", release::rehearse),
        // An unpacked archive, say.
        Err(reason) => Plan::Skip(format!("nothing is committed here: {reason}")),
    }
}

fn wasm(_: &Path) -> Plan {
    if !is_installed(WASM) {
        return Plan::Skip("target not installed".into());
    }
    one(&format!(
        "check --locked --target {WASM} -p blaxel-core -p blaxel-management -p blaxel-inference \
         -p blaxel-billing"
    ))
}

/// Whether the standard library of a target is there. The compiler is asked, since not everyone has
/// rustup.
fn is_installed(target: &str) -> bool {
    let Ok(output) = Command::new("rustc").args(["--print", "sysroot"]).output() else {
        return false;
    };
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    sysroot
        .join("lib/rustlib")
        .join(target)
        .join("lib")
        .is_dir()
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo {}", self.arguments.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(name: &str) -> Vec<String> {
        let stage = STAGES.iter().find(|stage| stage.name == name).unwrap();
        match (stage.plan)(&crate::old::root()) {
            Plan::Commands(steps) => steps.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn the_stages_run_what_a_person_would_type() {
        assert_eq!(commands("test"), ["cargo test --workspace"]);
        assert_eq!(commands("quickstart"), ["cargo run --example quickstart"]);
    }

    #[test]
    fn each_command_of_ours_is_one_that_this_program_knows() {
        for stage in STAGES {
            if let Plan::Ours(command, _) = (stage.plan)(&crate::old::root()) {
                let name = command.split(' ').next().unwrap();
                assert!(crate::old::COMMANDS.contains(&name), "{command}");
            }
        }
    }

    #[test]
    fn drift_is_looked_for_where_there_is_a_document() {
        let beside = std::env::temp_dir().join(format!("xtask-stages-{}", std::process::id()));
        let root = beside.join("checkout");
        let document = beside.join("shared/spec/controlplane.yml");
        std::fs::create_dir_all(&root).unwrap();
        std::fs::create_dir_all(document.parent().unwrap()).unwrap();
        let without = drift(&root);
        std::fs::write(&document, "").unwrap();
        let with = drift(&root);
        std::fs::remove_dir_all(&beside).unwrap();
        assert!(matches!(without, Plan::Skip(reason) if reason.contains(DOCUMENT)));
        assert!(matches!(with, Plan::Ours(DRIFT, _)));
    }

    #[test]
    fn a_target_that_nobody_has_is_not_installed() {
        assert!(!is_installed("abacus-unknown-none"));
    }

    #[test]
    fn the_listing_has_a_line_for_each_stage() {
        let listing = listing();
        assert_eq!(listing.lines().count(), STAGES.len());
        assert!(listing.contains("\nclippy      no warning"), "{listing}");
    }
}
