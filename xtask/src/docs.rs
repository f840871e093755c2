//! `cargo xtask docs`: the documentation, built as docs.rs does, and its links and those in Markdown.
//!
//! `cargo docs-rs` would do the first half, but needs a nightly compiler.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, from_value};
use xshell::{Shell, cmd};

use crate::git::{files, git};
use crate::rustdoc::cargo_doc;
use crate::shell::cargo;
use crate::tools::LYCHEE;
use crate::workspace::Workspace;

/// Links in the pages that are right, or not ours.
const EXCLUDED: [&str; 3] = [
    // Ranges of lines: a script shows them.
    r"\.rs\.html#\d+-\d+$",
    // From the docs of other crates' traits, on the pages of types that implement them.
    r"/dispatcher#setting-the-default-subscriber$",
    r"/futures_core::(future::TryFuture|stream::Stream)$",
];

/// Pages of rustdoc's own, which link to a root page that it does not write, and the sources.
const EXCLUDED_PAGES: &str = r"doc/(src/.*|help\.html|settings\.html)$";

/// Builds the documentation of all packages, and looks for links that lead nowhere.
///
/// The README of a crate is a page of its documentation too, so its relative links must work there.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let workspace = Workspace::read(sh)?;
    let lychee = LYCHEE.installed(sh, &workspace)?;
    let lychee = || cmd!(sh, "{lychee} --offline --include-fragments --no-progress");
    let mut markdown = files(sh)?;
    markdown.retain(|file| file.ends_with(".md"));
    let in_markdown = lychee().args(markdown).run();
    let directory = workspace.target.join("xtask/docs");
    build(sh, &workspace, &directory)?;
    copy_anchors(sh, &directory.join("doc"))?;
    let in_pages = lychee()
        .args(EXCLUDED.iter().flat_map(|link| ["--exclude", link]))
        .args(["--exclude-path", EXCLUDED_PAGES])
        .arg(directory.join("doc"))
        .run();
    ensure!(
        in_markdown.is_ok() && in_pages.is_ok(),
        "links lead nowhere: see above"
    );
    Ok(())
}

/// Builds what docs.rs would, and then the documentation of the packages that are not published.
fn build(sh: &Shell, workspace: &Workspace, directory: &Path) -> Result<()> {
    // Pages of removed items would hide that links to them are broken.
    sh.remove_path(directory.join("doc"))?;
    let mut groups: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for package in &workspace.packages {
        let name = package.name.as_str();
        let settings = settings(&package.metadata).with_context(|| name.to_owned())?;
        groups.entry(settings).or_default().push(name);
        // A crate links to the pages of another one if their directory is there.
        sh.create_dir(directory.join("doc").join(name.replace('-', "_")))?;
    }
    for ((cargo, rustdoc), names) in groups {
        let flags = rustdoc.iter().map(String::as_str);
        let flags: Vec<&str> = flags.chain(["-D", "warnings"]).collect();
        let doc = cargo_doc(sh, workspace, &names, directory, &flags)?;
        // Cargo removes the directory of a crate before it documents it. A crate that is documented in that moment
        // would not link to it.
        doc.args(cargo).args(["--jobs", "1"]).run()?;
    }
    let published = workspace.names().into_iter();
    Ok(cargo(sh, "doc --locked --workspace --no-deps")
        .args(published.flat_map(|name| ["--exclude", name]))
        .env("RUSTDOCFLAGS", "-D warnings")
        .env("CARGO_BUILD_BUILD_DIR", &workspace.target)
        .env("CARGO_TARGET_DIR", directory)
        .run()?)
}

/// Returns the arguments of cargo and of rustdoc that follow from `[package.metadata.docs.rs]`.
///
/// docs.rs gives `--cfg docsrs` to the compiler of every crate; here rustdoc alone gets it, so that
/// nothing is compiled for it.
fn settings(metadata: &Value) -> Result<(Vec<String>, Vec<String>)> {
    let mut cargo = Vec::new();
    let mut rustdoc = vec!["--cfg".to_owned(), "docsrs".to_owned()];
    for (key, value) in metadata["docs"]["rs"].as_object().into_iter().flatten() {
        let texts = || from_value::<Vec<String>>(value.clone()).with_context(|| key.clone());
        match (key.as_str(), value) {
            ("all-features" | "no-default-features", Value::Bool(is_set)) => {
                cargo.extend(is_set.then(|| format!("--{key}")));
            }
            ("features", _) => cargo.push(format!("--features={}", texts()?.join(","))),
            ("rustdoc-args", _) => rustdoc.extend(texts()?),
            _ => bail!("unknown setting `{key} = {value}` of docs.rs: add it to xtask/src/docs.rs"),
        }
    }
    Ok((cargo, rustdoc))
}

/// Appends the anchors of their targets to pages that redirect. A script takes the anchor of a link
/// along, but a link checker looks for it here.
fn copy_anchors(sh: &Shell, directory: &Path) -> Result<()> {
    const REDIRECT: &str = "http-equiv=\"refresh\" content=\"0;URL=";
    let _directory = sh.push_dir(directory);
    let found = git(sh, "grep --no-index --only-matching").arg(format!("{REDIRECT}[^\"]*"));
    for line in found.ignore_status().read()?.lines() {
        let (page, target) = line.split_once(':').context("no page")?;
        let target = target.trim_start_matches(REDIRECT);
        let target = sh.read_file(Path::new(page).with_file_name(target))?;
        let anchors = target.replace(" href=", " title=");
        sh.write_file(page, sh.read_file(page)? + &anchors)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(keys: Value) -> Result<String> {
        let (cargo, rustdoc) = settings(&json!({"docs": {"rs": keys}}))?;
        Ok([cargo, rustdoc].concat().join(" "))
    }

    #[test]
    fn the_settings_of_docs_rs_are_arguments_and_unknown_ones_are_refused() {
        let keys = json!({
            "all-features": true, "no-default-features": false,
            "features": ["wind", "rain"], "rustdoc-args": ["-Z", "x"],
        });
        let arguments = "--all-features --features=wind,rain --cfg docsrs -Z x";
        assert_eq!(read(keys).unwrap(), arguments);
        assert_eq!(read(json!(null)).unwrap(), "--cfg docsrs");
        for (key, value) in [("targets", json!([])), ("features", json!([1]))] {
            assert!(read(json!({key: value})).is_err(), "{key}");
        }
    }
}
