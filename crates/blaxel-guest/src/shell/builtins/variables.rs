//! Builtins for variables and options.

use crate::shell::parser::is_name;
use crate::shell::syntax::Dialect;
use crate::shell::{Run, Shell};

impl Shell {
    /// `export` and `readonly`
    pub(super) async fn export(&mut self, name: &str, arguments: &[String]) -> Run {
        let mut is_exported = true;
        let mut arguments = arguments;
        while let Some((option, rest)) = arguments.split_first()
            && option.starts_with('-')
            && option.len() > 1
        {
            is_exported &= !option.contains('n');
            arguments = rest;
        }
        if arguments.is_empty() {
            let is_listed = |variable: &crate::shell::variables::Variable| match name {
                "export" => variable.is_exported,
                _ => variable.is_readonly,
            };
            let listed = self
                .variables
                .iter()
                .filter(|(_, variable)| is_listed(variable));
            let lines = listed.map(|(variable, value)| {
                let keyword = match (self.dialect, name) {
                    (Dialect::Bash, "export") => "declare -x",
                    (Dialect::Bash, _) => "declare -r",
                    (Dialect::Dash, name) => name,
                };
                match &value.value {
                    Some(value) => format!("{keyword} {variable}={}\n", self.quote(value)),
                    None => format!("{keyword} {variable}\n"),
                }
            });
            let lines: String = lines.collect();
            return self.print_status(&lines).await;
        }
        for argument in arguments {
            let (variable, value) = match argument.split_once('=') {
                Some((variable, value)) => (variable, Some(value)),
                None => (argument.as_str(), None),
            };
            if !is_name(variable) {
                return match self.dialect {
                    Dialect::Dash => {
                        let message = format!("{name}: {variable}: bad variable name");
                        self.refuse_special(&message, 2).await
                    }
                    Dialect::Bash => {
                        let message = format!("{name}: `{argument}': not a valid identifier");
                        self.refuse(&message, 1).await
                    }
                };
            }
            if let Some(value) = value {
                self.assign(variable, value.to_owned()).await?;
            }
            match name {
                "export" => self.variables.export(variable, is_exported),
                _ => self.variables.set_readonly(variable),
            }
        }
        Ok(0)
    }

    fn quote(&self, value: &str) -> String {
        match self.dialect {
            Dialect::Dash => format!("'{}'", value.replace('\'', "'\"'\"'")),
            Dialect::Bash => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
        }
    }

    pub(super) async fn set_builtin(&mut self, arguments: &[String]) -> Run {
        if arguments.is_empty() {
            let variables = self.variables.iter();
            let lines = variables.filter_map(|(name, variable)| {
                let value = variable.value.as_ref()?;
                Some(format!("{name}='{}'\n", value.replace('\'', "'\"'\"'")))
            });
            let lines: String = lines.collect();
            return self.print_status(&lines).await;
        }
        let mut rest = arguments;
        while let Some((argument, after)) = rest.split_first() {
            let is_on = match argument.as_bytes() {
                b"--" => {
                    self.parameters = after.to_vec();
                    return Ok(0);
                }
                [b'-', _, ..] => true,
                [b'+', _, ..] => false,
                _ => {
                    self.parameters = rest.to_vec();
                    return Ok(0);
                }
            };
            rest = after;
            for flag in argument.chars().skip(1) {
                let name = match flag {
                    'o' => {
                        let name = rest.first().cloned().unwrap_or_default();
                        rest = rest.get(1..).unwrap_or_default();
                        name
                    }
                    flag => flag.to_string(),
                };
                let option = match name.as_str() {
                    "e" | "errexit" => &mut self.options.errexit,
                    "u" | "nounset" => &mut self.options.nounset,
                    "f" | "noglob" => &mut self.options.noglob,
                    "x" | "xtrace" => &mut self.options.xtrace,
                    "pipefail" => &mut self.options.pipefail,
                    "a" | "b" | "C" | "h" | "m" | "n" | "v" | "E" | "T" | "" | "allexport"
                    | "monitor" | "noclobber" | "posix" | "vi" | "emacs" | "errtrace" => continue,
                    _ => {
                        let message = match self.dialect {
                            Dialect::Dash if flag == 'o' => {
                                format!("set: Illegal option -o {name}")
                            }
                            Dialect::Dash => format!("set: Illegal option -{name}"),
                            Dialect::Bash => format!("set: -{name}: invalid option"),
                        };
                        return self.refuse_special(&message, 2).await;
                    }
                };
                *option = is_on;
            }
        }
        Ok(0)
    }

    /// Returns the value of `$-`.
    pub(in crate::shell) fn flags(&self) -> String {
        let flags = [
            (self.options.errexit, 'e'),
            (self.options.noglob, 'f'),
            (self.is_interactive, 'i'),
            (self.options.nounset, 'u'),
            (self.options.xtrace, 'x'),
        ];
        let set = flags.into_iter().filter(|(is_set, _)| *is_set);
        set.map(|(_, flag)| flag).collect()
    }

    pub(super) async fn unset(&mut self, arguments: &[String]) -> Run {
        let mut functions = false;
        for argument in arguments {
            match argument.as_str() {
                "-f" => functions = true,
                "-v" => functions = false,
                name if functions => {
                    self.functions.remove(name);
                }
                name => {
                    if let Err(error) = self.variables.unset(name) {
                        let name = match self.dialect {
                            Dialect::Dash => format!("unset: {name}"),
                            Dialect::Bash => name.to_owned(),
                        };
                        return Err(self.set_failed(&name, error).await);
                    }
                    if self.dialect == Dialect::Bash {
                        self.functions.remove(name);
                    }
                }
            }
        }
        Ok(0)
    }

    /// `local` and `declare`
    pub(super) async fn local(&mut self, name: &str, arguments: &[String]) -> Run {
        if name == "local" && self.calls == 0 {
            let message = match self.dialect {
                Dialect::Dash => "local: not in a function",
                Dialect::Bash => "local: can only be used in a function",
            };
            return self.refuse_special(message, 2).await;
        }
        let mut is_exported = false;
        for argument in arguments {
            if argument.starts_with('-') {
                is_exported |= argument.contains('x');
                continue;
            }
            let (variable, value) = match argument.split_once('=') {
                Some((variable, value)) => (variable, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let old = self.variables.variable(variable).cloned();
            if let Some(locals) = self.locals.last_mut() {
                locals.push((variable.to_owned(), old));
            }
            match value {
                Some(value) => self.assign(variable, value).await?,
                None if self.dialect == Dialect::Bash => {
                    let _ = self.variables.unset(variable);
                }
                None => {}
            }
            if is_exported {
                self.variables.export(variable, true);
            }
        }
        Ok(0)
    }

    pub(super) async fn umask_builtin(&mut self, arguments: &[String]) -> Run {
        match arguments.first() {
            None => {
                let line = format!("{:04o}\n", self.umask);
                self.print_status(&line).await
            }
            Some(text) => match u32::from_str_radix(text, 8) {
                Ok(mask) => {
                    self.umask = mask & 0o777;
                    Ok(0)
                }
                Err(_) => {
                    self.refuse(&format!("umask: Illegal mode: {text}"), 2)
                        .await
                }
            },
        }
    }
}
