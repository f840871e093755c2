//! The lines of a Dockerfile, each with one instruction.

use blaxel_core::{Error, Source};

use super::destination::Destination;
use super::template::Template;

/// Maximum number of bytes of a line. Builders refuse a longer one.
const MAX_LINE: usize = 65_535;

/// The shell of commands, unless the definition sets another one.
pub(super) const DEFAULT_SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// Returns an instruction after checking that it is a line that builders read.
pub(super) fn line(instruction: &str, arguments: &str) -> Result<String, Error> {
    let line = format!("{instruction} {arguments}");
    if line.len() > MAX_LINE {
        let length = line.len();
        let problem = format!(
            "it is a line of {length} bytes, and builders read at most {MAX_LINE}; copy a file instead"
        );
        return Err(Error::input(instruction, &Source::Code, problem));
    }
    Ok(line)
}

/// Returns an instruction whose arguments are a JSON array.
pub(super) fn exec_line<T: AsRef<str>>(
    instruction: &str,
    arguments: &[T],
) -> Result<String, Error> {
    line(instruction, &json_array(instruction, arguments)?)
}

/// Returns a JSON array of strings.
pub(super) fn json_array<T: AsRef<str>>(what: &str, items: &[T]) -> Result<String, Error> {
    for item in items {
        refuse_nul(what, item.as_ref())?;
    }
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    serde_json::to_string(&items).map_err(|problem| Error::input(what, &Source::Code, problem))
}

/// Returns the instruction that runs a command with the shell.
///
/// A command that would not reach the shell unchanged is written as the arguments of the shell: one of several
/// lines, one that the builder takes for a here-document, an option or an array, and one that ends in the escape
/// character.
pub(super) fn run_line<T: AsRef<str>>(command: &str, shell: &[T]) -> Result<String, Error> {
    if command.trim().is_empty() {
        return Err(Error::input("command", &Source::Code, "it is empty"));
    }
    refuse_nul("command", command)?;
    let is_safe = command == command.trim()
        && !command.contains(['\n', '\r'])
        && !command.contains("<<")
        && !command.starts_with('[')
        && !command.starts_with("--")
        && !command.ends_with('\\');
    if is_safe {
        return line("RUN", command);
    }
    let mut arguments: Vec<&str> = shell.iter().map(AsRef::as_ref).collect();
    arguments.push(command);
    exec_line("RUN", &arguments)
}

/// Returns an instruction of the form `NAME="value"`.
pub(super) fn pair_line(
    instruction: &str,
    what: &str,
    name: &str,
    value: &Template,
) -> Result<String, Error> {
    let word = value.word(&format!("value of {what} `{name}`"))?;
    line(instruction, &format!("{name}={word}"))
}

/// Returns an instruction that copies one source to a destination.
pub(super) fn copy_line(
    from: Option<&str>,
    source: &str,
    destination: &Destination,
) -> Result<String, Error> {
    let source = word("source of a copy", &Template::from(source))?;
    let path = word("destination of a copy", &destination.path)?;
    let paths = json_array("copy", &[source, path])?;
    let options = destination.options()?;
    match from {
        Some(image) => line("COPY", &format!("--from={image} {options}{paths}")),
        None => line("COPY", &format!("{options}{paths}")),
    }
}

/// Returns a text that must not be empty as a single word.
pub(super) fn word(what: &str, text: &Template) -> Result<String, Error> {
    if text.literal().is_some_and(|text| text.trim().is_empty()) {
        return Err(Error::input(what, &Source::Code, "it is empty"));
    }
    text.word(what)
}

/// Checks a reference of an image, such as `ghcr.io/astral-sh/uv:0.9`.
pub(super) fn check_image(reference: &str) -> Result<(), Error> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte);
    let starts_well = reference.starts_with(|first: char| first.is_ascii_alphanumeric());
    if starts_well && reference.bytes().all(is_part) {
        return Ok(());
    }
    let problem = format!("`{reference}` is not a reference such as `python:3.12-slim`");
    Err(Error::input("image", &Source::Code, problem))
}

/// Checks the name of an environment variable or a label.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), Error> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if starts_well && name.bytes().all(is_part) {
        return Ok(());
    }
    let problem = format!(
        "`{name}` is not a name of ASCII letters, digits, `_`, `-`, `.` and `/` that begins with a letter"
    );
    Err(Error::input(what, &Source::Code, problem))
}

/// Refuses a text with a NUL byte, at which the system ends every argument.
pub(super) fn refuse_nul(what: &str, text: &str) -> Result<(), Error> {
    if text.contains('\0') {
        return Err(Error::input(what, &Source::Code, "it contains a NUL byte"));
    }
    Ok(())
}
