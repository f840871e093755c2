//! The tool that runs the program `rg`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::{Outcome, read};
use crate::guest::Guest;
use crate::process::{Command, ExitStatus, Process, Stream};
use crate::state::State;

/// The largest output of the program: 64 MiB.
const OUTPUT: usize = 64 << 20;
/// The status of a shell that does not find a program.
const NOT_FOUND: i32 = 127;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    query: String,
    case_sensitive: Option<bool>,
    include_pattern: Option<String>,
    exclude_pattern: Option<String>,
}

pub(super) async fn search(state: &State, arguments: Value) -> Outcome {
    let text = text(&read(arguments)?);
    let command = Command {
        shell: vec!["sh".to_owned(), "-c".to_owned()],
        text,
        working_dir: state.working_dir.clone(),
        env: state.variables().into_iter().collect(),
        ..Command::default()
    };
    let failed = |problem: String| Err(format!("grep search failed: {problem}").into());
    match run(&state.guest, command).await {
        Ok((ExitStatus::Code(0), output)) => {
            let results = String::from_utf8_lossy(&output);
            Ok(json!({"success": true, "results": results}))
        }
        Ok((ExitStatus::Code(NOT_FOUND), _)) => {
            failed("exec: \"rg\": executable file not found in $PATH".to_owned())
        }
        // The program also fails if nothing matches.
        Ok((ExitStatus::Code(code), _)) => failed(format!("exit status {code}")),
        Ok((ExitStatus::Signal(signal), _)) => failed(format!("signal: {signal}")),
        Err(problem) => failed(problem),
    }
}

/// Returns the command as a shell reads it.
fn text(arguments: &Arguments) -> String {
    let mut words = vec!["rg".to_owned(), "--json".to_owned()];
    if !arguments.case_sensitive.unwrap_or_default() {
        words.push("-i".to_owned());
    }
    let patterns = [
        (&arguments.include_pattern, ""),
        (&arguments.exclude_pattern, "!"),
    ];
    for (pattern, prefix) in patterns {
        if let Some(pattern) = pattern.as_deref().filter(|pattern| !pattern.is_empty()) {
            words.extend(["-g".to_owned(), quoted(&format!("{prefix}{pattern}"))]);
        }
    }
    words.push(quoted(&arguments.query));
    words.join(" ")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Runs a program to its end. Returns its status and its standard output.
async fn run(guest: &Arc<dyn Guest>, command: Command) -> Result<(ExitStatus, Vec<u8>), String> {
    let started = guest.spawn(command).await;
    let Process {
        mut output,
        mut exit,
        mut run,
        control: _control,
        ..
    } = started.map_err(|errno| errno.to_string())?;
    let (mut bytes, mut is_open, mut is_running) = (Vec::new(), true, true);
    let status = loop {
        tokio::select! {
            status = &mut exit => break status,
            chunk = output.recv(), if is_open => match chunk {
                Some(chunk) if chunk.stream == Stream::Stdout => bytes.extend_from_slice(&chunk.bytes),
                Some(_) => {}
                None => is_open = false,
            },
            () = &mut run, if is_running => is_running = false,
        }
        if bytes.len() > OUTPUT {
            return Err("the output is too large".to_owned());
        }
    };
    while let Ok(chunk) = output.try_recv() {
        if chunk.stream == Stream::Stdout {
            bytes.extend_from_slice(&chunk.bytes);
        }
    }
    let status = status.map_err(|_| "the program has vanished".to_owned())?;
    Ok((status, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_arguments_as_they_are() {
        let arguments = Arguments {
            query: "it's $x".to_owned(),
            case_sensitive: None,
            include_pattern: Some("*.rs".to_owned()),
            exclude_pattern: Some("a b".to_owned()),
        };
        let expected = r"rg --json -i -g '*.rs' -g '!a b' 'it'\''s $x'";
        assert_eq!(text(&arguments), expected);
    }
}
