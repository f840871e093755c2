//! Where a rehearsal takes place: a clone of the repository and an environment that knows the
//! rehearsal's registry and nothing of the person who rehearses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::server::Server;
use crate::old::ci::{cargo_in, say};
use crate::old::git::Git;
use crate::old::tools;

/// The name by which cargo knows the registry here.
pub(super) const REGISTRY: &str = "rehearsal";
/// How often it is looked whether a command has ended.
const PAUSE: Duration = Duration::from_millis(50);

/// A clone, and where its commands find things.
pub(super) struct Stage {
    pub(super) clone: PathBuf,
    /// Cargo's own directory: a fresh one, since a registry of another rehearsal may have held other
    /// packages of the same names and versions.
    home: PathBuf,
    /// Where things are built. It stays from one rehearsal to the next.
    pub(super) target: PathBuf,
    tools: PathBuf,
}

impl Stage {
    /// Clones what is committed at `root` into `scratch`.
    pub(super) fn set(root: &Path, target: &Path, scratch: &Path) -> Result<Self, String> {
        let stage = Self {
            clone: scratch.join("clone"),
            home: scratch.join("cargo"),
            target: target.join("rehearsal"),
            tools: tools::directory(target),
        };
        let (from, to) = (root.to_string_lossy(), stage.clone.to_string_lossy());
        Git::at(scratch).run(&["clone", "--quiet", &from, &to])?;
        stage.switch_to(&Git::at(root).head()?)?;
        for (key, value) in [
            ("user.name", "Rehearsal"),
            ("user.email", "rehearsal@example.invalid"),
            ("commit.gpgsign", "false"),
            ("tag.gpgsign", "false"),
        ] {
            Git::at(&stage.clone).run(&["config", key, value])?;
        }
        fs::create_dir_all(&stage.home).map_err(|error| error.to_string())?;
        Ok(stage)
    }

    /// Has the crates of the clone look for each other on the rehearsal's registry.
    pub(super) fn move_to_registry(&self) -> Result<(), String> {
        let path = self.clone.join("Cargo.toml");
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let text = fs::read_to_string(&path).map_err(failed)?;
        fs::write(&path, on_registry(&text)?).map_err(failed)?;
        self.commit("Look for our crates on the registry of the rehearsal")
    }

    /// Commits all that was changed in the clone.
    pub(super) fn commit(&self, message: &str) -> Result<(), String> {
        Git::at(&self.clone)
            .run(&["commit", "--quiet", "--all", "-m", message])
            .map(drop)
    }

    /// Has the branch `main` of the clone end at this commit.
    pub(super) fn switch_to(&self, commit: &str) -> Result<(), String> {
        let git = Git::at(&self.clone);
        git.run(&["checkout", "--quiet", "-B", "main", commit])
            .map(drop)
    }

    /// The commit that is checked out in the clone.
    pub(super) fn head(&self) -> Result<String, String> {
        Git::at(&self.clone).head()
    }

    /// Runs a step of a release in the clone. The error is the step that failed.
    pub(super) fn release(&self, server: &Server, arguments: &[&str]) -> Result<(), String> {
        let status = self.step(server, arguments)?.status();
        judge(status.map_err(|error| not_started(&error))?, arguments)
    }

    /// Runs a step of a release and kills it, with all that it has started, once that is asked for.
    /// Tells whether it was.
    pub(super) fn release_unless_killed(
        &self,
        server: &Server,
        arguments: &[&str],
        kills: &Receiver<()>,
    ) -> Result<bool, String> {
        let mut step = self.step(server, arguments)?;
        // Only here, since a group of its own hears nothing of an interrupt from the terminal.
        let child = in_a_group_of_its_own(&mut step).spawn();
        let mut child = child.map_err(|error| not_started(&error))?;
        loop {
            match kills.recv_timeout(PAUSE) {
                Ok(()) => {
                    kill_group(&mut child)?;
                    return Ok(true);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                return judge(status, arguments).map(|()| false);
            }
        }
    }

    fn step(&self, server: &Server, arguments: &[&str]) -> Result<Command, String> {
        say(&format!("\n$ cargo xtask release {}", arguments.join(" ")));
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command
            .current_dir(&self.clone)
            .arg("release")
            .args(arguments);
        self.furnish(&mut command, server);
        command
            // It tells by this which workspace is meant.
            .env("CARGO_MANIFEST_DIR", self.clone.join("xtask"))
            .env(tools::DIRECTORY_VARIABLE, &self.tools)
            .stdin(Stdio::null());
        Ok(command)
    }

    /// Cargo with this registry, in a directory outside of any workspace.
    pub(super) fn cargo(&self, directory: &Path, server: &Server) -> Command {
        let mut cargo = cargo_in(directory);
        self.furnish(&mut cargo, server);
        cargo.stdin(Stdio::null());
        cargo
    }

    fn furnish(&self, command: &mut Command, server: &Server) {
        command
            .env("CARGO_HOME", &self.home)
            .env("CARGO_TARGET_DIR", &self.target)
            // Nobody looks into what is built here with a debugger, nor changes it.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_REGISTRIES_REHEARSAL_INDEX", server.index_url())
            .env("CARGO_REGISTRIES_REHEARSAL_TOKEN", server.token());
    }
}

fn not_started(error: &std::io::Error) -> String {
    format!("this program does not start once more: {error}")
}

fn judge(status: ExitStatus, arguments: &[&str]) -> Result<(), String> {
    if status.success() {
        return Ok(());
    }
    Err(format!(
        "`cargo xtask release {}` fails: {status}",
        arguments.join(" ")
    ))
}

/// Has a command start in a group of its own, so that it can be killed with its children.
#[cfg(unix)]
fn in_a_group_of_its_own(command: &mut Command) -> &mut Command {
    std::os::unix::process::CommandExt::process_group(command, 0)
}

#[cfg(not(unix))]
fn in_a_group_of_its_own(command: &mut Command) -> &mut Command {
    command
}

/// Kills a process and all of its group, as a machine that goes down would. Where there are no
/// groups, its children live on.
fn kill_group(child: &mut Child) -> Result<(), String> {
    if cfg!(unix) {
        let group = format!("-{}", child.id());
        let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
        killed.map_err(|error| format!("`kill` does not start: {error}"))?;
    } else {
        child.kill().map_err(|error| error.to_string())?;
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.code().is_none() || cfg!(not(unix)) {
        Ok(())
    } else {
        Err(format!(
            "the step that was to be killed had ended before: {status}"
        ))
    }
}

/// The root manifest with its own crates on the rehearsal's registry.
fn on_registry(manifest: &str) -> Result<String, String> {
    let mut manifest: toml_edit::DocumentMut = manifest
        .parse()
        .map_err(|error| format!("the root manifest cannot be read: {error}"))?;
    let dependencies = manifest["workspace"]["dependencies"].as_table_like_mut();
    let dependencies = dependencies.ok_or("the root manifest has no `[workspace.dependencies]`")?;
    for (_, dependency) in dependencies.iter_mut() {
        if let Some(ours) = dependency
            .as_table_like_mut()
            .filter(|it| it.contains_key("path"))
        {
            ours.insert("registry", toml_edit::value(REGISTRY));
        }
    }
    Ok(manifest.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_crates_move_to_the_registry() {
        let manifest = "[workspace.dependencies]\n# Ours.\nkite = { path = \"kite\", version = \"0.1.0\" }\n\
                        http = \"1\"\nserde = { version = \"1\" }\n";
        let moved = on_registry(manifest).unwrap();
        let ours = moved.lines().find(|line| line.starts_with("kite")).unwrap();
        assert!(ours.contains("registry = \"rehearsal\""), "{moved}");
        assert!(moved.contains("# Ours."), "{moved}");
        assert_eq!(moved.matches("rehearsal").count(), 1);
        assert!(on_registry("[package]\n").is_err());
    }
}
