//! Images: what workloads run, kept in the registry of the workspace.
//!
//! An image belongs to a type of resource and has a name there: `sandbox` and `my-box`, say. So
//! [`Management::images`] is the registry as a whole, and [`of`](Collection::of) leads to the images of
//! a type, which are got and deleted by name. Under an image lie its [tags](Collection::tags) and those
//! it is [shared](Collection::shares) with.
//!
//! From API version 2026-09-22 on the registry is listed in pages, and an image tells how many tags it
//! has instead of which; they have a list of their own. Before that all images come at once with all of
//! their tags, and what is asked of a list is not listened to.

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

/// The registry of a workspace: its images of all types of resources.
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
        /// Agents.
        Agent = "agent",
        /// Functions.
        Function = "function",
        /// Sandboxes.
        Sandbox = "sandbox",
        /// Jobs.
        Job = "job",
    }
}

response! {
    /// An image, of which a tag is a version.
    pub struct Image {
        /// What it is called, and where it stands.
        pub metadata: ImageMetadata,
        /// How large it is, and its tags or how many they are.
        pub spec: ImageSpec,
    }

    /// What an image is called, and where it stands.
    pub struct ImageMetadata {
        /// Its name.
        pub name: String,
        /// The type of resource it is for.
        pub resource_type: Option<ResourceType>,
        /// Its full name: the registry, the workspace and the repository.
        pub display_name: Option<String>,
        /// Where it stands.
        pub status: Option<Status>,
        /// What happened to it.
        pub events: Option<Vec<Event>>,
        /// The workspace it belongs to.
        pub workspace: Option<String>,
        /// The workspace that shares it; empty or absent if it is not shared from another.
        pub source_workspace: Option<String>,
        /// When it was made.
        pub created_at: Option<Timestamp>,
        /// When it was changed last.
        pub updated_at: Option<Timestamp>,
        /// When one of its tags was brought up last.
        pub last_deployed_at: Option<Timestamp>,
    }

    /// How large an image is, and its tags or how many they are.
    pub struct ImageSpec {
        /// Its size.
        pub size: Option<ByteSize>,
        /// Its tags, before API version 2026-09-22.
        pub tags: Option<Vec<ImageTag>>,
        /// How many tags it has, from API version 2026-09-22 on.
        pub tag_count: Option<u32>,
    }

    /// What the server says of an image that it takes on.
    #[doc(alias = "CreateImage")]
    pub struct CreatedImage {
        /// Its name.
        pub name: Option<String>,
        /// The type of resource it is for.
        pub resource_type: Option<ResourceType>,
        /// What it is called in the registry, where an image was handed in.
        pub image: Option<String>,
        /// The outcome in words.
        pub message: Option<String>,
    }

    /// What was cleaned up in a registry.
    #[doc(alias = "CleanupImages")]
    pub struct CleanedUpImages {
        /// How many images were deleted.
        pub deleted: Option<u32>,
        /// The outcome in words.
        pub message: Option<String>,
    }
}

record! {
    /// An image that is to be.
    ///
    /// ```
    /// use blaxel_management::images::{ImageDraft, ResourceType};
    ///
    /// let draft = ImageDraft::new("postgres", ResourceType::Sandbox)
    ///     .image("docker.io/library/postgres:17");
    /// # let _ = draft;
    /// ```
    pub struct ImageDraft {
        /// What it is to be called.
        pub name: String,
        /// The type of resource it is for: `agent`, `function`, `sandbox` or `job`.
        pub resource_type: String,
        /// The image in another registry that it is to be taken from.
        pub image: Option<String>,
        /// The tag it is to bear there; one of its own making if there is none. What bears a tag once
        /// bears it for good, and `latest`, `pending` and `failed` cannot be chosen.
        pub tag: Option<String>,
        /// The credentials for the other registry, as the JSON of a Docker configuration.
        pub docker_config: Option<SecretText>,
        /// The generation of the platform's machinery it is for, the third by default.
        pub generation: Option<Generation>,
        /// The memory of the machine that takes the image over.
        pub memory_mb: Option<Megabytes>,
        /// The disk of the machine that takes the image over; 0 if it is to use its memory.
        pub volume_mb: Option<Megabytes>,
    }
}

resource! {
    Image { metadata: metadata, status: metadata.status }

    /// Of one name there may be one of each type, and ones that other workspaces share.
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
    /// The image registry of the workspace.
    #[must_use]
    pub fn images(&self) -> Collection<ImageRegistry, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

/// Takes on an image: `CreateImage`.
#[derive(Debug)]
pub struct CreateImage;

impl Action for CreateImage {
    const INFO: OperationInfo =
        OperationInfo::new("CreateImage", Method::POST, "/images").with_parameters(&["skip-build"]);
    type Input = ImageDraft;
    type Output = CreatedImage;
}

/// Deletes the images that nothing uses: `CleanupImages`.
#[derive(Debug)]
pub struct CleanupImages;

impl Action for CleanupImages {
    const INFO: OperationInfo = OperationInfo::new("CleanupImages", Method::DELETE, "/images");
    type Input = ();
    type Output = CleanedUpImages;
}

impl<S: HttpService> Collection<ImageRegistry, S> {
    /// The images for a type of resource.
    #[must_use]
    pub fn of(&self, resource_type: impl Into<ResourceType>) -> Collection<Image, S> {
        self.under(resource_type.into().as_str())
    }

    /// Takes on an image. Where it is to be taken from another registry, nothing is built, and it comes
    /// by and by: its status tells when it is there.
    ///
    /// # Errors
    ///
    /// An error with status 400 if the draft cannot be followed, because the tag is taken for instance.
    pub async fn create(&self, draft: &ImageDraft) -> Result<CreatedImage, Error> {
        call(&self.service, &creation(draft)).await
    }

    /// Uploads the code of an image as a zip, and has the platform build it: `CreateImage` with
    /// `upload=true`. It is back as soon as the archive is there; the image's status tells how the
    /// building goes.
    ///
    /// # Errors
    ///
    /// What the last request failed with; see [`upload`](crate::upload::upload()).
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

    /// Deletes all images of the workspace that no agent, function, sandbox or job uses.
    ///
    /// # Errors
    ///
    /// What the call failed with.
    pub async fn clean_up(&self) -> Result<CleanedUpImages, Error> {
        call(&self.service, &Perform::<CleanupImages>::new()).await
    }
}

fn creation(draft: &ImageDraft) -> Perform<'_, CreateImage> {
    Perform::new()
        .flag("skip-build", draft.image.is_some())
        .input(draft)
}

/// The whole registry. What is asked of the list counts from API version 2026-09-22 on; a search is
/// then for the beginning of the name, in its case.
impl Listed for ImageRegistry {
    const LIST: OperationInfo =
        OperationInfo::new("ListImages", Method::GET, "/images").with_parameters(PLAIN_PAGE_QUERY);
    type Item = Image;
}

/// Reads an image that another workspace shares: `GetImage`.
#[derive(Debug)]
pub struct GetSharedImage;

impl Action for GetSharedImage {
    const INFO: OperationInfo = Image::GET.with_parameters(&["sourceWorkspace"]);
    type Input = ();
    type Output = Image;
}

impl<S: HttpService> Collection<Image, S> {
    /// The image of that name that another workspace shares, where there is more than one of that name.
    /// From API version 2026-09-22 on; before, the name alone decides.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none.
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

/// With an image go all of its tags. One that is used or shared is not deleted: an error with status
/// 400.
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
