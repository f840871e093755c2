//! Building workloads and images from definitions.

use std::sync::OnceLock;

use blaxel_core::{BoxFuture, Error, HttpService, Source, Timestamp, call};

use super::log::{Log, Tail};
use super::running::{AtEnd, Before, Buildable, Follow, Progress, RunningBuild};
use super::settings::ImageBuild;
use crate::collection::Collection;
use crate::images::{Image, ImageDraft, ImageRegistry, ResourceType};
use crate::logs::LogSource;
use crate::metadata::{Event, Metadata, Status};
use crate::upload::{ForUpload, Uploadable, upload};

/// The label of a sandbox with the digest of the definition that it was built from.
const DIGEST_LABEL: &str = "image-digest";

/// The number of characters of the digest in a label: 128 bits.
const DIGEST_LENGTH: usize = 32;

/// The time before the start of a build from which its log is read, in seconds, if only the local clock is known.
const CLOCK_TOLERANCE: i64 = 60;

/// A kind of workload that is built from an image definition.
pub trait ImageBuilt: Buildable + Uploadable {
    /// The kind of its logs.
    const LOGS: &'static str;

    /// `true` for sandboxes, whose images contain the server of the sandbox.
    const IS_SANDBOX: bool = false;

    /// Returns the metadata, for labels.
    fn metadata_mut(&mut self) -> &mut Metadata;
}

/// Implements [`ImageBuilt`] for a workload.
#[allow(unused_macros, reason = "the features decide which kinds exist")]
macro_rules! image_built {
    ($($path:ident::$name:ident $logs:literal $is_sandbox:literal),+) => { $(
        impl Buildable for crate::$path::$name {
            fn is_built(&self) -> bool {
                self.status == Some(Status::Deployed)
            }

            fn events(&self) -> &[Event] {
                self.events.as_deref().unwrap_or_default()
            }
        }

        impl ImageBuilt for crate::$path::$name {
            const LOGS: &'static str = $logs;
            const IS_SANDBOX: bool = $is_sandbox;

            fn metadata_mut(&mut self) -> &mut Metadata {
                &mut self.metadata
            }
        }
    )+ };
}

#[cfg(feature = "workloads")]
image_built! {
    agents::Agent "agents" false,
    applications::Application "applications" false,
    functions::Function "functions" false,
    jobs::Job "jobs" false
}

#[cfg(feature = "sandboxes")]
image_built! { sandboxes::Sandbox "sandboxes" true }

impl Buildable for Image {
    fn is_built(&self) -> bool {
        let status = self.metadata.status.as_ref();
        matches!(status, Some(Status::Built | Status::Deployed))
    }

    fn events(&self) -> &[Event] {
        self.metadata.events.as_deref().unwrap_or_default()
    }
}

impl<R: ImageBuilt, S: HttpService> Collection<R, S> {
    /// Builds the image of a workload from a definition, and creates the workload or replaces the existing one of
    /// the same name (`PUT` or `POST` with `?upload=true`). It returns when the archive has been uploaded.
    ///
    /// The files are packed while they are sent, so memory holds a few chunks of them. Images of sandboxes get the
    /// server of the sandbox; see [`ImageBuild::sandbox_api`]. See [`upload`](crate::upload::upload()) for attempts
    /// and delays.
    ///
    /// A sandbox that was built from the same definition is not built again, unless [`ImageBuild::rebuild`] asks for
    /// it: it is returned as it is, whatever else the draft contains. Its label `image-digest` tells; a build that is
    /// followed to its end sets it.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # use blaxel_management::{Collection, sandboxes::Sandbox};
    /// # async fn example(sandboxes: Collection<Sandbox, impl HttpService>) -> Result<(), Error> {
    /// use blaxel_management::image_builder::{Apt, ImageBuild, ImageDefinition};
    ///
    /// let image = ImageDefinition::from_registry("debian:bookworm-slim")
    ///     .install(Apt::new(["git"]))
    ///     .copy_dir("app", "/app");
    /// let build = sandboxes.build(&Sandbox::new("dev"), &ImageBuild::new(image)).await?;
    /// let sandbox = build.finish().await?;
    /// println!("{:?}", sandbox.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the definition or a setting is not valid, or a local file cannot be read; nothing is
    /// sent then. [`Error::is_failed`] if the platform does not accept the memory, disk or region of the build.
    /// Otherwise the error of the last request.
    pub async fn build(
        &self,
        resource: &R,
        build: &ImageBuild,
    ) -> Result<RunningBuild<R, S>, Error> {
        if resource.name().is_empty() {
            let problem = "it is empty; a workload that is built needs a name";
            return Err(Error::input("name", &Source::Code, problem));
        }
        let mut resource = resource.clone();
        for (name, value) in build.labels()? {
            resource.metadata_mut().add_label(name, value);
        }
        let packed = build.pack(R::IS_SANDBOX).await?;
        let mut digest = packed.digest.to_string();
        digest.truncate(DIGEST_LENGTH);
        if R::IS_SANDBOX
            && !build.rebuild
            && let Some(existing) = self.find(resource.name()).await?
            && existing.has_label(DIGEST_LABEL, &digest)
            && existing.is_built()
        {
            return Ok(RunningBuild::unchanged(existing));
        }
        let deployed = self.deploy(&resource, &build.source(&packed)).await?;
        let deployed = deployed.into_resource();
        let start = deployed.updated_at().or(deployed.created_at()).cloned();
        let at_end = R::IS_SANDBOX.then(|| self.record_digest(deployed.name(), digest));
        Ok(RunningBuild::new(Follow {
            collection: self.clone(),
            name: deployed.name().to_owned(),
            wait: build.wait.clone(),
            before: Before::new(Some(&deployed)),
            log: Log::new(
                self.service.clone(),
                LogSource::from(R::LOGS),
                deployed.name().to_owned(),
                &start.unwrap_or_else(recently),
            ),
            tail: Tail::new(build.secrets()),
            appears_late: false,
            at_end,
            on_status: build.on_status.clone(),
            progress: Progress::new(),
        }))
    }

    /// Returns the work of labelling a resource with the digest after its build. If that fails, the only consequence
    /// is that the next build is not skipped.
    fn record_digest(&self, name: &str, digest: String) -> AtEnd<R> {
        let (collection, name) = (self.clone(), name.to_owned());
        Box::new(move |built| -> BoxFuture<R> {
            Box::pin(async move {
                let label = |resource: &mut R| {
                    resource
                        .metadata_mut()
                        .add_label(DIGEST_LABEL, digest.as_str());
                };
                collection.modify(&name, label).await.unwrap_or(built)
            })
        })
    }
}

impl<S: HttpService> Collection<ImageRegistry, S> {
    /// Builds an image from a definition, without a workload (`POST /images` with `upload=true`). It returns when
    /// the archive has been uploaded. [`reference`](Collection::reference) then tells its name for workloads.
    ///
    /// An image for sandboxes gets the server of the sandbox; see [`ImageBuild::sandbox_api`]. The memory, disk and
    /// region of a build can be set for workloads only.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # use blaxel_management::Management;
    /// # async fn example(management: Management<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_management::image_builder::{ImageBuild, ImageDefinition};
    /// use blaxel_management::images::ResourceType;
    /// use blaxel_management::sandboxes::Sandbox;
    ///
    /// let definition = ImageDefinition::from_registry("debian:bookworm-slim").run("useradd app");
    /// let images = management.images();
    /// let build = images.build("tools", ResourceType::Sandbox, &ImageBuild::new(definition)).await?;
    /// build.finish().await?;
    /// let reference = images.of(ResourceType::Sandbox).reference("tools").await?;
    /// for name in ["one", "two"] {
    ///     management.sandboxes().create(&Sandbox::new(name).image(&reference)).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the builds of workloads, [`Collection::build`].
    pub async fn build(
        &self,
        name: &str,
        resource_type: impl Into<ResourceType>,
        build: &ImageBuild,
    ) -> Result<RunningBuild<Image, S>, Error> {
        let resource_type = resource_type.into();
        if let [(label, _), ..] = build.labels()?.as_slice() {
            let problem = format!("`{label}` can be set for workloads only");
            return Err(Error::input("build setting", &Source::Code, problem));
        }
        let packed = build.pack(resource_type == ResourceType::Sandbox).await?;
        let images = self.of(resource_type.clone());
        let before = images.find(name).await?;
        let draft = ImageDraft::new(name, resource_type.clone());
        let create = crate::images::creation(&draft);
        let create = ForUpload::new(&create);
        let source = build.source(&packed);
        // The server's clock may not be that of this machine.
        let start = OnceLock::new();
        let request_url = async || {
            let (created, url) = call(&self.service, &create).await?;
            if let Some(time) = url.issued_at() {
                start.get_or_init(|| time.clone());
            }
            Ok((created, url))
        };
        upload(&self.service, &source, request_url).await?;
        let start = start.into_inner().unwrap_or_else(recently);
        let logs = log_source(&resource_type);
        Ok(RunningBuild::new(Follow {
            collection: images,
            name: name.to_owned(),
            wait: build.wait.clone(),
            before: Before::new(before.as_ref()),
            log: Log::new(self.service.clone(), logs, name.to_owned(), &start),
            tail: Tail::new(build.secrets()),
            appears_late: true,
            at_end: None,
            on_status: build.on_status.clone(),
            progress: Progress::new(),
        }))
    }
}

impl<S: HttpService> Collection<Image, S> {
    /// Returns the reference of the newest tag of an image, such as `sandbox/tools:1a2b3c`, for the `image` of a
    /// workload.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such image; [`Error::is_failed`] if it has no tag, because it was not
    /// built yet.
    pub async fn reference(&self, name: &str) -> Result<String, Error> {
        use blaxel_core::__private::ErrorParts;

        let image = self.get(name).await?;
        let tags = match image.spec.tags {
            Some(tags) => tags,
            // Since the third version of the API, tags have a list of their own.
            None => self.tags(name).all().await?,
        };
        let time =
            |tag: &crate::images::ImageTag| tag.created_at.as_ref().and_then(Timestamp::unix);
        let newest = tags.iter().max_by_key(|tag| time(tag));
        let Some(tag) = newest else {
            return Err(Error::failed(format!("the image `{name}` has no tag yet")));
        };
        let kind = self.parent.names().next().unwrap_or_default();
        Ok(format!("{kind}/{name}:{}", tag.name))
    }
}

/// Returns the kind of the logs of an image's builds.
fn log_source(resource_type: &ResourceType) -> LogSource {
    match resource_type {
        ResourceType::Agent => LogSource::Agents,
        ResourceType::Function => LogSource::Functions,
        ResourceType::Job => LogSource::Jobs,
        ResourceType::Sandbox => LogSource::Sandboxes,
        other => LogSource::from(format!("{}s", other.as_str())),
    }
}

/// Returns a time before which the log of a build that begins now has no entry.
fn recently() -> Timestamp {
    let (seconds, _) = Timestamp::now().unix().unwrap_or_default();
    Timestamp::from_unix(seconds.saturating_sub(CLOCK_TOLERANCE), 0)
}
