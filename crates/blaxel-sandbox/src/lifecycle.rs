//! Sandboxes that are created, waited for and deleted, with the Management API.

use blaxel_core::__private::workload::WorkloadAddress;
use blaxel_core::{Error, HttpService, Secret, Source};
use blaxel_management::sandboxes::{Ensure, Sandbox};
use blaxel_management::{Collection, Management, Outcome, Status, Wait};

use crate::sandbox::SandboxHandle;
use crate::sandboxes::Sandboxes;

impl<S: HttpService> Sandboxes<S> {
    /// Returns a handle on a ready sandbox, creating it as drafted if it does not exist.
    ///
    /// It does what [`Collection::ensure`](blaxel_management::Collection) of the Management API does, with a time limit
    /// of 5 minutes. A sandbox that existed may differ from the draft. [`ensure_with`](Self::ensure_with) takes
    /// settings, and returns whether the sandbox was created.
    ///
    /// The sandbox itself is not called.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(client: impl HttpService) -> Result<(), Error> {
    /// use blaxel_sandbox::{Sandbox, Sandboxes};
    ///
    /// let sandboxes = Sandboxes::new(client);
    /// let sandbox = sandboxes.ensure(&Sandbox::new("dev").image("blaxel/base-image:latest")).await?;
    /// println!("{}", sandbox.health().await?.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A permanent error of a request, at once, such as [`Error::is_quota`]; [`Error::is_failed`] if the sandbox fails;
    /// [`Error::is_timeout`] after the time limit.
    pub async fn ensure(&self, sandbox: &Sandbox) -> Result<SandboxHandle<S>, Error> {
        let ensured = self.ensure_with(sandbox, &Ensure::new()).await?;
        Ok(ensured.into_resource())
    }

    /// Returns a handle on a ready sandbox, as [`ensure`](Self::ensure) does, with settings of its own. The outcome is
    /// [`Created`](Outcome::Created) if this call created the sandbox, and [`Unchanged`](Outcome::Unchanged) if it
    /// existed.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
    /// use std::time::Duration;
    /// use blaxel_sandbox::{Ensure, Sandbox};
    ///
    /// let limit = Ensure::new().within(Duration::from_secs(60));
    /// let ensured = sandboxes.ensure_with(&Sandbox::new("dev"), &limit).await?;
    /// if ensured.is_created() {
    ///     // Set up the new sandbox here.
    /// }
    /// let sandbox = ensured.into_resource();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`ensure`](Self::ensure).
    pub async fn ensure_with(
        &self,
        sandbox: &Sandbox,
        ensure: &Ensure,
    ) -> Result<Outcome<SandboxHandle<S>>, Error> {
        let ensured = self.collection().ensure(sandbox, ensure).await?;
        let is_created = ensured.is_created();
        let handle = self.handle_of(&ensured.into_resource());
        Ok(if is_created {
            Outcome::Created(handle)
        } else {
            Outcome::Unchanged(handle)
        })
    }

    /// Creates a sandbox, waits until it is ready, and returns a handle on it (`POST /sandboxes`).
    ///
    /// The platform responds when the sandbox is ready; if it responds earlier, the sandbox is polled. Unlike
    /// [`ensure`](Self::ensure), it is an error if the sandbox exists.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_sandbox::Sandbox;
    ///
    /// let sandbox = sandboxes.create(&Sandbox::unnamed()).await?;
    /// println!("{}", sandbox.name());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if there is a sandbox of this name; [`Error::is_failed`] if the sandbox fails; otherwise
    /// the error of a request.
    pub async fn create(&self, sandbox: &Sandbox) -> Result<SandboxHandle<S>, Error> {
        let sandboxes = self.collection();
        let created = sandboxes.create(sandbox).await?;
        let is_ready = |sandbox: &Sandbox| matches!(sandbox.status, None | Some(Status::Deployed));
        if is_ready(&created) {
            return Ok(self.handle_of(&created));
        }
        let name = &created.metadata.name;
        let ready = sandboxes.wait_until(name, &Wait::new(), is_ready).await?;
        Ok(self.handle_of(&ready))
    }

    /// Deletes the sandbox `name` (`DELETE /sandboxes/{sandboxName}`). The deletion is asynchronous: the sandbox may
    /// exist for some more seconds.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
    /// sandboxes.delete("dev").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no sandbox of this name.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        self.collection().delete(name).await.map(drop)
    }

    /// Returns the collection of the workspace's sandboxes in the Management API, for everything else that it can do.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
    /// for sandbox in sandboxes.collection().all().await? {
    ///     println!("{} is {:?}", sandbox.metadata.name, sandbox.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn collection(&self) -> Collection<Sandbox, S> {
        Management::new(self.service().clone()).sandboxes()
    }

    /// Returns a handle on a sandbox whose resource is known. Nothing is sent before it is used.
    ///
    /// It is called at its `metadata.url`. A resource without one, which only old sandboxes have, is called at the
    /// origin of the run plane, with the workspace and the name as the path.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
    /// for resource in sandboxes.collection().all().await? {
    ///     let sandbox = sandboxes.handle_of(&resource);
    ///     println!("{}: {:?}", sandbox.name(), sandbox.health().await?.version);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn handle_of(&self, sandbox: &Sandbox) -> SandboxHandle<S> {
        let name = sandbox.metadata.name.clone();
        let url = sandbox.metadata.url.as_deref().map(str::trim);
        let address = self.override_of(&name).or_else(|| {
            let url = url.filter(|url| !url.is_empty())?;
            Some(WorkloadAddress {
                url: Secret::from(url),
                source: Source::Response("metadata.url".into()),
            })
        });
        self.handle(name, address)
    }
}
