//! [`Sandboxes`]: the way to a sandbox by its name, a stored reference or a session.

use std::fmt;
#[cfg(feature = "lifecycle")]
use std::sync::Arc;

use blaxel_core::__private::workload::{Overrides, WorkloadAddress, WorkloadKind, get_sandbox};
use blaxel_core::{Error, HttpService, Secret, Source};
#[cfg(feature = "lifecycle")]
use blaxel_management::sandboxes::SandboxDefaults;

use crate::process::Process;
use crate::reference::{ProcessRef, SandboxRef};
use crate::remote::{Remote, Site};
use crate::sandbox::SandboxHandle;

/// The sandboxes of a workspace.
///
/// It runs on any [`HttpService`]. A clone is as cheap as a clone of the service.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(client: impl HttpService) -> Result<(), Error> {
/// use blaxel_sandbox::Sandboxes;
///
/// let sandboxes = Sandboxes::new(client);
/// let sandbox = sandboxes.get("dev").await?;
/// println!("{}", sandbox.name());
/// # Ok(())
/// # }
/// ```
///
/// # Addresses
///
/// A sandbox is called under the first of these addresses that is known:
///
/// 1. the one of a [reference](Self::join) or a [session](Self::session);
/// 2. the one of an environment variable, if [`url_overrides`](Self::url_overrides) enables them;
/// 3. its `metadata.url`, which [`get`](Self::get) looks up;
/// 4. the origin of the run plane, with the workspace and the name as the path, which only old sandboxes have.
#[derive(Clone)]
pub struct Sandboxes<S> {
    service: S,
    overrides: Option<Overrides>,
    #[cfg(feature = "lifecycle")]
    pub(crate) new: NewSandboxes,
}

/// The settings for new sandboxes.
#[cfg(feature = "lifecycle")]
#[derive(Clone)]
pub(crate) struct NewSandboxes {
    pub(crate) region: Option<Arc<str>>,
    pub(crate) defaults: SandboxDefaults,
}

impl<S: HttpService> Sandboxes<S> {
    /// Creates the client over a service: a `blaxel_transport::Client`, the emulator's in-memory service, or a
    /// stack of your own.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self {
            service,
            overrides: None,
            #[cfg(feature = "lifecycle")]
            new: NewSandboxes {
                region: None,
                defaults: SandboxDefaults::standard(),
            },
        }
    }

    /// Sets the source of environment variables that override the addresses of single sandboxes.
    ///
    /// The variables of the sandbox `my-box` are `BL_SANDBOXES_MY_BOX_URL` and, after it,
    /// `BL_SANDBOX_MY_BOX_URL`. Names are in upper case, with `_` for `-`. An empty variable counts as unset.
    /// Plain `http` is accepted for loopback addresses only, because the credential is sent there too.
    ///
    /// Without a source, no variable is read.
    ///
    /// ```
    /// # use blaxel_core::HttpService;
    /// # fn example(client: impl HttpService) {
    /// use blaxel_sandbox::Sandboxes;
    ///
    /// let sandboxes = Sandboxes::new(client).url_overrides(|name| std::env::var(name).ok());
    /// # }
    /// ```
    #[must_use]
    pub fn url_overrides<F>(mut self, variables: F) -> Self
    where
        F: Fn(&str) -> Option<String> + Send + Sync + 'static,
    {
        self.overrides = Some(Overrides::new(variables));
        self
    }

    /// Returns a handle on the sandbox `name`, after looking up its address (`GET /sandboxes/{sandboxName}`).
    /// If a variable overrides the address, nothing is sent.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
    /// let sandbox = sandboxes.get("dev").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no sandbox of this name.
    pub async fn get(&self, name: impl Into<String>) -> Result<SandboxHandle<S>, Error> {
        let name = name.into();
        let address = match self.override_of(&name) {
            Some(address) => Some(address),
            None => get_sandbox(&self.service, &name).await?.address(),
        };
        Ok(self.handle(name, address))
    }

    /// Returns a handle on the sandbox of a stored reference. Nothing is sent before it is used.
    ///
    /// ```
    /// # use blaxel_core::HttpService;
    /// # fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) {
    /// use blaxel_sandbox::SandboxRef;
    ///
    /// let reference = SandboxRef::new("dev").url("https://sbx-dev-team.us-pdx-1.bl.run");
    /// let sandbox = sandboxes.join(&reference);
    /// # }
    /// ```
    ///
    /// The client sends its credential to the address only if it is one of the platform's, or one that
    /// `ClientBuilder::trust` names. So a forged reference cannot steal it.
    #[must_use]
    pub fn join(&self, reference: &SandboxRef) -> SandboxHandle<S> {
        let address = reference.url.as_deref().map(|url| WorkloadAddress {
            url: Secret::from(url),
            source: Source::Code,
        });
        let address = address.or_else(|| self.override_of(&reference.name));
        self.handle(reference.name.clone(), address)
    }

    /// Returns a handle on the process of a stored reference. Nothing is sent before it is used.
    ///
    /// ```
    /// # use blaxel_core::HttpService;
    /// # fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) {
    /// use blaxel_sandbox::{ProcessRef, SandboxRef};
    ///
    /// let sandbox = SandboxRef::new("dev").url("https://sbx-dev-team.us-pdx-1.bl.run");
    /// let process = sandboxes.process(&ProcessRef::new(sandbox, "web"));
    /// # }
    /// ```
    #[must_use]
    pub fn process(&self, reference: &ProcessRef) -> Process<S> {
        self.join(&reference.sandbox).process(&reference.process)
    }

    /// Returns a handle on the sandbox of a session, which is an address and a token. Nothing is sent before it
    /// is used.
    ///
    /// Its requests have the token and nothing else of the client: no credential, no workspace. A session
    /// allows files up to 5 MB, directories and processes; other calls are refused.
    ///
    /// ```
    /// # use blaxel_core::HttpService;
    /// # fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) {
    /// let sandbox = sandboxes.session("https://1a2b.preview.bl.run", "token");
    /// # }
    /// ```
    #[must_use]
    pub fn session(&self, url: impl Into<String>, token: impl Into<Secret>) -> SandboxHandle<S> {
        let site = Site {
            name: "session".to_owned(),
            address: Some(WorkloadAddress {
                url: Secret::new(url.into()),
                source: Source::Code,
            }),
            token: Some(token.into()),
        };
        SandboxHandle::new(Remote::new(self.service.clone(), site))
    }

    #[cfg(feature = "lifecycle")]
    pub(crate) fn service(&self) -> &S {
        &self.service
    }

    pub(crate) fn handle(
        &self,
        name: String,
        address: Option<WorkloadAddress>,
    ) -> SandboxHandle<S> {
        let site = Site {
            name,
            address,
            token: None,
        };
        SandboxHandle::new(Remote::new(self.service.clone(), site))
    }

    pub(crate) fn override_of(&self, name: &str) -> Option<WorkloadAddress> {
        self.overrides
            .as_ref()?
            .address(&WorkloadKind::SANDBOX, name)
    }
}

impl<S> fmt::Debug for Sandboxes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandboxes").finish_non_exhaustive()
    }
}
