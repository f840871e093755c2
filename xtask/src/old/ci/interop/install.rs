//! The installation of what a program needs, by its lock file and only if that has changed.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::program::{Call, Place};
use crate::old::ci::say;
use crate::old::process::Process;

/// The file that tells what an installation was made from.
const RECORD: &str = "installed";

const VERSION_LIMIT: Duration = Duration::from_secs(20);
const INSTALL_LIMIT: Duration = Duration::from_secs(120);

/// Installs what a program needs unless it is there already. The error names the tool that is
/// missing or the command that failed.
pub(super) fn bring_up_to_date(place: &Place) -> Result<(), String> {
    fs::create_dir_all(&place.target)
        .map_err(|error| format!("{} cannot be made: {error}", place.target.display()))?;
    let wanted = recipe(place)?;
    if is_up_to_date(&place.target, &wanted) {
        return Ok(());
    }
    let record = place.target.join(RECORD);
    // Until all is done, what is there is nothing to rely on.
    if record.exists() {
        fs::remove_file(&record).map_err(|error| format!("{}: {error}", record.display()))?;
    }
    for lock in place.program.locks {
        place.bring(lock)?;
    }
    for call in place.program.install {
        run(place, call)?;
    }
    fs::write(&record, wanted).map_err(|error| format!("{}: {error}", record.display()))
}

/// Everything that decides what an installation looks like: the tools' versions, the commands, and
/// the lock files.
fn recipe(place: &Place) -> Result<String, String> {
    let mut recipe = String::new();
    for tool in place.program.tools {
        recipe.push_str(&format!("{tool}: {}\n", ask(place, tool)?));
    }
    for call in place.program.install {
        recipe.push_str(&format!("{call}\n"));
    }
    for lock in place.program.locks {
        let path = place.source.join(lock);
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        recipe.push_str(&format!("{lock}:\n{text}"));
    }
    Ok(recipe)
}

fn is_up_to_date(target: &Path, wanted: &str) -> bool {
    fs::read_to_string(target.join(RECORD)).is_ok_and(|made_from| made_from == wanted)
}

/// What a tool says to a question.
fn ask(place: &Place, call: &Call) -> Result<String, String> {
    let mut command = place.command(call);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut said = Vec::new();
    let name = call.to_string();
    let status =
        Process::start(&mut command, &name)?.finish(VERSION_LIMIT, |line| said.push(line))?;
    if !status.success() || said.is_empty() {
        return Err(format!("`{name}` does not tell its version"));
    }
    Ok(said.join(" "))
}

fn run(place: &Place, call: &Call) -> Result<(), String> {
    let name = call.to_string();
    say(&format!("$ {name}"));
    let status = Process::start(&mut place.command(call), &name)?.finish(INSTALL_LIMIT, |_| ())?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{name}` failed"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::program::PROGRAMS;
    use super::*;
    use crate::old::scratch::Scratch;

    #[test]
    fn an_installation_counts_only_if_it_was_made_from_the_same() {
        let scratch = Scratch::new("record").unwrap();
        assert!(!is_up_to_date(scratch.path(), "kite 1"));
        fs::write(scratch.path().join(RECORD), "kite 1").unwrap();
        assert!(is_up_to_date(scratch.path(), "kite 1"));
        assert!(!is_up_to_date(scratch.path(), "kite 2"));
    }

    #[test]
    fn the_lock_files_hold_hashes_and_no_addresses_to_download_from() {
        for program in PROGRAMS {
            let place = Place::of(program, &crate::old::root());
            let Some(lock) = program.locks.last() else {
                continue;
            };
            let text = fs::read_to_string(place.source.join(lock)).unwrap();
            assert!(
                text.contains("sha512-") || text.contains("--hash=sha256:"),
                "{lock}"
            );
            for address in ["\"resolved\"", "--index-url", "--extra-index-url", " @ "] {
                assert!(!text.contains(address), "{lock} has {address}");
            }
        }
    }
}
