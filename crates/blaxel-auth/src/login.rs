//! Signing in to the platform with one call.

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
    /// Creates a login at the platform that the environment variables of this process select; see
    /// [`from_variables`](Self::from_variables).
    ///
    /// ```no_run
    /// use blaxel_auth::DeviceLogin;
    /// # use blaxel_core::{Error, HttpService};
    ///
    /// # async fn example(transport: impl HttpService) -> Result<(), Error> {
    /// // `transport` is a `blaxel_transport::HyperTransport::default()`, for instance.
    /// let credentials = DeviceLogin::from_env(transport)?
    ///     .sign_in(|prompt| println!("Open {} and confirm {}", prompt.url(), prompt.user_code()))
    ///     .await?;
    /// // `ClientBuilder::from_env()?.credentials(credentials)` calls the same platform.
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`from_variables`](Self::from_variables).
    pub fn from_env(service: impl HttpService) -> Result<Self, Error> {
        Self::from_variables(&Variables::from_process(), service)
    }

    /// Creates a login at the platform that `variables` select: the deployment of `BL_ENV`, which is
    /// production by default, or the address of `BL_API_URL` if that is set. The user signs in to the workspace
    /// of `BL_WORKSPACE`, or chooses one.
    ///
    /// The requests are sent over `service`, which should send them unchanged: without retries, credentials or
    /// redirects.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for an unusable variable, naming it.
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

    /// Signs a user in and returns the credentials, ready for a client.
    ///
    /// `show` receives the address and the code to show to the user. The credentials are renewed for as long
    /// as the process lives, and have the workspace and the deployment of this login. Drop the future to
    /// cancel.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run).
    pub async fn sign_in(&self, show: impl FnOnce(&PendingLogin)) -> Result<Credentials, Error> {
        self.credentials(self.run(show).await?)
    }

    /// Signs a user in as [`sign_in`](Self::sign_in) does, and stores the tokens in the file of the `bl`
    /// command, which is then kept up to date.
    ///
    /// This replaces the workspace's previous sign-in. It does not change the current workspace; use
    /// [`ConfigWriter::set_current_workspace`] for that.
    ///
    /// ```no_run
    /// use blaxel_auth::{ConfigFile, DeviceLogin, Variables};
    /// # use blaxel_core::{Error, HttpService, Workspace};
    ///
    /// # async fn example(transport: impl HttpService, workspace: Workspace) -> Result<(), Error> {
    /// let variables = Variables::from_process();
    /// let login = DeviceLogin::from_variables(&variables, transport)?.with_workspace(workspace);
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
    /// [`Error::is_input`] if the login has no workspace, before anything is sent; those of
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
    let problem = "the file has a sign-in per workspace, and no workspace is set; set it with \
                   `with_workspace` or BL_WORKSPACE";
    Error::input("workspace", &Source::Code, problem)
}

#[cfg(test)]
mod tests;
