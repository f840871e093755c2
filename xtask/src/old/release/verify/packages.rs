//! The packages as cargo makes them, and as they come out of their archives.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::registry::Registry;
use super::contents::Contents;
use crate::old::ci::{cargo_in, say};
use crate::old::run::{ask, tell};
use crate::old::workspace::{Package, Workspace};

/// A package out of its archive.
pub(super) struct Unpacked<'a> {
    pub(super) package: &'a Package,
    /// Where it is.
    pub(super) directory: PathBuf,
    pub(super) contents: Contents,
}

/// What cargo is told to pack all packages together: then none has to be on a registry for another
/// to be packed.
///
/// Its own check of what it packed is left out. For that it unpacks the packages under its home, once
/// for each version, and the next time takes what it finds there, whatever has changed since.
pub(super) fn arguments(workspace: &Workspace, registry: &Registry) -> Vec<String> {
    let mut arguments = vec!["package", "--locked", "--no-verify"];
    // Without it, cargo looks for the packages on the public registry alone.
    arguments.extend(["--registry", registry.name()]);
    for package in &workspace.packages {
        arguments.extend(["--package", &package.name]);
    }
    arguments.into_iter().map(str::to_owned).collect()
}

/// Has cargo pack the packages, with its output where ours goes. Returns whether it could.
pub(super) fn pack(
    root: &Path,
    workspace: &Workspace,
    registry: &Registry,
) -> Result<bool, String> {
    let arguments = arguments(workspace, registry);
    say(&format!("$ cargo {}", arguments.join(" ")));
    tell(cargo_in(root).args(arguments), "`cargo package`")
}

/// Takes a package out of the archive that cargo has made, into a directory of its own under this
/// one.
pub(super) fn unpack<'a>(
    package: &'a Package,
    target: &Path,
    under: &Path,
) -> Result<Unpacked<'a>, String> {
    let name = format!("{}-{}", package.name, package.version);
    let archive = target.join("package").join(format!("{name}.crate"));
    let failed = |error| format!("{} cannot be read: {error}", archive.display());
    let packed = fs::metadata(&archive).map_err(failed)?.len();
    // The files are of now, not of the day that cargo gives them all: it would take them for those
    // of the last time.
    let mut tar = Command::new("tar");
    tar.arg("-xzmf").arg(&archive).arg("-C").arg(under);
    ask(&mut tar, "`tar`, which unpacks the packages,")?;
    let directory = under.join(&name);
    let contents = Contents::read(&directory, packed)
        .map_err(|error| format!("{} cannot be read: {error}", directory.display()))?;
    Ok(Unpacked {
        package,
        directory,
        contents,
    })
}
