//! Tags of an image, which are its versions.

use blaxel_core::{ApiVersion, Error, HttpService, OperationInfo, Timestamp, response};
use bytes::Bytes;
use http::Method;

use super::Image;
use crate::collection::Collection;
use crate::kind::{Deleted, Listed};
use crate::size::ByteSize;

response! {
    /// A tag of an image.
    pub struct ImageTag {
        /// The name.
        pub name: String,
        /// The size of the tagged version.
        pub size: Option<ByteSize>,
        /// The time of creation.
        pub created_at: Option<Timestamp>,
        /// The time of the last change.
        pub updated_at: Option<Timestamp>,
    }
}

resource! { ImageTag { name: name, created_at: created_at, updated_at: updated_at } }

impl<S: HttpService> Collection<Image, S> {
    /// Returns the handle for the tags of an image.
    ///
    /// The API lists them from version 2026-09-22 on. Earlier versions return them with
    /// [the image](super::ImageSpec::tags).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let tags = management.images().of("sandbox").tags("my-box");
    /// for tag in tags.all().await? {
    ///     println!("{} {:?}", tag.name, tag.size);
    /// }
    /// tags.delete("v1").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn tags(&self, image: &str) -> Collection<ImageTag, S> {
        self.under(image)
    }
}

/// Lists tags in ascending or descending order of their names; no other order is supported. A search
/// matches the beginning of the name.
impl Listed for ImageTag {
    const LIST: OperationInfo = OperationInfo::new(
        "ListImageTags",
        Method::GET,
        "/images/{resourceType}/{imageName}/tags",
    )
    .with_parameters(&["cursor", "limit", "sort", "q", "name", "sourceWorkspace"])
    .with_since(ApiVersion::V2026_09_22);
    type Item = Self;
}

/// Deletes a tag. A tag that is in use cannot be deleted: the error has status 400.
impl Deleted for ImageTag {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteImageTag",
        Method::DELETE,
        "/images/{resourceType}/{imageName}/tags/{tagName}",
    );
    /// The image without the tag, or `None` if the server sends an empty response.
    type Response = Option<Image>;

    fn read(response: &http::Response<Bytes>) -> Result<Option<Image>, Error> {
        if response.body().is_empty() {
            return Ok(None);
        }
        response::json(response)
    }
}
