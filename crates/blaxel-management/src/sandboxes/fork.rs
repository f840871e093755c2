//! Forks: copies of a sandbox, as another sandbox or as an application.

use blaxel_core::{Error, HttpService, OperationInfo, call, open_enum};
use http::Method;

use super::Sandbox;
use super::lifecycle::SandboxLifecycle;
use crate::collection::Collection;
use crate::operations::{Action, Perform};
use crate::workload::EnvVariable;

record! {
    /// The target of a fork, and its settings.
    ///
    /// ```
    /// use blaxel_management::sandboxes::Fork;
    /// use blaxel_management::workload::EnvVariable;
    ///
    /// let canary = Fork::into_application("shop").port(8080).traffic(10);
    /// let copy = Fork::into_sandbox("code-runner-2").env(EnvVariable::plain("MODE", "test"));
    /// # let _ = (canary, copy);
    /// ```
    #[doc(alias = "SandboxForkRequest")]
    pub struct Fork {
        /// The type of the new resource.
        pub target_type: ForkKind,
        /// The name of the new sandbox, which must not exist, or of the application, which is created if it
        /// does not exist.
        pub target_name: String,
        /// The id of the snapshot of the sandbox to fork from. By default the current state is copied. A snapshot
        /// whose sandbox does not exist any more is forked by [`Management::snapshots`](crate::Management::snapshots).
        pub snapshot_id: Option<String>,
        /// The port of the sandbox that serves the application's requests.
        pub port: Option<u32>,
        /// The share of requests for the fork, in percent, if the application exists already.
        pub traffic: Option<u32>,
        /// The prefix of the application's URL.
        pub prefix: Option<String>,
        /// A custom domain for the application.
        pub custom_domain: Option<String>,
        /// Environment variables on top of those of the source: one of the same name is replaced, the others are
        /// kept.
        #[adder]
        pub envs: Option<Vec<EnvVariable>>,
        /// The rules for the automatic deletion of the new sandbox, in place of all rules of the source. By default
        /// the new sandbox has the rules, the time to live and the expiry date of the source. The server refuses
        /// it for an application.
        pub lifecycle: Option<SandboxLifecycle>,
    }
}

response! {
    /// The resource that a fork created.
    #[doc(alias = "SandboxForkResponse")]
    pub struct Forked {
        /// The type of the resource.
        #[serde(rename = "type")]
        pub kind: Option<ForkKind>,
        /// The name of the resource.
        pub name: Option<String>,
        /// The id of the snapshot that the resource was created from. A fork into an application takes one if the
        /// request names none.
        pub snapshot_id: Option<String>,
    }
}

open_enum! {
    /// The type of resource that a fork creates.
    #[derive(Default)]
    pub enum ForkKind {
        /// Another sandbox.
        #[default]
        Sandbox = "sandbox",
        /// A revision of an application.
        Application = "application",
    }
}

impl Fork {
    /// Forks into a new sandbox named `name`.
    #[must_use]
    pub fn into_sandbox(name: impl Into<String>) -> Self {
        Self::new(ForkKind::Sandbox, name)
    }

    /// Forks into a new application named `name`, or into a new revision of the existing one.
    #[must_use]
    pub fn into_application(name: impl Into<String>) -> Self {
        Self::new(ForkKind::Application, name)
    }

    /// Adds an environment variable, which replaces the source's variable of the same name.
    #[must_use]
    pub fn env(mut self, variable: impl Into<EnvVariable>) -> Self {
        self.envs.get_or_insert_default().push(variable.into());
        self
    }
}

impl<S: HttpService> Collection<Sandbox, S> {
    /// Forks the sandbox named `name` into another sandbox or a revision of an application
    /// (`POST /sandboxes/{sandboxName}/fork`).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::Fork;
    ///
    /// let fork = Fork::into_sandbox("code-runner-2");
    /// let forked = management.sandboxes().fork("code-runner", &fork).await?;
    /// println!("{:?}", forked.name);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no sandbox of that name; [`Error::is_conflict`] if the name of the
    /// new one is taken; otherwise the error of the call.
    pub async fn fork(&self, name: &str, fork: &Fork) -> Result<Forked, Error> {
        call(
            &self.service,
            &Perform::<ForkSandbox>::on([name]).input(fork),
        )
        .await
    }
}

/// Forks a sandbox: `POST /sandboxes/{sandboxName}/fork`.
#[derive(Clone, Copy, Debug)]
pub struct ForkSandbox;

impl Action for ForkSandbox {
    // Not idempotent: if the target is an application, a second request adds a second revision.
    const INFO: OperationInfo =
        OperationInfo::new("ForkSandbox", Method::POST, "/sandboxes/{sandboxName}/fork");
    type Input = Fork;
    type Output = Forked;
}
