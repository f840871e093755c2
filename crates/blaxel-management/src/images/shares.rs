//! Shares of images with other workspaces.
//!
//! Within an account a share is active at once. A workspace of another account first gets an offer,
//! which is pending until an admin of that workspace accepts it.

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
        /// The name of the workspace.
        pub workspace: String,
        /// The display name of the workspace.
        pub workspace_display_name: Option<String>,
        /// The id of the workspace's account.
        pub account_id: String,
        /// The e-mail address of the account's owner, if it is known.
        pub account_owner_email: Option<String>,
        /// The status of the share.
        pub status: Option<ShareStatus>,
        /// The id of the offer, while it is pending.
        pub pending_share_id: Option<String>,
    }

    /// An offer of an image to a workspace of another account.
    #[doc(alias = "PendingImageShareRender")]
    pub struct PendingImageShare {
        /// The id of the offer.
        pub id: String,
        /// The name of the image.
        pub image_name: Option<String>,
        /// The type of resource that the image is for.
        pub resource_type: Option<ResourceType>,
        /// The workspace that offers the image.
        pub source_workspace: Option<String>,
        /// The display name of that workspace.
        pub source_workspace_display_name: Option<String>,
        /// The id of the account that offers the image.
        pub source_account_id: Option<String>,
        /// The workspace that receives the offer.
        pub target_workspace: Option<String>,
        /// The display name of that workspace.
        pub target_workspace_display_name: Option<String>,
        /// The id of the account that receives the offer.
        pub target_account_id: Option<String>,
        /// The id of the user who made the offer.
        pub shared_by: Option<String>,
        /// The e-mail address of the user who made the offer.
        pub shared_by_email: Option<String>,
        /// `true` if the receiving workspace already has an image of that name.
        pub has_conflict: Option<bool>,
        /// The time when the offer expires.
        pub expires_at: Option<Timestamp>,
        /// The time of creation.
        pub created_at: Option<Timestamp>,
        /// The user or service account that created it.
        pub created_by: Option<String>,
        /// The time of the last change.
        pub updated_at: Option<Timestamp>,
        /// The user or service account that last changed it.
        pub updated_by: Option<String>,
    }
}

open_enum! {
    /// The status of a share.
    pub enum ShareStatus {
        /// The workspace has the image.
        Active = "active",
        /// The workspace has not accepted the image yet.
        Pending = "pending",
    }
}

record! {
    /// A request to share an image with a workspace.
    pub struct ImageShareDraft {
        /// The name of the workspace.
        pub target_workspace: String,
        /// The id of the workspace's account. Required if it is another account, and must match.
        pub target_account_id: Option<String>,
    }
}

/// The result of sharing an image.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ImageShareOutcome {
    /// The other workspace has the image.
    Shared(Image),
    /// The image is offered; an admin of the other workspace must accept it.
    Pending(PendingImageShare),
}

/// Shares an image with a workspace: the operation `ShareImage`.
#[derive(Debug)]
pub struct ShareImage<'a> {
    parent: ParentPath,
    draft: &'a ImageShareDraft,
}

resource! { ImageShare { name: workspace, status: status } }

resource! { PendingImageShare { name: id, created_at: created_at, updated_at: updated_at } }

impl<'a> ShareImage<'a> {
    /// Creates the operation. The parent path is the image: its type of resource and its name.
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
    /// Returns the handle for the shares of an image.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for share in management.images().of("sandbox").shares("my-box").all().await? {
    ///     println!("{}: {:?}", share.workspace, share.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn shares(&self, image: &str) -> Collection<ImageShare, S> {
        self.under(image)
    }
}

impl<S: HttpService> Collection<ImageShare, S> {
    /// Shares the image with a workspace (`POST /images/{resourceType}/{imageName}/share`). The
    /// other workspace gets a reference, not a copy.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::images::{ImageShareDraft, ImageShareOutcome};
    ///
    /// let shares = management.images().of("sandbox").shares("my-box");
    /// match shares.create(&ImageShareDraft::new("research")).await? {
    ///     ImageShareOutcome::Shared(_) => println!("shared"),
    ///     ImageShareOutcome::Pending(offer) => println!("offer {} waits for an admin", offer.id),
    ///     _ => {}
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the image does not exist; [`Error::is_conflict`] if the other
    /// workspace has an image of that name; an error with status 400 if the account id does not
    /// match.
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

/// Deletes a share, which is named after the workspace that loses the image. The image itself
/// remains and is returned.
impl Deleted for ImageShare {
    const DELETE: OperationInfo = OperationInfo::new(
        "UnshareImage",
        Method::DELETE,
        "/images/{resourceType}/{imageName}/share/{targetWorkspace}",
    );
    type Response = Image;
}

impl<S: HttpService> Management<S> {
    /// Returns the handle for the offers of images that the workspace has received or made.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let offers = management.pending_image_shares();
    /// for offer in offers.incoming().await? {
    ///     println!("{:?} from {:?}", offer.image_name, offer.source_workspace);
    ///     offers.accept(&offer.id).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn pending_image_shares(&self) -> Collection<PendingImageShare, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

/// Lists the pending offers: the operation `ListPendingImageShares`.
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

/// Accepts an offer: the operation `AcceptImageShare`.
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

/// Declines an offer: the operation `DeclineImageShare`.
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
    /// Returns the offers that the workspace has received (`GET /pending-image-shares` with
    /// `direction=incoming`).
    ///
    /// See [`pending_image_shares`](Management::pending_image_shares) for an example.
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn incoming(&self) -> Result<Vec<PendingImageShare>, Error> {
        self.list_pending("incoming").await
    }

    /// Returns the offers that the workspace has made (`GET /pending-image-shares` with
    /// `direction=outgoing`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for offer in management.pending_image_shares().outgoing().await? {
    ///     println!("{:?} to {:?}", offer.image_name, offer.target_workspace);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn outgoing(&self) -> Result<Vec<PendingImageShare>, Error> {
        self.list_pending("outgoing").await
    }

    async fn list_pending(&self, direction: &str) -> Result<Vec<PendingImageShare>, Error> {
        let list = Perform::<ListPendingImageShares>::new().query("direction", direction);
        let pending = call(&self.service, &list).await?;
        Ok(pending.unwrap_or_default())
    }

    /// Accepts an offer and returns the image
    /// (`POST /pending-image-shares/{pendingShareId}/accept`). Requires an admin.
    ///
    /// See [`pending_image_shares`](Management::pending_image_shares) for an example.
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if the workspace already has tags of the same names: see
    /// [`accept_overwriting`](Self::accept_overwriting). [`Error::is_not_found`] if the offer does
    /// not exist; an error with status 410 if it has expired.
    pub async fn accept(&self, id: &str) -> Result<Image, Error> {
        self.accept_with(id, false).await
    }

    /// Accepts an offer, replaces tags of the same names with those of the offer, and returns the
    /// image (`POST /pending-image-shares/{pendingShareId}/accept` with `force=true`). Requires an
    /// admin.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let offers = management.pending_image_shares();
    /// match offers.accept("offer-id").await {
    ///     Err(error) if error.is_conflict() => offers.accept_overwriting("offer-id").await?,
    ///     outcome => outcome?,
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the offer does not exist; an error with status 410 if it has
    /// expired.
    pub async fn accept_overwriting(&self, id: &str) -> Result<Image, Error> {
        self.accept_with(id, true).await
    }

    async fn accept_with(&self, id: &str, force: bool) -> Result<Image, Error> {
        let accept = Perform::<AcceptImageShare>::on([id]).flag("force", force);
        call(&self.service, &accept).await
    }

    /// Declines an offer (`POST /pending-image-shares/{pendingShareId}/decline`). Requires an
    /// admin.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// management.pending_image_shares().decline("offer-id").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the offer does not exist.
    pub async fn decline(&self, id: &str) -> Result<(), Error> {
        call(&self.service, &Perform::<DeclineImageShare>::on([id])).await
    }
}
