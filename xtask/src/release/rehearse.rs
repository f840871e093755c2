//! `cargo xtask release rehearse`: makes a whole release in a clone, on a registry on this machine, and
//! then another one with faults. The steps are run by this same program. The commit is rehearsed, not
//! the tree; the clone takes it for the branch `main`.

mod audit;
mod proxy;
mod server;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use toml_edit::{DocumentMut, value};
use xshell::{Cmd, Shell, cmd};

use super::verify;
use crate::git::git;
use crate::program;
use crate::shell::cargo;
use crate::tools;
use crate::workspace::Workspace;
use proxy::{Fault, Upload};
use server::Server;

/// The name of the registry in cargo's configuration.
const REGISTRY: &str = "rehearsal";
/// The faults of the second release, in the order of its uploads. Some are in the middle of a group.
const FAULTS: [Option<Fault>; 9] = [
    None,
    Some(Fault::SenderKilled),
    None,
    Some(Fault::ResponseLost),
    Some(Fault::Refused(6, true)),
    None,
    Some(Fault::Refused(6, false)),
    None,
    Some(Fault::RequestLost),
];
/// The crate that the next release has a fix in.
const FIXED: &str = "blaxel-billing";

/// Rehearses a release. Fails if anything goes otherwise than it must.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let workspace = Workspace::read(sh)?;
    let registry = tools::REGISTRY.installed(sh, &workspace)?;
    let temp = sh.create_temp_dir()?;
    // Without links: cargo names directories by their real paths.
    let directory = temp.path().canonicalize()?;
    let rehearsal = Rehearsal::new(sh, &workspace, &directory)?;
    let mut report = String::new();

    println!("\n==> a release without faults");
    let server = rehearsal.start(&registry, &directory.join("first"), &[])?;
    for step in ["plan", "prepare", "verify", "publish"] {
        timed(&mut report, step, || Ok(rehearsal.step(step).run()?))?;
    }
    let release = git(&rehearsal.sh, "rev-parse HEAD").read()?;
    let released = rehearsal.packages()?;
    server.audit(&released)?;
    timed(&mut report, "use", || rehearsal.use_packages(&directory))?;
    timed(&mut report, "fix", || {
        rehearsal.release_fix(&server, released)
    })?;
    drop(server);

    println!("\n==> a release with faults");
    let server = rehearsal.start(&registry, &directory.join("second"), &FAULTS)?;
    git(
        &rehearsal.sh,
        &format!("checkout --quiet -B main {release}"),
    )
    .run()?;
    timed(&mut report, "faults", || {
        rehearsal.release_with_faults(&server)
    })?;
    println!("\nrehearsed:\n{report}");
    Ok(())
}

/// Runs a step, and adds its duration to the report.
fn timed(report: &mut String, name: &str, step: impl FnOnce() -> Result<()>) -> Result<()> {
    let start = Instant::now();
    step().with_context(|| format!("the rehearsal fails at `{name}`"))?;
    *report += &format!("  {name:<14}{:>6.1} s\n", start.elapsed().as_secs_f64());
    Ok(())
}

/// A clone of the repository, in which the steps of a release run.
struct Rehearsal {
    /// A shell in the clone. Its environment has the rehearsal's registry, and a cargo home that has
    /// nothing of the person who rehearses.
    sh: Shell,
    /// The directory that the clone compiles to. It stays from one rehearsal to the next.
    target: PathBuf,
    /// This program.
    program: &'static Path,
}

impl Rehearsal {
    /// Clones the commit into a directory, and moves its crates to the rehearsal's registry.
    fn new(outer: &Shell, workspace: &Workspace, directory: &Path) -> Result<Self> {
        let clone = directory.join("clone");
        git(outer, "clone --quiet --no-tags .").arg(&clone).run()?;
        let sh = outer.clone();
        sh.change_dir(&clone);
        let config = directory.join("gitconfig");
        sh.write_file(
            &config,
            "[user]\nname = Rehearsal\nemail = rehearsal@example.invalid\n",
        )?;
        sh.set_var("GIT_CONFIG_GLOBAL", config);
        git(&sh, "checkout --quiet -B main").run()?;
        // The paths of what others have published stay the same, so that it is compiled once.
        let target = workspace.target.join("rehearsal");
        let home = target.join("home");
        // Cargo has packages of other contents, and the same names and versions, of the registries of
        // earlier rehearsals. The names of their directories start with that of no host.
        for kind in ["cache", "index", "src"].map(|kind| home.join("registry").join(kind)) {
            let mut directories = sh.read_dir(kind).unwrap_or_default();
            directories.retain(|directory| directory.to_string_lossy().contains("/-"));
            directories
                .iter()
                .try_for_each(|directory| sh.remove_path(directory))?;
        }
        sh.set_var("CARGO_HOME", home);
        sh.set_var("CARGO_TARGET_DIR", &target);
        // By this, this program finds the workspace that it works on.
        sh.set_var("CARGO_MANIFEST_DIR", clone.join("xtask"));
        sh.set_var(tools::DIRECTORY_VARIABLE, tools::directory(workspace));
        let mut manifest: DocumentMut = sh.read_file("Cargo.toml")?.parse()?;
        for name in workspace.names() {
            manifest["workspace"]["dependencies"][name]["registry"] = value(REGISTRY);
        }
        sh.write_file("Cargo.toml", manifest.to_string())?;
        // The crates are due as if for the first time, whatever was released before.
        enter(&sh, &workspace.names())?;
        let program = program::path()?;
        Ok(Self {
            sh,
            target,
            program,
        })
    }

    /// Starts a registry in this directory, and has cargo use it.
    fn start(&self, ktra: &Path, at: &Path, faults: &[Option<Fault>]) -> Result<Server> {
        let _at = self.sh.push_dir(self.sh.create_dir(at)?);
        let server = Server::start(&self.sh, ktra, faults)?;
        let index = format!("file://{}", server.index.display());
        self.sh.set_var("CARGO_REGISTRIES_REHEARSAL_INDEX", index);
        let token = "CARGO_REGISTRIES_REHEARSAL_TOKEN";
        self.sh.set_var(token, &server.token);
        Ok(server)
    }

    /// Returns the command that runs a step of a release in the clone.
    fn step(&self, step: &str) -> Cmd<'_> {
        println!("\n$ cargo xtask release {step}");
        let Self { sh, program, .. } = self;
        cmd!(sh, "{program} release {step} --registry {REGISTRY}").quiet()
    }

    /// Returns the packages of the clone as `name@version`.
    fn packages(&self) -> Result<Vec<String>> {
        let packages = Workspace::read(&self.sh)?.packages.into_iter();
        let named = packages.map(|it| format!("{}@{}", it.name, it.version));
        Ok(named.collect())
    }

    /// Runs a program outside the workspace that is made of the published packages.
    fn use_packages(&self, directory: &Path) -> Result<()> {
        let packages = Workspace::read(&self.sh)?.packages;
        let facade = directory.join("clone/crates/blaxel");
        let sh = self.sh.clone();
        sh.change_dir(sh.create_dir(directory.join("consumer"))?);
        sh.write_file("Cargo.toml", verify::consumer(&packages, REGISTRY, &facade))?;
        // The other versions are those that the tests ran with.
        sh.copy_file(directory.join("clone/Cargo.lock"), "Cargo.lock")?;
        let cargo = |arguments| verify::outside(cargo(&sh, arguments), &self.target);
        cargo("generate-lockfile --quiet").run()?;
        // An earlier rehearsal has compiled other contents of the same versions.
        let ours = packages.iter().flat_map(|it| ["--package", &it.name]);
        cargo("clean --quiet").args(ours).run()?;
        Ok(cargo("run --quiet").run()?)
    }

    /// Makes a fix in one crate, and a release that must have that crate alone.
    fn release_fix(&self, server: &Server, mut released: Vec<String>) -> Result<()> {
        let readme = format!("crates/{FIXED}/README.md");
        let text = self.sh.read_file(&readme)? + "\nRehearsed.\n";
        self.sh.write_file(&readme, text)?;
        enter(&self.sh, &[FIXED])?;
        for step in ["plan", "prepare", "publish"] {
            self.step(step).run()?;
        }
        let mut new = self.packages()?;
        new.retain(|package| !released.contains(package));
        match &new[..] {
            [package] if package.starts_with(FIXED) && !package.ends_with(".0") => {}
            _ => bail!("a fix in {FIXED} alone releases {new:?}"),
        }
        released.extend(new);
        server.audit(&released)
    }

    /// Publishes a release that is killed once, and publishes it again until it is whole.
    fn release_with_faults(&self, server: &Server) -> Result<()> {
        let publish = || self.step("publish").args(["--new-names", "3/2"]);
        let mut command = Command::from(publish());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let is_it = |upload: &Upload| upload.fault == Some(Fault::SenderKilled);
        while !server.proxy.uploads().0.iter().any(is_it) {
            if let Some(status) = child.try_wait()? {
                bail!("the step that was to be killed has ended: {status}");
            }
            thread::sleep(Duration::from_millis(20));
        }
        let group = format!("-{}", child.id());
        cmd!(self.sh, "kill -KILL -- {group}").run()?;
        child.wait()?;
        publish().run()?;
        let (uploads, left) = server.proxy.uploads();
        if left > 0 {
            bail!("{left} faults met no upload");
        }
        server.audit(&self.packages()?)?;
        publish().run()?;
        if server.proxy.uploads().0.len() != uploads.len() {
            bail!("a whole release was published again");
        }
        Ok(())
    }
}

/// Adds an entry for each of these crates to the unreleased changes, and commits all that is changed.
fn enter(sh: &Shell, names: &[&str]) -> Result<()> {
    const UNRELEASED: &str = "## [Unreleased]\n";
    let entry = |name| format!("- `{name}`: rehearsed.\n");
    let entries: String = names.iter().map(entry).collect();
    let section = format!("{UNRELEASED}\n### Fixed\n\n{entries}");
    let changelog = sh.read_file("CHANGELOG.md")?;
    sh.write_file("CHANGELOG.md", changelog.replacen(UNRELEASED, &section, 1))?;
    Ok(git(sh, "commit --quiet --all --message Rehearse").run()?)
}
