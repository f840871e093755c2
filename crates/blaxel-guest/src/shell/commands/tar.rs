//! `tar`, without compression.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use tar::{Archive, Builder, Entry, EntryType};

use super::{Arguments, Done};
use crate::errno::Errno;
use crate::files::{FileKind, Files as _, OpenFile, OpenOptions, join, tar_header};
use crate::memory::MemoryFiles;
use crate::shell::Shell;

/// The bytes of an archive that comes from a pipe.
const LIMIT: usize = 256 << 20;
/// The bytes that are copied at once.
const CHUNK: usize = 64 << 10;

const NO_ARCHIVE: &str = "This does not look like a tar archive";

const LONG: &[(&str, char)] = &[
    ("create", 'c'),
    ("extract", 'x'),
    ("get", 'x'),
    ("list", 't'),
    ("file", 'f'),
    ("directory", 'C'),
    ("files-from", 'T'),
    ("verbose", 'v'),
    ("preserve-permissions", 'p'),
    ("same-permissions", 'p'),
    ("no-same-owner", 'o'),
    ("gzip", 'z'),
    ("bzip2", 'j'),
    ("xz", 'J'),
];

pub(super) async fn tar(shell: &mut Shell, arguments: &[String]) -> Done {
    let mut arguments = arguments.to_vec();
    // The first word may be options without their dash.
    if let Some(first) = arguments.first_mut().filter(|it| !it.starts_with('-')) {
        first.insert(0, '-');
    }
    let given = shell
        .arguments("tar", &arguments, "cxtf:C:T:vpozjJ", LONG)
        .await?;
    if given.last("zjJ").is_some() {
        let message =
            "this machine has no programs for compression; describe the command with a script";
        shell.report_of("tar", message).await;
        return Err(2);
    }
    let directory = shell.path(given.value('C').unwrap_or("."));
    if let Err(errno) = shell.disk.read_dir(&directory) {
        let name = given.value('C').unwrap_or(".");
        return give_up(shell, &format!("{name}: Cannot open: {}", errno.text())).await;
    }
    match given.last("cxt") {
        Some('c') => create(shell, &given, directory).await,
        Some(_) => read(shell, &given, directory).await,
        None => {
            let message =
                "You must specify one of the '-Acdtrux', '--delete' or '--test-label' options";
            shell.report_of("tar", message).await;
            let help = "Try 'tar --help' or 'tar --usage' for more information.\n";
            shell.files.warn(help).await;
            Err(2)
        }
    }
}

async fn create(shell: &Shell, given: &Arguments, directory: String) -> Done {
    let mut names = given.operands.clone();
    if let Some(list) = given.value('T') {
        match shell.disk.read(&shell.path(list)) {
            Ok(text) => names.extend(String::from_utf8_lossy(&text).lines().map(str::to_owned)),
            Err(error) => {
                let reason = error.errno().text();
                return give_up(shell, &format!("{list}: Cannot open: {reason}")).await;
            }
        }
    }
    if names.is_empty() {
        let message = "Cowardly refusing to create an empty archive";
        shell.report_of("tar", message).await;
        let help = "Try 'tar --help' or 'tar --usage' for more information.\n";
        shell.files.warn(help).await;
        return Err(2);
    }
    let mut run = Run::new(shell, given, directory);
    let packed = match archive_name(given) {
        None => run.pack(Vec::new(), &names),
        Some(name) => {
            let options = OpenOptions::replacing(0o666 & !shell.umask);
            let file = match shell.disk.open(&shell.path(name), &options) {
                Ok(file) => FileIo { file, offset: 0 },
                Err(errno) => {
                    return give_up(shell, &format!("{name}: Cannot open: {}", errno.text())).await;
                }
            };
            run.pack(file, &names).map(|_| Vec::new())
        }
    };
    match packed {
        Ok(bytes) => {
            let listed = std::mem::take(&mut run.listed);
            // The names go where the archive does not.
            if archive_name(given).is_some() {
                shell.write_of("tar", listed).await?;
            } else {
                shell.files.warn(listed).await;
                shell.write_of("tar", bytes).await?;
            }
            run.end().await
        }
        Err(error) => give_up(shell, &format!("write error: {error}")).await,
    }
}

async fn read(shell: &Shell, given: &Arguments, directory: String) -> Done {
    let mut run = Run::new(shell, given, directory);
    let is_list = given.last("cxt") == Some('t');
    let read = match archive_name(given) {
        None => match shell.files.stdin().read_to_end(LIMIT).await {
            Ok(bytes) if bytes.is_empty() => {
                run.failures.push(NO_ARCHIVE.to_owned());
                Ok(())
            }
            Ok(bytes) => run.read(bytes.as_slice(), &given.operands, is_list),
            Err(errno) => {
                return give_up(shell, &format!("-: Cannot read: {}", errno.text())).await;
            }
        },
        Some(name) => match shell.disk.open(&shell.path(name), &OpenOptions::reading()) {
            Ok(file) => run.read(FileIo { file, offset: 0 }, &given.operands, is_list),
            Err(errno) => {
                return give_up(shell, &format!("{name}: Cannot open: {}", errno.text())).await;
            }
        },
    };
    if let Err(error) = read {
        let is_short = error.kind() == io::ErrorKind::UnexpectedEof;
        if is_short {
            let listed = std::mem::take(&mut run.listed);
            shell.write_of("tar", listed).await?;
            return give_up(shell, "Unexpected EOF in archive").await;
        }
        run.failures
            .extend([NO_ARCHIVE, "Skipping to next header"].map(str::to_owned));
    }
    let listed = std::mem::take(&mut run.listed);
    shell.write_of("tar", listed).await?;
    run.end().await
}

/// Returns the file of the archive, or `None` for the standard input or output.
fn archive_name(given: &Arguments) -> Option<&str> {
    given.value('f').filter(|name| *name != "-")
}

async fn give_up(shell: &Shell, message: &str) -> Done {
    shell.report_of("tar", message).await;
    shell
        .report_of("tar", "Error is not recoverable: exiting now")
        .await;
    Err(2)
}

/// A run of the program.
struct Run<'a> {
    shell: &'a Shell,
    disk: &'a MemoryFiles,
    directory: String,
    is_verbose: bool,
    keeps_owner: bool,
    /// The names that are printed.
    listed: String,
    failures: Vec<String>,
    /// The part that was removed from names, which is told once.
    removed: bool,
}

impl<'a> Run<'a> {
    fn new(shell: &'a Shell, given: &Arguments, directory: String) -> Self {
        Self {
            shell,
            disk: &shell.disk,
            directory,
            is_verbose: given.has('v'),
            keeps_owner: !given.has('o'),
            listed: String::new(),
            failures: Vec::new(),
            removed: false,
        }
    }

    /// Reports the failures, and returns the exit code.
    async fn end(self) -> Done {
        if self.removed {
            let message = "Removing leading `/' from member names";
            self.shell.report_of("tar", message).await;
        }
        for failure in &self.failures {
            self.shell.report_of("tar", failure).await;
        }
        if self.failures.is_empty() {
            return Ok(0);
        }
        let message = "Exiting with failure status due to previous errors";
        self.shell.report_of("tar", message).await;
        Err(2)
    }

    fn pack<W: Write>(&mut self, to: W, names: &[String]) -> io::Result<W> {
        let mut archive = Builder::new(to);
        for name in names {
            self.append(&mut archive, name)?;
        }
        archive.into_inner()
    }

    /// Appends an entry, and the contents of a directory.
    fn append<W: Write>(&mut self, archive: &mut Builder<W>, name: &str) -> io::Result<()> {
        let path = join(&self.directory, name);
        let facts = match self.disk.link_metadata(&path) {
            Ok(facts) => facts,
            Err(errno) => {
                let failure = format!("{name}: Cannot stat: {}", errno.text());
                self.failures.push(failure);
                return Ok(());
            }
        };
        let member = name.trim_start_matches('/');
        self.removed |= member.len() < name.len();
        let member = if member.is_empty() { "./" } else { member };
        let mut header = tar_header(&facts);
        match facts.kind {
            FileKind::File => {
                let file = self.disk.open(&path, &OpenOptions::reading());
                let file = match file {
                    Ok(file) => file,
                    Err(errno) => {
                        let failure = format!("{name}: Cannot open: {}", errno.text());
                        self.failures.push(failure);
                        return Ok(());
                    }
                };
                self.list(member, false);
                header.set_size(facts.size);
                let content = FileIo { file, offset: 0 }.take(facts.size);
                archive.append_data(&mut header, member, content)
            }
            FileKind::Symlink => {
                let target = self.disk.read_link(&path).map_err(failed)?;
                self.list(member, false);
                header.set_entry_type(EntryType::Symlink);
                archive.append_link(&mut header, member, target)
            }
            FileKind::Directory => {
                self.list(member, true);
                header.set_entry_type(EntryType::Directory);
                let member = format!("{}/", member.trim_end_matches('/'));
                archive.append_data(&mut header, member, io::empty())?;
                let entries = self.disk.read_dir(&path).map_err(failed)?;
                for entry in entries {
                    let name = format!("{}/{}", name.trim_end_matches('/'), entry.name);
                    self.append(archive, &name)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn list(&mut self, name: &str, is_directory: bool) {
        if self.is_verbose {
            let mark = match is_directory && !name.ends_with('/') {
                true => "/",
                false => "",
            };
            self.listed.push_str(&format!("{name}{mark}\n"));
        }
    }

    /// Lists or unpacks the entries of an archive, or those of these names and what is below them.
    fn read<R: Read>(&mut self, from: R, names: &[String], is_list: bool) -> io::Result<()> {
        self.is_verbose |= is_list;
        let mut archive = Archive::new(from);
        let mut found = vec![false; names.len()];
        let mut directories = Vec::new();
        for entry in archive.entries()? {
            let mut entry = entry?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let plain = name.trim_end_matches('/');
            let is_wanted = |wanted: &String| {
                let below = plain.strip_prefix(wanted.trim_end_matches('/'));
                below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if !names.is_empty() {
                let Some(at) = names.iter().position(is_wanted) else {
                    continue;
                };
                found[at] = true;
            }
            self.list(&name, entry.header().entry_type().is_dir());
            if is_list {
                continue;
            }
            let member = name.trim_start_matches('/');
            self.removed |= member.len() < name.len();
            if member.split('/').any(|part| part == "..") {
                self.failures
                    .push(format!("{name}: Member name contains '..'"));
                continue;
            }
            let path = join(&self.directory, member);
            let facts = Facts::of(&entry)?;
            match self.unpack(&mut entry, path.trim_end_matches('/'), &facts) {
                Ok(()) if entry.header().entry_type().is_dir() => directories.push((path, facts)),
                Ok(()) => {}
                Err(errno) => {
                    let failure = format!("{name}: Cannot open: {}", errno.text());
                    self.failures.push(failure);
                }
            }
        }
        // What was unpacked into a directory has changed its time.
        for (path, facts) in directories {
            let _ = self.disk.set_times(&path, None, Some(facts.modified));
        }
        for (name, _) in names.iter().zip(found).filter(|(_, found)| !found) {
            self.failures.push(format!("{name}: Not found in archive"));
        }
        Ok(())
    }

    fn unpack<R: Read>(
        &self,
        entry: &mut Entry<'_, R>,
        path: &str,
        facts: &Facts,
    ) -> Result<(), Errno> {
        let kind = entry.header().entry_type();
        if let Some((parent, _)) = path
            .rsplit_once('/')
            .filter(|(parent, _)| !parent.is_empty())
        {
            let mode = 0o777 & !self.shell.umask;
            self.disk
                .create_dir_all(parent, mode)
                .map_err(|error| error.errno())?;
        }
        if kind.is_dir() {
            self.disk
                .create_dir_all(path, 0o700)
                .map_err(|error| error.errno())?;
            return self.set(path, facts);
        }
        match self.disk.remove_file(path) {
            Ok(()) | Err(Errno::NotFound) => {}
            Err(errno) => return Err(errno),
        }
        let target = entry.link_name_bytes();
        let target = target.map(|target| String::from_utf8_lossy(&target).into_owned());
        match (kind, target) {
            (EntryType::Symlink, Some(target)) => self.disk.symlink(&target, path),
            (EntryType::Link, Some(target)) => {
                self.disk.hard_link(&join(&self.directory, &target), path)
            }
            (EntryType::Regular | EntryType::Continuous, _) => {
                let file = self.disk.open(path, &OpenOptions::replacing(0o600))?;
                let mut file = FileIo { file, offset: 0 };
                let mut buffer = vec![0; CHUNK];
                loop {
                    match entry.read(&mut buffer).map_err(|_| Errno::Io)? {
                        0 => break,
                        count => file.put(&buffer[..count])?,
                    }
                }
                self.set(path, facts)
            }
            _ => Err(Errno::NotPermitted),
        }
    }

    fn set(&self, path: &str, facts: &Facts) -> Result<(), Errno> {
        self.disk.set_mode(path, facts.mode)?;
        if self.keeps_owner {
            // Only the superuser may.
            let _ = self
                .disk
                .set_owner(path, Some(facts.user), Some(facts.group));
        }
        self.disk.set_times(path, None, Some(facts.modified))
    }
}

/// The facts that an archive has about an entry.
struct Facts {
    mode: u32,
    user: u32,
    group: u32,
    modified: Duration,
}

impl Facts {
    fn of<R: Read>(entry: &Entry<'_, R>) -> io::Result<Self> {
        let header = entry.header();
        let id = |id: u64| u32::try_from(id).unwrap_or(u32::MAX);
        Ok(Self {
            mode: header.mode()? & 0o7777,
            user: id(header.uid()?),
            group: id(header.gid()?),
            modified: Duration::from_secs(header.mtime()?),
        })
    }
}

fn failed(errno: Errno) -> io::Error {
    io::Error::other(errno.text())
}

/// An open file that is read or written from its start to its end.
struct FileIo {
    file: Arc<dyn OpenFile>,
    offset: u64,
}

impl FileIo {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        self.file.write_all_at(self.offset, bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

impl Read for FileIo {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(self.offset, buffer).map_err(failed)?;
        self.offset += count as u64;
        Ok(count)
    }
}

impl Write for FileIo {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes).map_err(failed)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
