//! Images that go from one workspace to another.
//!
//! Within an account a share holds at once. To another account it is offered first, and pending until
//! an admin of the other workspace accepts it.

use blaxel_core::{
    Error, HttpService, Operation, OperationInfo, RequestWriter, Timestamp, call, open_enum,
    response,
};
use bytes::Bytes;
use http::{Method, StatusCode};

use super::{Image, ResourceType};
use crate::Management;
use crate::collection::Collection;
use crate::kind::{Deleted, Listed};
use crate::operations::{Action, Perform};
use crate::parent_path::ParentPath;

response! {
    /// A workspace that an image is shared with.
    #[doc(alias = "ImageShareTarget")]
    pub struct ImageShare {
        /// The workspace.
        pub workspace: String,
        /// What people are shown instead of its name.
        pub workspace_display_name: Option<String>,
        /// The id of the account that the workspace belongs to.
        pub account_id: String,
        /// The address of the owner of the account, where it is known.
        pub account_owner_email: Option<String>,
        /// Whether it has the image already.
        pub status: Option<ShareStatus>,
        /// The id of the offer, while it is pending.
        pub pending_share_id: Option<String>,
    }

    /// An image that is offered to a workspace of another account.
    #[doc(alias = "PendingImageShareRender")]
    pub struct PendingImageShare {
        /// The id of the offer.
        pub id: String,
        /// The name of the image.
        pub image_name: Option<String>,
        /// The type of resource that the image is for.
        pub resource_type: Option<ResourceType>,
        /// The workspace that offers it.
        pub source_workspace: Option<String>,
        /// What people are shown instead of its name.
        pub source_workspace_display_name: Option<String>,
        /// The id of the account that offers it.
        pub source_account_id: Option<String>,
        /// The workspace it is offered to.
        pub target_workspace: Option<String>,
        /// What people are shown instead of its name.
        pub target_workspace_display_name: Option<String>,
        /// The id of the account it is offered to.
        pub target_account_id: Option<String>,
        /// The id of the user who offers it.
        pub shared_by: Option<String>,
        /// The address of the user who offers it.
        pub shared_by_email: Option<String>,
        /// Whether the workspace it is offered to has an image of that name already.
        pub has_conflict: Option<bool>,
        /// When the offer ends.
        pub expires_at: Option<Timestamp>,
        /// When it was made.
        pub created_at: Option<Timestamp>,
        /// Who made it.
        pub created_by: Option<String>,
        /// When it was changed last.
        pub updated_at: Option<Timestamp>,
        /// Who changed it last.
        pub updated_by: Option<String>,
    }
}

open_enum! {
    /// Whether a workspace has an image that is shared with it.
    pub enum ShareStatus {
        /// It has.
        Active = "active",
        /// It has not accepted it yet.
        Pending = "pending",
    }
}

record! {
    /// Whom to share an image with.
    pub struct ImageShareDraft {
        /// The workspace.
        pub target_workspace: String,
        /// The id of the account that the workspace belongs to. It has to be given, and to be right,
        /// if that is another account.
        pub target_account_id: Option<String>,
    }
}

/// What came of sharing an image.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ImageShareOutcome {
    /// The other workspace has it.
    Shared(Image),
    /// It is offered, and an admin of the other workspace has to accept it.
    Pending(PendingImageShare),
}

/// Shares an image with a workspace: `ShareImage`.
#[derive(Debug)]
pub struct ShareImage<'a> {
    parent: ParentPath,
    draft: &'a ImageShareDraft,
}

resource! { ImageShare { name: workspace, status: status } }

resource! { PendingImageShare { name: id, created_at: created_at, updated_at: updated_at } }

impl<'a> ShareImage<'a> {
    /// The image of that parent path, a type of resource and a name, with that workspace.
    #[must_use]
    pub fn new(parent: ParentPath, draft: &'a ImageShareDraft) -> Self {
        Self { parent, draft }
    }
}

impl Operation for ShareImage<'_> {
    type Output = ImageShareOutcome;
    const INFO: &'static OperationInfo = &OperationInfo::new(
        "ShareImage",
        Method::POST,
        "/images/{resourceType}/{imageName}/share",
    );

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path(self.parent.names())?;
        request.json(self.draft)
    }

    fn read(response: &http::Response<Bytes>) -> Result<ImageShareOutcome, Error> {
        if response.status() == StatusCode::ACCEPTED {
            response::json(response).map(ImageShareOutcome::Pending)
        } else {
            response::json(response).map(ImageShareOutcome::Shared)
        }
    }
}

impl<S: HttpService> Collection<Image, S> {
    /// The workspaces that an image is shared with.
    #[must_use]
    pub fn shares(&self, image: &str) -> Collection<ImageShare, S> {
        self.under(image)
    }
}

impl<S: HttpService> Collection<ImageShare, S> {
    /// Shares the image with a workspace, which gets what the registry says of it and not a copy.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such image; [`Error::is_conflict`] if the other workspace
    /// has one of that name; an error with status 400 if the account does not fit.
    pub async fn create(&self, draft: &ImageShareDraft) -> Result<ImageShareOutcome, Error> {
        let share = ShareImage::new(self.parent.clone(), draft);
        call(&self.service, &share).await
    }
}

impl Listed for ImageShare {
    const LIST: OperationInfo = OperationInfo::new(
        "ListImageShares",
        Method::GET,
        "/images/{resourceType}/{imageName}/share",
    )
    .with_parameters(&[]);
    type Item = Self;
}

/// It is named by the workspace, which loses the image. The image itself stays, and comes back.
impl Deleted for ImageShare {
    const DELETE: OperationInfo = OperationInfo::new(
        "UnshareImage",
        Method::DELETE,
        "/images/{resourceType}/{imageName}/share/{targetWorkspace}",
    );
    type Response = Image;
}

impl<S: HttpService> Management<S> {
    /// The images that are offered to the workspace, or by it.
    #[must_use]
    pub fn pending_image_shares(&self) -> Collection<PendingImageShare, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

/// Lists what is offered: `ListPendingImageShares`.
#[derive(Debug)]
pub struct ListPendingImageShares;

impl Action for ListPendingImageShares {
    const INFO: OperationInfo = OperationInfo::new(
        "ListPendingImageShares",
        Method::GET,
        "/pending-image-shares",
    )
    .with_parameters(&["direction"]);
    type Input = ();
    type Output = Option<Vec<PendingImageShare>>;
}

/// Accepts what is offered: `AcceptImageShare`.
#[derive(Debug)]
pub struct AcceptImageShare;

impl Action for AcceptImageShare {
    const INFO: OperationInfo = OperationInfo::new(
        "AcceptImageShare",
        Method::POST,
        "/pending-image-shares/{pendingShareId}/accept",
    )
    .with_parameters(&["force"]);
    type Input = ();
    type Output = Image;
}

/// Declines what is offered: `DeclineImageShare`.
#[derive(Debug)]
pub struct DeclineImageShare;

impl Action for DeclineImageShare {
    const INFO: OperationInfo = OperationInfo::new(
        "DeclineImageShare",
        Method::POST,
        "/pending-image-shares/{pendingShareId}/decline",
    );
    type Input = ();
    type Output = ();

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

impl<S: HttpService> Collection<PendingImageShare, S> {
    /// What is offered to the workspace.
    ///
    /// # Errors
    ///
    /// What the call failed with.
    pub async fn incoming(&self) -> Result<Vec<PendingImageShare>, Error> {
        self.pending("incoming").await
    }

    /// What the workspace offers.
    ///
    /// # Errors
    ///
    /// What the call failed with.
    pub async fn outgoing(&self) -> Result<Vec<PendingImageShare>, Error> {
        self.pending("outgoing").await
    }

    async fn pending(&self, direction: &str) -> Result<Vec<PendingImageShare>, Error> {
        let list = Perform::<ListPendingImageShares>::new().query("direction", direction);
        let pending = call(&self.service, &list).await?;
        Ok(pending.unwrap_or_default())
    }

    /// Accepts an offer, and returns the image. Only an admin may.
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if the workspace has tags of the same names: see
    /// [`accept_overwriting`](Self::accept_overwriting). [`Error::is_not_found`] if there is no such
    /// offer; an error with status 410 if it has ended.
    pub async fn accept(&self, id: &str) -> Result<Image, Error> {
        self.accepted(id, false).await
    }

    /// Accepts an offer, puts its tags in the place of those of the same names, and returns the image.
    /// Only an admin may.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such offer; an error with status 410 if it has ended.
    pub async fn accept_overwriting(&self, id: &str) -> Result<Image, Error> {
        self.accepted(id, true).await
    }

    async fn accepted(&self, id: &str, force: bool) -> Result<Image, Error> {
        let accept = Perform::<AcceptImageShare>::on([id]).flag("force", force);
        call(&self.service, &accept).await
    }

    /// Declines an offer. Only an admin may.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such offer.
    pub async fn decline(&self, id: &str) -> Result<(), Error> {
        call(&self.service, &Perform::<DeclineImageShare>::on([id])).await
    }
}
