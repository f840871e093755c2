//! `cargo xtask bench`: what calls, walks, reports and compiling cost, as tables in `BENCHMARKS.md`.

mod aims;
mod billing;
mod calls;
mod chat;
mod compile;
mod document;
mod figures;
mod table;
mod walk;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use figures::Figures;

const FILE: &str = "BENCHMARKS.md";

/// Runs the command with its arguments. `Ok` tells whether the figures were taken and written.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<bool, String> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (section, body) = match arguments.as_slice() {
        [] => ("bench", measure(root, &calls::SUITE)),
        ["walk"] => ("bench walk", measure(root, &walk::SUITE)),
        ["chat"] => ("bench chat", measure(root, &chat::SUITE)),
        ["billing"] => ("bench billing", measure(root, &billing::SUITE)),
        ["compile"] => ("bench compile", compile::measure(root)),
        [.., unknown] => {
            return Err(format!(
                "`bench` does not know `{unknown}`; it takes no argument, or `walk`, `billing`, `chat` or \
                 `compile`"
            ));
        }
    };
    let done = body.and_then(|body| write(&root.join(FILE), section, &body));
    match &done {
        Ok(()) => println!("{FILE} is up to date"),
        Err(problem) => println!("{FILE} is as it was: {problem}"),
    }
    Ok(done.is_ok())
}

/// Puts a new body into a section of the file, and shows it.
fn write(path: &Path, section: &str, body: &str) -> Result<(), String> {
    println!("\n{body}");
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let text = document::replace(&text, section, body)?;
    fs::write(path, text).map_err(|error| error.to_string())
}

/// Benchmarks whose figures make up a section.
struct Suite {
    benches: &'static [&'static str],
    /// The packages whose versions make a difference.
    packages: &'static [&'static str],
    /// The tables, from the figures of all benchmarks.
    render: fn(&Figures) -> String,
}

/// The tables of a suite, with what the figures were taken of.
fn measure(root: &Path, suite: &Suite) -> Result<String, String> {
    let benches = suite.benches.iter().map(|name| format!(" --bench {name}"));
    let arguments = format!("bench -p blaxel-tests{}", benches.collect::<String>());
    let mut cargo = crate::old::ci::cargo_in(root);
    let output = run(cargo.args(arguments.split(' ')))?;
    let figures = Figures::parse(&output)?;
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    let mut body = format!("`cargo {arguments}`, {}", document::machine());
    for package in suite.packages {
        let versions = document::versions(&lock, package);
        let _ = write!(body, ", {package} {}", versions.join(" and "));
    }
    let _ = write!(body, ".\n\n{}", (suite.render)(&figures));
    Ok(body)
}

/// What a command printed, or why there is nothing. What it says of its progress is shown.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err("the benchmark failed".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_argument_is_answered_with_the_known_ones() {
        let message = command(&crate::old::root(), &["fast".to_owned()]).unwrap_err();
        for word in ["`fast`", "`walk`", "`billing`", "`chat`", "`compile`"] {
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn the_file_has_all_sections() {
        let text = fs::read_to_string(crate::old::root().join(FILE)).unwrap();
        for section in [
            "bench",
            "bench walk",
            "bench billing",
            "bench chat",
            "bench compile",
        ] {
            assert!(document::replace(&text, section, "x").is_ok(), "{section}");
        }
    }
}
