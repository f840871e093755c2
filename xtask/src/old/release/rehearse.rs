//! `cargo xtask release rehearse`: a whole release against a registry on this machine, in a clone
//! that is thrown away; then a second one with trouble in its way.
//!
//! The steps are those of this same program, run as a maintainer would run them. What is rehearsed
//! is what is committed; the clone takes it for the branch `main`.

mod audit;
mod http;
mod outside;
mod proxy;
mod server;
mod stage;
mod trouble;
mod upload;

use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use semver::Version;

use super::options::Options;
use crate::old::ci::say;
use crate::old::scratch::Scratch;
use crate::old::tools;
use crate::old::workspace::Workspace;
use server::Server;
use stage::{REGISTRY, Stage};
use trouble::Trouble;

/// What the uploads of the second release meet, one after the other.
const TROUBLES: [Option<Trouble>; 9] = [
    Some(Trouble::SenderKilled),
    Some(Trouble::BusyByHeader(Duration::from_secs(2))),
    None,
    Some(Trouble::AnswerLost),
    Some(Trouble::BusyBySentence(Duration::from_secs(3))),
    None,
    Some(Trouble::RequestLost),
    None,
    None,
];

/// What the public registry's limit for new names is shortened to: three at once, then one in so
/// many seconds.
const NEW_NAMES: &str = "3/2";

/// How often a release is taken up again before the rehearsal has failed.
const MOST_RUNS: usize = 3;

/// What is done, in order.
const ACTS: &str = "\
would clone what is committed, and start a registry on this machine
would run there: cargo xtask release plan, prepare, verify and publish
would take `blaxel-billing` from there into a fresh project, and run a program on the emulator from there
would fix one crate, and plan, prepare and publish that alone
would publish the first release to another registry, with uploads refused, connections lost and the
  command killed on the way, until it is whole
";

/// Runs the command with its options.
pub(super) fn command(root: &Path, options: &Options) -> Result<bool, String> {
    let dry = Options {
        dry_run: true,
        ..Options::default()
    };
    if *options == dry {
        print!("{ACTS}");
        Ok(true)
    } else if *options == Options::default() {
        run(root)
    } else {
        Err("`release rehearse` has a registry and a branch of its own; its only option is `--dry-run`".into())
    }
}

/// Rehearses. The error tells what did not go as it must.
pub(crate) fn run(root: &Path) -> Result<bool, String> {
    let target = Workspace::read(root)?.target;
    let program = tools::REGISTRY.installed(root, &target)?;
    let scratch = Scratch::new("rehearsal")?;
    let mut acts = Acts::default();
    let stage = Stage::set(root, &target, scratch.path())?;
    stage.move_to_registry()?;

    say("\n==> a release as it should go");
    // Kept open, so that nothing is killed here.
    let (sender, _kills) = mpsc::channel();
    let server = Server::start(&program, &scratch.path().join("first"), &[], sender)?;
    for step in ["plan", "prepare", "verify", "publish"] {
        acts.play(step, || {
            stage.release(&server, &[step, "--registry", REGISTRY])
        })?;
    }
    let release = stage.head()?;
    let released = packages(&stage, &server)?;
    check(&released, &server)?;
    acts.play("outside", || outside::run(&stage, &server, scratch.path()))?;
    acts.play("next release", || next(&stage, &server, &released))?;
    drop(server);

    say("\n==> a release with trouble in its way");
    let (sender, kills) = mpsc::channel();
    let server = Server::start(&program, &scratch.path().join("second"), &TROUBLES, sender)?;
    stage.switch_to(&release)?;
    acts.play("trouble", || troubled(&stage, &server, &kills))?;

    say(&acts.summary());
    Ok(true)
}

/// The packages of the clone as a registry names them.
fn packages(stage: &Stage, server: &Server) -> Result<Vec<String>, String> {
    let workspace = Workspace::read_by(stage.cargo(&stage.clone, server))?;
    let packages = workspace.packages.iter();
    Ok(packages
        .map(|package| format!("{}@{}", package.name, package.version))
        .collect())
}

/// Whether the registry has each of these packages once, and nothing else.
fn check(expected: &[String], server: &Server) -> Result<(), String> {
    let complaints = audit::complaints(expected, &server.index()?, &server.uploads());
    if !complaints.is_empty() {
        return Err(complaints.join("\n"));
    }
    say(&format!(
        "\nthe registry took each of the {} packages once",
        expected.len()
    ));
    Ok(())
}

/// A fix in one crate, which must be all that the next release has.
fn next(stage: &Stage, server: &Server, released: &[String]) -> Result<(), String> {
    const CRATE: &str = "blaxel-billing";
    append(
        &stage.clone.join("crates").join(CRATE).join("README.md"),
        "\nRehearsed.\n",
    )?;
    enter(
        &stage.clone.join("CHANGELOG.md"),
        &format!("- `{CRATE}`: rehearsed."),
    )?;
    stage.commit("Say that it was rehearsed")?;
    for step in ["plan", "prepare", "publish"] {
        stage.release(server, &[step, "--registry", REGISTRY])?;
    }
    let now = packages(stage, server)?;
    let new: Vec<&String> = now.iter().filter(|it| !released.contains(it)).collect();
    let [only] = new[..] else {
        return Err(format!("a fix in {CRATE} alone releases {new:?}"));
    };
    let version = only.strip_prefix(CRATE).and_then(|it| it.strip_prefix('@'));
    let version = version.and_then(|version| Version::parse(version).ok());
    if version.is_none_or(|version| version.patch == 0) {
        return Err(format!("a fix in {CRATE} is released as {only}"));
    }
    let all = [released, std::slice::from_ref(only)].concat();
    check(&all, server)
}

/// A release that is taken up again until it is whole.
fn troubled(stage: &Stage, server: &Server, kills: &Receiver<()>) -> Result<(), String> {
    let publish = ["publish", "--registry", REGISTRY, "--new-names", NEW_NAMES];
    let mut killed = 0;
    while stage.release_unless_killed(server, &publish, kills)? {
        say("\nkilled, and taken up again");
        killed += 1;
        if killed == MOST_RUNS {
            return Err("the release was killed more often than it was to be".to_owned());
        }
    }
    let left = server.troubles_left();
    if killed == 0 || left > 0 {
        return Err(format!(
            "the release met less trouble than was in its way: killed {killed} times, {left} left"
        ));
    }
    check(&packages(stage, server)?, server)?;
    let before = server.uploads().len();
    stage.release(server, &publish)?;
    if server.uploads().len() == before {
        Ok(())
    } else {
        Err("a release that was whole was published once more".to_owned())
    }
}

fn append(path: &Path, text: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let before = fs::read_to_string(path).map_err(failed)?;
    fs::write(path, before + text).map_err(failed)
}

/// Puts an entry into the unreleased part of a changelog.
fn enter(path: &Path, entry: &str) -> Result<(), String> {
    const UNRELEASED: &str = "## [Unreleased]\n";
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let before = fs::read_to_string(path).map_err(failed)?;
    let Some((intro, rest)) = before.split_once(UNRELEASED) else {
        return Err("the changelog has no unreleased part after a release".to_owned());
    };
    let after = format!("{intro}{UNRELEASED}\n### Fixed\n\n{entry}\n{rest}");
    fs::write(path, after).map_err(failed)
}

/// What was done, and how long each took.
#[derive(Default)]
struct Acts(Vec<(&'static str, Duration)>);

impl Acts {
    fn play(
        &mut self,
        name: &'static str,
        act: impl FnOnce() -> Result<(), String>,
    ) -> Result<(), String> {
        let start = Instant::now();
        act().map_err(|error| format!("the rehearsal fails at `{name}`: {error}"))?;
        self.0.push((name, start.elapsed()));
        Ok(())
    }

    fn summary(&self) -> String {
        let mut text = "\nrehearsed:\n".to_owned();
        for (name, took) in &self.0 {
            text.push_str(&format!("  {name:<14}{:>6.1} s\n", took.as_secs_f64()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_rehearsal_says_what_would_be_done_and_other_options_are_refused() {
        let options = |line: &str| {
            let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            Options::parse("rehearse", &arguments).unwrap()
        };
        let nowhere = Path::new("no-such-directory");
        assert_eq!(command(nowhere, &options("--dry-run")), Ok(true));
        let refusal = command(nowhere, &options("--registry kite")).unwrap_err();
        assert!(refusal.contains("`--dry-run`"), "{refusal}");
    }

    #[test]
    fn an_entry_goes_under_what_is_unreleased() {
        let scratch = Scratch::new("rehearsal-entry").unwrap();
        let path = scratch.path().join("CHANGELOG.md");
        fs::write(&path, "# Changelog\n\n## [Unreleased]\n\n## kite 0.1.0\n").unwrap();
        enter(&path, "- `kite`: flies.").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let expected = "## [Unreleased]\n\n### Fixed\n\n- `kite`: flies.\n\n## kite 0.1.0\n";
        assert!(text.ends_with(expected), "{text}");
        fs::write(&path, "# Changelog\n").unwrap();
        assert!(enter(&path, "- `kite`: flies.").is_err());
    }
}
