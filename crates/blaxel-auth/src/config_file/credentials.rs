//! The credentials in the file.

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, Workspace};

#[cfg(feature = "oauth")]
use super::store::SignInStore;
use super::{ConfigFile, Member, SignIn};
use crate::credentials::Credentials;
use crate::environment::Environment;
use crate::jwt::Claims;
use crate::kind::CredentialKind;

impl ConfigFile {
    /// Returns the sign-in of a workspace, or of the current one, or `None` if there is no such entry, or if it
    /// has no credential.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if the sign-in has expired,
    /// and [`Error::is_input`] if its credential is malformed, or if it was made for an unknown
    /// [`Environment`]. Both name the file.
    pub fn credentials(&self, workspace: Option<&Workspace>) -> Result<Option<Credentials>, Error> {
        let Some(workspace) = self.choose(workspace)? else {
            return Ok(None);
        };
        let Some(sign_in) = self.sign_in(&workspace) else {
            return Ok(None);
        };
        let Some(credentials) = self.read_credentials(sign_in, &workspace)? else {
            return Ok(None);
        };
        let credentials = credentials.with_workspace(workspace);
        let Some(name) = &sign_in.environment else {
            return Ok(Some(credentials));
        };
        let environment = Environment::read(name, &self.source())?;
        Ok(Some(credentials.with_environment(environment)))
    }

    fn read_credentials(
        &self,
        sign_in: &SignIn,
        workspace: &Workspace,
    ) -> Result<Option<Credentials>, Error> {
        let Some((member, secret)) = &sign_in.secret else {
            return Ok(None);
        };
        let source = self.source();
        // Checked here and not when the file is read: one malformed sign-in does not concern the others.
        if let Some(problem) = &sign_in.problem {
            let what = format!("sign-in for the workspace {workspace}");
            return Err(Error::input(&what, &source, problem));
        }
        match member {
            Member::ApiKey => Credentials::bearer(CredentialKind::ApiKey, secret, source),
            #[cfg(feature = "oauth")]
            Member::RefreshToken => {
                let store = SignInStore::new(&self.path, workspace);
                let credentials = Credentials::sign_in(sign_in.tokens.clone(), source);
                credentials.map(|credentials| credentials.with_store(store))
            }
            Member::ClientCredentials => Credentials::service_account(secret.expose(), source),
            Member::AccessToken => {
                let claims = Claims::read(secret.expose());
                if claims.is_some_and(|claims| claims.remaining().is_none()) {
                    return Err(Error::credentials(format!(
                        "the sign-in for the workspace {workspace} ({source}) has expired; run \
                         `bl login {workspace}`"
                    )));
                }
                Credentials::bearer(CredentialKind::AccessToken, secret, source)
            }
        }
        .map(Some)
    }

    fn choose(&self, explicit: Option<&Workspace>) -> Result<Option<Workspace>, Error> {
        match explicit {
            Some(workspace) => Ok(Some(workspace.clone())),
            None => self.current_workspace(),
        }
    }

    /// Describes why [`credentials`](Self::credentials) returns none.
    pub(crate) fn describe_missing(&self, workspace: Option<&Workspace>) -> Result<String, Error> {
        let path = self.path.display();
        let signed_in: Vec<_> = self
            .sign_ins
            .iter()
            .filter(|sign_in| sign_in.secret.is_some())
            .map(|sign_in| sign_in.workspace.as_str())
            .collect();
        let problem = match self.choose(workspace)? {
            _ if signed_in.is_empty() => return Ok(format!("{path} has no sign-in")),
            Some(name) => format!("{path} has no sign-in for the workspace {name}"),
            None => format!("{path} has no current workspace"),
        };
        let signed_in = signed_in.join(", ");
        Ok(format!("{problem}, only for {signed_in}"))
    }
}
