//! The files below a directory.

use std::fs;
use std::io;
use std::path::Path;

/// All files below a directory, by their paths from it with slashes between, in no order. Links are
/// files. `enters` tells by its path whether a directory is looked into.
pub(crate) fn below(root: &Path, enters: &dyn Fn(&str) -> bool) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    walk(root, "", enters, &mut files)?;
    Ok(files)
}

fn walk(
    directory: &Path,
    prefix: &str,
    enters: &dyn Fn(&str) -> bool,
    files: &mut Vec<String>,
) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if !entry.file_type()?.is_dir() {
            files.push(path);
        } else if enters(&path) {
            walk(&entry.path(), &format!("{path}/"), enters, files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::old::scratch::Scratch;

    #[test]
    fn files_are_named_from_where_the_walk_begins() {
        let scratch = Scratch::new("files").unwrap();
        for directory in ["a/b", "c"] {
            fs::create_dir_all(scratch.path().join(directory)).unwrap();
        }
        for file in ["a/b/one", "c/two", "three"] {
            fs::write(scratch.path().join(file), "").unwrap();
        }
        let found = |enters: &dyn Fn(&str) -> bool| {
            let mut files = below(scratch.path(), enters).unwrap();
            files.sort();
            files
        };
        assert_eq!(found(&|_| true), ["a/b/one", "c/two", "three"]);
        assert_eq!(found(&|path| path != "a/b"), ["c/two", "three"]);
    }
}
