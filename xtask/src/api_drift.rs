//! `cargo xtask api-drift`: how the platform's OpenAPI document differs from the emulator's.
//!
//! Both documents are read by the same parser and compared: operations by name, method, path, query
//! parameters and the schemas of their bodies; schemas by their members, which of these are required,
//! their types, and the values of closed lists. What differs on purpose is explained in a list. That the
//! facade agrees with the emulator's document is what `tests/tests/management` proves.
//!
//! The document of a sandbox's API is compared in the same way with the list of operations that the tests of
//! `blaxel-sandbox` compare the crate with.

mod compare;
mod model;
mod read;
mod sandbox;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use model::{Document, Finding};
use xshell::{Shell, cmd};

use crate::emulator;

/// The differences that are meant.
const LIST: &str = "crates/blaxel-management/api-drift.txt";

/// The operations of a sandbox's API, and the differences that are meant.
const SANDBOX: &str = "crates/blaxel-sandbox/tests/operations.txt";
const SANDBOX_LIST: &str = "crates/blaxel-sandbox/api-drift.txt";

/// Compares the document in a file with the emulator's, and prints each difference that the list does
/// not explain and each line of the list that explains nothing.
pub(crate) fn run(sh: &Shell, spec: &Path) -> Result<()> {
    let theirs = file(spec)?;
    let program = emulator::program(sh)?;
    let text = cmd!(sh, "{program} --openapi").quiet().read()?;
    let ours = read::document(&text).context("the emulator's document")?;
    let sources = "the emulator's `src/openapi/*.txt` and the facade";
    report(sh, &theirs, &ours, LIST, sources)
}

/// Compares the document of a sandbox's API in a file with the list of its operations, as [`run`] does.
pub(crate) fn run_sandbox(sh: &Shell, spec: &Path) -> Result<()> {
    let theirs = file(spec)?;
    let ours = sandbox::document(&sh.read_file(SANDBOX)?).context(SANDBOX)?;
    report(sh, &theirs, &ours, SANDBOX_LIST, SANDBOX)
}

fn file(spec: &Path) -> Result<Document> {
    let text = fs::read_to_string(spec).with_context(|| format!("read {}", spec.display()))?;
    read::document(&text).with_context(|| spec.display().to_string())
}

/// Prints the differences that `list` does not explain, and its lines that explain nothing.
fn report(sh: &Shell, theirs: &Document, ours: &Document, list: &str, sources: &str) -> Result<()> {
    let allowed = allowed(list, &sh.read_file(list)?)?;
    let findings = compare::compare(theirs, ours);
    let (meant, new): (Vec<_>, Vec<_>) = findings.iter().partition(|it| allowed.contains(&it.key));
    let stale: Vec<_> = stale(&allowed, &findings).collect();
    new.iter().for_each(|finding| println!("{finding}"));
    for key in &stale {
        println!("{key}: {list} explains it, but it is no difference");
    }
    ensure!(
        new.is_empty() && stale.is_empty(),
        "{} differences are unexplained, and {} explanations unneeded: correct {sources}, or explain the \
         differences in {list}",
        new.len(),
        stale.len()
    );
    let (operations, schemas) = (theirs.operations.len(), theirs.schemas.len());
    println!(
        "{operations} operations and {schemas} schemas agree but for {} explained differences",
        meant.len()
    );
    Ok(())
}

/// Reads the list of what is meant: `member Region.allowed type = "reason"` on each line, empty lines, and
/// comments that begin with `#`.
fn allowed(list: &str, text: &str) -> Result<BTreeSet<String>> {
    let mut keys = BTreeSet::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = line.split_once(" = \"").and_then(|(key, reason)| {
            let reason = reason.strip_suffix('"')?;
            (!reason.trim().is_empty()).then_some(key.trim())
        });
        let Some(key) = entry else {
            bail!("{list}:{number}: the line is not `member Region.allowed type = \"reason\"`");
        };
        ensure!(
            keys.insert(key.to_owned()),
            "{list}:{number}: `{key}` is explained twice"
        );
    }
    Ok(keys)
}

/// Returns the explained differences that do not exist.
fn stale<'a>(
    allowed: &'a BTreeSet<String>,
    findings: &BTreeSet<Finding>,
) -> impl Iterator<Item = &'a String> {
    let found: BTreeSet<&String> = findings.iter().map(|finding| &finding.key).collect();
    allowed.iter().filter(move |key| !found.contains(key))
}
