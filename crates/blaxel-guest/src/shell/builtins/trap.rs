//! `trap`.

use crate::shell::signals::{signal, signal_name};
use crate::shell::syntax::Dialect;
use crate::shell::{Run, Shell};

impl Shell {
    pub(super) async fn trap(&mut self, arguments: &[String]) -> Run {
        let arguments = match arguments.first().map(String::as_str) {
            Some("--") => arguments.get(1..).unwrap_or_default(),
            _ => arguments,
        };
        if arguments.is_empty() || arguments == ["-p"] {
            let lines = self.traps.iter().map(|(number, action)| {
                let name = signal_name(*number).unwrap_or_default();
                let prefix = match self.dialect {
                    Dialect::Bash if *number > 0 => "SIG",
                    _ => "",
                };
                format!(
                    "trap -- '{}' {prefix}{name}\n",
                    action.replace('\'', "'\\''")
                )
            });
            let lines: String = lines.collect();
            return self.print_status(&lines).await;
        }
        let (action, signals) = match arguments {
            // A number as first operand resets.
            [first, ..] if first.parse::<u32>().is_ok() => (None, arguments),
            [only] => (None, std::slice::from_ref(only)),
            [action, signals @ ..] if action == "-" => (None, signals),
            [action, signals @ ..] => (Some(action.clone()), signals),
            [] => return Ok(0),
        };
        for name in signals {
            let Some(number) = signal(name) else {
                let message = match self.dialect {
                    Dialect::Dash => format!("trap: {name}: bad trap"),
                    Dialect::Bash => format!("trap: {name}: invalid signal specification"),
                };
                return self.refuse(&message, 1).await;
            };
            let (is_caught, is_ignored) = match &action {
                Some(action) => (!action.is_empty(), action.is_empty()),
                None => (false, false),
            };
            if number > 0 {
                self.group.set_action(number, is_caught, is_ignored);
            }
            match &action {
                Some(action) => self.traps.insert(number, action.clone()),
                None => self.traps.remove(&number),
            };
        }
        Ok(0)
    }
}
