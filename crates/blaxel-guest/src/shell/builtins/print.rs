//! `echo` and `printf`.

use crate::shell::format::{Escapes, escape, format};
use crate::shell::syntax::Dialect;
use crate::shell::{Run, Shell};

impl Shell {
    pub(super) async fn echo(&mut self, arguments: &[String]) -> Run {
        let mut has_newline = true;
        let mut escapes = self.dialect == Dialect::Dash;
        let mut rest = arguments;
        while let Some((option, after)) = rest.split_first() {
            let is_option = match self.dialect {
                Dialect::Dash => option == "-n",
                Dialect::Bash => {
                    option.len() > 1
                        && option.starts_with('-')
                        && option.chars().skip(1).all(|c| "neE".contains(c))
                }
            };
            if !is_option {
                break;
            }
            for flag in option.chars().skip(1) {
                match flag {
                    'n' => has_newline = false,
                    'e' => escapes = true,
                    _ => escapes = false,
                }
            }
            rest = after;
        }
        let mut output = rest.join(" ").into_bytes();
        if escapes {
            let (escaped, ends) = escape(&rest.join(" "), Escapes::Echo);
            output = escaped;
            has_newline &= !ends;
        }
        if has_newline {
            output.push(b'\n');
        }
        self.print_bytes("echo", &output).await
    }

    pub(super) async fn printf(&mut self, arguments: &[String]) -> Run {
        let arguments = match arguments.first().map(String::as_str) {
            Some("--") => arguments.get(1..).unwrap_or_default(),
            _ => arguments,
        };
        if self.dialect == Dialect::Bash
            && let [option, name, format_text, values @ ..] = arguments
            && option == "-v"
        {
            let (output, _) = format(format_text, values);
            let text = String::from_utf8_lossy(&output).into_owned();
            self.assign(name, text).await?;
            return Ok(0);
        }
        let Some((text, values)) = arguments.split_first() else {
            let usage = match self.dialect {
                Dialect::Dash => "printf: usage: printf format [arg ...]",
                Dialect::Bash => "printf: usage: printf [-v var] format [arguments]",
            };
            return self.refuse(usage, 2).await;
        };
        let (output, errors) = format(text, values);
        let status = self.print_bytes("printf", &output).await?;
        for value in &errors {
            let message = match self.dialect {
                Dialect::Dash => format!("printf: {value}: expected numeric value"),
                Dialect::Bash => format!("printf: {value}: invalid number"),
            };
            self.complain(&message).await;
        }
        Ok(if errors.is_empty() { status } else { 1 })
    }

    async fn print_bytes(&mut self, name: &str, bytes: &[u8]) -> Run {
        use crate::errno::Errno;
        match self.files.print(bytes).await {
            Ok(()) => Ok(0),
            Err(Errno::BrokenPipe) => Err(crate::shell::Stop::Exit(141)),
            Err(errno) => {
                let message = match self.dialect {
                    Dialect::Dash => format!("{name}: I/O error"),
                    Dialect::Bash => format!("{name}: write error: {}", errno.text()),
                };
                self.refuse(&message, 1).await
            }
        }
    }
}
