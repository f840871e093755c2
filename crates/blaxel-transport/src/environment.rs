//! The deployments of the platform that `BL_ENV` names.

use blaxel_auth::{Credentials, Variables};
use blaxel_core::{Error, Source};

/// Which deployment of the platform is meant, and so which addresses are the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Environment {
    #[default]
    Production,
    Development,
    Local,
}

impl Environment {
    /// `BL_ENV`, else what the CLI's sign-in was made for, else production.
    pub(crate) fn choose(variables: &Variables, credentials: &Credentials) -> Result<Self, Error> {
        if let Some((name, source)) = variables.get("BL_ENV")? {
            return Self::read(name, &source);
        }
        match credentials.environment() {
            Some(name) => Self::read(name, credentials.source()),
            None => Ok(Self::Production),
        }
    }

    /// A word that is not known is an error: to guess could send a secret to the wrong place.
    fn read(name: &str, source: &Source) -> Result<Self, Error> {
        match name {
            "prod" => Ok(Self::Production),
            "dev" => Ok(Self::Development),
            "local" => Ok(Self::Local),
            _ => Err(Error::input(
                "environment",
                source,
                format_args!("`{name}` is none of prod, dev and local"),
            )),
        }
    }

    pub(crate) fn api_url(self) -> &'static str {
        match self {
            Self::Production => "https://api.blaxel.ai/v0",
            Self::Development => "https://api.blaxel.dev/v0",
            Self::Local => "http://localhost:8080/v0",
        }
    }

    pub(crate) fn run_url(self) -> &'static str {
        match self {
            Self::Production => "https://run.blaxel.ai",
            Self::Development | Self::Local => "https://run.blaxel.dev",
        }
    }
}
