//! Programs that are run to their end, for what they print or for what they do.

use std::process::{Command, Stdio};

/// What a program prints that is asked something. If it fails, the error has what it said of that;
/// `what` names it there.
pub(crate) fn ask(command: &mut Command, what: &str) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{what} does not start: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{what} fails: {}", said.trim()))
}

/// Has a program do something, with its output where ours goes, and returns whether it succeeded.
pub(crate) fn tell(command: &mut Command, what: &str) -> Result<bool, String> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("{what} does not start: {error}"))?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let nobody = || Command::new("no-such-program-is-here");
        let error = ask(&mut nobody(), "the abacus").unwrap_err();
        assert!(error.starts_with("the abacus does not start: "), "{error}");
        assert_eq!(tell(&mut nobody(), "the abacus").unwrap_err(), error);
    }

    #[test]
    fn a_program_that_fails_is_heard() {
        let mut cargo = crate::old::ci::cargo_in(&crate::old::root());
        cargo.arg("bake");
        let error = ask(&mut cargo, "`cargo bake`").unwrap_err();
        assert!(
            error.starts_with("`cargo bake` fails: error: no such"),
            "{error}"
        );
    }

    #[test]
    fn a_program_that_succeeds_is_taken_at_its_word() {
        let mut cargo = crate::old::ci::cargo_in(&crate::old::root());
        cargo.arg("--version");
        assert!(ask(&mut cargo, "cargo").unwrap().starts_with("cargo 1."));
        assert_eq!(tell(cargo.stdout(Stdio::null()), "cargo"), Ok(true));
    }
}
