//! The programs of the simulated machine, with the messages of the GNU tools.

mod awk;
mod copy;
mod df;
mod digest;
mod entries;
mod filter;
mod find;
mod input;
mod lines;
mod links;
mod listing;
mod npm;
mod programs;
mod regex;
mod remove;
mod sed;
mod select;
mod serve;
mod space;
mod system;
mod tar;
mod time;

use super::names::is_builtin;
use super::syntax::Dialect;
use super::{Boxed, Shell, TEXT_LIMIT};
use crate::errno::Errno;
use crate::files::{FileKind, Files as _};

/// The status of a program. The error is the status of one that could not go on.
type Done = Result<i32, i32>;
type Main = for<'a> fn(&'a mut Shell, &'a [String]) -> Boxed<'a, Done>;

/// The directories of the programs.
const DIRECTORIES: [&str; 4] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

macro_rules! programs {
    ($($name:literal => $module:ident::$function:ident,)*) => {
        /// Returns a program by its name.
        fn program(name: &str) -> Option<Main> {
            Some(match name {
                $($name => |shell, arguments| Box::pin($module::$function(shell, arguments)),)*
                _ => return None,
            })
        }
    };
}

programs! {
    "ash" => programs::sh,
    "awk" => awk::awk,
    "base64" => digest::base64,
    "basename" => programs::basename,
    "bash" => programs::sh,
    "cat" => input::cat,
    "chgrp" => entries::chown,
    "chmod" => entries::chmod,
    "chown" => entries::chown,
    "cp" => copy::cp,
    "cut" => select::cut,
    "dash" => programs::sh,
    "date" => time::date,
    "dd" => space::dd,
    "df" => df::df,
    "dirname" => programs::dirname,
    "du" => space::du,
    "env" => programs::env,
    "expr" => programs::expr,
    "false" => programs::fail,
    "find" => find::find,
    "grep" => filter::grep,
    "egrep" => filter::egrep,
    "fgrep" => filter::fgrep,
    "head" => lines::head,
    "hostname" => system::hostname,
    "id" => system::id,
    "ln" => links::ln,
    "ls" => listing::ls,
    "md5sum" => digest::md5sum,
    "mkdir" => entries::mkdir,
    "mktemp" => entries::mktemp,
    "mv" => copy::mv,
    "npm" => npm::npm,
    "nohup" => programs::nohup,
    "nproc" => system::nproc,
    "printenv" => programs::printenv,
    "ps" => system::ps,
    "python" => serve::python,
    "python3" => serve::python,
    "readlink" => links::readlink,
    "realpath" => links::realpath,
    "rev" => select::rev,
    "rm" => remove::rm,
    "rmdir" => remove::rmdir,
    "sed" => sed::sed,
    "seq" => lines::seq,
    "sh" => programs::sh,
    "sha256sum" => digest::sha256sum,
    "sleep" => time::sleep,
    "sort" => select::sort,
    "stat" => listing::stat,
    "stty" => system::stty,
    "sync" => programs::succeed,
    "tac" => lines::tac,
    "tail" => lines::tail,
    "tar" => tar::tar,
    "tee" => input::tee,
    "timeout" => time::timeout,
    "touch" => entries::touch,
    "tr" => select::tr,
    "true" => programs::succeed,
    "truncate" => space::truncate,
    "uname" => system::uname,
    "uniq" => select::uniq,
    "wc" => lines::wc,
    "which" => programs::which,
    "whoami" => system::whoami,
    "xargs" => programs::xargs,
    "yes" => lines::yes,
}

/// The options and operands of a program.
struct Arguments {
    options: Vec<(char, Option<String>)>,
    operands: Vec<String>,
}

impl Arguments {
    fn has(&self, option: char) -> bool {
        self.options.iter().any(|(name, _)| *name == option)
    }

    /// Returns the last value of an option.
    fn value(&self, option: char) -> Option<&str> {
        let mut named = self
            .options
            .iter()
            .rev()
            .filter(|(name, _)| *name == option);
        named.next().and_then(|(_, value)| value.as_deref())
    }

    /// Returns the options of `names` that was given last.
    fn last(&self, names: &str) -> Option<char> {
        let mut named = self.options.iter().rev().map(|(name, _)| *name);
        named.find(|name| names.contains(*name))
    }
}

/// Returns the path of a program, or `None` if there is none of that name.
pub(super) fn path(shell: &Shell, name: &str) -> Option<String> {
    if name.contains('/') {
        let path = shell.path(name);
        let is_program = known_path(name).is_some() || shell.may(&path, 1);
        return is_program.then(|| name.to_owned());
    }
    let places = shell.variables.get("PATH").unwrap_or("/usr/bin:/bin");
    for directory in places.split(':') {
        let candidate = format!("{directory}/{name}");
        let file = shell.disk.metadata(&shell.path(&candidate));
        let is_file = file.is_ok_and(|file| file.kind == FileKind::File);
        if is_file && shell.may(&shell.path(&candidate), 1) {
            return Some(candidate);
        }
        let is_printed = !matches!(name, "bash") || shell.dialect == Dialect::Bash;
        if DIRECTORIES.contains(&directory) && program(name).is_some() && is_printed {
            return Some(candidate);
        }
    }
    None
}

/// Returns the program that a path such as `/bin/ls` stands for.
fn known_path(path: &str) -> Option<Main> {
    let (directory, name) = path.rsplit_once('/')?;
    DIRECTORIES.contains(&directory).then(|| program(name))?
}

/// Returns `true` for the path of a program of the machine, such as `/bin/sh`.
pub(super) fn is_program(path: &str) -> bool {
    known_path(path).is_some()
}

/// Runs a program by its name or path.
pub(super) async fn run(shell: &mut Shell, words: &[String]) -> i32 {
    let Some((name, arguments)) = words.split_first() else {
        return 0;
    };
    let found = match path(shell, name) {
        Some(found) => found,
        None if name.contains('/') => return refuse_file(shell, name).await,
        None => return not_found(shell, name).await,
    };
    let file = shell.path(&found);
    let is_file = shell
        .disk
        .metadata(&file)
        .is_ok_and(|file| file.kind == FileKind::File);
    let known = known_path(&found).filter(|_| !is_file);
    if let Some(main) = known {
        return match main(shell, arguments).await {
            Ok(status) | Err(status) => status,
        };
    }
    run_file(shell, &found, arguments).await
}

async fn not_found(shell: &Shell, name: &str) -> i32 {
    // Some builtins are programs too, which do nothing of use.
    let message = match shell.dialect {
        Dialect::Dash => format!("{name}: not found"),
        Dialect::Bash => format!("{name}: command not found"),
    };
    shell.complain(&message).await;
    127
}

/// Reports why a path is not a program.
async fn refuse_file(shell: &Shell, name: &str) -> i32 {
    let found = shell.disk.metadata(&shell.path(name));
    let (message, status) = match (found, shell.dialect) {
        (Err(Errno::NotFound), Dialect::Dash) => (format!("{name}: not found"), 127),
        (Err(errno), Dialect::Dash) => (format!("{name}: {}", errno.text()), 126),
        (Err(errno), Dialect::Bash) => (format!("{name}: {}", errno.text()), 127),
        (Ok(file), Dialect::Bash) if file.kind == FileKind::Directory => {
            (format!("{name}: Is a directory"), 126)
        }
        (Ok(_), _) => (format!("{name}: Permission denied"), 126),
    };
    shell.complain(&message).await;
    status
}

/// Runs a file of the disk: a program of the shell, or one whose first line names what runs it.
async fn run_file(shell: &mut Shell, name: &str, arguments: &[String]) -> i32 {
    let path = shell.path(name);
    if !shell.may(&path, 1) {
        return refuse_file(shell, name).await;
    }
    let too_large = shell
        .disk
        .metadata(&path)
        .is_ok_and(|file| file.size > TEXT_LIMIT as u64);
    let content = match shell.disk.read(&path) {
        Ok(content) if !too_large => content,
        _ => return refuse_file(shell, name).await,
    };
    let Ok(text) = String::from_utf8(content) else {
        let message = format!("{name}: Exec format error");
        shell.complain(&message).await;
        return 126;
    };
    let first = text.lines().next().unwrap_or_default();
    let interpreter = first.strip_prefix("#!").unwrap_or("/bin/sh").trim();
    let (interpreter, option) = match interpreter.split_once(char::is_whitespace) {
        Some((interpreter, option)) => (interpreter, Some(option.trim())),
        None => (interpreter, None),
    };
    let mut words = vec![interpreter.to_owned()];
    words.extend(option.map(str::to_owned));
    words.push(name.to_owned());
    words.extend(arguments.iter().cloned());
    // `env` looks for the program by its name.
    if interpreter.ends_with("/env") {
        words.remove(0);
        let script = shell.kernel.script(&words.join(" "));
        return shell.external(&words, script).await;
    }
    let script = shell.kernel.script(&words.join(" "));
    if script.is_none() && known_path(interpreter).is_none() {
        return not_found(shell, name).await;
    }
    let mut shell = shell.subshell();
    shell.external(&words, script).await
}

impl Shell {
    /// Reads the options of a program. `known` lists them as `getopts` has them.
    async fn arguments(
        &self,
        name: &str,
        arguments: &[String],
        known: &str,
        long: &[(&str, char)],
    ) -> Result<Arguments, i32> {
        let mut options = Vec::new();
        let mut operands = Vec::new();
        let takes_value = |option: char| {
            let at = known.find(option)?;
            Some(known.get(at + 1..)?.starts_with(':'))
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                operands.extend(rest.by_ref().cloned());
                break;
            }
            if let Some(text) = argument.strip_prefix("--") {
                let (text, value) = match text.split_once('=') {
                    Some((text, value)) => (text, Some(value.to_owned())),
                    None => (text, None),
                };
                let exact = long.iter().find(|(name, _)| *name == text);
                let named = exact.or_else(|| long.iter().find(|(name, _)| name.starts_with(text)));
                let Some((_, option)) = named else {
                    let message = format!("unrecognized option '--{text}'");
                    return Err(self.usage(name, &message).await);
                };
                let value = match (takes_value(*option), value) {
                    (Some(true), None) => rest.next().cloned(),
                    (_, value) => value,
                };
                options.push((*option, value));
                continue;
            }
            if !argument.starts_with('-') || argument.len() == 1 {
                operands.push(argument.clone());
                continue;
            }
            let mut characters = argument.chars().skip(1);
            while let Some(option) = characters.next() {
                match takes_value(option).filter(|_| option != ':') {
                    None => {
                        let message = format!("invalid option -- '{option}'");
                        return Err(self.usage(name, &message).await);
                    }
                    Some(false) => options.push((option, None)),
                    Some(true) => {
                        let attached: String = characters.by_ref().collect();
                        let value = match attached.is_empty() {
                            true => rest.next().cloned(),
                            false => Some(attached),
                        };
                        if value.is_none() {
                            let message = format!("option requires an argument -- '{option}'");
                            return Err(self.usage(name, &message).await);
                        }
                        options.push((option, value));
                    }
                }
            }
        }
        Ok(Arguments { options, operands })
    }

    /// Reports a mistake in the arguments of a program, and returns its status.
    async fn usage(&self, name: &str, message: &str) -> i32 {
        let first = match (name, message) {
            ("timeout", "missing operand") => String::new(),
            _ => format!("{name}: {message}\n"),
        };
        let text = format!("{first}Try '{name} --help' for more information.\n");
        self.files.warn(text).await;
        match name {
            "ls" | "sort" | "grep" | "dir" => 2,
            "env" | "timeout" | "nohup" => 125,
            _ => 1,
        }
    }

    /// Reports an error of a program.
    async fn report_of(&self, name: &str, message: impl AsRef<str>) {
        self.files
            .warn(format!("{name}: {}\n", message.as_ref()))
            .await;
    }

    /// Writes the output of a program. The error is its status if it cannot go on.
    async fn write_of(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), i32> {
        match self.files.print(bytes).await {
            Ok(()) => Ok(()),
            Err(Errno::BrokenPipe) => Err(141),
            Err(errno) => {
                let message = format!("write error: {}", errno.text());
                self.report_of(name, message).await;
                Err(1)
            }
        }
    }
}

/// Returns a name as messages quote it.
fn quoted(name: &str) -> String {
    match name.contains('\'') {
        true => format!("\"{name}\""),
        false => format!("'{name}'"),
    }
}

/// Returns `true` if a name is a builtin of the shell.
fn is_shell_builtin(shell: &Shell, name: &str) -> bool {
    is_builtin(name, shell.dialect)
}
