//! `cargo xtask release verify`: packages all crates, and uses the packages as their users will.
//!
//! Cargo's own verification is switched off. It unpacks the packages that another one depends on into
//! its home, by name and version, and takes what it finds there the next time: if a version is
//! verified again, cargo 1.95 compiles the old contents.

mod contents;

use std::path::Path;

use anyhow::{Result, bail};
use cargo_metadata::Package;
use xshell::{Cmd, Shell, cmd};

use super::registry::PUBLIC;
use crate::shell::cargo;
use crate::workspace::{Workspace, features};

/// Packages all crates, checks what the packages contain, and runs a program that is made of them.
pub(crate) fn run(sh: &Shell, registry: &str, dry_run: bool) -> Result<()> {
    let workspace = Workspace::read(sh)?;
    let names = workspace.names().into_iter();
    let pack = cargo(sh, "package --locked --no-verify --registry").arg(registry);
    let pack = pack.args(names.flat_map(|name| ["--package", name]));
    if dry_run {
        println!("would run: {pack}\nwould check what is in the packages, and use them");
        return Ok(());
    }
    pack.run()?;
    let temp = sh.create_temp_dir()?;
    // Without links: cargo names directories by their real paths.
    let directory = temp.path().canonicalize()?;
    let mut refusals = Vec::new();
    for package in &workspace.packages {
        let at = at(package);
        let archive = workspace.target.join(format!("package/{at}.crate"));
        // With the time of now: that in the archive is the same for all contents.
        let tar = cmd!(sh, "tar -xzmf {archive} -C {directory}");
        tar.quiet().run()?;
        let mut files = Vec::new();
        for path in cmd!(sh, "tar -tzf {archive}").quiet().read()?.lines() {
            let size = directory.join(path).metadata()?.len();
            files.push((path.replacen(&format!("{at}/"), "", 1), size));
        }
        let packed = archive.metadata()?.len();
        println!("{at}: {} files, {packed} bytes packed", files.len());
        let license = package.license.as_deref().unwrap_or_default();
        let reasons = contents::refusals(packed, &files, license);
        refusals.extend(reasons.iter().map(|reason| format!("{at}: {reason}")));
    }
    if !refusals.is_empty() {
        bail!("the packages are not fit:\n- {}", refusals.join("\n- "));
    }
    let facade = workspace.packages.iter().find(|it| *it.name == "blaxel");
    let facade = directory.join(facade.map(at).unwrap_or_default());
    let mut manifest = consumer(&workspace.packages, registry, &facade);
    // The packages are taken from here, whichever registry they name.
    let others = (registry != PUBLIC).then_some(registry);
    for registry in [PUBLIC].into_iter().chain(others) {
        manifest += &format!("[patch.{registry}]\n");
        for package in &workspace.packages {
            manifest += &format!("{} = {{ path = {:?} }}\n", package.name, at(package));
        }
    }
    sh.write_file(directory.join("Cargo.toml"), manifest)?;
    // The other versions are those that the tests ran with.
    sh.copy_file("Cargo.lock", directory.join("Cargo.lock"))?;
    let sh = sh.clone();
    sh.change_dir(&directory);
    outside(cargo(&sh, "run --quiet"), &workspace.target).run()?;
    println!("\nverified {} packages", workspace.packages.len());
    Ok(())
}

/// Has a command of cargo compile a program outside to a directory that is kept. Nobody debugs it.
pub(super) fn outside<'a>(command: Cmd<'a>, target: &Path) -> Cmd<'a> {
    let command = command.env("CARGO_TARGET_DIR", target.join("verify"));
    let command = command.env("CARGO_PROFILE_DEV_DEBUG", "0");
    command.env("CARGO_INCREMENTAL", "0")
}

/// Returns the directory in the archive of a package.
fn at(package: &Package) -> String {
    format!("{}-{}", package.name, package.version)
}

/// Returns the manifest of a program outside the workspace: the quick start in the directory of the
/// facade. It depends on the packages as a registry has them, each with all its features.
pub(super) fn consumer(packages: &[Package], registry: &str, facade: &Path) -> String {
    let main = facade.join("examples/quickstart/main.rs");
    let mut manifest = format!(
        "[package]\nname = \"consumer\"\nedition = \"2024\"\n[workspace]\n[[bin]]\n\
         name = \"consumer\"\npath = {main:?}\n[dependencies]\nhttp = \"1\"\nserde_json = \"1\"\n\
         tokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }}\n\
         tower = {{ version = \"0.5\", features = [\"util\"] }}\n"
    );
    for package in packages {
        let (name, version) = (&package.name, &package.version);
        let features: Vec<&str> = features(package).collect();
        manifest += &format!("[dependencies.{name}]\nversion = \"={version}\"\n");
        manifest += &format!("registry = {registry:?}\nfeatures = {features:?}\n");
    }
    manifest
}
