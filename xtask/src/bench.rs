//! `cargo xtask bench`: what calls cost, and what compiling costs, as tables in `BENCHMARKS.md`.

mod aims;
mod compile;
mod document;
mod figures;
mod table;

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
        [] => ("bench", calls(root)),
        ["compile"] => ("bench compile", compile::measure(root)),
        [.., unknown] => {
            return Err(format!(
                "`bench` does not know `{unknown}`; it takes no argument, or `compile`"
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

/// The tables of what calls cost.
fn calls(root: &Path) -> Result<String, String> {
    let arguments = "bench -p blaxel-tests --bench transport --bench memory";
    let mut cargo = crate::ci::cargo_in(root);
    let output = run(cargo.args(arguments.split(' ')))?;
    let figures = Figures::parse(&output)?;
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    let mut body = format!("`cargo {arguments}`, {}", document::machine());
    for package in ["hyper-util", "reqwest", "tokio"] {
        let versions = document::versions(&lock, package);
        let _ = write!(body, ", {package} {}", versions.join(" and "));
    }
    let _ = write!(
        body,
        ".\n\n{}\n{}",
        table::render(&figures),
        aims::render(&figures)
    );
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
        let message = command(&crate::root(), &["fast".to_owned()]).unwrap_err();
        assert!(message.contains("`fast`") && message.contains("`compile`"));
    }

    #[test]
    fn the_file_has_both_sections() {
        let text = fs::read_to_string(crate::root().join(FILE)).unwrap();
        for section in ["bench", "bench compile"] {
            assert!(document::replace(&text, section, "x").is_ok(), "{section}");
        }
    }
}
