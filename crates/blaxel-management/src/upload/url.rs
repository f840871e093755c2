//! Addresses to upload to, and the requests that ask for them.

use std::fmt;

use blaxel_core::{Error, Operation, OperationInfo, RequestWriter, Secret, Source};
use bytes::Bytes;
use http::HeaderMap;

/// The header that names the address.
const HEADER: &str = "x-blaxel-upload-url";

/// An address to upload an archive to, given out by the platform for one try.
///
/// Who knows it may upload there, so it is a secret: it prints no more than the host, and it must be sent
/// to without any credential.
#[derive(Clone)]
pub struct UploadUrl(Secret);

impl UploadUrl {
    /// The address that came with an answer.
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if there is none.
    pub fn read(headers: &HeaderMap) -> Result<Self, Error> {
        let value = headers.get(HEADER).and_then(|value| value.to_str().ok());
        match value.filter(|value| !value.is_empty()) {
            Some(value) => Ok(Self(Secret::from(value))),
            None => Err(Error::decode(format!(
                "the answer does not name an address to upload to (in the header {HEADER})"
            ))),
        }
    }

    /// The address itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Has a request go there.
    pub(super) fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.presigned(self.expose(), &Source::Code)
    }
}

impl From<&str> for UploadUrl {
    fn from(address: &str) -> Self {
        Self(Secret::from(address))
    }
}

impl fmt::Debug for UploadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.expose().parse::<http::Uri>().ok();
        let host = address.as_ref().and_then(http::Uri::host);
        write!(f, "UploadUrl({}, [redacted])", host.unwrap_or("?"))
    }
}

/// An operation that makes or replaces a resource, and asks for an upload along with it
/// (`?upload=true`). What comes back is what the operation itself returns, and the address.
#[derive(Clone, Copy, Debug)]
pub struct ForUpload<'a, O> {
    operation: &'a O,
    version: Option<&'a str>,
}

impl<'a, O> ForUpload<'a, O> {
    /// The operation with an upload.
    #[must_use]
    pub fn new(operation: &'a O) -> Self {
        Self {
            operation,
            version: None,
        }
    }

    /// The upload is to be this version of the resource; only volume templates have them.
    #[must_use]
    pub fn version(mut self, version: Option<&'a str>) -> Self {
        self.version = version;
        self
    }
}

impl<O: Operation> Operation for ForUpload<'_, O> {
    type Output = (O::Output, UploadUrl);
    const INFO: &'static OperationInfo = O::INFO;
    const RESPONSE_LIMIT: usize = O::RESPONSE_LIMIT;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.operation.write(request)?;
        request.query("upload", true);
        request.query_opt("version", self.version);
        Ok(())
    }

    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        Ok((O::read(response)?, UploadUrl::read(response.headers())?))
    }
}
