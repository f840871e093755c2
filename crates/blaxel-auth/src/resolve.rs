//! The search for credentials.

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, Secret, Workspace};

#[cfg(feature = "config-file")]
use crate::config_file::ConfigFile;
use crate::credentials::Credentials;
use crate::kind::CredentialKind;
use crate::variables::Variables;

impl Credentials {
    /// Finds the credentials in the environment of this process: [`resolve`](Self::resolve) over
    /// [`Variables::from_process`].
    ///
    /// # Errors
    ///
    /// As for [`resolve`](Self::resolve).
    pub fn from_env() -> Result<Self, Error> {
        Self::resolve(&Variables::from_process())
    }

    /// Finds the first credential of these:
    ///
    /// 1. `BL_API_KEY`
    /// 2. `BL_CLIENT_CREDENTIALS`, for which the feature `oauth` is needed
    /// 3. the CLI's sign-in in `~/.blaxel/config.yaml`, with the feature `config-file`
    ///
    /// What runs on the platform finds its own identity among these: the platform sets
    /// `BL_CLIENT_CREDENTIALS` to a service account of the workspace, and `BL_WORKSPACE`. An API key
    /// that was set besides wins.
    ///
    /// The workspace is `BL_WORKSPACE`, else the file's current one. An empty variable counts as
    /// unset. The file is not opened if the variables say everything.
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
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if there is none, or if the
    /// sign-in that was found has expired; the message names the places and the remedy.
    /// [`Error::is_input`] if the first one found is unusable, or the file cannot be read: the next
    /// place is not tried then, since it may hold another identity.
    pub fn resolve(variables: &Variables) -> Result<Self, Error> {
        resolve(variables, None)
    }

    /// As [`resolve`](Self::resolve), but for this workspace, whatever the environment says: of the
    /// CLI's sign-ins it takes the one for this workspace.
    ///
    /// # Errors
    ///
    /// As for [`resolve`](Self::resolve).
    pub fn resolve_in(variables: &Variables, workspace: &Workspace) -> Result<Self, Error> {
        resolve(variables, Some(workspace))
    }

    /// Reads the credential in the variables alone; `None` if they hold none.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if a variable is unusable, naming it.
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
    match variables.get("BL_CLIENT_CREDENTIALS")? {
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
            None => file.describe_lack(workspace)?,
        },
        (None, Some(path)) => format!("there is no file {}", path.display()),
        (None, None) => {
            "the home directory, where the CLI keeps its sign-in, is unknown".to_owned()
        }
    };
    Err(Error::credentials(format!(
        "{NOT_IN_VARIABLES}, and {problem}; {advice}"
    )))
}

#[cfg(not(feature = "config-file"))]
fn current_workspace(_: &Variables) -> Result<Option<Workspace>, Error> {
    Ok(None)
}

#[cfg(not(feature = "config-file"))]
fn signed_in(_: &Variables, _: Option<&Workspace>) -> Result<Credentials, Error> {
    Err(Error::credentials(format!(
        "{NOT_IN_VARIABLES}; set BL_API_KEY and BL_WORKSPACE (a sign-in by `bl login` is read with \
         the feature `config-file` of blaxel-auth)"
    )))
}

#[cfg(test)]
mod tests;
