//! `cargo xtask bench`: measures, and writes the tables into the sections of BENCHMARKS.md.

mod compile;
mod figures;
mod suite;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use self::{figures::Figures, suite::Suite};
use crate::runtime::{NODE, PYTHON};
use crate::shell::cargo;

const FILE: &str = "BENCHMARKS.md";
const SUITES: &str = include_str!("bench/suites.toml");

/// A section of BENCHMARKS.md.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum Section {
    #[default]
    Calls,
    Budget,
    Walk,
    Billing,
    Chat,
    Sandbox,
    Emulator,
    Compare,
    Guests,
    Compile,
}

/// Measures a section, prints it, and writes it into the file.
pub(crate) fn run(sh: &Shell, section: Section) -> Result<()> {
    let name = format!("{section:?}").to_lowercase();
    let written = measure(sh, &name).and_then(|body| {
        println!("\n{body}");
        let text = replaced(&sh.read_file(FILE)?, &name, &body)?;
        Ok(sh.write_file(FILE, text)?)
    });
    written.with_context(|| format!("{FILE} is unchanged"))?;
    println!("{FILE} is up to date");
    Ok(())
}

fn measure(sh: &Shell, name: &str) -> Result<String> {
    let suites: BTreeMap<String, Suite> = toml_edit::de::from_str(SUITES)?;
    let suite = suites.get(name).context("it has no suite")?;
    if !suite.users.is_empty() {
        return compile::measure(sh, &suite.users);
    }
    for project in &suite.projects {
        let runtime = if project == "python" { &PYTHON } else { &NODE };
        runtime.installed(project)?;
    }
    let benches = suite.benches.join(" --bench ");
    let arguments = format!("bench -p blaxel-tests --bench {benches}");
    let figures = Figures::parse(&cargo(sh, &arguments).quiet().read()?)?;
    let versions = versions(&sh.read_file("Cargo.lock")?, &suite.packages)?;
    let title = format!("`cargo {arguments}`, {}{versions}", machine(sh)?);
    Ok(title + ".\n\n" + &suite.render(&figures)?)
}

/// Returns the text with another body between the markers of a section.
fn replaced(text: &str, name: &str, body: &str) -> Result<String> {
    let command = format!("cargo xtask bench {name}").replace(" calls", "");
    let begin = format!("<!-- {command}: begin -->");
    let end = format!("<!-- {command}: end -->");
    let edges = text.replace(&begin, &end);
    if let [before, old, after] = edges.split(&end).collect::<Vec<_>>()[..]
        && text == format!("{before}{begin}{old}{end}{after}")
    {
        let body = body.trim();
        return Ok(format!("{before}{begin}\n\n{body}\n\n{end}{after}"));
    }
    bail!("it must have one `{begin}` and, below it, one `{end}`")
}

/// Returns what influences figures: processors, platform and compiler.
fn machine(sh: &Shell) -> Result<String> {
    let cores = std::thread::available_parallelism()?.get();
    let plural = if cores == 1 { "" } else { "s" };
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let compiler = cmd!(sh, "rustc --version").quiet().read()?;
    // Without the commit and its date.
    let compiler = compiler.split(" (").next().unwrap_or_default();
    Ok(format!("{cores} core{plural}, {os} {arch}, {compiler}"))
}

/// Returns the versions of packages in a lock file.
fn versions(lock: &str, packages: &[String]) -> Result<String> {
    let mut text = String::new();
    for package in packages {
        let start = format!("name = \"{package}\"\nversion = \"");
        let rests = lock.split(&start).skip(1);
        let versions: Vec<&str> = rests.filter_map(|rest| rest.split('"').next()).collect();
        ensure!(!versions.is_empty(), "Cargo.lock has no `{package}`");
        text += &format!(", {package} {}", versions.join(" and "));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_between_one_pair_of_markers_changes() {
        let begin = "<!-- cargo xtask bench: begin -->";
        let end = "<!-- cargo xtask bench: end -->";
        let text = format!("a\n{begin}\nold\n{end}\nb\n");
        let new = replaced(&text, "calls", "new\n").unwrap();
        assert_eq!(new, format!("a\n{begin}\n\nnew\n\n{end}\nb\n"));
        assert_eq!(replaced(&new, "calls", "new\n").unwrap(), new);
        for (from, to) in [("old", begin), ("old", end), (begin, ""), (end, "")] {
            let error = replaced(&text.replace(from, to), "calls", "").unwrap_err();
            assert!(
                format!("{error}").contains(&format!("one `{end}`")),
                "{error}"
            );
        }
        assert!(replaced(&format!("{end}{begin}"), "calls", "").is_err());
    }

    #[test]
    fn each_suite_has_its_section_and_known_packages() {
        let sh = crate::shell::at_root().unwrap();
        let lock = sh.read_file("Cargo.lock").unwrap();
        let suites: BTreeMap<String, Suite> = toml_edit::de::from_str(SUITES).unwrap();
        for section in <Section as clap::ValueEnum>::value_variants() {
            let name = format!("{section:?}").to_lowercase();
            replaced(&sh.read_file(FILE).unwrap(), &name, "x").unwrap();
            versions(&lock, &suites[&name].packages).unwrap();
        }
        let lock = "name = \"a\"\nversion = \"1\"\n".repeat(2);
        assert_eq!(versions(&lock, &["a".into()]).unwrap(), ", a 1 and 1");
        assert!(versions(&lock, &["b".into()]).is_err());
    }
}
