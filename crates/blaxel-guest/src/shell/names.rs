//! The names of the shell's own commands.

use super::syntax::Dialect;

/// The builtins whose assignments stay, and whose errors end the shell.
const SPECIAL: [&str; 14] = [
    ":", ".", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set",
    "shift", "trap", "unset",
];
const BUILTINS: [&str; 23] = [
    "[", "alias", "cd", "command", "echo", "false", "getopts", "hash", "jobs", "kill", "local",
    "printf", "pwd", "read", "test", "times", "true", "type", "ulimit", "umask", "unalias", "wait",
    "let",
];
const BASH: [&str; 6] = ["source", "declare", "typeset", "shopt", "disown", "let"];

/// Returns `true` for a builtin that POSIX calls special.
pub(super) fn is_special(name: &str) -> bool {
    SPECIAL.contains(&name)
}

pub(super) fn is_builtin(name: &str, dialect: Dialect) -> bool {
    match name {
        "let" => dialect == Dialect::Bash,
        name => {
            is_special(name)
                || BUILTINS.contains(&name)
                || (dialect == Dialect::Bash && BASH.contains(&name))
        }
    }
}
