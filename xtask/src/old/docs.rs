//! `cargo xtask docs`: the documentation, built as docs.rs does, and every link in it and in the
//! repository's Markdown followed.

mod html;
mod markdown;
mod settings;

use std::fs;
use std::path::Path;

use crate::old::ci::{cargo_in, say};
use crate::old::run::tell;
use crate::old::rustdoc::Build;
use crate::old::tidy;
use crate::old::workspace::Workspace;
use settings::Settings;

/// Builds everything, and prints what does not build and what leads nowhere. `Ok` tells whether all is
/// well.
pub(crate) fn check(root: &Path) -> Result<bool, String> {
    let workspace = Workspace::read(root)?;
    let mut complaints = of_markdown(root, &workspace)?;
    let directory = workspace.target.join("xtask").join("docs");
    if !build(root, &workspace, &directory)? {
        return Ok(false);
    }
    complaints.extend(html::check(&directory.join("doc"))?);
    for complaint in &complaints {
        say(complaint);
    }
    match complaints.len() {
        0 => say("docs: every link leads somewhere"),
        1 => say("docs: 1 link leads nowhere"),
        many => say(&format!("docs: {many} links lead nowhere")),
    }
    Ok(complaints.is_empty())
}

/// Builds what docs.rs would, and whatever else has documentation, which we read ourselves.
fn build(root: &Path, workspace: &Workspace, directory: &Path) -> Result<bool, String> {
    // A page of an item that is gone would still be led to.
    let pages = directory.join("doc");
    if pages.exists() {
        fs::remove_dir_all(&pages).map_err(|error| format!("{}: {error}", pages.display()))?;
    }
    // In the order of publishing: what a crate uses is there when its own pages point at it.
    for package in &workspace.packages {
        let settings = Settings::read(&package.metadata)
            .map_err(|problem| format!("{}: {problem}", package.name))?;
        let mut arguments = settings.rustdoc;
        arguments.extend(["-D".to_owned(), "warnings".to_owned()]);
        let build = Build {
            package,
            features: settings.cargo,
            arguments,
        };
        if !build.run(root, workspace, directory)? {
            return Ok(false);
        }
    }
    let mut arguments = vec!["doc", "--locked", "--workspace", "--no-deps"];
    for package in &workspace.packages {
        arguments.extend(["--exclude", &package.name]);
    }
    let flags = "-D warnings";
    say(&format!(
        "$ RUSTDOCFLAGS=\"{flags}\" cargo {}",
        arguments.join(" ")
    ));
    let mut cargo = cargo_in(root);
    tell(
        cargo.args(&arguments).env("RUSTDOCFLAGS", flags),
        "`cargo doc`",
    )
}

/// Follows the links in all Markdown of the repository.
fn of_markdown(root: &Path, workspace: &Workspace) -> Result<Vec<String>, String> {
    let files = tidy::files(root).map_err(|error| format!("{}: {error}", root.display()))?;
    let packages = workspace.packages.iter();
    let readmes = packages
        .map(|package| Ok(format!("{}/README.md", package.below(root)?)))
        .collect::<Result<Vec<_>, String>>()?;
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.ends_with(".md")) {
        let path = root.join(file);
        let Ok(text) = fs::read_to_string(&path) else {
            continue; // Deleted, but still in git's index.
        };
        let travels = readmes.contains(file);
        complaints.extend(markdown::check(file, &text, travels, &|path| {
            let path = root.join(path);
            match fs::read_to_string(&path) {
                Ok(text) => Some(text),
                Err(_) => path.exists().then(String::new),
            }
        }));
    }
    Ok(complaints)
}
