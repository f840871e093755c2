//! A shell in a terminal: the line discipline and the prompt.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::io::Io;
use super::parser::Parser;
use super::{Shell, Stop};
use crate::kernel::is_harmless;

/// The bytes of a line.
const LINE: usize = 64 << 10;
/// The lines that wait for a program.
const LINES: usize = 16;
const SIGINT: i32 = 2;

impl Shell {
    /// Runs commands from the terminal until its end.
    pub(super) async fn interactive(&mut self) -> i32 {
        let keys = self.files.stdin();
        let (lines, input) = mpsc::channel(LINES);
        self.files.set(0, Io::reader(input));
        self.group.set_action(SIGINT, true, false);
        let screen = self.files.get(1).cloned().unwrap_or(Io::Null);
        let group = std::sync::Arc::clone(&self.group);
        let discipline = async {
            read_keys(&keys, &screen, lines, || group.signal(SIGINT)).await;
            // The shell sees the end of its input.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            status = self.prompt_loop() => status,
            () = discipline => 0,
        }
    }

    async fn prompt_loop(&mut self) -> i32 {
        let mut status = 0;
        loop {
            let prompt = match self.variables.get("PS1") {
                Some(prompt) => prompt.to_owned(),
                None if self.disk.user().0 == 0 => "# ".to_owned(),
                None => "$ ".to_owned(),
            };
            if self.files.print(prompt).await.is_err() {
                return status;
            }
            let Some(text) = self.read_command().await else {
                return status;
            };
            self.status = status;
            let end = match self.run_traps().await {
                Ok(()) => self.source(&text).await,
                Err(stop) => Err(stop),
            };
            let is_jump = std::mem::take(&mut self.goes_to_prompt);
            status = match end {
                Ok(status) => status,
                Err(Stop::Exit(status)) if is_jump => status,
                Err(stop) => return self.finish(Err(stop)).await,
            };
        }
    }

    /// Reads lines until they are whole commands. Returns `None` at the end of the input.
    async fn read_command(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            let mut raised = self.raised.clone();
            let stdin = self.files.stdin();
            let mut reading = std::pin::pin!(stdin.read_line(LINE));
            let line = loop {
                tokio::select! {
                    line = &mut reading => break line.ok()?,
                    Ok(()) = raised.changed() => {
                        // The action of a harmless signal follows the line.
                        if !is_harmless(raised.borrow().1) {
                            // An interrupt at the prompt starts a new line.
                            self.raised.mark_unchanged();
                            return Some(String::new());
                        }
                    }
                }
            };
            if line.is_empty() {
                return None;
            }
            text.push_str(&String::from_utf8_lossy(&line));
            if text.len() > LINE || !self.is_incomplete(&text) {
                return Some(text);
            }
            self.files.print("> ").await.ok()?;
        }
    }

    /// Returns `true` if a program ends within a command.
    fn is_incomplete(&self, text: &str) -> bool {
        let mut parser = Parser::new(text, self.dialect);
        loop {
            match parser.next_line() {
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(error) => {
                    let message = &error.message;
                    return message.contains("end of file")
                        || message.contains("Unterminated")
                        || message.contains("EOF");
                }
            }
        }
    }
}

/// Reads keys, shows them, and passes on whole lines.
async fn read_keys(keys: &Io, screen: &Io, lines: mpsc::Sender<Bytes>, interrupt: impl Fn()) {
    let mut line = String::new();
    // A character may be divided between two reads.
    let mut pending = Vec::new();
    loop {
        let bytes = keys.read().await.unwrap_or_default();
        if bytes.is_empty() {
            return;
        }
        pending.extend_from_slice(&bytes);
        let valid = match std::str::from_utf8(&pending) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => pending.len(),
        };
        let rest = pending.split_off(valid);
        let text = String::from_utf8_lossy(&std::mem::replace(&mut pending, rest)).into_owned();
        let mut echo = String::new();
        for key in text.chars() {
            match key {
                '\r' | '\n' => {
                    echo.push('\n');
                    if screen
                        .write(std::mem::take(&mut echo).as_bytes())
                        .await
                        .is_err()
                    {
                        return;
                    }
                    line.push('\n');
                    let whole = Bytes::from(std::mem::take(&mut line));
                    if lines.send(whole).await.is_err() {
                        return;
                    }
                }
                '\u{7f}' | '\u{8}' => {
                    if line.pop().is_some() {
                        echo.push_str("\u{8} \u{8}");
                    }
                }
                '\u{3}' => {
                    line.clear();
                    echo.push_str("^C\n");
                    interrupt();
                }
                '\u{15}' => {
                    let count = line.chars().count();
                    echo.push_str(&"\u{8} \u{8}".repeat(count));
                    line.clear();
                }
                // The end of the input: the sender is dropped.
                '\u{4}' if line.is_empty() => return,
                '\u{4}' => {}
                key if key.is_control() && key != '\t' => {}
                key => {
                    if line.len() < LINE {
                        line.push(key);
                        echo.push(key);
                    }
                }
            }
        }
        if !echo.is_empty() && screen.write(echo.as_bytes()).await.is_err() {
            return;
        }
    }
}
