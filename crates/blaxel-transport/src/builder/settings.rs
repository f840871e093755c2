//! The settings of a client, from code and from the environment.

use blaxel_auth::{Credentials, Environment, Variables};
use blaxel_core::__private::ErrorParts;
use blaxel_core::{ApiVersion, BaseUrl, Endpoints, Error, Secret, Source, Workspace};

use crate::defaults::Defaults;
use crate::limits::TimeLimits;
use crate::retry::RetryPolicy;
use crate::user_agent::UserAgent;

/// A text setting and its source. It is parsed when the client is built.
pub(super) type Setting = Option<(String, Source)>;

/// An address and its source. It is not checked yet, so it can contain a password or a token.
pub(super) type GivenUrl = (Secret, Source);

/// The settings of a [`ClientBuilder`], apart from transport and layers.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// The environment to look up credentials in, if none are set in code.
    pub(super) variables: Option<Variables>,
    pub(super) credentials: Option<Credentials>,
    pub(super) anonymous: bool,
    pub(super) api_key: Option<Secret>,
    pub(super) workspace: Setting,
    /// The workspace if neither the code nor the credentials name one.
    pub(super) default_workspace: Setting,
    pub(super) region: Setting,
    pub(super) api_url: Option<GivenUrl>,
    pub(super) run_url: Option<GivenUrl>,
    pub(super) trusted: Vec<GivenUrl>,
    pub(super) environment: Option<Environment>,
    pub(super) version: ApiVersion,
    pub(super) user_agent: UserAgent,
    pub(super) limits: TimeLimits,
    pub(super) retry: RetryPolicy,
}

impl Settings {
    /// Reads the settings of the environment, except for the credentials.
    pub(super) fn from_variables(variables: &Variables) -> Result<Self, Error> {
        let version = match variables.get("BL_API_VERSION")? {
            Some((text, source)) => source.parse(text)?,
            None => ApiVersion::default(),
        };
        // The user of a program did not write it, so it makes nothing fail.
        let integration = variables.get("BL_INTEGRATION");
        let integration =
            integration.inspect_err(|problem| tracing::warn!("{problem}; it is ignored"));
        Ok(Self {
            environment: Environment::from_variables(variables)?,
            default_workspace: owned(variables.get("BL_WORKSPACE")?),
            region: owned(variables.get("BL_REGION")?),
            api_url: owned(variables.get("BL_API_URL")?),
            run_url: owned(variables.get("BL_RUN_URL")?),
            version,
            user_agent: UserAgent {
                product: None,
                integration: owned(integration.unwrap_or_default()),
                coding_agent: variables.coding_agent(),
            },
            variables: Some(variables.clone()),
            ..Self::default()
        })
    }

    /// Parses and checks the settings.
    pub(super) fn resolve(self) -> Result<(Defaults, Option<Credentials>), Error> {
        let named = parse_workspace(&self.workspace)?;
        let credentials = self.find_credentials(named.as_ref())?;
        let of_credentials = credentials.as_ref().and_then(Credentials::workspace);
        let workspace = match named.or_else(|| of_credentials.cloned()) {
            Some(workspace) => Some(workspace),
            None => parse_workspace(&self.default_workspace)?,
        };
        let environment = self
            .environment
            .or_else(|| credentials.as_ref()?.environment())
            .unwrap_or_default();
        let read = |setting: &Option<GivenUrl>, default: &'static str| match setting {
            Some((url, source)) => source.parse::<BaseUrl>(url.expose()),
            None => default.parse::<BaseUrl>(),
        };
        let endpoints = Endpoints::new(
            read(&self.api_url, environment.api_url())?,
            read(&self.run_url, environment.run_url())?,
        );
        let trusted = self
            .trusted
            .iter()
            .map(|(url, source)| source.parse::<BaseUrl>(url.expose()))
            .collect::<Result<_, _>>()?;
        let agent = &self.user_agent;
        let mut defaults = Defaults::new(endpoints, trusted, workspace, self.version, agent)?;
        defaults.region = parse_region(&self.region)?;
        defaults.limits = self.limits;
        Ok((defaults, credentials))
    }

    /// Returns the credentials set in code, otherwise those of the environment for `workspace`, the
    /// one set in code. Returns `None` for an anonymous client.
    fn find_credentials(
        &self,
        workspace: Option<&Workspace>,
    ) -> Result<Option<Credentials>, Error> {
        if self.anonymous {
            return Ok(None);
        }
        if let Some(key) = &self.api_key {
            return Credentials::api_key(key.clone()).map(Some);
        }
        if let Some(credentials) = &self.credentials {
            return Ok(Some(credentials.clone()));
        }
        let found = match (&self.variables, workspace) {
            (Some(variables), Some(workspace)) => Credentials::resolve_in(variables, workspace),
            (Some(variables), None) => Credentials::resolve(variables),
            (None, _) => Err(no_credentials()),
        };
        found.map(Some)
    }
}

/// Copies a variable and its source.
fn owned<T: for<'a> From<&'a str>>(found: Option<(&str, Source)>) -> Option<(T, Source)> {
    found.map(|(text, source)| (T::from(text), source))
}

/// Parses the name of a workspace.
fn parse_workspace(setting: &Setting) -> Result<Option<Workspace>, Error> {
    match setting {
        Some((name, source)) => Ok(Some(source.parse(name)?)),
        None => Ok(None),
    }
}

/// Parses the name of a region.
fn parse_region(setting: &Setting) -> Result<Option<Box<str>>, Error> {
    let Some((name, source)) = setting else {
        return Ok(None);
    };
    let name = name.trim();
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        let problem = "it is empty or has a space; expected a region such as `us-pdx-1`";
        return Err(Error::input("region", source, problem));
    }
    Ok(Some(name.into()))
}

/// Creates the error of a client without credentials.
fn no_credentials() -> Error {
    Error::credentials(
        "the client has no credentials; set `credentials` or `api_key`, use those of the environment \
         with `ClientBuilder::from_env`, or disable them with `anonymous`",
    )
}
