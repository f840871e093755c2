//! Redirections of file descriptors.

use super::io::Io;
use super::syntax::{Action, Dialect, Redirect};
use super::{Shell, Stop};
use crate::errno::Errno;
use crate::files::{FileKind, Files as _, OpenOptions};

impl Shell {
    /// Changes the descriptors of the shell. Returns `false` if that failed and was reported.
    pub(super) async fn redirect(&mut self, redirects: &[Redirect]) -> Result<bool, Stop> {
        for redirect in redirects {
            let to = redirect.descriptor.unwrap_or(1);
            let done = match &redirect.action {
                Action::Read(word) => {
                    let path = self.text(word).await?;
                    let options = OpenOptions::reading();
                    self.open_onto(to, &path, options).await
                }
                Action::Write(word) => {
                    let path = self.text(word).await?;
                    let options = OpenOptions::replacing(0o666 & !self.umask);
                    self.open_onto(to, &path, options).await
                }
                Action::Append(word) => {
                    let path = self.text(word).await?;
                    self.open_onto(to, &path, self.appending()).await
                }
                Action::ReadWrite(word) => {
                    let path = self.text(word).await?;
                    let options = OpenOptions {
                        read: true,
                        truncate: false,
                        ..OpenOptions::replacing(0o666 & !self.umask)
                    };
                    self.open_onto(to, &path, options).await
                }
                Action::Both(word, is_append) => {
                    let path = self.text(word).await?;
                    let options = match is_append {
                        true => self.appending(),
                        false => OpenOptions::replacing(0o666 & !self.umask),
                    };
                    let opened = self.open_onto(1, &path, options).await;
                    if opened && let Ok(io) = self.files.get(1).cloned() {
                        self.files.set(2, io);
                    }
                    opened
                }
                Action::Duplicate(word) => {
                    let target = self.text(word).await?;
                    self.duplicate(to, &target).await
                }
                Action::Document(body) => {
                    let text = match body.get() {
                        Some(word) => self.text(word).await?,
                        None => String::new(),
                    };
                    self.files.set(to, Io::text(text));
                    true
                }
                Action::Text(word) => {
                    let text = self.text(word).await?;
                    self.files.set(to, Io::text(format!("{text}\n")));
                    true
                }
            };
            if !done {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn appending(&self) -> OpenOptions {
        OpenOptions {
            append: true,
            truncate: false,
            ..OpenOptions::replacing(0o666 & !self.umask)
        }
    }

    async fn duplicate(&mut self, to: u32, target: &str) -> bool {
        if target == "-" {
            self.files.close(to);
            return true;
        }
        let found = target.parse().map_err(|_| Errno::BadDescriptor);
        match found.and_then(|number| self.files.get(number).cloned()) {
            Ok(io) => {
                self.files.set(to, io);
                true
            }
            Err(_) => {
                self.complain(&format!("{target}: Bad file descriptor"))
                    .await;
                false
            }
        }
    }

    async fn open_onto(&mut self, to: u32, path: &str, options: OpenOptions) -> bool {
        match self.open(path, &options) {
            Ok(io) => {
                self.files.set(to, io);
                true
            }
            Err(errno) => {
                let is_read = !options.write;
                let message = match self.dialect {
                    Dialect::Bash if path.is_empty() => ": No such file or directory".to_owned(),
                    Dialect::Bash => format!("{path}: {}", errno.text()),
                    Dialect::Dash => {
                        let reason = match errno {
                            Errno::NotFound if is_read => "No such file",
                            Errno::NotFound => "Directory nonexistent",
                            errno => errno.text(),
                        };
                        let action = if is_read { "open" } else { "create" };
                        format!("cannot {action} {path}: {reason}")
                    }
                };
                self.complain(&message).await;
                false
            }
        }
    }

    /// Opens a file, a device or a descriptor under `/dev`.
    pub(super) fn open(&self, path: &str, options: &OpenOptions) -> Result<Io, Errno> {
        let descriptor = match path {
            "/dev/stdin" => Some(0),
            "/dev/stdout" => Some(1),
            "/dev/stderr" => Some(2),
            "/dev/tty" if self.is_interactive => Some(1),
            path => path.strip_prefix("/dev/fd/").and_then(|n| n.parse().ok()),
        };
        if let Some(descriptor) = descriptor {
            return self.files.get(descriptor).cloned();
        }
        if path.is_empty() {
            return Err(Errno::NotFound);
        }
        let path = self.path(path);
        let file = self.disk.open(&path, options)?;
        if !options.write && file.metadata()?.kind == FileKind::Directory {
            // The shell can open it, but nothing can read it.
            return Ok(Io::file(file));
        }
        Ok(Io::file(file))
    }
}
