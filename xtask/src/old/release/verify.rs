//! `cargo xtask release verify`: whether what would be published can be used.

mod contents;
mod outside;
mod packages;

use std::fs;
use std::path::Path;

use super::options::Options;
use crate::old::ci::say;
use crate::old::scratch::Scratch;
use crate::old::workspace::Workspace;
use outside::Outside;
use packages::Unpacked;

/// Packs all crates, looks at what is in the packages, compiles each from its archive, and a program
/// from all of them.
pub(super) fn command(root: &Path, options: &Options) -> Result<bool, String> {
    let workspace = Workspace::read(root)?;
    let registry = &options.registry;
    if options.dry_run {
        for line in intent(&workspace, options) {
            say(&line);
        }
        return Ok(true);
    }
    if !packages::pack(root, &workspace, registry)? {
        return failed("the crates could not be packed; see above");
    }
    let scratch = Scratch::new("verify")?;
    let under = scratch.path().join("packages");
    fs::create_dir(&under)
        .map_err(|error| format!("{} cannot be made: {error}", under.display()))?;
    let unpacked = workspace
        .packages
        .iter()
        .map(|package| packages::unpack(package, &workspace.target, &under))
        .collect::<Result<Vec<_>, _>>()?;
    say("");
    let refused = unpacked.iter().filter(|it| !is_sound(it)).count();
    if refused > 0 {
        return failed(&format!(
            "{refused} of the packages must not be published so"
        ));
    }
    say("");
    let target = workspace.target.join("verify");
    let outside = Outside::new(&unpacked, registry, &target)?;
    for package in &unpacked {
        if !outside.compile(package)? {
            return failed("a crate does not compile from its package; see above");
        }
    }
    if !outside.run_consumer(root, &scratch.path().join("consumer"))? {
        return failed("a program made from the packages alone does not work; see above");
    }
    say(&format!(
        "\nverify: {} packages, all is well",
        unpacked.len()
    ));
    Ok(true)
}

fn failed(why: &str) -> Result<bool, String> {
    say(&format!("\nverify: {why}"));
    Ok(false)
}

/// What would be done.
fn intent(workspace: &Workspace, options: &Options) -> Vec<String> {
    let arguments = packages::arguments(workspace, &options.registry).join(" ");
    let mut lines = vec![format!("would run: cargo {arguments}")];
    for package in &workspace.packages {
        lines.push(format!(
            "would look into the package of {} {}, and compile it from there",
            package.name, package.version
        ));
    }
    lines.push("would compile and run a program made from the packages alone".to_owned());
    lines
}

/// Says what is in a package, and whether it may be published.
fn is_sound(unpacked: &Unpacked<'_>) -> bool {
    let Unpacked {
        package, contents, ..
    } = unpacked;
    let [sizes, largest] = contents.summary();
    say(&format!("{} {}: {sizes}", package.name, package.version));
    say(&format!("  {largest}"));
    for warning in contents.warnings() {
        say(&format!("  warning: {warning}"));
    }
    let refusals = contents.refusals(package.license.as_deref());
    for refusal in &refusals {
        say(&format!("  refused: {refusal}"));
    }
    refusals.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_names_what_is_run_and_every_package() {
        let workspace = Workspace::read(&crate::old::root()).unwrap();
        let lines = intent(&workspace, &Options::default());
        assert_eq!(lines.len(), workspace.packages.len() + 2);
        let pack = "would run: cargo package --locked --no-verify --registry crates-io --package \
            blaxel-core --package ";
        assert!(lines[0].starts_with(pack), "{}", lines[0]);
        assert!(lines[1].contains("blaxel-core 0."), "{}", lines[1]);
    }
}
