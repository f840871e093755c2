//! `npm run`: the scripts of a `package.json`.

use serde_json::{Map, Value};

use super::Done;
use crate::files::{Files as _, join};
use crate::shell::Shell;

pub(super) async fn npm(shell: &mut Shell, arguments: &[String]) -> Done {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (name, rest) = match words.as_slice() {
        ["run" | "run-script" | "rum" | "urn", name, rest @ ..] => (*name, rest),
        ["start" | "test" | "stop" | "restart", rest @ ..] => (words[0], rest),
        ["t" | "tst", rest @ ..] => ("test", rest),
        _ => {
            let message = "this machine has no npm except for the scripts of a package; \
                           describe the command with a script";
            shell.report_of("npm", message).await;
            return Err(1);
        }
    };
    let Some((directory, package)) = package(shell) else {
        let path = join(&shell.directory, "package.json");
        let text = format!(
            "npm error code ENOENT\nnpm error syscall open\nnpm error path {path}\nnpm error errno -2\n\
             npm error enoent Could not read package.json: Error: ENOENT: no such file or directory, open '{path}'\n"
        );
        shell.files.warn(text).await;
        return Err(254);
    };
    let scripts = package.get("scripts").and_then(Value::as_object);
    let script = scripts.and_then(|scripts| scripts.get(name)?.as_str());
    let Some(script) = script else {
        let text = format!("npm error Missing script: \"{name}\"\n");
        shell.files.warn(text).await;
        return Err(1);
    };
    let rest = match rest {
        ["--", rest @ ..] => rest,
        rest => rest,
    };
    let command = rest.iter().fold(script.to_owned(), |command, word| {
        format!("{command} {}", shell_word(word))
    });
    let text = |member: &str| package.get(member).and_then(Value::as_str);
    let title = match (text("name"), text("version")) {
        (Some(package), Some(version)) => format!("{package}@{version} "),
        (Some(package), None) => format!("{package} "),
        _ => String::new(),
    };
    let head = format!("\n> {title}{name}\n> {command}\n\n");
    shell.write_of("npm", head).await?;
    let path = shell.variables.get("PATH").unwrap_or("/usr/bin:/bin");
    let path = format!("{directory}/node_modules/.bin:{path}");
    shell.variables.import("PATH", &path);
    shell.variables.import("npm_lifecycle_event", name);
    shell.directory = directory;
    let words = ["sh", "-c", &command].map(str::to_owned);
    Ok(shell.run_words("npm", &words).await)
}

/// Returns the closest directory with a `package.json`, from the working directory upwards, and what
/// is in that file.
fn package(shell: &Shell) -> Option<(String, Map<String, Value>)> {
    let mut directory = shell.directory.as_str();
    loop {
        let read = shell.disk.read(&join(directory, "package.json"));
        if let Ok(Ok(Value::Object(package))) = read.map(|text| serde_json::from_slice(&text)) {
            return Some((directory.to_owned(), package));
        }
        directory = match directory.rsplit_once('/')? {
            ("", "") => return None,
            ("", _) => "/",
            (parent, _) => parent,
        };
    }
}

/// Returns a word as a shell reads it.
fn shell_word(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:@%+,".contains(&byte);
    match !word.is_empty() && word.bytes().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
