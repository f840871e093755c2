//! Forks: another sandbox, or an application, made from a sandbox as it is.

use blaxel_core::{Error, HttpService, OperationInfo, call, open_enum};
use http::Method;

use super::Sandbox;
use crate::collection::Collection;
use crate::operations::{Action, Perform};

record! {
    /// What a sandbox is forked into.
    ///
    /// ```
    /// use blaxel_management::sandboxes::Fork;
    ///
    /// let canary = Fork::into_application("shop").port(8080).traffic(10);
    /// # let _ = canary;
    /// ```
    #[doc(alias = "SandboxForkRequest")]
    pub struct Fork {
        /// What kind of resource it becomes.
        pub target_type: ForkKind,
        /// The name of the new sandbox, which must be free, or of the application, which is made if there
        /// is none.
        pub target_name: String,
        /// The snapshot to fork from, by its id.
        pub snapshot_id: Option<String>,
        /// The port of the sandbox that the application answers with.
        pub port: Option<u32>,
        /// The share of requests, in percent, that the fork gets of an application that is there already.
        pub traffic: Option<u32>,
        /// The first part of the application's address.
        pub prefix: Option<String>,
        /// A domain of your own for the application.
        pub custom_domain: Option<String>,
    }
}

response! {
    /// What a sandbox was forked into.
    #[doc(alias = "SandboxForkResponse")]
    pub struct Forked {
        /// What kind of resource it is.
        #[serde(rename = "type")]
        pub kind: Option<ForkKind>,
        /// Its name.
        pub name: Option<String>,
        /// The snapshot it was made from.
        pub snapshot_id: Option<String>,
    }
}

open_enum! {
    /// What a sandbox can be forked into.
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
    /// Into a new sandbox of that name.
    #[must_use]
    pub fn into_sandbox(name: impl Into<String>) -> Self {
        Self::new(ForkKind::Sandbox, name)
    }

    /// Into a new application of that name, or a new revision of the one that is there.
    #[must_use]
    pub fn into_application(name: impl Into<String>) -> Self {
        Self::new(ForkKind::Application, name)
    }
}

impl<S: HttpService> Collection<Sandbox, S> {
    /// Makes another sandbox, or a revision of an application, from a sandbox: `ForkSandbox`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no sandbox of that name; [`Error::is_conflict`] if the name of
    /// the new one is taken.
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
    // A second one adds a second revision where the target is an application.
    const INFO: OperationInfo =
        OperationInfo::new("ForkSandbox", Method::POST, "/sandboxes/{sandboxName}/fork");
    type Input = Fork;
    type Output = Forked;
}
