//! Container images of workloads, in the registry of the workspace.
//!
//! An image is identified by the type of resource that it is for and a name, such as `sandbox` and
//! `my-box`. [`Management::images`] returns the handle for the whole registry;
//! [`of`](Collection::of) narrows it to the images of one type, which are fetched and deleted by
//! name. Each image has [tags](Collection::tags) and [shares](Collection::shares) with other
//! workspaces.
//!
//! From API version 2026-09-22 on, the list of the registry is paginated, and an image has a tag
//! count instead of its tags, which have a list of their own. Earlier versions return all images
//! with all tags at once and ignore the parameters of a list.

mod shares;
mod tags;

use std::borrow::Cow;

use blaxel_core::{Error, HttpService, OperationInfo, Timestamp, call, open_enum};
use http::Method;

pub use self::shares::{
    AcceptImageShare, DeclineImageShare, ImageShare, ImageShareDraft, ImageShareOutcome,
    ListPendingImageShares, PendingImageShare, ShareImage, ShareStatus,
};
pub use self::tags::ImageTag;
use crate::Management;
use crate::collection::Collection;
use crate::kind::{Deleted, Fetched, Listed, PLAIN_PAGE_QUERY};
use crate::metadata::{Event, Generation, Status};
use crate::operations::{Action, Perform};
use crate::parent_path::ParentPath;
use crate::secret_text::SecretText;
use crate::size::{ByteSize, Megabytes};

/// The registry of a workspace: its images for all types of resources.
///
/// ```no_run
/// # async fn example<S: blaxel_core::HttpService>(
/// #     management: blaxel_management::Management<S>,
/// # ) -> Result<(), blaxel_core::Error> {
/// use blaxel_management::images::ResourceType;
///
/// let images = management.images();
/// let mut all = images.items();
/// while let Some(image) = all.try_next().await? {
///     println!("{}", image.metadata.name);
/// }
/// let image = images.of(ResourceType::Sandbox).get("my-box").await?;
/// # let _ = image;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ImageRegistry;

open_enum! {
    /// The type of resource that an image is for.
    pub enum ResourceType {
        /// An agent.
        Agent = "agent",
        /// A function.
        Function = "function",
        /// A sandbox.
        Sandbox = "sandbox",
        /// A job.
        Job = "job",
    }
}

response! {
    /// An image. Its tags are its versions.
    pub struct Image {
        /// The name and the status.
        pub metadata: ImageMetadata,
        /// The size, and the tags or their number.
        pub spec: ImageSpec,
    }

    /// The name and the status of an image.
    pub struct ImageMetadata {
        /// The name.
        pub name: String,
        /// The type of resource that it is for.
        pub resource_type: Option<ResourceType>,
        /// The full name: registry, workspace and repository.
        pub display_name: Option<String>,
        /// The status.
        pub status: Option<Status>,
        /// The events, such as builds and deployments.
        pub events: Option<Vec<Event>>,
        /// The workspace that it belongs to.
        pub workspace: Option<String>,
        /// The workspace that shares the image; empty or absent if the workspace owns it.
        pub source_workspace: Option<String>,
        /// The time of creation.
        pub created_at: Option<Timestamp>,
        /// The time of the last change.
        pub updated_at: Option<Timestamp>,
        /// The time of the last deployment of one of its tags.
        pub last_deployed_at: Option<Timestamp>,
    }

    /// The size of an image, and its tags or their number.
    pub struct ImageSpec {
        /// The size.
        pub size: Option<ByteSize>,
        /// The tags, before API version 2026-09-22.
        pub tags: Option<Vec<ImageTag>>,
        /// The number of tags, from API version 2026-09-22 on.
        pub tag_count: Option<u32>,
    }

    /// The server's response to the creation of an image.
    #[doc(alias = "CreateImage")]
    pub struct CreatedImage {
        /// The name.
        pub name: Option<String>,
        /// The type of resource that it is for.
        pub resource_type: Option<ResourceType>,
        /// The name in the registry, if an image of another registry is imported.
        pub image: Option<String>,
        /// A message that describes the outcome.
        pub message: Option<String>,
    }

    /// The result of a cleanup of the registry.
    #[doc(alias = "CleanupImages")]
    pub struct CleanedUpImages {
        /// The number of deleted images.
        pub deleted: Option<u32>,
        /// A message that describes the outcome.
        pub message: Option<String>,
    }
}

record! {
    /// A request to create an image.
    ///
    /// ```
    /// use blaxel_management::images::{ImageDraft, ResourceType};
    ///
    /// let draft = ImageDraft::new("postgres", ResourceType::Sandbox)
    ///     .image("docker.io/library/postgres:17");
    /// # let _ = draft;
    /// ```
    pub struct ImageDraft {
        /// The name of the new image.
        pub name: String,
        /// The type of resource that it is for: `agent`, `function`, `sandbox` or `job`.
        pub resource_type: String,
        /// The image in another registry to import.
        pub image: Option<String>,
        /// The tag of the imported image. The server chooses one by default. A tag is never moved
        /// to another image; `latest`, `pending` and `failed` cannot be chosen.
        pub tag: Option<String>,
        /// The credentials for the other registry, as the JSON of a Docker configuration. `RegistryCredentials` makes
        /// it (feature `registry-credentials`).
        pub docker_config: Option<SecretText>,
        /// The platform generation that the image is for. The default is the third.
        pub generation: Option<Generation>,
        /// The memory of the machine that imports the image.
        pub memory_mb: Option<Megabytes>,
        /// The disk of the machine that imports the image; 0 to use its memory instead.
        pub volume_mb: Option<Megabytes>,
    }
}

resource! {
    Image { metadata: metadata, status: metadata.status }

    /// Returns the sharing workspace, the type and the name: a name is unique only together with the
    /// other two.
    fn key(&self) -> Cow<'_, str> {
        let ImageMetadata {
            name,
            resource_type,
            source_workspace,
            ..
        } = &self.metadata;
        let kind = resource_type.as_ref().map_or("", ResourceType::as_str);
        let source = source_workspace.as_deref().unwrap_or_default();
        format!("{source}/{kind}/{name}").into()
    }
}

impl From<ResourceType> for String {
    fn from(resource_type: ResourceType) -> Self {
        resource_type.as_str().to_owned()
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the handle for the image registry of the workspace.
    ///
    /// See [`ImageRegistry`] for an example.
    #[must_use]
    pub fn images(&self) -> Collection<ImageRegistry, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

/// Creates an image: the operation `CreateImage`.
#[derive(Debug)]
pub struct CreateImage;

impl Action for CreateImage {
    const INFO: OperationInfo =
        OperationInfo::new("CreateImage", Method::POST, "/images").with_parameters(&["skip-build"]);
    type Input = ImageDraft;
    type Output = CreatedImage;
}

/// Deletes the unused images: the operation `CleanupImages`.
#[derive(Debug)]
pub struct CleanupImages;

impl Action for CleanupImages {
    const INFO: OperationInfo = OperationInfo::new("CleanupImages", Method::DELETE, "/images");
    type Input = ();
    type Output = CleanedUpImages;
}

impl<S: HttpService> Collection<ImageRegistry, S> {
    /// Returns the handle for the images of one type of resource.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::images::ResourceType;
    ///
    /// let image = management.images().of(ResourceType::Sandbox).get("my-box").await?;
    /// println!("{:?}", image.spec.size);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn of(&self, resource_type: impl Into<ResourceType>) -> Collection<Image, S> {
        self.under(resource_type.into().as_str())
    }

    /// Creates an image (`POST /images`). With an [`image`](ImageDraft::image) of another registry,
    /// nothing is built: the platform imports that image in the background, and the status of the
    /// new image shows the progress.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::images::{ImageDraft, ResourceType};
    ///
    /// let draft = ImageDraft::new("postgres", ResourceType::Sandbox)
    ///     .image("docker.io/library/postgres:17");
    /// management.images().create(&draft).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if the image has the tag already; an error with status 400 if the draft is not
    /// valid.
    pub async fn create(&self, draft: &ImageDraft) -> Result<CreatedImage, Error> {
        call(&self.service, &creation(draft)).await
    }

    /// Uploads the code of an image as a ZIP archive and starts a build on the platform
    /// (`POST /images` with `upload=true`). Returns as soon as the archive is uploaded; the status
    /// of the image shows the progress of the build.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::images::{ImageDraft, ResourceType};
    /// use blaxel_management::upload::{Archive, UploadSource};
    ///
    /// let archive = UploadSource::bytes(Archive::Zip, std::fs::read("code.zip").unwrap_or_default());
    /// let draft = ImageDraft::new("my-box", ResourceType::Sandbox);
    /// management.images().upload(&draft, &archive).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the last request; see [`upload`](crate::upload::upload()).
    #[cfg(feature = "upload")]
    pub async fn upload(
        &self,
        draft: &ImageDraft,
        source: &crate::upload::UploadSource,
    ) -> Result<CreatedImage, Error> {
        let create = creation(draft);
        let create = crate::upload::ForUpload::new(&create);
        crate::upload::upload(&self.service, source, || call(&self.service, &create)).await
    }

    /// Deletes all images of the workspace that no agent, function, sandbox or job uses
    /// (`DELETE /images`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let cleanup = management.images().clean_up().await?;
    /// println!("deleted {} images", cleanup.deleted.unwrap_or_default());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn clean_up(&self) -> Result<CleanedUpImages, Error> {
        call(&self.service, &Perform::<CleanupImages>::new()).await
    }
}

/// Returns the operation that creates an image. An imported image is not built.
pub(crate) fn creation(draft: &ImageDraft) -> Perform<'_, CreateImage> {
    Perform::new()
        .flag("skip-build", draft.image.is_some())
        .input(draft)
}

/// Lists the whole registry. The parameters take effect from API version 2026-09-22 on; a search
/// then matches the beginning of the name and is case-sensitive.
impl Listed for ImageRegistry {
    const LIST: OperationInfo =
        OperationInfo::new("ListImages", Method::GET, "/images").with_parameters(PLAIN_PAGE_QUERY);
    type Item = Image;
}

/// Reads an image that another workspace shares: the operation `GetImage`.
#[derive(Debug)]
pub struct GetSharedImage;

impl Action for GetSharedImage {
    const INFO: OperationInfo = Image::GET.with_parameters(&["sourceWorkspace"]);
    type Input = ();
    type Output = Image;
}

impl<S: HttpService> Collection<Image, S> {
    /// Returns the image of this name that another workspace shares
    /// (`GET /images/{resourceType}/{imageName}` with `sourceWorkspace`). Use it if the name is not
    /// unique. Before API version 2026-09-22 the server ignores the workspace and selects by name
    /// alone.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let sandboxes = management.images().of("sandbox");
    /// let image = sandboxes.get_shared("my-box", "research").await?;
    /// println!("{:?}", image.metadata.source_workspace);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the image does not exist.
    pub async fn get_shared(&self, name: &str, source_workspace: &str) -> Result<Image, Error> {
        let path = self.parent.names().chain([name]);
        let get = Perform::<GetSharedImage>::on(path).query("sourceWorkspace", source_workspace);
        call(&self.service, &get).await
    }
}

impl Fetched for Image {
    const GET: OperationInfo = OperationInfo::new(
        "GetImage",
        Method::GET,
        "/images/{resourceType}/{imageName}",
    );
}

/// Deletes an image with all of its tags. An image that is in use or shared cannot be deleted: the
/// error has status 400.
impl Deleted for Image {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteImage",
        Method::DELETE,
        "/images/{resourceType}/{imageName}",
    );
    type Response = Self;
}

#[cfg(feature = "wait")]
impl crate::wait::Watched for Image {
    fn stage(&self) -> String {
        format!("{:?} {:?}", self.metadata.status, self.metadata.events)
    }

    fn failure(&self) -> Option<String> {
        let metadata = &self.metadata;
        crate::wait::failure_of(metadata.status.as_ref(), metadata.events.as_deref())
    }
}

#[cfg(test)]
mod tests;
