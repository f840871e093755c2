//! Sandboxes that are created, waited for and deleted, with the Management API.

mod drive_mount;
mod launch;
mod plan;
mod rollback;
mod run;
mod setup_error;

use std::sync::Arc;

use blaxel_core::__private::workload::WorkloadAddress;
use blaxel_core::{Error, HttpService, Secret, Source};
use blaxel_management::sandboxes::{Creation, Ensure, Sandbox, SandboxDefaults};
use blaxel_management::{Collection, Management, Outcome, Status, Wait};

pub use self::drive_mount::DriveMount;
pub use self::launch::Launch;
use self::plan::Mode;
pub use self::plan::OnSetupFailure;
pub use self::setup_error::SetupError;
use crate::sandbox::SandboxHandle;
use crate::sandboxes::Sandboxes;

impl<S: HttpService> Sandboxes<S> {
    /// Sets the region of new sandboxes and of drives that are created with them, such as `us-pdx-1`. With `None`, and by
    /// default, the platform chooses the one nearest to the caller. A draft that names a region keeps it.
    ///
    /// ```no_run
    /// # use blaxel_core::HttpService;
    /// # fn example(client: impl HttpService) {
    /// use blaxel_sandbox::Sandboxes;
    ///
    /// // A `blaxel_transport::Client` has the region of its builder or of `BL_REGION`: `client.region()`.
    /// let sandboxes = Sandboxes::new(client).with_region("us-pdx-1");
    /// # }
    /// ```
    #[must_use]
    pub fn with_region<'a>(mut self, region: impl Into<Option<&'a str>>) -> Self {
        self.new.region = region.into().map(Arc::from);
        self
    }

    /// Sets the values for members that the draft of a new sandbox leaves out. They are sent in the requests that create
    /// it; a member that the draft has is never changed.
    ///
    /// The default is [`SandboxDefaults::standard`]: the image `blaxel/base-image:latest` and 4096 MB of memory. The
    /// methods of [`collection`](Self::collection) fill in nothing but the region.
    ///
    /// ```no_run
    /// # use blaxel_core::HttpService;
    /// # fn example(client: impl HttpService) {
    /// use blaxel_sandbox::{Megabytes, SandboxDefaults, Sandboxes};
    ///
    /// let defaults = SandboxDefaults::standard().memory(Megabytes::gigabytes(8));
    /// let sandboxes = Sandboxes::new(client).with_defaults(defaults);
    /// # }
    /// ```
    #[must_use]
    pub fn with_defaults(mut self, defaults: SandboxDefaults) -> Self {
        self.new.defaults = defaults;
        self
    }

    /// Launches a ready sandbox of the draft's name, creating it as drafted if it does not exist. Awaiting the returned
    /// [`Launch`] returns a handle on it.
    ///
    /// It does what [`Collection::ensure`](blaxel_management::Collection) of the Management API does, with a time limit
    /// of 5 minutes. A sandbox that existed may differ from the draft: see [`Launch::refuse_drift`].
    /// [`Launch::outcome`] also tells whether the sandbox was created.
    ///
    /// The draft is completed by the [region](Self::with_region) and the [defaults](Self::with_defaults).
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(client: impl HttpService) -> Result<(), Error> {
    /// use blaxel_sandbox::{Sandbox, Sandboxes};
    ///
    /// let sandboxes = Sandboxes::new(client);
    /// let sandbox = sandboxes.ensure(&Sandbox::new("dev")).await?;
    /// println!("{}", sandbox.health().await?.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Launch`], and a permanent error of a request, at once, such as [`Error::is_quota`].
    pub fn ensure(&self, sandbox: &Sandbox) -> Launch<S> {
        self.launch(sandbox, Mode::Ensure(Ensure::new()))
    }

    /// Returns a handle on a ready sandbox, as [`ensure`](Self::ensure) does, with settings of its own. The outcome is
    /// [`Created`](Outcome::Created) if this call created the sandbox, and [`Unchanged`](Outcome::Unchanged) if it
    /// existed. The [defaults](Self::with_defaults) replace those of the settings.
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
        let launch = self.launch(sandbox, Mode::Ensure(ensure.clone()));
        launch.outcome().await
    }

    /// Launches a new sandbox (`POST /sandboxes`). Awaiting the returned [`Launch`] creates it, waits until it is ready,
    /// and returns a handle on it.
    ///
    /// It does what `create_ready` of the Management API does: a creation that the gateway gave up on is waited for, and
    /// one that was refused because the platform could not check the credential is sent again. Unlike
    /// [`ensure`](Self::ensure), it is an error if the sandbox exists.
    ///
    /// The draft is completed by the [region](Self::with_region) and the [defaults](Self::with_defaults). A draft
    /// without a name starts fastest, because the platform may keep such sandboxes ready.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
    /// use std::time::Duration;
    /// use blaxel_sandbox::Sandbox;
    ///
    /// let sandbox = sandboxes.create(&Sandbox::unnamed()).deadline(Duration::from_secs(20)).await?;
    /// println!("{}", sandbox.name());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Launch`], and [`Error::is_conflict`] if there is a sandbox of this name.
    pub fn create(&self, sandbox: &Sandbox) -> Launch<S> {
        self.launch(sandbox, Mode::Create(Creation::new()))
    }

    fn launch(&self, sandbox: &Sandbox, mode: Mode) -> Launch<S> {
        Launch::new(self.clone(), sandbox.clone(), mode)
    }

    /// Waits until a sandbox is deployed, and returns a handle on it.
    pub(crate) async fn ready(&self, name: &str) -> Result<SandboxHandle<S>, Error> {
        let (sandboxes, wait) = (self.collection(), Wait::new());
        let ready = sandboxes.wait_until(name, &wait, is_ready).await?;
        Ok(self.handle_of(&ready))
    }

    /// Builds a sandbox from an image that is declared in code, waits until it is ready, and returns a handle on it.
    ///
    /// A sandbox that was built from the same definition is returned as it is. To read the log of the build, use
    /// `build` of [`collection`](Self::collection).
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_management::image_builder::{ImageBuild, ImageDefinition, Pip};
    /// use blaxel_sandbox::Sandbox;
    ///
    /// let image = ImageDefinition::from_registry("python:3.12-slim").install(Pip::new(["numpy"]));
    /// let sandbox = sandboxes.build(&Sandbox::new("dev"), &ImageBuild::new(image)).await?;
    /// let output = sandbox.command("python").args(["-c", "import numpy"]).output().await?;
    /// # let _ = output;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the definition or a setting is not valid, or a local file cannot be read;
    /// [`Error::is_failed`] if the build fails, with the end of its log; [`Error::is_timeout`] after too long a time
    /// without a change; otherwise the error of a request.
    #[cfg(feature = "image-builder")]
    pub async fn build(
        &self,
        sandbox: &Sandbox,
        build: &blaxel_management::image_builder::ImageBuild,
    ) -> Result<SandboxHandle<S>, Error> {
        let running = self.collection().build(sandbox, build).await?;
        Ok(self.handle_of(&running.finish().await?))
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
        self.management().sandboxes()
    }

    fn management(&self) -> Management<S> {
        Management::new(self.service().clone()).with_region(self.new.region.as_deref())
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

/// Returns `true` if a sandbox is ready for use. One without a status is.
fn is_ready(sandbox: &Sandbox) -> bool {
    matches!(sandbox.status, None | Some(Status::Deployed))
}
