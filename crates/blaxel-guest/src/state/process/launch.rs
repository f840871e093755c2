//! [`Launch`], the start of a program on the guest.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::record::Order;
use crate::errno::Errno;
use crate::files::join;
use crate::guest::Guest;
use crate::process::{Command, Process};

/// The server's surroundings that a program inherits.
#[derive(Clone)]
pub(super) struct Launch {
    pub(super) guest: Arc<dyn Guest>,
    /// The directory of the server, which relative paths start from.
    pub(super) working_dir: String,
    pub(super) env: BTreeMap<String, String>,
}

/// A reason why a program cannot be started. `Display` prints the message of the API.
#[derive(Debug)]
pub(crate) enum StartError {
    NoDirectory { command: String, path: String },
    Directory { path: String, errno: Errno },
    Spawn { shell: String, errno: Errno },
}

impl Launch {
    pub(super) async fn start(&self, order: &Order) -> Result<Process, StartError> {
        let working_dir = match order.working_dir.as_str() {
            "" => self.working_dir.clone(),
            path => {
                let absolute = match path.starts_with('/') {
                    true => path.to_owned(),
                    false => join(&self.working_dir, path),
                };
                self.check_directory(order, absolute).await?
            }
        };
        let variable = |name: &str| {
            let value = self.env.get(name).map(String::as_str);
            value.filter(|value| !value.is_empty())
        };
        let program = variable("SHELL").unwrap_or("sh").to_owned();
        let arguments = variable("SHELL_ARGS").unwrap_or("-c");
        let shell = std::iter::once(program.as_str()).chain(arguments.split_whitespace());
        let mut env = self.env.clone();
        env.extend(order.env.clone());
        let command = Command {
            shell: shell.map(str::to_owned).collect(),
            text: order.command.clone(),
            working_dir,
            env: env.into_iter().collect(),
            has_stdin: order.has_stdin,
            terminal: None,
        };
        let started = self.guest.spawn(command).await;
        started.map_err(|errno| StartError::Spawn {
            shell: program,
            errno,
        })
    }

    async fn check_directory(&self, order: &Order, path: String) -> Result<String, StartError> {
        let files = self.guest.files();
        let checked = path.clone();
        let found = if self.guest.is_blocking() {
            let work = tokio::task::spawn_blocking(move || files.metadata(&checked));
            work.await.unwrap_or(Err(Errno::Io))
        } else {
            files.metadata(&checked)
        };
        let given = order.working_dir.clone();
        match found {
            Ok(_) => Ok(path),
            Err(Errno::NotFound) => Err(StartError::NoDirectory {
                command: order.command.clone(),
                path: given,
            }),
            Err(errno) => Err(StartError::Directory { path: given, errno }),
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDirectory { command, path } => write!(
                f,
                "could not execute command '{command}' because folder '{path}' does not exist"
            ),
            Self::Directory { path, errno } => write!(
                f,
                "could not access working directory '{path}': stat {path}: {errno}"
            ),
            Self::Spawn { shell, errno } => write!(f, "fork/exec {shell}: {errno}"),
        }
    }
}
