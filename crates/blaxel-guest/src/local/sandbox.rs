//! [`Sandbox`], the place where commands run: what `bwrap` is told, or a session of the host.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::keeper::Keeper;
use super::members::Members;
use super::mounts::{Mounts, Purpose};
use super::root::Root;
use super::settings::{Isolation, LocalGuestError, Settings};
use super::stopped::Stopped;
use crate::errno::Errno;
use crate::host::SHELL;
use crate::process::Command;

/// The variable that marks the processes of a sandbox that is not isolated.
const MARK: &str = "BLAXEL_LOCAL_GUEST";

/// Opens the namespaces of a sandbox, and runs bubblewrap with them.
const ENTER: &str = r#"exec 3<"$1" 4<"$2"; shift 2; exec "$@""#;

/// Prints the process id, waits until this program knows the process, and becomes the command. The
/// first argument is the terminal, or `-` for none, or `0` for no terminal and no standard input.
const BECOME: &str = r#"
blaxel_terminal=$1; shift
command -v "$1" >/dev/null 2>&1 || exit 127
echo $$
read -r blaxel_line || exit 1
exec 3>&- 4>&-
case $blaxel_terminal in
  -) ;;
  0) exec </dev/null ;;
  *) exec 0<>"$blaxel_terminal" 1>&0 2>&0 ;;
esac
unset blaxel_terminal blaxel_line
exec "$@"
"#;

/// The running sandbox. Dropping it ends all of its processes.
pub(super) struct Sandbox {
    keeper: Keeper,
    pub(super) members: Members,
    bwrap: Option<PathBuf>,
}

impl Sandbox {
    /// Starts the sandbox of a root directory.
    pub(super) fn start(settings: &Settings, root: &Root) -> Result<Self, LocalGuestError> {
        let temporary = root.temporary.as_deref();
        if settings.isolation == Isolation::None {
            // No other text ends in this way, so no name is a part of another one.
            let mark = format!("{MARK}={};", root.name);
            let keeper = Keeper::unconfined(temporary, &mark).map_err(LocalGuestError::Root)?;
            return Ok(Self {
                keeper,
                members: Members::Mark(mark),
                bwrap: None,
            });
        }
        let bwrap = find("bwrap").ok_or(LocalGuestError::NoBubblewrap)?;
        let keeper = Keeper::confined(temporary, &bwrap, arguments(&root.mounts.current()))?;
        let members = keeper
            .init()
            .and_then(|init| Members::of_namespace(init.pid));
        let gone = || LocalGuestError::Refused("its first process has ended".to_owned());
        Ok(Self {
            keeper,
            members: members.ok_or_else(gone)?,
            bwrap: Some(bwrap),
        })
    }

    /// Returns `true` if commands can be started in it.
    pub(super) fn is_running(&self) -> bool {
        self.keeper.init().is_none_or(|init| !init.has_ended())
    }

    pub(super) fn is_isolated(&self) -> bool {
        self.bwrap.is_some()
    }

    /// Returns the programs that are stopped while their commands run.
    pub(super) fn stopped(&self) -> &Stopped {
        &self.keeper.stopped
    }

    /// Ends the processes, and keeps the directory.
    pub(super) fn end_processes(self) {
        self.keeper.end_processes();
    }

    /// Returns the program of the host that runs a command, without its standard streams. `terminal`
    /// is the path of the command's terminal on the host.
    ///
    /// The program prints the process id in the sandbox, and runs the command when a line comes from
    /// standard input. It exits with 127 before that if the command does not exist.
    pub(super) fn program(
        &self,
        root: &Root,
        command: &Command,
        working_dir: &str,
        terminal: Option<&Path>,
    ) -> Result<std::process::Command, Errno> {
        let mut program = match (&self.bwrap, self.keeper.init()) {
            (Some(bwrap), Some(init)) => {
                let mut program = std::process::Command::new(SHELL);
                program
                    .args(["-c", ENTER, "sh"])
                    .arg(format!("/proc/{}/ns/user", init.pid))
                    .arg(format!("/proc/{}/ns/pid", init.pid))
                    .arg(bwrap)
                    .args(["--userns", "3", "--pidns", "4"])
                    .args(arguments(&root.mounts.current()))
                    .args(["--new-session", "--chdir", working_dir, "--", SHELL])
                    .env_clear()
                    .envs(command.env.iter().map(|(name, value)| (name, value)))
                    // Bubblewrap will be stopped. When this program ends, the kernel continues and
                    // hangs up the stopped processes of groups that it leaves behind.
                    .process_group(0);
                program
            }
            _ => {
                let mut program =
                    std::process::Command::new(find("setsid").ok_or(Errno::NotFound)?);
                program
                    .arg(SHELL)
                    .current_dir(root.on_host(working_dir))
                    .env_clear()
                    .envs(self.visible_environment(root, command));
                program
            }
        };
        program.args(["-c", BECOME, "sh"]);
        match (terminal, command.has_stdin) {
            // The terminal of the sandbox, which bubblewrap creates from standard output.
            (Some(_), _) if self.is_isolated() => program.arg("/dev/console"),
            (Some(path), _) => program.arg(path),
            (None, true) => program.arg("-"),
            (None, false) => program.arg("0"),
        };
        let shell = command.shell.iter().map(String::as_str);
        match command.shell.is_empty() {
            true => program.arg("sh"),
            false => program.args(shell),
        };
        if command.terminal.is_none() {
            program.arg(&command.text);
        }
        Ok(program)
    }

    /// Runs a command to its end, without a runtime.
    pub(super) fn probe(&self, root: &Root) -> Result<(), LocalGuestError> {
        let command = Command {
            shell: vec!["true".to_owned()],
            working_dir: "/".to_owned(),
            ..Command::default()
        };
        let failed = |error: io::Error| LocalGuestError::Refused(error.to_string());
        let program = self.program(root, &command, &command.working_dir, None);
        let mut program = program.map_err(LocalGuestError::Root)?;
        program
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = program.spawn().map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // If nobody reads it, the status says so.
            let _ = stdin.write_all(b"\n");
        }
        let output = child.wait_with_output().map_err(failed)?;
        match output.status.success() {
            true => Ok(()),
            false => Err(LocalGuestError::complaint(&output.stderr)),
        }
    }

    /// Returns the environment of a command that sees the paths of the host. `HOME` and `TMPDIR` are
    /// directories below the root.
    fn visible_environment(&self, root: &Root, command: &Command) -> Vec<(OsString, OsString)> {
        let mut variables: Vec<(OsString, OsString)> = Vec::new();
        let mut add = |name: &str, value: OsString| variables.push((name.into(), value));
        add("TMPDIR", root.on_host("tmp").into());
        for (name, value) in &command.env {
            match name.as_str() {
                "HOME" if root.on_host(value).is_dir() => add(name, root.on_host(value).into()),
                _ => add(name, value.into()),
            }
        }
        if let Members::Mark(mark) = &self.members
            && let Some((name, value)) = mark.split_once('=')
        {
            add(name, value.into());
        }
        variables
    }
}

/// Returns the arguments of bubblewrap that every process of a sandbox has.
fn arguments(mounts: &Mounts) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    let mut add = |given: &[&OsString]| arguments.extend(given.iter().map(|text| (*text).clone()));
    let text = |text: &str| OsString::from(text);
    for flag in ["--unshare-ipc", "--unshare-uts"] {
        add(&[&text(flag)]);
    }
    add(&[&text("--hostname"), &text("sandbox")]);
    let all = std::iter::once(mounts.root()).chain(mounts.others().iter().cloned());
    for mount in all {
        let flag = match mount.purpose {
            Purpose::Reserved => continue,
            Purpose::Volume { .. } if !mount.host.is_dir() => {
                // Another sandbox has removed it. The kernel shows such a directory empty too, and
                // lets nothing be created in it.
                for flag in ["--tmpfs", "--remount-ro"] {
                    add(&[&text(flag), &text(&mount.path)]);
                }
                continue;
            }
            _ if mount.is_read_only() => "--ro-bind",
            _ => "--bind",
        };
        let (host, own) = (mount.host.clone().into(), text(&mount.path));
        add(&[&text(flag), &host, &own]);
    }
    for (flag, path) in [("--proc", "/proc"), ("--dev", "/dev")] {
        add(&[&text(flag), &text(path)]);
    }
    arguments
}

/// Returns the path of a program of the host.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|directory| directory.join(name));
    places.find(|place| place.is_absolute() && place.is_file())
}
