//! Crates outside the workspace that use ours, and what compiling them takes.

mod stopwatch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub(crate) use stopwatch::stand_in;

use crate::old::ci::cargo_in;
use crate::old::scratch::Scratch;

/// The clock of `/proc`: ticks per second, the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// Features of a crate of ours, as a user chooses them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Features {
    Default,
    /// None, not even the default ones.
    Bare,
    /// This one, and not the default ones.
    Only(String),
}

/// A crate in the version that is compiled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Compiled {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// What a check took.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cost {
    /// The crates compiled, in order and without the user's own.
    pub(crate) crates: Vec<Compiled>,
    /// The processor time of all compilers and build scripts.
    pub(crate) seconds: f64,
}

/// The line by which a user's crate depends on a crate of ours.
pub(crate) fn dependency(root: &Path, krate: &str, features: &Features) -> String {
    let path = root.join("crates").join(krate);
    let choice = match features {
        Features::Default => String::new(),
        Features::Bare => ", default-features = false".to_owned(),
        Features::Only(one) => format!(", default-features = false, features = [{one:?}]"),
    };
    format!("{krate} = {{ path = {path:?}{choice} }}\n")
}

/// A directory for a user's crate among the temporary ones, gone at the end.
pub(crate) struct Outside(Scratch);

impl Outside {
    pub(crate) fn new() -> Result<Self, String> {
        let scratch = Scratch::new("outside")?;
        fs::create_dir(scratch.path().join("src")).map_err(cannot)?;
        Ok(Self(scratch))
    }

    /// Checks a crate that has these dependencies and no more, with nothing compiled before.
    ///
    /// The lock file may name more than is needed; cargo drops that. What is not on this machine yet
    /// is downloaded first, so that it does not count. Cargo's own time is counted, which is little.
    pub(crate) fn check(&self, dependencies: &str, lock: &str) -> Result<Cost, String> {
        self.clean()?;
        self.prepare(dependencies, lock)?;
        let before = children_seconds()?;
        let output = run(self.cargo("check"))?;
        let seconds = children_seconds()? - before;
        let crates = compiled(&String::from_utf8_lossy(&output.stderr));
        Ok(Cost { crates, seconds })
    }

    /// Checks such a crate, and compiles only what was not for another one since all was cleaned.
    ///
    /// The time is still that of all it needs: the sum of what its units took when each was compiled.
    /// Cargo shares a unit only if it would be compiled in the same way, with the same features and
    /// from the same dependencies. Cargo's own time is left out.
    pub(crate) fn check_shared(&self, dependencies: &str, lock: &str) -> Result<Cost, String> {
        self.prepare(dependencies, lock)?;
        // A copy of us: the path of an interpreter has to be short and without spaces.
        let stopwatch = self.0.path().join("stopwatch");
        if !stopwatch.exists() {
            let program = std::env::current_exe().map_err(cannot)?;
            fs::copy(program, &stopwatch).map_err(cannot)?;
        }
        let mut cargo = self.cargo("check");
        cargo
            .arg("--message-format=json")
            .env("RUSTC_WRAPPER", &stopwatch)
            .env(stopwatch::LOG, self.log());
        let output = run(cargo)?;
        let log = fs::read_to_string(self.log()).map_err(cannot)?;
        sum(
            &String::from_utf8_lossy(&output.stdout),
            &stopwatch::parse(&log),
        )
    }

    /// Removes all that was compiled.
    pub(crate) fn clean(&self) -> Result<(), String> {
        if self.target().exists() {
            fs::remove_dir_all(self.target()).map_err(cannot)?;
        }
        if self.log().exists() {
            fs::remove_file(self.log()).map_err(cannot)?;
        }
        Ok(())
    }

    fn prepare(&self, dependencies: &str, lock: &str) -> Result<(), String> {
        let manifest = format!(
            "[package]\nname = \"{USER}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [workspace]\n\n[dependencies]\n{dependencies}"
        );
        fs::write(self.0.path().join("Cargo.toml"), manifest).map_err(cannot)?;
        fs::write(self.0.path().join("src/lib.rs"), "").map_err(cannot)?;
        fs::write(self.0.path().join("Cargo.lock"), lock).map_err(cannot)?;
        run(self.cargo("fetch")).map(drop)
    }

    fn cargo(&self, command: &str) -> Command {
        let mut cargo = cargo_in(self.0.path());
        cargo
            .arg(command)
            .env("CARGO_TARGET_DIR", self.target())
            .env("CARGO_TERM_COLOR", "never")
            // Ours comes from a path here and from a registry to users, for whom cargo does not
            // spend time on compiling its next change faster.
            .env("CARGO_INCREMENTAL", "0")
            .env_remove("RUSTC_WRAPPER")
            .env_remove("CARGO_BUILD_RUSTC_WRAPPER")
            .env_remove("RUSTFLAGS")
            .stdin(Stdio::null());
        cargo
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("times")
    }

    fn target(&self) -> PathBuf {
        self.0.path().join("target")
    }
}

/// The name of the user's crate.
const USER: &str = "user";

/// What a command said, or why it failed.
fn run(mut command: Command) -> Result<Output, String> {
    let output = command
        .output()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed for a crate outside:\n{said}"))
}

fn cannot(error: std::io::Error) -> String {
    format!("the user's crate cannot be made: {error}")
}

impl Compiled {
    /// Reads `name v1.2.3`, as cargo writes it, and leaves what follows.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let name = words.next()?.to_owned();
        let version = words.next()?.strip_prefix('v')?.to_owned();
        Some(Self { name, version })
    }
}

impl fmt::Display for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// The crates that cargo said it compiled, without the user's own.
fn compiled(said: &str) -> Vec<Compiled> {
    let mut crates: Vec<Compiled> = said
        .lines()
        .map(str::trim_start)
        .filter_map(|line| {
            let verbs = ["Compiling ", "Checking "];
            verbs.iter().find_map(|verb| line.strip_prefix(verb))
        })
        .filter_map(Compiled::parse)
        .filter(|krate| krate.name != USER)
        .collect();
    crates.sort_unstable();
    crates
}

/// The sum of the times of all units that cargo names in its messages.
fn sum(messages: &str, times: &BTreeMap<String, f64>) -> Result<Cost, String> {
    let unclear = |what: &str| format!("cargo's messages have {what}, which is not understood");
    let mut crates = BTreeSet::new();
    let mut units = BTreeSet::new();
    for line in messages.lines() {
        let message: Value = serde_json::from_str(line).map_err(|_| unclear(line))?;
        let made = match message["reason"].as_str() {
            Some("compiler-artifact") => message["filenames"][0].as_str(),
            Some("build-script-executed") => message["out_dir"].as_str(),
            _ => continue,
        };
        let id = message["package_id"].as_str().unwrap_or_default();
        let krate = identified(id).ok_or_else(|| unclear(id))?;
        if krate.name == USER {
            continue;
        }
        crates.insert(krate);
        let unit = made.and_then(|made| stopwatch::unit_of(Path::new(made)));
        units.insert(unit.ok_or_else(|| unclear(line))?);
    }
    let mut seconds = 0.0;
    for unit in units {
        seconds += times
            .get(&unit)
            .ok_or_else(|| format!("no time was taken of the unit {unit}"))?;
    }
    let crates = crates.into_iter().collect();
    Ok(Cost { crates, seconds })
}

/// Reads the id of a package: `registry+url#name@1.2.3`, or `path+file:///kites/name#1.2.3`.
fn identified(id: &str) -> Option<Compiled> {
    let (source, fragment) = id.rsplit_once('#')?;
    let (name, version) = match fragment.split_once('@') {
        Some(both) => both,
        None => (source.rsplit('/').next()?, fragment),
    };
    Some(Compiled {
        name: name.to_owned(),
        version: version.to_owned(),
    })
}

/// The processor time of all processes that we started and waited for, and of theirs.
fn children_seconds() -> Result<f64, String> {
    let stat = fs::read_to_string("/proc/self/stat")
        .map_err(|error| format!("only Linux tells the time of child processes: {error}"))?;
    seconds_in(&stat).ok_or_else(|| "/proc/self/stat is not as expected".to_owned())
}

fn seconds_in(stat: &str) -> Option<f64> {
    // The name in parentheses may hold anything; after it the fields are counted from 3 on.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(16 - 3);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_counted_without_the_user_s_own() {
        let said = "  Downloaded a v1\n    Checking b v0.1.0 (path)\n   Compiling a v1.0.0\n\
                    \x20   Checking user v0.0.0 (path)\n    Finished `dev` profile\n";
        let crates: Vec<String> = compiled(said).iter().map(ToString::to_string).collect();
        assert_eq!(crates, ["a 1.0.0", "b 0.1.0"]);
    }

    #[test]
    fn the_units_of_a_crate_are_summed_whoever_had_them_compiled() {
        let messages = "\
{\"reason\":\"compiler-artifact\",\"package_id\":\"registry+x#a@1.0.0\",\"filenames\":[\"/t/build/a-1/s\"]}
{\"reason\":\"build-script-executed\",\"package_id\":\"registry+x#a@1.0.0\",\"out_dir\":\"/t/build/a-2/out\"}
{\"reason\":\"compiler-artifact\",\"package_id\":\"registry+x#a@1.0.0\",\"filenames\":[\"/t/deps/a-3.rmeta\"]}
{\"reason\":\"compiler-artifact\",\"package_id\":\"path+file:///x/b#0.1.0\",\"filenames\":[\"/t/deps/b-4.rmeta\"]}
{\"reason\":\"compiler-artifact\",\"package_id\":\"path+file:///x/user#0.0.0\",\"filenames\":[\"/t/deps/u-5\"]}
{\"reason\":\"build-finished\",\"success\":true}
";
        let times = stopwatch::parse("1 1\n2 2\n3 4\n4 8\n5 16\n6 32\n");
        let cost = sum(messages, &times).unwrap();
        let crates: Vec<String> = cost.crates.iter().map(ToString::to_string).collect();
        assert_eq!(crates, ["a 1.0.0", "b 0.1.0"]);
        assert_eq!(cost.seconds, 15.0);
        let times = stopwatch::parse("1 1\n2 2\n3 4\n");
        assert!(sum(messages, &times).unwrap_err().contains("unit 4"));
    }

    #[test]
    fn the_time_of_children_is_read_behind_any_name() {
        let stat = "12 (a) b (c)) S 3 4 5 6 7 8 9 10 11 12 13 14 250 50 20 0 1";
        assert_eq!(seconds_in(stat), Some(3.0));
        assert_eq!(seconds_in("12 (a) S 3"), None);
    }

    #[test]
    fn a_user_chooses_features_as_a_manifest_says_them() {
        let line = |features| dependency(Path::new("/x"), "kite", &features);
        assert_eq!(
            line(Features::Default),
            "kite = { path = \"/x/crates/kite\" }\n"
        );
        assert!(line(Features::Bare).ends_with(", default-features = false }\n"));
        let wind = line(Features::Only("wind".to_owned()));
        assert!(
            wind.ends_with(", default-features = false, features = [\"wind\"] }\n"),
            "{wind}"
        );
    }
}
