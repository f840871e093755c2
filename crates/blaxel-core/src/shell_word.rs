//! Words of a POSIX shell.

use std::borrow::Cow;

/// Words that the grammar of a shell gives a meaning, unless they are quoted.
const RESERVED: &[&str] = &[
    "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in",
    "select", "then", "time", "until", "while",
];

/// Returns a word that a POSIX shell reads as `argument`, whatever it contains. A NUL byte cannot be passed to
/// a program, so callers have to refuse it.
#[must_use]
pub fn quote(argument: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&byte);
    if !argument.is_empty() && argument.bytes().all(is_plain) && !RESERVED.contains(&argument) {
        return Cow::Borrowed(argument);
    }
    Cow::Owned(format!("'{}'", argument.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_shell_reads_the_argument_back(
            argument in "([ -~]|[\n\t'\"$`\\\\!*é\u{1F600}\u{7f}\r]|\\PC){0,12}"
        ) {
            let argument = argument.replace('\0', "");
            let line = format!("printf %s {}", quote(&argument));
            let output = Command::new("sh").arg("-c").arg(line).output().unwrap();
            prop_assert_eq!(output.stdout, argument.into_bytes());
        }
    }

    #[test]
    fn keywords_of_the_shell_are_quoted() {
        for word in RESERVED {
            let checked = Command::new("sh").args(["-n", "-c", &quote(word)]).status();
            assert!(checked.unwrap().success(), "{word} is a syntax error");
        }
    }
}
