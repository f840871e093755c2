//! Builtins that change what runs next.

use crate::files::OpenOptions;
use crate::shell::names::{is_builtin, is_special};
use crate::shell::syntax::Dialect;
use crate::shell::{Run, Shell, Stop, TEXT_LIMIT, commands};

impl Shell {
    /// `. file`
    pub(super) async fn dot(&mut self, name: &str, arguments: &[String]) -> Run {
        let Some((path, parameters)) = arguments.split_first() else {
            return self
                .refuse(&format!("{name}: filename argument required"), 2)
                .await;
        };
        let opened = self.open(path, &OpenOptions::reading());
        let text = match opened {
            Ok(io) => io.read_to_end(TEXT_LIMIT).await,
            Err(errno) => Err(errno),
        };
        let text = match text {
            Ok(text) => String::from_utf8_lossy(&text).into_owned(),
            Err(errno) => {
                return match self.dialect {
                    Dialect::Dash => {
                        let message = format!("{name}: cannot open {path}: No such file");
                        self.refuse_special(&message, 2).await
                    }
                    Dialect::Bash => self.refuse(&format!("{path}: {}", errno.text()), 1).await,
                };
            }
        };
        let parameters = match parameters.is_empty() || self.dialect == Dialect::Dash {
            true => self.parameters.clone(),
            false => parameters.to_vec(),
        };
        let parameters = std::mem::replace(&mut self.parameters, parameters);
        self.calls += 1;
        let end = self.source(&text).await;
        self.calls -= 1;
        self.parameters = parameters;
        match end {
            Err(Stop::Return(status)) => Ok(status),
            end => end,
        }
    }

    /// `break` and `continue`
    pub(super) async fn jump(&mut self, name: &str, arguments: &[String]) -> Run {
        let levels = match arguments.first() {
            None => 1,
            Some(text) => match text.parse::<usize>() {
                Ok(levels) if levels > 0 => levels,
                _ => {
                    return self
                        .refuse_special(&format!("{name}: Illegal number: {text}"), 2)
                        .await;
                }
            },
        };
        if self.loops == 0 {
            return Ok(0);
        }
        let levels = levels.min(self.loops);
        Err(match name {
            "break" => Stop::Break(levels),
            _ => Stop::Continue(levels),
        })
    }

    /// `exit` and `return`
    pub(super) async fn leave_with(&mut self, name: &str, arguments: &[String]) -> Run {
        let status = match arguments.first() {
            None => self.status,
            Some(text) => match text.parse::<i64>() {
                Ok(status) if status >= 0 || self.dialect == Dialect::Bash => {
                    i32::try_from(status & 0xff).unwrap_or(0)
                }
                _ => {
                    let message = match self.dialect {
                        Dialect::Dash => format!("{name}: Illegal number: {text}"),
                        Dialect::Bash => format!("{name}: {text}: numeric argument required"),
                    };
                    self.complain(&message).await;
                    return Err(Stop::Exit(2));
                }
            },
        };
        Err(match name {
            "return" => Stop::Return(status),
            _ => Stop::Exit(status),
        })
    }

    pub(super) async fn exec(&mut self, arguments: &[String]) -> Run {
        if arguments.is_empty() {
            return Ok(0);
        }
        let script = self.kernel.script(&arguments.join(" "));
        let mut child = self.subshell();
        let status = child.external(arguments, script).await;
        // The shell is gone, and with it its actions.
        self.traps.clear();
        Err(Stop::Exit(status))
    }

    pub(super) async fn shift(&mut self, arguments: &[String]) -> Run {
        let count = arguments
            .first()
            .map_or(Ok(1), |text| text.parse::<usize>());
        match count {
            Ok(count) if count <= self.parameters.len() => {
                self.parameters.drain(..count);
                Ok(0)
            }
            Ok(_) if self.dialect == Dialect::Bash => Ok(1),
            Ok(_) => self.refuse_special("shift: can't shift that many", 2).await,
            Err(_) => {
                let text = arguments.first().map_or("", String::as_str);
                self.refuse_special(&format!("shift: Illegal number: {text}"), 2)
                    .await
            }
        }
    }

    /// `command name …` and `command -v name`
    pub(super) async fn command_builtin(&mut self, arguments: &[String]) -> Run {
        let (option, words) = match arguments.split_first() {
            Some((option, words)) if matches!(option.as_str(), "-v" | "-V") => {
                (option.as_str(), words)
            }
            Some((option, words)) if matches!(option.as_str(), "-p" | "--") => ("", words),
            _ => ("", arguments),
        };
        let Some(name) = words.first() else {
            return Ok(0);
        };
        match option {
            "-v" => match self.place(name) {
                Some(place) => self.print_status(&format!("{place}\n")).await,
                None => Ok(127),
            },
            "-V" => self.type_builtin(words).await,
            _ if is_builtin(name, self.dialect) => self.builtin(words).await,
            _ => {
                let script = self.kernel.script(&words.join(" "));
                Ok(self.subshell().external(words, script).await)
            }
        }
    }

    pub(super) async fn type_builtin(&mut self, names: &[String]) -> Run {
        let mut status = 0;
        for name in names {
            let kind = if self.functions.contains_key(name) {
                match self.dialect {
                    Dialect::Dash => "is a shell function".to_owned(),
                    Dialect::Bash => "is a function".to_owned(),
                }
            } else if is_special(name) && self.dialect == Dialect::Dash {
                "is a special shell builtin".to_owned()
            } else if is_builtin(name, self.dialect) {
                "is a shell builtin".to_owned()
            } else if let Some(path) = commands::path(self, name) {
                format!("is {path}")
            } else {
                status = 127;
                match self.dialect {
                    Dialect::Dash => {
                        self.print_status(&format!("{name}: not found\n")).await?;
                    }
                    Dialect::Bash => {
                        status = 1;
                        self.complain(&format!("type: {name}: not found")).await;
                    }
                }
                continue;
            };
            self.print_status(&format!("{name} {kind}\n")).await?;
        }
        Ok(status)
    }

    /// Returns what `command -v` prints.
    fn place(&self, name: &str) -> Option<String> {
        if self.functions.contains_key(name) || is_builtin(name, self.dialect) {
            return Some(name.to_owned());
        }
        commands::path(self, name)
    }

    pub(super) async fn let_builtin(&mut self, arguments: &[String]) -> Run {
        let mut value = 0;
        for text in arguments {
            value = self.evaluate(text).await?;
        }
        Ok(i32::from(value == 0))
    }

    /// `getopts options name`
    pub(super) async fn getopts(&mut self, arguments: &[String]) -> Run {
        let [options, name, given @ ..] = arguments else {
            return self.refuse("Usage: getopts optstring var [arg]", 2).await;
        };
        let given = match given.is_empty() {
            true => self.parameters.clone(),
            false => given.to_vec(),
        };
        let index = self
            .variables
            .get("OPTIND")
            .and_then(|text| text.parse::<usize>().ok());
        let mut index = index.unwrap_or(1).max(1);
        if index == 1 && self.option_index == 0 {
            self.option_index = 1;
        }
        let current = given.get(index - 1).map_or("", String::as_str);
        let option = current.chars().nth(self.option_index.max(1));
        let is_end =
            !current.starts_with('-') || current == "-" || current == "--" || option.is_none();
        if is_end {
            if current == "--" {
                index += 1;
            }
            self.option_index = 0;
            self.assign("OPTIND", index.to_string()).await?;
            self.assign(name, "?".to_owned()).await?;
            return Ok(1);
        }
        let option = option.unwrap_or('?');
        let is_silent = options.starts_with(':');
        let at = options.find(option).filter(|_| option != ':');
        let takes_value = at.is_some_and(|at| options[at..].chars().nth(1) == Some(':'));
        let rest: String = current.chars().skip(self.option_index.max(1) + 1).collect();
        let mut result = option.to_string();
        let mut value = None;
        if takes_value {
            self.option_index = 1;
            if rest.is_empty() {
                value = given.get(index).cloned();
                index += 2;
            } else {
                value = Some(rest);
                index += 1;
            }
            if value.is_none() {
                result = if is_silent { ":" } else { "?" }.to_owned();
                match is_silent {
                    true => value = Some(option.to_string()),
                    false => {
                        let text = format!("No arg for -{option} option\n");
                        self.files.warn(text).await;
                    }
                }
            }
        } else {
            if rest.is_empty() {
                self.option_index = 1;
                index += 1;
            } else {
                self.option_index = self.option_index.max(1) + 1;
            }
            if at.is_none() {
                result = "?".to_owned();
                match is_silent {
                    true => value = Some(option.to_string()),
                    false => self.files.warn(format!("Illegal option -{option}\n")).await,
                }
            }
        }
        self.assign("OPTIND", index.to_string()).await?;
        match value {
            Some(value) => self.assign("OPTARG", value).await?,
            None => {
                let _ = self.variables.unset("OPTARG");
            }
        }
        self.assign(name, result).await?;
        Ok(0)
    }
}
