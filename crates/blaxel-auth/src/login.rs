//! Signing in to the platform in one call.

#[cfg(feature = "config-write")]
use blaxel_core::Source;
use blaxel_core::{BaseUrl, Error, HttpService};

#[cfg(feature = "config-write")]
use crate::blocking::blocking;
#[cfg(feature = "config-write")]
use crate::config_file::ConfigWriter;
use crate::credentials::Credentials;
use crate::environment::Environment;
use crate::oauth::{AuthorizationServer, DeviceLogin, PendingLogin, Tokens};
use crate::variables::Variables;

impl DeviceLogin {
    /// Creates a login at the platform that the environment of this process names;
    /// see [`from_variables`](Self::from_variables).
    ///
    /// ```no_run
    /// use blaxel_auth::DeviceLogin;
    /// # use blaxel_core::{Error, HttpService};
    ///
    /// # async fn example(wire: impl HttpService) -> Result<(), Error> {
    /// // `wire` is a `blaxel_transport::HyperTransport::default()`, for instance.
    /// let credentials = DeviceLogin::from_env(wire)?
    ///     .sign_in(|prompt| println!("Open {} and confirm {}", prompt.url(), prompt.user_code()))
    ///     .await?;
    /// // `ClientBuilder::from_env()?.credentials(credentials)` calls the same platform.
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`from_variables`](Self::from_variables).
    pub fn from_env(service: impl HttpService) -> Result<Self, Error> {
        Self::from_variables(&Variables::from_process(), service)
    }

    /// Creates a login at the platform that these variables name: the deployment of `BL_ENV`,
    /// production unless it is set, and the address of `BL_API_URL` if that is set. The person signs
    /// in to the workspace of `BL_WORKSPACE`, or chooses one.
    ///
    /// The requests go through `service`; that should send them as they are: no retries, no
    /// credential, no redirects.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a variable that cannot be used, naming it.
    pub fn from_variables(variables: &Variables, service: impl HttpService) -> Result<Self, Error> {
        let environment = Environment::from_variables(variables)?.unwrap_or_default();
        let api = match variables.get("BL_API_URL")? {
            Some((url, source)) => source.parse::<BaseUrl>(url)?,
            None => environment.api_url().parse::<BaseUrl>()?,
        };
        let server = AuthorizationServer::blaxel(&api);
        let login = Self::new(server, service).with_environment(environment);
        Ok(match variables.workspace()? {
            Some(workspace) => login.with_workspace(workspace),
            None => login,
        })
    }

    /// Signs a person in and returns the credentials, ready for a client.
    ///
    /// `show` is given the address and the code that the person needs. The credentials renew
    /// themselves for as long as the process lives, and know the workspace and the deployment of this
    /// login. Drop the future to give up.
    ///
    /// # Errors
    ///
    /// As for [`run`](Self::run).
    pub async fn sign_in(&self, show: impl FnOnce(&PendingLogin)) -> Result<Credentials, Error> {
        self.credentials(self.run(show).await?)
    }

    /// As [`sign_in`](Self::sign_in), and stores the sign-in in the file of the `bl` command, which is
    /// kept up to date from then on.
    ///
    /// The sign-in takes the place of the one that the workspace had. The workspace does not become
    /// the current one; [`ConfigWriter::set_current_workspace`] does that.
    ///
    /// ```no_run
    /// use blaxel_auth::{ConfigFile, DeviceLogin, Variables};
    /// # use blaxel_core::{Error, HttpService, Workspace};
    ///
    /// # async fn example(wire: impl HttpService, workspace: Workspace) -> Result<(), Error> {
    /// let variables = Variables::from_process();
    /// let login = DeviceLogin::from_variables(&variables, wire)?.with_workspace(workspace);
    /// if let Some(path) = ConfigFile::default_path(&variables) {
    ///     let writer = ConfigFile::writer(path);
    ///     let show = |prompt: &blaxel_auth::PendingLogin| println!("Open {}", prompt.url());
    ///     let credentials = login.sign_in_and_store(&writer, show).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the login names no workspace, before anything is sent. Else as for
    /// [`run`](Self::run) and [`ConfigWriter::sign_in`].
    #[cfg(feature = "config-write")]
    pub async fn sign_in_and_store(
        &self,
        writer: &ConfigWriter,
        show: impl FnOnce(&PendingLogin),
    ) -> Result<Credentials, Error> {
        let Some(workspace) = self.workspace().cloned() else {
            return Err(no_workspace());
        };
        let tokens = self.run(show).await?;
        let credentials = self.credentials(tokens.clone())?;
        let writer = match self.environment() {
            Some(environment) => writer.clone().with_environment(environment),
            None => writer.clone(),
        };
        let store = writer.store(&workspace);
        let source = Source::File(writer.path().to_owned());
        blocking(move || writer.sign_in(&workspace, &tokens)).await?;
        Ok(credentials.with_store(store).with_source(source))
    }

    fn credentials(&self, tokens: Tokens) -> Result<Credentials, Error> {
        let credentials = Credentials::from_tokens(tokens)?.in_workspace(self.workspace().cloned());
        Ok(match self.environment() {
            Some(environment) => credentials.with_environment(environment),
            None => credentials,
        })
    }
}

#[cfg(feature = "config-write")]
fn no_workspace() -> Error {
    let problem = "the file has a sign-in for each workspace, and none is named; name one with \
                   `with_workspace` or BL_WORKSPACE";
    Error::input("workspace", &Source::Code, problem)
}

#[cfg(test)]
mod tests;
