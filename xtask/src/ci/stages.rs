//! The stages: what each is called, what it is for, and what it runs.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::manifest::{self, Manifest};

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
    /// The repository rules, which are part of this program.
    Tidy,
    /// The comparison with the API's document at this path from the root, which is part of it too.
    Drift(&'static str),
    /// The counts of crates that ours have compiled, against their budgets; part of it as well.
    Lean,
    /// The platform's own SDKs, run against the emulator.
    Interop,
    /// Nothing, because this machine lacks something.
    Skip(String),
    /// Nothing, because the workspace is not as it should be.
    Fail(String),
}

/// One run of cargo.
#[derive(Debug, PartialEq)]
pub(super) struct Step {
    pub(super) environment: &'static [(&'static str, &'static str)],
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
        plan: |_| Plan::Tidy,
    },
    Stage {
        name: "drift",
        about: "the management facade declares what the API's OpenAPI document describes",
        plan: drift,
    },
    Stage {
        name: "lean",
        about: "no crate of ours has more crates compiled than its budget allows",
        plan: |_| Plan::Lean,
    },
    Stage {
        name: "clippy",
        about: "no warning of the compiler or of clippy, in any target",
        plan: |_| one("clippy --workspace --all-targets --locked -- -D warnings"),
    },
    Stage {
        name: "features",
        about: "each library crate compiles alone, bare, and with each feature alone",
        plan: features,
    },
    Stage {
        name: "test",
        about: "all tests",
        plan: |_| one("test --workspace"),
    },
    Stage {
        name: "doc",
        about: "the documentation builds and every link in it leads somewhere",
        plan: |_| {
            Plan::Commands(vec![Step {
                // Here only: set for all stages, it would have the doctests built anew.
                environment: &[("RUSTDOCFLAGS", "-D warnings")],
                ..step("doc --workspace --no-deps")
            }])
        },
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
];

const WASM: &str = "wasm32-unknown-unknown";

/// The API's document, which is not ours to publish: it lies beside the checkout, if at all.
const DOCUMENT: &str = "../shared/spec/controlplane.yml";

/// The stages with one line each.
pub(super) fn listing() -> String {
    STAGES
        .iter()
        .map(|stage| format!("{:<12}{}\n", stage.name, stage.about))
        .collect()
}

pub(super) fn step(arguments: &str) -> Step {
    Step {
        environment: &[],
        arguments: arguments.split(' ').map(str::to_owned).collect(),
    }
}

fn one(arguments: &str) -> Plan {
    Plan::Commands(vec![step(arguments)])
}

fn drift(root: &Path) -> Plan {
    if root.join(DOCUMENT).is_file() {
        Plan::Drift(DOCUMENT)
    } else {
        Plan::Skip(format!("no OpenAPI document at {DOCUMENT}"))
    }
}

fn features(root: &Path) -> Plan {
    match feature_steps(root) {
        Ok(steps) => Plan::Commands(steps),
        Err(error) => Plan::Fail(format!("the manifests cannot be read: {error}")),
    }
}

fn feature_steps(root: &Path) -> std::io::Result<Vec<Step>> {
    let mut steps = Vec::new();
    for directory in manifest::crates(root)? {
        let manifest = Manifest::parse(&fs::read_to_string(directory.join("Cargo.toml"))?);
        let name = manifest.get("package", "name").unwrap_or_default();
        steps.extend(steps_for(name, &manifest.features()));
    }
    Ok(steps)
}

/// The features are read from the manifest, so that a new one is checked from its first day on.
fn steps_for(name: &str, features: &[&str]) -> Vec<Step> {
    // Clippy is the check that can refuse warnings, such as that of an import that only one
    // feature uses, without flags that would have all dependencies compiled once more.
    let check = |choice: &str| {
        step(&format!(
            "clippy --package {name} --locked{choice} -- -D warnings"
        ))
    };
    let mut steps = vec![check("")];
    if !features.is_empty() {
        steps.push(check(" --no-default-features"));
    }
    for feature in features {
        steps.push(check(&format!(
            " --no-default-features --features {feature}"
        )));
    }
    steps
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
        for (name, value) in self.environment {
            write!(f, "{name}=\"{value}\" ")?;
        }
        write!(f, "cargo {}", self.arguments.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(name: &str) -> Vec<String> {
        let stage = STAGES.iter().find(|stage| stage.name == name).unwrap();
        match (stage.plan)(&crate::root()) {
            Plan::Commands(steps) => steps.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn the_stages_run_what_a_person_would_type() {
        assert_eq!(commands("test"), ["cargo test --workspace"]);
        assert_eq!(commands("quickstart"), ["cargo run --example quickstart"]);
        assert_eq!(
            commands("doc"),
            ["RUSTDOCFLAGS=\"-D warnings\" cargo doc --workspace --no-deps"]
        );
    }

    #[test]
    fn every_feature_is_checked_alone() {
        let steps = steps_for("blaxel-kite", &["wind"]);
        let lines: Vec<String> = steps.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "cargo clippy --package blaxel-kite --locked -- -D warnings",
                "cargo clippy --package blaxel-kite --locked --no-default-features -- -D warnings",
                "cargo clippy --package blaxel-kite --locked --no-default-features --features wind \
                 -- -D warnings",
            ]
        );
    }

    #[test]
    fn a_crate_without_features_is_checked_once() {
        assert_eq!(steps_for("blaxel-kite", &[]).len(), 1);
    }

    #[test]
    fn the_features_stage_reads_this_workspace() {
        let commands = commands("features");
        let bare_auth = "--package blaxel-auth --locked --no-default-features --features oauth ";
        assert!(
            commands.iter().any(|command| command.contains(bare_auth)),
            "{commands:?}"
        );
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
        assert!(matches!(with, Plan::Drift(DOCUMENT)));
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
