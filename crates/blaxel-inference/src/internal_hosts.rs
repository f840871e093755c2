//! The hosts by which a workload calls the agents of its workspace without leaving the platform.

use blaxel_core::__private::trim_setting;
use blaxel_core::__private::workload::WorkloadAddress;
use blaxel_core::{Error, Secret, Source, Workspace};
use md5::{Digest as _, Md5};

/// The domain of the platform's internal hosts. If it is empty, there are none.
const HOST: &str = "BL_RUN_INTERNAL_HOST";
/// The protocol of the internal hosts.
const PROTOCOL: &str = "BL_RUN_INTERNAL_PROTOCOL";
/// The generation of the infrastructure. Without it, there are no internal hosts.
const GENERATION: &str = "BL_GENERATION";
/// The platform's environment.
const ENVIRONMENT: &str = "BL_ENV";
/// The workspace of this workload.
const WORKSPACE: &str = "BL_WORKSPACE";

/// The hosts by which a workload on the platform calls the agents of its workspace without leaving the platform.
///
/// The host of an agent is computed from the workspace and the agent's name, so nothing is looked up. A call is sent
/// there only: if it fails, it is not repeated at another address, because the agent might run twice. To call an
/// agent elsewhere after an error whose [`maybe_applied`](Error::maybe_applied) is `false`, use an
/// [`Inference`](crate::Inference) without internal hosts.
///
/// A client sends its credential to hosts that it trusts only, so trust those of the agents that you call:
///
/// ```
/// use blaxel_inference::InternalHosts;
///
/// # fn example(variables: impl Fn(&str) -> Option<String>) -> Result<(), blaxel_core::Error> {
/// // In a workload, `variables` is `|name| std::env::var(name).ok()`.
/// if let Some(hosts) = InternalHosts::from_variables(variables)? {
///     println!("ClientBuilder::trust({:?})", hosts.agent_url("support-bot"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternalHosts {
    workspace: Workspace,
    environment: String,
    protocol: String,
    domain: String,
}

impl InternalHosts {
    /// Reads the variables that the platform sets in a workload, or returns `None` if there are no internal hosts,
    /// as outside of the platform.
    ///
    /// They are `BL_RUN_INTERNAL_HOST` and `BL_GENERATION`, without which there are no internal hosts, `BL_WORKSPACE`,
    /// `BL_ENV` (`prod` by default) and `BL_RUN_INTERNAL_PROTOCOL` (`https` by default). An empty variable counts as
    /// unset. A protocol other than `https` is refused when an agent is called, because the credential is sent along.
    ///
    /// ```
    /// use blaxel_inference::InternalHosts;
    ///
    /// let variables = |name: &str| match name {
    ///     "BL_RUN_INTERNAL_HOST" => Some("internal.example".to_owned()),
    ///     "BL_GENERATION" => Some("mk3".to_owned()),
    ///     "BL_WORKSPACE" => Some("my-team".to_owned()),
    ///     _ => None,
    /// };
    /// let hosts = InternalHosts::from_variables(variables)?.expect("a workload on the platform");
    /// assert_eq!(
    ///     hosts.agent_url("support-bot"),
    ///     "https://bl-prod-400c38e71522e251d3bf859a20b74bd2.internal.example"
    /// );
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if there are internal hosts, and `BL_WORKSPACE` is missing or not the name of a workspace.
    pub fn from_variables(
        variables: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Error> {
        let set = |name: &str| {
            let text = variables(name)?;
            let text = trim_setting(&text);
            (!text.is_empty()).then(|| text.to_owned())
        };
        let (Some(domain), Some(_)) = (set(HOST), set(GENERATION)) else {
            return Ok(None);
        };
        let source = Source::variable(WORKSPACE);
        let workspace = set(WORKSPACE).ok_or_else(|| {
            let problem = "the internal hosts of the platform depend on it, and it is not set";
            Error::input("workspace", &source, problem)
        })?;
        let workspace: Workspace = workspace
            .parse()
            .map_err(|problem| Error::input("workspace", &source, problem))?;
        Ok(Some(Self {
            workspace,
            environment: set(ENVIRONMENT).unwrap_or_else(|| "prod".to_owned()),
            protocol: set(PROTOCOL).unwrap_or_else(|| "https".to_owned()),
            domain,
        }))
    }

    /// Returns the address of an agent of the workspace.
    #[must_use]
    pub fn agent_url(&self, name: &str) -> String {
        use std::fmt::Write as _;

        let hash = Md5::digest(format!("{}-agent-{name}", self.workspace));
        let mut host = format!("bl-{}-", self.environment);
        for byte in hash {
            let _ = write!(host, "{byte:02x}");
        }
        format!("{}://{host}.{}", self.protocol, self.domain)
    }

    /// Returns the address of an agent, with the variable that it comes from.
    pub(crate) fn address(&self, name: &str) -> WorkloadAddress {
        WorkloadAddress {
            url: Secret::from(self.agent_url(name)),
            source: Source::variable(HOST),
        }
    }
}
