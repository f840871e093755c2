//! The sign-ins that the CLI keeps.

mod credentials;
#[cfg(feature = "oauth")]
mod store;
#[cfg(feature = "config-write")]
mod writer;

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use blaxel_core::{Error, Secret, Source, Workspace};

#[cfg(feature = "config-write")]
pub use self::writer::ConfigWriter;
#[cfg(feature = "oauth")]
use crate::oauth::Tokens;
use crate::variables::Variables;
use crate::yaml::Node;

/// The configuration file of the `bl` command, `~/.blaxel/config.yaml`: one sign-in for each
/// workspace, and which workspace is the current one.
///
/// It is only read; a `ConfigWriter`, with the feature `config-write`, changes it.
/// [`Credentials::resolve`](crate::Credentials::resolve) looks into it by itself; use this type to read a
/// file at another place, or to list what there is.
///
/// A sign-in is taken from the first of its members `apiKey`, `refresh_token`, `client_credentials`
/// (or `clientCredentials`) and `access_token`.
///
/// With a refresh token, the access token beside it is sent while it says of itself that it is good
/// for another minute, and a new one is fetched then. What is fetched stays in memory, but when the
/// `bl` command has renewed the sign-in meanwhile, its tokens are taken from the file. An access
/// token without a refresh token is sent as it is, and lasts two hours as a rule.
///
/// Refresh tokens and client credentials need the feature `oauth`. Without it a refresh token is
/// passed over.
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

/// The members that can hold a credential, in the order in which they are tried.
const MEMBERS: &[(&str, Member)] = &[
    ("apiKey", Member::ApiKey),
    #[cfg(feature = "oauth")]
    ("refresh_token", Member::RefreshToken),
    ("client_credentials", Member::ClientCredentials),
    ("clientCredentials", Member::ClientCredentials),
    ("access_token", Member::AccessToken),
];

impl ConfigFile {
    /// The user's file: `.blaxel/config.yaml` in the home directory. `None` if the
    /// home directory is unknown.
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

    /// Reads a file, or gives `None` if there is none at that path. It blocks for as long as the
    /// file system takes.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], naming the file, if it cannot be opened or understood. Members that are
    /// missing, null or unknown are no errors.
    pub fn read(path: impl Into<PathBuf>) -> Result<Option<Self>, Error> {
        let path = path.into();
        match Self::read_once(&path) {
            Ok(Some(file)) if file.is_blank() => Self::read_once(&path),
            // The CLI truncates the file before it writes, so it can be met empty or cut off.
            Err(_) => Self::read_once(&path),
            read => read,
        }
    }

    fn read_once(path: &Path) -> Result<Option<Self>, Error> {
        let invalid = |problem: &dyn fmt::Display| {
            Error::input("configuration", &Source::File(path.to_owned()), problem)
        };
        let text = match std::fs::read(path) {
            Ok(bytes) => {
                Secret::from(String::from_utf8(bytes).map_err(|_| invalid(&"it is not UTF-8"))?)
            }
            Err(error) => {
                let absent = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
                return if absent {
                    Ok(None)
                } else {
                    Err(invalid(&error))
                };
            }
        };
        let root = Node::parse(text.expose()).map_err(|problem| invalid(&problem))?;
        Self::from_node(path, &root)
            .map(Some)
            .map_err(|problem| invalid(&problem))
    }

    fn from_node(path: &Path, root: &Node) -> Result<Self, &'static str> {
        if !matches!(root, Node::Null | Node::Map(_)) {
            return Err("it is no map of names to values");
        }
        let sign_ins = match root.member("workspaces") {
            Node::Null => Vec::new(),
            Node::List(entries) => entries.iter().filter_map(SignIn::from_node).collect(),
            _ => return Err("`workspaces` is no list"),
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

    /// The path it was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The workspace that `bl workspaces` has chosen, if one is.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if it is no name of a workspace.
    pub fn current_workspace(&self) -> Result<Option<Workspace>, Error> {
        match &self.current {
            Some(name) => Ok(Some(self.source().parse(name)?)),
            None => Ok(None),
        }
    }

    /// The names of the workspaces it has entries for, in the file's order.
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
    /// An entry of the list. One without a name can be asked for by nobody.
    fn from_node(node: &Node) -> Option<Self> {
        let credentials = node.member("credentials");
        let secret = MEMBERS.iter().find_map(|(name, member)| {
            Some((*member, Secret::from(credentials.member(name).text()?)))
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
            workspace: node.member("name").text()?.to_owned(),
            environment: node.member("env").text().map(str::to_owned),
            secret,
        })
    }
}

impl fmt::Debug for ConfigFile {
    /// Shows the path and the workspaces, no credential.
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
