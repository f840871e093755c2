//! The search for credentials in the environment and in the CLI's file.

use blaxel_core::__private::ErrorParts;
#[cfg(feature = "config-file")]
use blaxel_core::__private::join;
use blaxel_core::{Error, Secret, Workspace};

#[cfg(feature = "config-file")]
use crate::config_file::ConfigFile;
use crate::credentials::Credentials;
use crate::kind::CredentialKind;
use crate::variables::Variables;

impl Credentials {
    /// Finds the credentials in the environment of this process: calls [`resolve`](Self::resolve) with
    /// [`Variables::from_process`].
    ///
    /// ```no_run
    /// use blaxel_auth::Credentials;
    ///
    /// let credentials = Credentials::from_env()?;
    /// println!("{} ({})", credentials.kind(), credentials.source());
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`resolve`](Self::resolve).
    pub fn from_env() -> Result<Self, Error> {
        Self::resolve(&Variables::from_process())
    }

    /// Finds the first available credential of this list:
    ///
    /// 1. `BL_API_KEY`
    /// 2. `BL_CLIENT_CREDENTIALS`, which needs the feature `oauth`
    /// 3. the CLI's sign-in in `~/.blaxel/config.yaml`, with the feature `config-file`
    ///
    /// A workload on the platform finds its own identity here: the platform sets `BL_CLIENT_CREDENTIALS` to a
    /// service account of the workspace, and `BL_WORKSPACE`. An API key that is also set takes precedence.
    ///
    /// The workspace is `BL_WORKSPACE`, or else the current workspace of the file. An empty variable counts as
    /// unset. The file is not opened if the variables have both a credential and a workspace.
    ///
    /// ```
    /// use blaxel_auth::{Credentials, Variables};
    ///
    /// let variables = Variables::from_iter([("BL_API_KEY", "bl_x"), ("BL_WORKSPACE", "my-team")]);
    /// let credentials = Credentials::resolve(&variables)?;
    /// assert_eq!(credentials.workspace().unwrap().as_str(), "my-team");
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if there is no credential, or if the
    /// sign-in that was found has expired; the message lists the places and what to do.
    /// [`Error::is_input`] if the first credential found is unusable, or if the file cannot be read: the next
    /// place is not tried then, since it may have another identity.
    pub fn resolve(variables: &Variables) -> Result<Self, Error> {
        resolve(variables, None)
    }

    /// Finds credentials as [`resolve`](Self::resolve) does, but for this workspace instead of the one in the
    /// environment. Of the CLI's sign-ins it takes the one for this workspace.
    ///
    /// ```
    /// use blaxel_auth::{Credentials, Variables};
    ///
    /// let variables = Variables::from_iter([("BL_API_KEY", "bl_x"), ("BL_WORKSPACE", "my-team")]);
    /// let credentials = Credentials::resolve_in(&variables, &"other-team".parse()?)?;
    /// assert_eq!(credentials.workspace().unwrap().as_str(), "other-team");
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`resolve`](Self::resolve).
    pub fn resolve_in(variables: &Variables, workspace: &Workspace) -> Result<Self, Error> {
        resolve(variables, Some(workspace))
    }

    /// Reads a credential from the variables only, and returns `None` if they have none.
    ///
    /// ```
    /// use blaxel_auth::{Credentials, Variables};
    ///
    /// assert!(Credentials::from_variables(&Variables::default())?.is_none());
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for an unusable variable, naming it.
    pub fn from_variables(variables: &Variables) -> Result<Option<Self>, Error> {
        let Some(credentials) = read_credential(variables)? else {
            return Ok(None);
        };
        let workspace = variables.workspace()?;
        Ok(Some(credentials.in_workspace(workspace)))
    }

    pub(crate) fn in_workspace(self, workspace: Option<Workspace>) -> Self {
        match workspace {
            Some(workspace) => self.with_workspace(workspace),
            None => self,
        }
    }
}

fn resolve(variables: &Variables, explicit: Option<&Workspace>) -> Result<Credentials, Error> {
    let credentials = read_credential(variables)?;
    let workspace = match explicit {
        Some(workspace) => Some(workspace.clone()),
        None => variables.workspace()?,
    };
    match (credentials, workspace) {
        (Some(found), None) => Ok(found.in_workspace(current_workspace(variables)?)),
        (Some(found), workspace) => Ok(found.in_workspace(workspace)),
        (None, workspace) => signed_in(variables, workspace.as_ref()),
    }
}

fn read_credential(variables: &Variables) -> Result<Option<Credentials>, Error> {
    if let Some((key, source)) = variables.get("BL_API_KEY")? {
        let key = Secret::from(key);
        return Credentials::bearer(CredentialKind::ApiKey, &key, source).map(Some);
    }
    // Their Base64 may be wrapped into several lines.
    match variables.get_raw("BL_CLIENT_CREDENTIALS")? {
        Some((text, source)) => Credentials::service_account(text, source).map(Some),
        None => Ok(None),
    }
}

const NOT_IN_VARIABLES: &str =
    "no credentials: neither BL_API_KEY nor BL_CLIENT_CREDENTIALS is set";

#[cfg(feature = "config-file")]
fn current_workspace(variables: &Variables) -> Result<Option<Workspace>, Error> {
    match ConfigFile::find(variables)? {
        Some(file) => file.current_workspace(),
        None => Ok(None),
    }
}

#[cfg(feature = "config-file")]
fn signed_in(variables: &Variables, workspace: Option<&Workspace>) -> Result<Credentials, Error> {
    let advice = match workspace {
        Some(name) => format!("set BL_API_KEY, or sign in with `bl login {name}`"),
        None => "set BL_API_KEY and BL_WORKSPACE, or sign in with `bl login`".to_owned(),
    };
    let problem = match (
        ConfigFile::find(variables)?,
        ConfigFile::default_path(variables),
    ) {
        (Some(file), _) => match file.credentials(workspace)? {
            Some(credentials) => return Ok(credentials),
            None => file.describe_missing(workspace)?,
        },
        (None, Some(path)) => format!("there is no file {}", path.display()),
        (None, None) => {
            "the home directory, where the CLI keeps its sign-ins, is unknown".to_owned()
        }
    };
    let message = format!("{NOT_IN_VARIABLES}, and {problem}");
    Err(Error::credentials(join(&message, &advice)))
}

#[cfg(not(feature = "config-file"))]
fn current_workspace(_: &Variables) -> Result<Option<Workspace>, Error> {
    Ok(None)
}

#[cfg(not(feature = "config-file"))]
fn signed_in(_: &Variables, _: Option<&Workspace>) -> Result<Credentials, Error> {
    Err(Error::credentials(format!(
        "{NOT_IN_VARIABLES}; set BL_API_KEY and BL_WORKSPACE, or enable the feature `config-file` of \
         blaxel-auth to use a sign-in by `bl login`"
    )))
}

#[cfg(test)]
mod tests;
