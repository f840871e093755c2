//! The tags of an image: its versions.

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
        /// Its name.
        pub name: String,
        /// The size of what it stands for.
        pub size: Option<ByteSize>,
        /// When it was made.
        pub created_at: Option<Timestamp>,
        /// When it was changed last.
        pub updated_at: Option<Timestamp>,
    }
}

resource! { ImageTag { name: name, created_at: created_at, updated_at: updated_at } }

impl<S: HttpService> Collection<Image, S> {
    /// The tags of an image. The API lists them from version 2026-09-22 on; before, they come with
    /// [the image](super::ImageSpec::tags).
    #[must_use]
    pub fn tags(&self, image: &str) -> Collection<ImageTag, S> {
        self.under(image)
    }
}

/// Tags are in the order of their names, up or down, and in no other. A search is for the beginning of
/// the name.
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

/// A tag that is used is not deleted: an error with status 400.
impl Deleted for ImageTag {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteImageTag",
        Method::DELETE,
        "/images/{resourceType}/{imageName}/tags/{tagName}",
    );
    /// The image without the tag, or nothing where the server says nothing.
    type Response = Option<Image>;

    fn read(response: &http::Response<Bytes>) -> Result<Option<Image>, Error> {
        if response.body().is_empty() {
            return Ok(None);
        }
        response::json(response)
    }
}
