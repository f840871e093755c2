//! The start of the program of a context.

use std::sync::Arc;

use crate::files::FileKind;
use crate::process::{Command, Process};
use crate::router::call::Call;
use crate::router::delete::kind;
use crate::router::respond::Refusal;
use crate::state::{Context, Contexts, State};

/// Creates a context. Returns a sentence about the problem.
pub(super) async fn create(
    state: &State,
    contexts: &Contexts,
    language: &str,
    cwd: &str,
) -> Result<Arc<Context>, String> {
    let started = launch(state, language, cwd).await;
    let process = started.map_err(|problem| format!("Failed to create context: {problem}"))?;
    Ok(contexts.add(language, cwd, process))
}

/// Starts the program for a language in a directory, or in that of the server if there is no such
/// directory. Returns a sentence about the problem.
pub(super) async fn launch(state: &State, language: &str, cwd: &str) -> Result<Process, String> {
    let program = match language {
        "typescript" => "javascript",
        language => language,
    };
    let command = state.guest.interpreter(program);
    let command = command.ok_or_else(|| format!("there is no kernel for {program:?}"))?;
    let path = cwd.to_owned();
    let found = Call::with_files(state, move |files| {
        kind(files, &path).map_err(Refusal::unprocessable)
    });
    let is_there = matches!(found.await, Ok(Some(FileKind::Directory)));
    let working_dir = if is_there { cwd } else { &state.working_dir };
    let command = Command {
        working_dir: working_dir.to_owned(),
        env: state.variables().into_iter().collect(),
        has_stdin: true,
        ..command
    };
    let started = state.guest.spawn(command).await;
    started.map_err(|errno| format!("the kernel for {program:?} cannot be started: {errno}"))
}
