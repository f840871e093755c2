//! Reading the small files that settings are kept in.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The maximum size of a file, in bytes.
pub(crate) const SIZE_LIMIT: u64 = 1024 * 1024;

/// Reads a file. Links are followed.
///
/// # Errors
///
/// Those of the file system. [`ErrorKind::InvalidInput`] if the path is not that of a regular file: a pipe or
/// a device may never end. [`ErrorKind::FileTooLarge`] if the file is larger than [`SIZE_LIMIT`].
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Before it is opened: opening a pipe waits for somebody who writes to it.
    check_kind(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    // And after: another file may have taken its place.
    check_kind(&file.metadata()?)?;
    let mut bytes = Vec::new();
    file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
    check_size(bytes.len())?;
    Ok(bytes)
}

/// Checks that a file can be opened and read to its end without waiting.
pub(crate) fn check_kind(metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err(io::Error::new(
            ErrorKind::InvalidInput,
            "it is not a regular file",
        ))
    }
}

/// Checks that a file of this size can be read.
pub(crate) fn check_size(bytes: usize) -> io::Result<()> {
    if bytes as u64 <= SIZE_LIMIT {
        Ok(())
    } else {
        Err(io::Error::new(
            ErrorKind::FileTooLarge,
            "it is larger than 1 MiB",
        ))
    }
}

/// Checks that bytes are not in an encoding in which some editors and shells save text instead of UTF-8.
///
/// # Errors
///
/// Describes the problem and what to do.
pub(crate) fn check_encoding(bytes: &[u8]) -> Result<(), &'static str> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        Err("it is UTF-16; save it as UTF-8")
    } else if bytes.contains(&0) {
        Err("it has zero bytes, so it may be UTF-16; save it as UTF-8")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_up_to_the_limit_is_read() {
        let path = std::env::temp_dir().join(format!("blaxel-auth-small-{}", std::process::id()));
        let limit = usize::try_from(SIZE_LIMIT).unwrap();
        fs::write(&path, vec![b'x'; limit]).unwrap();
        assert_eq!(read(&path).unwrap().len(), limit);
        fs::write(&path, vec![b'x'; limit + 1]).unwrap();
        assert_eq!(read(&path).unwrap_err().kind(), ErrorKind::FileTooLarge);
        fs::remove_file(&path).unwrap();
        assert_eq!(read(&path).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_a_regular_file_is_refused_without_waiting() {
        let pipe = std::env::temp_dir().join(format!("blaxel-auth-pipe-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for path in [
            &pipe,
            Path::new("/dev/zero"),
            Path::new("/dev/full"),
            Path::new("/"),
        ] {
            let error = read(path).unwrap_err();
            assert_eq!(
                error.to_string(),
                "it is not a regular file",
                "{}",
                path.display()
            );
        }
        fs::remove_file(&pipe).unwrap();
    }

    #[test]
    fn other_encodings_are_named() {
        for (bytes, part) in [
            (&b"\xff\xfeB\0L\0"[..], "UTF-16"),
            (b"\xfe\xff\0B\0L", "UTF-16"),
            (b"B\0L\0_\0", "UTF-16"),
            (b"\0B\0L\0_", "UTF-16"),
        ] {
            assert!(check_encoding(bytes).unwrap_err().contains(part));
        }
        check_encoding(b"\xef\xbb\xbfBL_ENV=prod").unwrap();
        check_encoding(b"").unwrap();
    }
}
