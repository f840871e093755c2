//! Quoting of arguments for a POSIX shell, which the server runs every command with.

use blaxel_core::__private::quote;
use blaxel_core::{Error, Source};

/// Returns the command line of a program and its arguments.
pub(super) fn command_line(program: &str, arguments: &[String]) -> Result<String, Error> {
    if program.is_empty() {
        return Err(Error::input("program", &Source::Code, "it is empty"));
    }
    refuse_nul("program", program)?;
    let mut line = quote(program).into_owned();
    for argument in arguments {
        refuse_nul("argument", argument)?;
        line.push(' ');
        line.push_str(&quote(argument));
    }
    Ok(line)
}

/// Refuses a text with a NUL byte, at which the system ends every argument and variable.
pub(super) fn refuse_nul(what: &str, text: &str) -> Result<(), Error> {
    if text.contains('\0') {
        return Err(Error::input(what, &Source::Code, "it contains a NUL byte"));
    }
    Ok(())
}

/// Checks an environment variable.
pub(super) fn check_variable(name: &str, value: &str) -> Result<(), Error> {
    if name.is_empty() || name.contains('=') {
        let problem = "it is empty or contains `=`";
        return Err(Error::input("environment variable", &Source::Code, problem));
    }
    refuse_nul("environment variable", name)?;
    refuse_nul("value of an environment variable", value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    /// Returns the arguments that a shell passes on, each ended by a NUL byte.
    fn by_shell(words: &[String]) -> Vec<u8> {
        let line = command_line(
            "printf",
            &[vec![r"%s\0".to_owned()], words.to_vec()].concat(),
        );
        let output = Command::new("sh").arg("-c").arg(line.unwrap()).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_shell_reads_the_arguments_back(
            words in prop::collection::vec("([ -~]|[\n\t'\"$`\\\\!*é\u{1F600}\u{7f}\r]|\\PC){0,12}", 1..6)
        ) {
            let words: Vec<String> = words.iter().map(|word| word.replace('\0', "")).collect();
            let expected: Vec<u8> = words.iter().flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
            prop_assert_eq!(by_shell(&words), expected);
        }
    }

    #[test]
    fn plain_words_stay_readable() {
        let arguments = ["test", "--all", "-p=x", "a b", "it's", ""].map(str::to_owned);
        assert_eq!(
            command_line("/usr/bin/cargo", &arguments).unwrap(),
            r"/usr/bin/cargo test --all '-p=x' 'a b' 'it'\''s' ''"
        );
    }

    #[test]
    fn a_program_is_never_an_assignment_or_a_keyword() {
        assert_eq!(command_line("A=1", &[]).unwrap(), "'A=1'");
        assert_eq!(command_line("if", &[]).unwrap(), "'if'");
    }

    #[test]
    fn what_the_system_cannot_pass_is_refused() {
        assert!(command_line("", &[]).unwrap_err().is_input());
        assert!(command_line("a\0", &[]).unwrap_err().is_input());
        let nul = ["a\0b".to_owned()];
        assert!(command_line("echo", &nul).unwrap_err().is_input());
        for (name, value) in [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "x\0")] {
            assert!(check_variable(name, value).unwrap_err().is_input());
        }
        check_variable("A", "x=y\n").unwrap();
    }
}
