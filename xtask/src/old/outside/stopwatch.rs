//! The time of each compiler and build script that cargo starts, taken by standing in for them.
//!
//! Cargo is told that we are its compiler's wrapper. Build scripts it starts itself; but it compiles
//! them by us, and we put in the place of one a file that names us as its interpreter.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use super::children_seconds;

/// The variable that has us stand in: the file that takes the times.
pub(super) const LOG: &str = "BLAXEL_XTASK_TIMES";

/// What a build script is called when we stand in its place.
const SCRIPT: &str = "the-real-build-script";

/// Does what the program would that we stand in for, if cargo started us as such.
pub(crate) fn stand_in() -> Option<ExitCode> {
    let log = std::env::var_os(LOG)?;
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next()?;
    let arguments: Vec<OsString> = arguments.collect();
    let done = run(Path::new(&log), &program, &arguments);
    Some(match done {
        Ok(status) => {
            // A program ended by a signal has no code.
            let code = status.code().unwrap_or(1);
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
        Err(error) => {
            eprintln!("no time could be taken of {}: {error}", program.display());
            ExitCode::FAILURE
        }
    })
}

fn run(log: &Path, program: &OsStr, arguments: &[OsString]) -> io::Result<ExitStatus> {
    let script = Path::new(program).with_file_name(SCRIPT);
    let (program, unit) = if script.is_file() {
        let out = std::env::var_os("OUT_DIR").unwrap_or_default();
        (script.into_os_string(), unit_of(Path::new(&out)))
    } else {
        (program.to_owned(), compiled_unit(arguments))
    };
    let status = Command::new(program).args(arguments).status()?;
    if let (Some(unit), true) = (unit, status.success()) {
        let seconds = children_seconds().map_err(io::Error::other)?;
        let mut log = OpenOptions::new().append(true).create(true).open(log)?;
        // At once, since others write as well.
        log.write_all(format!("{unit} {seconds}\n").as_bytes())?;
        replace_script(arguments, &std::env::current_exe()?)?;
    }
    Ok(status)
}

/// The unit that a compiler is asked for.
fn compiled_unit(arguments: &[OsString]) -> Option<String> {
    let directory = Path::new(after(arguments, "--out-dir")?);
    if is_script(directory) {
        // Below, cargo speaks of the script's directory.
        return hash(directory.file_name()?);
    }
    hash(OsStr::new(suffix(arguments)?))
}

/// What a compiler is asked to put behind the name of the crate in names of files.
fn suffix(arguments: &[OsString]) -> Option<&str> {
    let mut options = arguments.iter().filter_map(|argument| argument.to_str());
    options.find_map(|option| option.strip_prefix("extra-filename="))
}

/// Puts us into the place of a build script that was just compiled.
fn replace_script(arguments: &[OsString], interpreter: &Path) -> io::Result<()> {
    let (Some(directory), Some(name), Some(suffix)) = (
        after(arguments, "--out-dir").map(Path::new),
        after(arguments, "--crate-name"),
        suffix(arguments),
    ) else {
        return Ok(());
    };
    if !is_script(directory) {
        return Ok(());
    }
    let mut file = name.to_owned();
    file.push(suffix);
    let script = directory.join(file);
    let real = directory.join(SCRIPT);
    fs::rename(&script, &real)?;
    fs::write(&script, format!("#!{}\n", interpreter.display()))?;
    fs::set_permissions(&script, fs::metadata(real)?.permissions())
}

fn is_script(directory: &Path) -> bool {
    directory
        .parent()
        .is_some_and(|parent| parent.ends_with("build"))
}

fn after<'a>(arguments: &'a [OsString], option: &str) -> Option<&'a OsStr> {
    let mut arguments = arguments.iter().skip_while(|argument| *argument != option);
    arguments.nth(1).map(OsString::as_os_str)
}

/// The unit that made a file of cargo's, or that ran to fill a directory.
pub(super) fn unit_of(path: &Path) -> Option<String> {
    let parent = path.parent()?;
    if parent.ends_with("deps") {
        hash(path.file_stem()?)
    } else {
        hash(parent.file_name()?)
    }
}

/// What cargo puts behind the last `-` of all names of a unit.
fn hash(name: &OsStr) -> Option<String> {
    let (_, hash) = name.to_str()?.rsplit_once('-')?;
    Some(hash.to_owned())
}

/// The times in a log, by unit.
pub(super) fn parse(log: &str) -> BTreeMap<String, f64> {
    let lines = log.lines();
    lines
        .filter_map(|line| {
            let (unit, seconds) = line.split_once(' ')?;
            Some((unit.to_owned(), seconds.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::old::scratch::Scratch;

    fn arguments(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn what_is_compiled_and_what_cargo_says_of_it_are_the_same_unit() {
        let library =
            "--crate-name kite -C metadata=1 -C extra-filename=-2f --out-dir /t/debug/deps";
        for file in ["libkite-2f.rmeta", "libkite-2f.so"] {
            let path = Path::new("/t/debug/deps").join(file);
            assert_eq!(compiled_unit(&arguments(library)), unit_of(&path));
            assert_eq!(unit_of(&path).as_deref(), Some("2f"));
        }
        let script =
            "--crate-name build_script_build -C extra-filename=-3a --out-dir /t/build/kite-4b";
        assert_eq!(
            compiled_unit(&arguments(script)),
            unit_of(Path::new("/t/build/kite-4b/build-script-build"))
        );
        assert_eq!(
            unit_of(Path::new("/t/build/kite-5c/out")).as_deref(),
            Some("5c")
        );
    }

    #[test]
    fn a_question_to_the_compiler_is_no_unit() {
        assert_eq!(compiled_unit(&arguments("-vV")), None);
        assert_eq!(
            compiled_unit(&arguments("- --crate-name ___ --print=cfg")),
            None
        );
    }

    #[test]
    fn a_build_script_is_started_by_way_of_us() {
        let scratch = Scratch::new("stopwatch").unwrap();
        let out = scratch.path().join("build/kite-4b");
        fs::create_dir_all(&out).unwrap();
        fs::write(out.join("build_script_build-3a"), "real").unwrap();
        let line = format!(
            "--crate-name build_script_build -C extra-filename=-3a --out-dir {}",
            out.display()
        );
        replace_script(&arguments(&line), Path::new("/usr/bin/us")).unwrap();
        let texts =
            [SCRIPT, "build_script_build-3a"].map(|file| fs::read_to_string(out.join(file)));
        assert_eq!(texts.map(Result::unwrap), ["real", "#!/usr/bin/us\n"]);
    }

    #[test]
    fn a_log_is_read_by_unit() {
        let times = parse("2f 0.5\n4b 1.25\n\nodd\n");
        assert_eq!(times.len(), 2);
        assert_eq!(times.get("4b"), Some(&1.25));
    }
}
