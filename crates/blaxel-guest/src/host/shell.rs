//! The shell of the host that cleans up, even if this program is killed.

use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) const SHELL: &str = "/bin/sh";

/// Removes the directory. Some in it may not be accessible, and dying processes may still write.
const REMOVE: &str = r#"
[ "$word" != keep ] && [ -n "$temporary" ] || exit 0
for round in 1 2 3; do
  rm -rf -- "$temporary" && exit 0
  chmod -R u+rwX -- "$temporary"
  sleep 1
done
"#;

/// Returns the command for a shell that runs `script`, and then removes the directory `temporary`.
///
/// The script has the directory as `$1`. It has to set `temporary` to it, and `word` to a line of
/// standard input, a pipe whose other end only this program holds. The kernel closes that end
/// whichever way the program ends. If the line is `keep`, the directory stays.
pub(crate) fn shell(script: &str, temporary: Option<&Path>) -> Command {
    let mut command = Command::new(SHELL);
    command
        .arg("-c")
        .arg(format!("{script}{REMOVE}"))
        .arg("blaxel-guest-keeper")
        .arg(temporary.unwrap_or_else(|| Path::new("")))
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .stdin(Stdio::piped());
    // An interrupt from the terminal is for this program, which then ends the shell.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}
