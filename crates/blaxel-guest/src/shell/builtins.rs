//! The commands that are part of the shell.

mod control;
mod directory;
mod jobs;
mod print;
mod read;
mod test;
mod trap;
mod variables;

use super::syntax::Dialect;
use super::{Boxed, Run, Shell};

impl Shell {
    /// Runs a builtin.
    pub(super) fn builtin<'a>(&'a mut self, words: &'a [String]) -> Boxed<'a, Run> {
        Box::pin(async move {
            let Some((name, arguments)) = words.split_first() else {
                return Ok(0);
            };
            self.descend().await?;
            let end = self.builtin_by_name(name, arguments).await;
            self.depth -= 1;
            end
        })
    }

    fn builtin_by_name<'a>(&'a mut self, name: &'a str, arguments: &'a [String]) -> Boxed<'a, Run> {
        Box::pin(async move {
            match name {
                ":" | "true" | "alias" | "unalias" | "hash" | "times" | "shopt" | "disown" => Ok(0),
                "false" => Ok(1),
                "." | "source" => Box::pin(self.dot(name, arguments)).await,
                "break" | "continue" => Box::pin(self.jump(name, arguments)).await,
                "exit" | "return" => Box::pin(self.leave_with(name, arguments)).await,
                "eval" => self.source(&arguments.join(" ")).await,
                "exec" => Box::pin(self.exec(arguments)).await,
                "shift" => Box::pin(self.shift(arguments)).await,
                "command" => Box::pin(self.command_builtin(arguments)).await,
                "type" => Box::pin(self.type_builtin(arguments)).await,
                "getopts" => Box::pin(self.getopts(arguments)).await,
                "let" => Box::pin(self.let_builtin(arguments)).await,
                "export" | "readonly" => Box::pin(self.export(name, arguments)).await,
                "set" => Box::pin(self.set_builtin(arguments)).await,
                "unset" => Box::pin(self.unset(arguments)).await,
                "local" | "declare" | "typeset" => Box::pin(self.local(name, arguments)).await,
                "umask" => Box::pin(self.umask_builtin(arguments)).await,
                "ulimit" => self.print_status("unlimited\n").await,
                "cd" => Box::pin(self.cd(arguments)).await,
                "pwd" => {
                    let line = format!("{}\n", self.directory);
                    self.print_status(&line).await
                }
                "echo" => Box::pin(self.echo(arguments)).await,
                "printf" => Box::pin(self.printf(arguments)).await,
                "read" => Box::pin(self.read(arguments)).await,
                "test" | "[" => Box::pin(self.test(name, arguments)).await,
                "trap" => Box::pin(self.trap(arguments)).await,
                "wait" => Box::pin(self.wait(arguments)).await,
                "jobs" => Box::pin(self.list_jobs()).await,
                "kill" => Box::pin(self.kill(arguments)).await,
                _ => Ok(127),
            }
        })
    }

    /// Writes to standard output, and returns the status of a builtin that did only this.
    pub(super) async fn print_status(&mut self, text: &str) -> Run {
        match self.files.print(text).await {
            Ok(()) => Ok(0),
            // As a shell that `SIGPIPE` ends.
            Err(crate::errno::Errno::BrokenPipe) => Err(super::Stop::Exit(141)),
            Err(_) => {
                self.complain("I/O error").await;
                Ok(1)
            }
        }
    }

    /// Reports an error of a builtin, and returns its status.
    pub(super) async fn refuse(&mut self, message: &str, status: i32) -> Run {
        self.complain(message).await;
        Ok(status)
    }

    /// Reports an error of a special builtin, which ends a shell that is not interactive.
    pub(super) async fn refuse_special(&mut self, message: &str, status: i32) -> Run {
        self.complain(message).await;
        match self.dialect {
            Dialect::Dash if !self.is_interactive => Err(super::Stop::Exit(status)),
            _ => Ok(status),
        }
    }
}
