//! `cargo xtask fuzz`: the decoders of streams on inputs made by chance, for as long as one likes.

use std::path::Path;

use crate::old::ci::cargo_in;
use crate::old::run::tell;

/// How many seconds each target gets unless told otherwise.
const SECONDS: u32 = 60;

/// Runs the command with its arguments. `Ok` tells whether no input was found that breaks a promise.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<bool, String> {
    let seconds = seconds(arguments)?;
    // The same targets as in the tests, which give them a second each; optimised, they get further.
    let mut cargo = cargo_in(root);
    cargo
        .args("test --release -p blaxel-inference --all-features --test fuzz".split(' '))
        .env("FUZZ_SECONDS", seconds.to_string());
    tell(&mut cargo, "`cargo test`")
}

fn seconds(arguments: &[String]) -> Result<u32, String> {
    match arguments {
        [] => Ok(SECONDS),
        [seconds] => match seconds.parse() {
            Ok(seconds) if seconds > 0 => Ok(seconds),
            _ => Err(format!("`fuzz` takes a number of seconds, not `{seconds}`")),
        },
        [_, second, ..] => Err(format!("`fuzz` does not know what to do with `{second}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_of_seconds_is_taken() {
        let read = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
            seconds(&arguments)
        };
        assert_eq!(read(&[]), Ok(60));
        assert_eq!(read(&["300"]), Ok(300));
        assert!(read(&["0"]).unwrap_err().contains("`0`"));
        assert!(read(&["long"]).unwrap_err().contains("`long`"));
        assert!(read(&["1", "2"]).unwrap_err().contains("`2`"));
    }
}
