//! The packages as cargo makes them, and as they come out of their archives.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::registry::Registry;
use super::contents::Contents;
use crate::ci::{cargo_in, say};
use crate::workspace::{Package, Workspace};

/// Whether cargo compiles what it has packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compile {
    No,
    Yes,
}

/// A package out of its archive.
pub(super) struct Unpacked<'a> {
    pub(super) package: &'a Package,
    /// Where it is.
    pub(super) directory: PathBuf,
    pub(super) contents: Contents,
}

/// What cargo is told to pack all packages together: then each is compiled against the archives of
/// the others, although they are on no registry yet.
pub(super) fn arguments(
    workspace: &Workspace,
    registry: &Registry,
    compile: Compile,
) -> Vec<String> {
    let mut arguments = vec!["package".to_owned(), "--locked".to_owned()];
    if compile == Compile::No {
        arguments.push("--no-verify".to_owned());
    }
    // Without it, cargo looks for the packages on the public registry alone.
    arguments.extend(["--registry".to_owned(), registry.name().to_owned()]);
    for package in &workspace.packages {
        arguments.extend(["--package".to_owned(), package.name.clone()]);
    }
    arguments
}

/// Has cargo pack the packages, with its output where ours goes. Returns whether it could.
pub(super) fn pack(
    root: &Path,
    workspace: &Workspace,
    registry: &Registry,
    compile: Compile,
) -> Result<bool, String> {
    let arguments = arguments(workspace, registry, compile);
    say(&format!("$ cargo {}", arguments.join(" ")));
    let status = cargo_in(root)
        .args(arguments)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("`cargo package` does not start: {error}"))?;
    Ok(status.success())
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
    let output = Command::new("tar")
        .arg("-xzf")
        .arg(&archive)
        .arg("-C")
        .arg(under)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`tar`, which unpacks the packages, does not start: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "{} cannot be unpacked: {}",
            archive.display(),
            said.trim()
        ));
    }
    let directory = under.join(&name);
    let contents = Contents::read(&directory, packed)
        .map_err(|error| format!("{} cannot be read: {error}", directory.display()))?;
    Ok(Unpacked {
        package,
        directory,
        contents,
    })
}
