//! Changes to the file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use blaxel_core::__private::trim_setting;
use blaxel_core::{Error, Secret, Source, Workspace};
use fd_lock::RwLock;

use super::ConfigFile;
use super::text::{FIRST_LINE, LAST_LINE, Text, settle};
use crate::environment::Environment;
use crate::oauth::Tokens;
use crate::small_file;
use crate::yaml::Node;

/// The longest wait for another process that writes.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(20);
/// The maximum number of links from the path to the file.
const MAX_LINKS: usize = 40;

/// Writes the configuration file of the `bl` command, with the feature `config-write`.
///
/// Nothing in this crate writes the file without a `ConfigWriter`. Each change reads the file again, and
/// preserves everything that it does not concern: other workspaces and unknown members. Comments and layout
/// are not preserved. A file that is malformed, or whose content could not be written back completely, is
/// left unchanged, with an error.
///
/// The file is replaced atomically, so that a crash leaves either the old or the new one. Its last line is a
/// comment that its first line announces, by which readers of this crate know that it is complete. A file of the
/// `bl` command has no such line; if the end of its last line is missing, which may be the trace of a write that
/// was cut off, it is left unchanged, with an error. If the path is a link, its target is written, even if that
/// does not exist yet.
///
/// A lock on the file
/// `config.yaml.lock` beside it keeps out other writers of this type, in this process or another; the `bl`
/// command does not use that lock. On Unix the file can be read only by its owner, and so can the directory
/// if it is called `.blaxel`.
///
/// All methods block on the file system, and for up to 10 seconds on the lock.
///
/// ```no_run
/// use blaxel_auth::{ConfigFile, Credentials, Tokens};
/// use blaxel_core::Workspace;
///
/// # fn example(tokens: Tokens, path: std::path::PathBuf) -> Result<(), blaxel_core::Error> {
/// let workspace = "my-team".parse::<Workspace>()?;
/// let writer = ConfigFile::writer(path);
/// writer.sign_in(&workspace, &tokens)?;
/// // Also store the tokens that replace these:
/// let credentials = Credentials::from_tokens(tokens)?.with_store(writer.store(&workspace));
///
/// writer.sign_in_with_key(&"other-team".parse()?, "bl_example")?;
/// writer.set_current_workspace(&workspace)?;
/// if writer.sign_out(&workspace)? {
///     println!("signed out");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ConfigWriter {
    path: PathBuf,
    environment: Option<Environment>,
}

/// The members of a sign-in that have a credential or belong to one.
const CREDENTIALS: [&str; 7] = [
    "apiKey",
    "access_token",
    "refresh_token",
    "expires_in",
    "device_code",
    "client_credentials",
    "clientCredentials",
];

impl ConfigFile {
    /// Creates a writer for the file at `path`, which need not exist. The `bl` command uses
    /// [`default_path`](Self::default_path).
    pub fn writer(path: impl Into<PathBuf>) -> ConfigWriter {
        ConfigWriter {
            path: path.into(),
            environment: None,
        }
    }
}

impl ConfigWriter {
    /// Sets the deployment that sign-ins are made for, which is stored with each of them. By default, the
    /// stored deployment of a workspace is left unchanged.
    #[must_use]
    pub fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Replaces the credential of a workspace with tokens, and adds the workspace if it is new.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], naming the file, if it cannot be read, parsed, locked or written.
    pub fn sign_in(&self, workspace: &Workspace, tokens: &Tokens) -> Result<(), Error> {
        self.replace(workspace, |credentials| set_tokens(credentials, tokens))
    }

    /// Replaces the credential of a workspace with an API key, and adds the workspace if it is new.
    ///
    /// # Errors
    ///
    /// Those of [`sign_in`](Self::sign_in).
    pub fn sign_in_with_key(
        &self,
        workspace: &Workspace,
        key: impl Into<Secret>,
    ) -> Result<(), Error> {
        let key = key.into();
        self.replace(workspace, |credentials| {
            *credentials.member_mut("apiKey") = Node::string(trim_setting(key.expose()));
        })
    }

    fn replace(&self, workspace: &Workspace, set: impl Fn(&mut Node)) -> Result<(), Error> {
        self.change(|root| {
            let mut entries = std::mem::take(root.member_mut("workspaces")).into_items();
            let index = position(&entries, workspace).unwrap_or_else(|| {
                let mut entry = Node::default();
                *entry.member_mut("name") = Node::string(workspace.as_str());
                entries.push(entry);
                entries.len() - 1
            });
            let entry = &mut entries[index];
            match self.environment {
                None => {}
                // The `bl` command writes no `env` for production.
                Some(Environment::Production) => entry.remove("env"),
                Some(other) => *entry.member_mut("env") = Node::string(other.as_str()),
            }
            let credentials = entry.member_mut("credentials");
            for name in CREDENTIALS {
                credentials.remove(name);
            }
            set(credentials);
            *root.member_mut("workspaces") = Node::List(entries);
            Ok(())
        })
    }

    /// Removes a workspace, and deselects it if it is the current one. Returns `true` if it was in the file.
    ///
    /// The server is not informed: it has no way to revoke a token.
    ///
    /// # Errors
    ///
    /// Those of [`sign_in`](Self::sign_in).
    pub fn sign_out(&self, workspace: &Workspace) -> Result<bool, Error> {
        let mut found = false;
        self.change(|root| {
            if !matches!(root.member("workspaces"), Node::List(_)) {
                return Ok(());
            }
            let mut entries = std::mem::take(root.member_mut("workspaces")).into_items();
            let before = entries.len();
            entries.retain(|entry| entry.member("name").text() != Some(workspace.as_str()));
            found = entries.len() < before;
            *root.member_mut("workspaces") = Node::List(entries);
            let current = root.member("context").member("workspace").text();
            if found && current == Some(workspace.as_str()) {
                *root.member_mut("context").member_mut("workspace") = Node::string("");
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Selects the current workspace.
    ///
    /// # Errors
    ///
    /// Those of [`sign_in`](Self::sign_in).
    pub fn set_current_workspace(&self, workspace: &Workspace) -> Result<(), Error> {
        self.change(|root| {
            let current = root.member_mut("context").member_mut("workspace");
            *current = Node::string(workspace.as_str());
            Ok(())
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces tokens with renewed ones, provided that `is_ours` recognizes the stored refresh token.
    pub(super) fn renew(
        &self,
        workspace: &Workspace,
        tokens: &Tokens,
        is_ours: impl Fn(&str) -> bool,
    ) -> Result<(), Error> {
        self.change(|root| {
            let mut entries = std::mem::take(root.member_mut("workspaces")).into_items();
            let entry = position(&entries, workspace).and_then(|index| entries.get_mut(index));
            let Some(entry) = entry else {
                return Err(format!(
                    "there is no sign-in for the workspace {workspace} any more"
                ));
            };
            let credentials = entry.member_mut("credentials");
            if !credentials
                .member("refresh_token")
                .text()
                .is_some_and(is_ours)
            {
                return Err(format!(
                    "the sign-in for the workspace {workspace} has been replaced by another one"
                ));
            }
            set_tokens(credentials, tokens);
            *root.member_mut("workspaces") = Node::List(entries);
            Ok(())
        })
    }

    /// Reads, changes and writes the file while holding the lock.
    fn change(&self, change: impl FnOnce(&mut Node) -> Result<(), String>) -> Result<(), Error> {
        let invalid = |problem: &dyn std::fmt::Display| {
            let source = Source::File(self.path.clone());
            Error::input("configuration", &source, problem)
        };
        let path = follow_links(&self.path).map_err(|error| invalid(&error))?;
        let Some((directory, name)) = path.parent().zip(path.file_name()) else {
            return Err(invalid(&"the path is not that of a file"));
        };
        let name = name.to_string_lossy();
        let changed = || -> Result<(), String> {
            let io = |doing: &'static str| move |error: io::Error| format!("{doing}: {error}");
            make_directory(directory).map_err(io("its directory cannot be created"))?;
            // Nothing is created beside a device.
            check_kind(&path).map_err(|error| error.to_string())?;
            let lock = open_lock(&directory.join(format!("{name}.lock")))
                .map_err(io("its lock cannot be opened"))?;
            with_lock(&mut RwLock::new(lock), || {
                let mut root = read(&path)?;
                let before = root.clone();
                change(&mut root)?;
                if root == before {
                    return Ok(());
                }
                let text = Secret::new([FIRST_LINE, &root.write(), LAST_LINE].concat());
                if Node::parse_whole(text.expose()).as_ref() != Ok(&root) {
                    return Err("it has content that could not be written back".to_owned());
                }
                small_file::check_size(text.expose().len())
                    .and_then(|()| replace(directory, &name, text.expose()))
                    .map_err(io("it cannot be written"))
            })
        };
        changed().map_err(|problem| invalid(&problem))
    }
}

fn position(entries: &[Node], workspace: &Workspace) -> Option<usize> {
    let named = |entry: &Node| entry.member("name").text() == Some(workspace.as_str());
    entries.iter().position(named)
}

fn set_tokens(credentials: &mut Node, tokens: &Tokens) {
    let texts = [
        ("access_token", tokens.access_token()),
        ("refresh_token", tokens.refresh_token()),
        ("device_code", tokens.device_code()),
    ];
    for (name, token) in texts {
        match token {
            Some(token) => *credentials.member_mut(name) = Node::string(token.expose()),
            None => credentials.remove(name),
        }
    }
    match tokens.expires_in() {
        Some(lifetime) => *credentials.member_mut("expires_in") = Node::number(lifetime.as_secs()),
        None => credentials.remove("expires_in"),
    }
}

/// Reads the content of the file; null if there is none.
fn read(path: &Path) -> Result<Node, String> {
    // The CLI truncates the file before it writes, and does not use the lock.
    let mut read = read_once(path);
    if !matches!(
        read,
        Ok(Content {
            is_marked: true,
            ..
        })
    ) && path.exists()
        && settle(path)
    {
        read = read_once(path);
    }
    let content = read?;
    if content.ends_within_a_line {
        let problem = "its last line has no end, so a part of the file may be missing; add a line end if it is \
                       complete";
        return Err(problem.to_owned());
    }
    Ok(content.root)
}

#[derive(Default)]
struct Content {
    root: Node,
    is_marked: bool,
    ends_within_a_line: bool,
}

fn read_once(path: &Path) -> Result<Content, String> {
    let Some(text) = Text::read(path)? else {
        return Ok(Content::default());
    };
    let root = Node::parse_whole(text.text.expose())?;
    if !matches!(root, Node::Null | Node::Map(_)) {
        return Err("it is not a map".to_owned());
    }
    if !matches!(root.member("workspaces"), Node::Null | Node::List(_)) {
        return Err("`workspaces` is not a list".to_owned());
    }
    Ok(Content {
        root,
        is_marked: text.is_marked,
        ends_within_a_line: text.ends_within_a_line(),
    })
}

/// Returns the path that links lead to. There need not be a file.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => {
                let target = fs::read_link(&path)?;
                path = path
                    .parent()
                    .map_or(target.clone(), |from| from.join(target));
            }
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound) => return Err(error),
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("it is a link to itself"))
}

/// Opens the lock, creating it if there is none.
fn open_lock(path: &Path) -> io::Result<File> {
    check_kind(path)?;
    options().truncate(false).open(path)
}

/// Checks that there is a regular file or none.
fn check_kind(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) => small_file::check_kind(&metadata),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Runs `work` while holding the lock, which excludes other threads and processes.
fn with_lock<T>(
    lock: &mut RwLock<File>,
    work: impl FnOnce() -> Result<T, String>,
) -> Result<T, String> {
    let start = Instant::now();
    loop {
        match lock.try_write() {
            Ok(_guard) => return work(),
            Err(error) if error.kind() != ErrorKind::WouldBlock => {
                return Err(format!("it cannot be locked: {error}"));
            }
            Err(_) if start.elapsed() > LOCK_TIMEOUT => {
                return Err("another process holds its lock".to_owned());
            }
            Err(_) => std::thread::sleep(LOCK_RETRY_INTERVAL),
        }
    }
}

/// Returns options that create files which only their owner can read and write.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

        builder.mode(0o700).create(directory)?;
        // The CLI creates this directory, readable for everyone.
        let mode = fs::metadata(directory)?.permissions().mode();
        if directory.ends_with(".blaxel") && mode & 0o077 != 0 {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }
    #[cfg(not(unix))]
    builder.create(directory)
}

/// Replaces a file, or creates it. The lock must be held.
fn replace(directory: &Path, name: &str, text: &str) -> io::Result<()> {
    // The file may be left over from a process that was killed. Only the holder of the lock uses it.
    let new = directory.join(format!(".{name}.new"));
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = options().create_new(true).open(&new)?;
    file.write_all(text.as_bytes())?;
    // The content must be on the disk before the rename, in case the power fails right after it.
    file.sync_all()?;
    drop(file);
    fs::rename(&new, directory.join(name))?;
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests;
