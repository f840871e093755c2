//! Writing the files of a build into a directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, Source};

use super::blocking::Cancelled;
use super::context::{Content, Entry, invalid};
use super::digest::read;

/// Writes entries below a directory, which is created if it does not exist and must be empty. It blocks.
pub(super) fn write(
    entries: &[Entry],
    directory: &Path,
    cancelled: &Cancelled,
) -> Result<(), Error> {
    let failed = |problem| unwritable(directory, problem);
    fs::create_dir_all(directory).map_err(failed)?;
    if fs::read_dir(directory).map_err(failed)?.next().is_some() {
        return Err(invalid(
            directory,
            "the directory is not empty; name another one",
        ));
    }
    for entry in entries {
        cancelled.check()?;
        let path = directory.join(&entry.path);
        let failed = |problem| unwritable(&path, problem);
        if matches!(entry.content, Content::Directory) {
            fs::create_dir_all(&path).map_err(failed)?;
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let mut file = create(&path, &entry.content).map_err(failed)?;
        read(&entry.content, cancelled, |chunk| {
            file.write_all(chunk).map_err(failed)
        })?;
    }
    Ok(())
}

#[cfg(unix)]
fn create(path: &Path, content: &Content) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let is_executable = matches!(
        content,
        Content::File {
            is_executable: true,
            ..
        }
    );
    let mode = if is_executable { 0o777 } else { 0o666 };
    let mut options = OpenOptions::new();
    // The system takes away what the process may not give.
    options.write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _: &Content) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Creates the error for a file that cannot be written.
fn unwritable(path: &Path, problem: io::Error) -> Error {
    let source = Source::File(path.to_owned());
    Error::input("files of an image", &source, "they cannot be written").caused_by(problem)
}
