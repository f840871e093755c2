//! Unpacking of archives that come from a sandbox, which may contain anything.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bytes::{Buf, Bytes};
use tar::{Archive, Entry, EntryType};
use tokio::sync::mpsc::Receiver;

use super::ARCHIVE_SIZE;
use super::temp::{Attributes, TempFile, from_seconds};

/// The size of the chunks that are copied.
const CHUNK: usize = 64 * 1024;

/// Maximum size of all headers of an entry. Long paths are such headers, and are read into memory.
const HEADERS: u64 = 1024 * 1024;

/// The result of unpacking.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unpacked {
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) skipped_links: u64,
}

/// Unpacks an archive below a local directory. It blocks.
///
/// Only the wanted files are written, by their paths with `/`, and each once. Files may have grown since they were
/// listed, but not by more than [`ARCHIVE_SIZE`] together.
///
/// Nothing is written outside of the root: a path must be one of the wanted ones, and no directory on the way to it may
/// be a link. Links are made last, so that no file is written through one.
pub(super) fn unpack(
    archive: impl Read,
    root: &Path,
    wanted: &HashMap<String, u64>,
) -> io::Result<Unpacked> {
    let listed = wanted
        .values()
        .fold(0_u64, |sum, len| sum.saturating_add(*len));
    let limit = listed.saturating_add(ARCHIVE_SIZE);
    let mut unpacked = Unpacked::default();
    let mut expected: HashSet<&str> = wanted.keys().map(String::as_str).collect();
    let mut links = Vec::new();
    let mut hard_links = Vec::new();
    let mut buffer = vec![0; CHUNK];
    let allowance = Rc::new(Cell::new(HEADERS));
    let mut archive = Archive::new(Bounded {
        archive,
        allowance: Rc::clone(&allowance),
    });
    for entry in archive.entries()? {
        let mut entry = entry?;
        // The content of this entry and the headers of the next one.
        allowance.set(entry.header().entry_size()?.saturating_add(HEADERS));
        let Some(name) =
            name_of(&entry.path_bytes()).filter(|name| expected.contains(name.as_str()))
        else {
            continue;
        };
        let target = || entry.link_name_bytes();
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                check_size(unpacked.bytes, entry.size(), limit)?;
                let bytes = write_file(root, &name, &mut entry, &mut buffer)?;
                unpacked.bytes = unpacked.bytes.saturating_add(bytes);
                unpacked.files += 1;
            }
            EntryType::Symlink => {
                if let Some(target) = target() {
                    links.push((name.clone(), target.into_owned()));
                }
            }
            // Another name of a file that came before.
            EntryType::Link => {
                let source = target().and_then(|target| name_of(&target));
                if let Some(source) = source.filter(|source| wanted.contains_key(source)) {
                    hard_links.push((name.clone(), source));
                }
            }
            _ => {}
        }
        expected.remove(name.as_str());
    }
    for (name, source) in hard_links {
        let bytes = copy_file(root, &name, &source, |size| {
            check_size(unpacked.bytes, size, limit)
        })?;
        unpacked.bytes = unpacked.bytes.saturating_add(bytes);
        unpacked.files += 1;
    }
    for (name, target) in links {
        match make_link(root, &name, &target)? {
            true => unpacked.files += 1,
            false => unpacked.skipped_links += 1,
        }
    }
    Ok(unpacked)
}

/// Fails if a file of this size is too much for the limit on all files.
fn check_size(bytes: u64, size: u64, limit: u64) -> io::Result<()> {
    if bytes.saturating_add(size) > limit {
        let problem = "the files of the archive are much larger than those of the listing";
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    Ok(())
}

/// A reader of an archive that fails after so many bytes.
struct Bounded<R> {
    archive: R,
    allowance: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.allowance.get();
        if left == 0 && !buffer.is_empty() {
            let problem = "a header of the archive is too large";
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        let size = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self
            .archive
            .read(buffer.get_mut(..size).unwrap_or_default())?;
        self.allowance.set(left.saturating_sub(read as u64));
        Ok(read)
    }
}

/// Returns the path of an entry in the form of the wanted ones.
fn name_of(path: &[u8]) -> Option<String> {
    let path = std::str::from_utf8(path).ok()?;
    let mut path = path;
    while let Some(rest) = path.strip_prefix("./") {
        path = rest;
    }
    Some(path.to_owned())
}

/// Returns the local path of a file, whose directories are created. It fails if the path would leave the root.
pub(super) fn local_path(root: &Path, name: &str) -> io::Result<PathBuf> {
    let refused = |problem: &str| {
        let problem = format!("`{name}` is refused: {problem}");
        Err(io::Error::new(io::ErrorKind::InvalidInput, problem))
    };
    let mut path = root.to_owned();
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        // A part must be the same on this system: `\` and `C:` have a meaning on some.
        let mut components = Path::new(part).components();
        let is_plain = matches!(
            (components.next(), components.next()),
            (Some(std::path::Component::Normal(plain)), None) if plain == part
        );
        if !is_plain || part.contains('\0') {
            return refused("it would leave the directory");
        }
        path.push(part);
        if parts.peek().is_some() {
            make_dir(&path)?;
        }
    }
    Ok(path)
}

/// Creates a directory, unless there is one. A link to one is an error.
fn make_dir(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => {
            let problem = format!("`{}` is a link or a file, and no directory", path.display());
            Err(io::Error::new(io::ErrorKind::NotADirectory, problem))
        }
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => match fs::create_dir(path) {
            Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists => make_dir(path),
            outcome => outcome,
        },
        Err(problem) => Err(problem),
    }
}

/// Creates a directory below the root and those that it is in.
pub(super) fn make_dir_all(root: &Path, name: &str) -> io::Result<()> {
    make_dir(&local_path(root, name)?)
}

fn write_file<R: Read>(
    root: &Path,
    name: &str,
    entry: &mut Entry<'_, R>,
    buffer: &mut [u8],
) -> io::Result<u64> {
    let (temp, mut file) = TempFile::create(&local_path(root, name)?)?;
    let mut bytes = 0;
    loop {
        let read = entry.read(buffer)?;
        if read == 0 {
            break;
        }
        file.write_all(buffer.get(..read).unwrap_or_default())?;
        bytes += read as u64;
    }
    if bytes != entry.size() {
        // The archive was cut off.
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let attributes = Attributes {
        mode: entry.header().mode().ok(),
        modified: entry.header().mtime().ok().and_then(from_seconds),
    };
    temp.keep(&file, attributes)?;
    Ok(bytes)
}

/// Copies a file below the root, if its size is allowed.
fn copy_file(
    root: &Path,
    name: &str,
    source: &str,
    check: impl FnOnce(u64) -> io::Result<()>,
) -> io::Result<u64> {
    let source = local_path(root, source)?;
    if !fs::symlink_metadata(&source)?.is_file() {
        return Ok(0);
    }
    let mut from = fs::File::open(&source)?;
    let metadata = from.metadata()?;
    check(metadata.len())?;
    let (temp, mut file) = TempFile::create(&local_path(root, name)?)?;
    let bytes = io::copy(&mut from, &mut file)?;
    let attributes = Attributes {
        mode: crate::files::local_file::mode(&metadata),
        modified: metadata.modified().ok(),
    };
    temp.keep(&file, attributes)?;
    Ok(bytes)
}

/// Makes a symbolic link, replacing a file or link. Returns `false` on systems without such links.
fn make_link(root: &Path, name: &str, target: &[u8]) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        let path = local_path(root, name)?;
        match fs::remove_file(&path) {
            Err(problem) if problem.kind() != io::ErrorKind::NotFound => return Err(problem),
            _ => {}
        }
        std::os::unix::fs::symlink(OsStr::from_bytes(target), &path)?;
        Ok(true)
    }
    #[cfg(not(unix))]
    {
        let _ = (root, name, target);
        Ok(false)
    }
}

/// Reads the chunks of a download on a thread of its own.
pub(super) struct ChunkReader {
    chunks: Receiver<Bytes>,
    current: Bytes,
}

impl ChunkReader {
    pub(super) fn new(chunks: Receiver<Bytes>) -> Self {
        Self {
            chunks,
            current: Bytes::new(),
        }
    }
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.current = chunk,
                None => return Ok(0),
            }
        }
        let size = self.current.len().min(buffer.len());
        self.current
            .copy_to_slice(buffer.get_mut(..size).unwrap_or_default());
        Ok(size)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use tar::{Builder, Header};

    /// A directory that is removed at the end of a test.
    struct Dir(PathBuf);

    impl Dir {
        fn new() -> Self {
            let path = std::env::temp_dir()
                .join(format!("blaxel-unpack-{:x}", super::super::temp::random()));
            fs::create_dir_all(path.join("root")).unwrap();
            Self(path)
        }

        fn root(&self) -> PathBuf {
            self.0.join("root")
        }

        /// Returns all paths below the directory that are no directories.
        fn files(&self) -> Vec<String> {
            let mut found = Vec::new();
            let mut pending = vec![self.0.clone()];
            while let Some(directory) = pending.pop() {
                for entry in fs::read_dir(directory).unwrap() {
                    let path = entry.unwrap().path();
                    if fs::symlink_metadata(&path).unwrap().is_dir() {
                        pending.push(path);
                    } else {
                        let path = path.strip_prefix(&self.0).unwrap();
                        found.push(path.to_str().unwrap().to_owned());
                    }
                }
            }
            found.sort();
            found
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    /// Appends an entry whose path and target are not checked.
    fn append(
        builder: &mut Builder<Vec<u8>>,
        kind: EntryType,
        path: &str,
        target: &str,
        content: &[u8],
    ) {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o6751);
        header.set_mtime(1_000_000_000);
        header.set_size(content.len() as u64);
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }

    fn wanted(names: &[&str]) -> HashMap<String, u64> {
        names.iter().map(|name| ((*name).to_owned(), 1)).collect()
    }

    #[test]
    fn files_and_links_are_unpacked() {
        let dir = Dir::new();
        let mut archive = Builder::new(Vec::new());
        append(&mut archive, EntryType::Directory, "./a/", "", b"");
        append(&mut archive, EntryType::Regular, "./a/file", "", b"text");
        append(&mut archive, EntryType::Symlink, "./a/link", "file", b"");
        append(&mut archive, EntryType::Link, "./hard", "./a/file", b"");
        append(&mut archive, EntryType::Regular, "./unasked", "", b"x");
        let archive = archive.into_inner().unwrap();
        let names = wanted(&["a/file", "a/link", "hard"]);
        let unpacked = unpack(archive.as_slice(), &dir.root(), &names).unwrap();
        assert_eq!(
            unpacked,
            Unpacked {
                files: 3,
                bytes: 8,
                skipped_links: 0
            }
        );
        assert_eq!(dir.files(), ["root/a/file", "root/a/link", "root/hard"]);
        let metadata = fs::metadata(dir.root().join("a/file")).unwrap();
        // Permissions to act as another user are dropped.
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o751);
        assert_eq!(
            super::super::temp::seconds(metadata.modified().unwrap()),
            Some(1_000_000_000)
        );
        assert_eq!(
            fs::read_link(dir.root().join("a/link")).unwrap(),
            Path::new("file")
        );
        assert_eq!(fs::read(dir.root().join("hard")).unwrap(), b"text");
        // A second time, everything is replaced.
        unpack(archive.as_slice(), &dir.root(), &names).unwrap();
        assert_eq!(dir.files().len(), 3);
    }

    #[test]
    fn nothing_is_written_outside_of_the_root() {
        for (path, is_error) in [
            ("../out", true),
            ("/out", true),
            ("a/../../out", true),
            ("a//out", true),
            ("", true),
        ] {
            let dir = Dir::new();
            let mut archive = Builder::new(Vec::new());
            append(&mut archive, EntryType::Regular, path, "", b"evil");
            let archive = archive.into_inner().unwrap();
            let outcome = unpack(archive.as_slice(), &dir.root(), &wanted(&[path]));
            assert_eq!(outcome.is_err(), is_error, "{path}");
            assert_eq!(dir.files(), [""; 0]);
        }
    }

    #[test]
    fn no_file_is_written_through_a_link() {
        let dir = Dir::new();
        fs::create_dir(dir.0.join("outside")).unwrap();
        let mut archive = Builder::new(Vec::new());
        append(&mut archive, EntryType::Symlink, "link", "../outside", b"");
        append(&mut archive, EntryType::Regular, "link/out", "", b"evil");
        let archive = archive.into_inner().unwrap();
        // The link is made last, so the file is in a directory of that name, and the link fails.
        unpack(
            archive.as_slice(),
            &dir.root(),
            &wanted(&["link", "link/out"]),
        )
        .unwrap_err();
        assert_eq!(dir.files(), ["root/link/out"]);
        // A link that was there before is not followed.
        let dir = Dir::new();
        fs::create_dir(dir.0.join("outside")).unwrap();
        symlink("../outside", dir.root().join("link")).unwrap();
        unpack(archive.as_slice(), &dir.root(), &wanted(&["link/out"])).unwrap_err();
        assert_eq!(dir.files(), ["root/link"]);
        // Neither is one with the name of a file: it is replaced.
        fs::write(dir.0.join("outside/kept"), "kept").unwrap();
        fs::remove_file(dir.root().join("link")).unwrap();
        symlink("../outside/kept", dir.root().join("file")).unwrap();
        let mut archive = Builder::new(Vec::new());
        append(&mut archive, EntryType::Regular, "file", "", b"new");
        unpack(
            archive.into_inner().unwrap().as_slice(),
            &dir.root(),
            &wanted(&["file"]),
        )
        .unwrap();
        assert_eq!(fs::read(dir.root().join("file")).unwrap(), b"new");
        assert_eq!(fs::read(dir.0.join("outside/kept")).unwrap(), b"kept");
    }

    #[test]
    fn an_archive_without_end_is_refused() {
        // A path that never ends would be collected in memory.
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::GNULongName);
        header.set_size(1 << 40);
        header.set_cksum();
        let (dir, names) = (Dir::new(), wanted(&["file"]));
        let endless = io::Read::chain(header.as_bytes().as_slice(), io::repeat(b'a'));
        let error = unpack(endless, &dir.root(), &names).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");

        // Some bytes that stand for a file of many.
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::GNUSparse);
        header.set_size(0);
        header.as_old_mut().name[..4].copy_from_slice(b"file");
        let sparse = header.as_gnu_mut().unwrap();
        sparse.set_real_size(1 << 40);
        sparse.sparse[0].set_offset(1 << 40);
        sparse.sparse[0].set_length(0);
        header.set_cksum();
        let error = unpack(header.as_bytes().as_slice(), &dir.root(), &names).unwrap_err();
        assert!(error.to_string().contains("larger"), "{error}");
        assert_eq!(dir.files(), [""; 0]);
    }

    #[test]
    fn each_file_is_unpacked_once() {
        let dir = Dir::new();
        let mut archive = Builder::new(Vec::new());
        append(&mut archive, EntryType::Regular, "file", "", b"first");
        append(&mut archive, EntryType::Regular, "./file", "", b"second");
        for _ in 0..3 {
            append(&mut archive, EntryType::Symlink, "link", "file", b"");
        }
        let archive = archive.into_inner().unwrap();
        let unpacked = unpack(archive.as_slice(), &dir.root(), &wanted(&["file", "link"]));
        assert_eq!(unpacked.unwrap().files, 2);
        assert_eq!(fs::read(dir.root().join("file")).unwrap(), b"first");
    }

    #[test]
    fn a_cut_archive_leaves_no_half_file() {
        let mut archive = Builder::new(Vec::new());
        append(&mut archive, EntryType::Regular, "file", "", &[7; 2000]);
        let archive = archive.into_inner().unwrap();
        for cut in [0, 100, 512, 700, 2511] {
            let dir = Dir::new();
            let outcome = unpack(&archive[..cut], &dir.root(), &wanted(&["file"]));
            let files = outcome.map_or(0, |unpacked| unpacked.files);
            assert_eq!((files, dir.files().len()), (0, 0), "{cut}");
        }
    }
}
