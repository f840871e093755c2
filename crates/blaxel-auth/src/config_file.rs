//! The sign-ins that the CLI stores.

mod credentials;
#[cfg(feature = "oauth")]
mod store;
mod text;
#[cfg(feature = "config-write")]
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};

use blaxel_core::__private::read_setting;
use blaxel_core::{Error, Secret, Source, Workspace};

use self::text::{Text, settle};
#[cfg(feature = "config-write")]
pub use self::writer::ConfigWriter;
#[cfg(feature = "oauth")]
use crate::oauth::Tokens;
use crate::variables::Variables;
use crate::yaml::Node;

/// The configuration file of the `bl` command, `~/.blaxel/config.yaml`: a sign-in per workspace, and the
/// current workspace.
///
/// This type only reads the file; a `ConfigWriter`, with the feature `config-write`, changes it.
/// [`Credentials::resolve`](crate::Credentials::resolve) reads the file itself. Use this type to read a file
/// at another path, or to list its sign-ins.
///
/// ```no_run
/// use blaxel_auth::{ConfigFile, Variables};
///
/// # fn example() -> Result<(), blaxel_core::Error> {
/// let path = ConfigFile::default_path(&Variables::from_process());
/// if let Some(file) = path.map(ConfigFile::read).transpose()?.flatten() {
///     println!("{}: current {:?}", file.path().display(), file.current_workspace()?);
///     for workspace in file.workspaces() {
///         println!("{workspace}");
///     }
///     let credentials = file.credentials(None)?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// A sign-in is taken from the first available of its members `apiKey`, `refresh_token`, `client_credentials`
/// (or `clientCredentials`) and `access_token`.
///
/// With a refresh token, the stored access token is used as long as its own expiry says that it is valid for
/// another minute, and a new one is fetched after that. New tokens stay in memory; but if the `bl` command has
/// renewed the sign-in in the meantime, its tokens are taken from the file. An access token without a refresh
/// token is sent as it is, and usually lasts two hours.
///
/// Refresh tokens and client credentials need the feature `oauth`. Without it a refresh token is ignored.
#[derive(Clone)]
pub struct ConfigFile {
    path: PathBuf,
    current: Option<String>,
    sign_ins: Vec<SignIn>,
}

#[derive(Clone)]
struct SignIn {
    workspace: String,
    environment: Option<String>,
    secret: Option<(Member, Secret)>,
    /// The problem with one of the members that belong to a credential, without its value.
    problem: Option<String>,
    #[cfg(feature = "oauth")]
    tokens: Tokens,
}

#[derive(Clone, Copy)]
enum Member {
    ApiKey,
    #[cfg(feature = "oauth")]
    RefreshToken,
    ClientCredentials,
    AccessToken,
}

/// The members that can have a credential, in order of precedence.
const MEMBERS: &[(&str, Member)] = &[
    ("apiKey", Member::ApiKey),
    #[cfg(feature = "oauth")]
    ("refresh_token", Member::RefreshToken),
    ("client_credentials", Member::ClientCredentials),
    ("clientCredentials", Member::ClientCredentials),
    ("access_token", Member::AccessToken),
];

impl ConfigFile {
    /// Returns the path of the user's file, `.blaxel/config.yaml` in the home directory, or `None` if the home
    /// directory is unknown.
    #[must_use]
    pub fn default_path(variables: &Variables) -> Option<PathBuf> {
        Some(variables.home()?.join(".blaxel").join("config.yaml"))
    }

    pub(crate) fn find(variables: &Variables) -> Result<Option<Self>, Error> {
        match Self::default_path(variables) {
            Some(path) => Self::read(path),
            None => Ok(None),
        }
    }

    /// Reads a file, and returns `None` if there is none at `path`. It blocks on the file system.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], naming the file, if it cannot be opened, is not a regular file of at most 1 MiB, is
    /// malformed, or was written by a `ConfigWriter` and is incomplete. Members that are missing, null or
    /// unknown are not errors.
    pub fn read(path: impl Into<PathBuf>) -> Result<Option<Self>, Error> {
        let path = path.into();
        // The CLI truncates the file before it writes, so the file may be empty or incomplete for a moment.
        match Self::read_once(&path) {
            Ok(None) => Ok(None),
            Ok(Some((file, is_whole))) if is_whole && !file.is_blank() => Ok(Some(file)),
            first => {
                let read = if settle(&path) {
                    Self::read_once(&path)
                } else {
                    first
                };
                Ok(read?.map(|(file, _)| file))
            }
        }
    }

    /// Reads a file. Returns it with `false` if its last line may be incomplete.
    fn read_once(path: &Path) -> Result<Option<(Self, bool)>, Error> {
        let invalid = |problem: &dyn fmt::Display| {
            Error::input("configuration", &Source::File(path.to_owned()), problem)
        };
        let Some(text) = Text::read(path).map_err(|problem| invalid(&problem))? else {
            return Ok(None);
        };
        let root = Node::parse(text.text.expose()).map_err(|problem| invalid(&problem))?;
        let file = Self::from_node(path, &root).map_err(|problem| invalid(&problem))?;
        Ok(Some((file, !text.ends_within_a_line())))
    }

    fn from_node(path: &Path, root: &Node) -> Result<Self, &'static str> {
        if !matches!(root, Node::Null | Node::Map(_)) {
            return Err("it is not a map");
        }
        let sign_ins = match root.member("workspaces") {
            Node::Null => Vec::new(),
            Node::List(entries) => entries.iter().filter_map(SignIn::from_node).collect(),
            _ => return Err("`workspaces` is not a list"),
        };
        let current = root.member("context").member("workspace").text();
        Ok(Self {
            path: path.to_owned(),
            current: current.map(str::to_owned),
            sign_ins,
        })
    }

    fn is_blank(&self) -> bool {
        self.current.is_none() && self.sign_ins.is_empty()
    }

    fn source(&self) -> Source {
        Source::File(self.path.clone())
    }

    /// Returns the path that the file was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the workspace that `bl workspaces` has selected, if any.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if it is not a valid workspace name.
    pub fn current_workspace(&self) -> Result<Option<Workspace>, Error> {
        match &self.current {
            Some(name) => Ok(Some(self.source().parse(name)?)),
            None => Ok(None),
        }
    }

    /// Returns the names of the workspaces in the file, in order.
    pub fn workspaces(&self) -> impl Iterator<Item = &str> {
        self.sign_ins
            .iter()
            .map(|sign_in| sign_in.workspace.as_str())
    }

    fn sign_in(&self, workspace: &Workspace) -> Option<&SignIn> {
        self.sign_ins
            .iter()
            .find(|sign_in| sign_in.workspace == workspace.as_str())
    }
}

impl SignIn {
    /// Reads an entry of the list. One without a name, or with one of several lines, is skipped, since nobody
    /// can select it.
    fn from_node(node: &Node) -> Option<Self> {
        let credentials = node.member("credentials");
        let secret = MEMBERS.iter().find_map(|(name, member)| {
            Some((*member, Secret::from(credentials.member(name).text()?)))
        });
        // The Base64 of client credentials may be wrapped into several lines.
        let problem = ["apiKey", "refresh_token", "access_token", "device_code"]
            .into_iter()
            .find_map(|name| {
                let problem = read_setting(credentials.member(name).text()?).err()?;
                Some(format!("`{name}`: {problem}"))
            });
        #[cfg(feature = "oauth")]
        let tokens = {
            let member = |name| credentials.member(name).text().unwrap_or_default();
            Tokens::new()
                .with_access_token(member("access_token"))
                .with_refresh_token(member("refresh_token"))
                .with_device_code(member("device_code"))
        };
        Some(Self {
            #[cfg(feature = "oauth")]
            tokens,
            workspace: read_setting(node.member("name").text()?).ok()??.to_owned(),
            environment: node.member("env").text().map(str::to_owned),
            secret,
            problem,
        })
    }
}

impl fmt::Debug for ConfigFile {
    /// Formats the path and the workspaces, but no credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFile")
            .field("path", &self.path)
            .field("current_workspace", &self.current)
            .field("workspaces", &self.workspaces().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
