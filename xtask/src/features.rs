//! `cargo xtask features`: each crate compiled alone, with each choice of its features that matters.

use std::cmp::Reverse;
use std::env::consts::DLL_EXTENSION;
use std::ffi::OsStr;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Result;
use cargo_metadata::Package;
use xshell::{Shell, cmd};

use crate::git::git;
use crate::shell::{at_root, cargo};
use crate::workspace::{Workspace, features};

/// A package, and the choices of its features as arguments of cargo.
type Choices<'a> = (&'a str, Vec<String>);

/// Compiles these packages, or all, with each choice of features, and fails at the first warning.
///
/// The crates of the workspace wait for each other, and checking one keeps one core busy. So there are two lanes,
/// the second one with a target directory of its own, which take package after package.
pub(crate) fn run(sh: &Shell, packages: &[String]) -> Result<()> {
    let workspace = Workspace::read(sh)?;
    let packages = workspace
        .select(packages)?
        .into_iter()
        .map(|package| Ok((package.name.as_str(), choices(own(sh, package)?))));
    let mut packages: Vec<Choices<'_>> = packages.collect::<Result<_>>()?;
    // The longest ones first, so that both lanes end at about the same time.
    packages.sort_by_key(|(_, choices)| Reverse(choices.len()));
    let second = workspace.target.join("xtask/features");
    if packages.len() > 1
        && let Err(error) = seed(sh, &workspace.target, &second)
    {
        println!("the packages of others are compiled twice: {error:#}");
    }
    let lanes = [None, Some(second)];
    let lanes = lanes.into_iter().take(packages.len());
    let queue = Mutex::new(packages.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        let lanes = lanes.map(|target| scope.spawn(|| check_all(next, target)));
        let lanes: Vec<_> = lanes.collect();
        lanes.into_iter().try_for_each(|lane| {
            let result = lane.join();
            result.unwrap_or_else(|panic| resume_unwind(panic))
        })
    })
}

/// Copies to a new target directory what another one has for checks, so that the packages of others are not
/// compiled twice.
fn seed(sh: &Shell, from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (from.join("debug"), to.join("debug"));
    if to.exists() || !from.join("deps").exists() {
        return Ok(());
    }
    let deps = to.join("deps");
    sh.create_dir(&deps)?;
    let mut files = sh.read_dir(from.join("deps"))?;
    // Executables and libraries for them are large, and checks do not need them, except for procedural macros.
    let is_needed = |file: &Path| {
        let kind = file.extension().and_then(OsStr::to_str);
        kind.is_some_and(|kind| matches!(kind, "d" | "rmeta") || kind == DLL_EXTENSION)
    };
    files.retain(|file| is_needed(file));
    let whole = [".fingerprint", "build"].map(|directory| from.join(directory));
    // The times of the files tell what is up to date.
    cmd!(sh, "cp -a {files...} {deps}").quiet().run()?;
    Ok(cmd!(sh, "cp -a {whole...} {to}").quiet().run()?)
}

/// Compiles the next package until there is none, in this target directory if it is not the usual one.
///
/// Clippy can refuse warnings, such as that of an import that one feature alone uses, without flags that
/// would have all dependencies compiled again; those of this workspace are checked in their own turn. What it keeps
/// for the next change of a source is of no use here.
fn check_all<'a>(next: impl Fn() -> Option<Choices<'a>>, target: Option<PathBuf>) -> Result<()> {
    let sh = at_root()?;
    sh.set_var("CARGO_INCREMENTAL", "0");
    if let Some(target) = target {
        sh.set_var("CARGO_TARGET_DIR", target);
    }
    while let Some((package, choices)) = next() {
        let clippy = format!("clippy --locked --no-deps --package {package}");
        for choice in choices {
            cargo(&sh, &format!("{clippy} {choice} -- -D warnings")).run()?;
        }
    }
    Ok(())
}

/// Returns the features that change a package: its code asks for them, or they bring a dependency. The others only
/// select features of dependencies, which are compiled with each of those alone themselves.
fn own<'a>(sh: &Shell, package: &'a Package) -> Result<Vec<&'a str>> {
    let sources = package.manifest_path.with_file_name("src");
    let conditions = git(sh, "grep --no-index -hoE").args(["feature = \"[^\"]+\"", "--"]);
    // It fails if there is none.
    let conditions = conditions.arg(sources).ignore_status().quiet().read()?;
    let is_own = |name: &&str| {
        let mut selected = package.features[*name].iter();
        selected.any(|it| it.starts_with("dep:")) || conditions.contains(&format!("\"{name}\""))
    };
    Ok(features(package).filter(is_own).collect())
}

/// Returns the arguments for each feature alone, none, all, and the default ones.
fn choices<'a>(features: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let alone = |feature| format!("--no-default-features --features {feature}");
    let mut choices: Vec<String> = features.into_iter().map(alone).collect();
    if !choices.is_empty() {
        choices.extend(["--no-default-features", "--all-features"].map(str::to_owned));
    }
    choices.push(String::new());
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_is_compiled_alone() {
        let expected = [
            "--no-default-features --features wind",
            "--no-default-features --features rain",
            "--no-default-features",
            "--all-features",
            "",
        ];
        assert_eq!(choices(["wind", "rain"]), expected);
        assert_eq!(choices([]), [""]);
    }

    #[test]
    fn a_feature_that_only_selects_those_of_dependencies_is_not_compiled_alone() {
        let sh = at_root().unwrap();
        let workspace = Workspace::read(&sh).unwrap();
        let own = |name: &str| {
            let package = workspace.packages.iter().find(|it| *it.name == name);
            own(&sh, package.unwrap()).unwrap()
        };
        let facade = own("blaxel");
        assert!(
            facade.contains(&"billing") && facade.contains(&"job"),
            "{facade:?}"
        );
        assert!(!facade.contains(&"jiff"), "{facade:?}");
        assert!(own("blaxel-core").contains(&"jiff"));
        assert!(own("blaxel-management").contains(&"catalog"));
    }
}
