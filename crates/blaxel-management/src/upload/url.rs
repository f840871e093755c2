//! Presigned upload URLs, and the operations that request them.

use std::fmt;

use blaxel_core::__private::{Address, server_time};
use blaxel_core::{Error, Operation, OperationInfo, RequestWriter, Secret, Source, Timestamp};
use bytes::Bytes;
use http::{HeaderMap, HeaderName};

/// The response header that holds the upload URL.
const HEADER: &str = "x-blaxel-upload-url";

/// A presigned URL to upload an archive to, issued by the platform for one attempt.
///
/// Anyone who knows the URL can upload to it, so it is a secret: its `Debug` output shows only the host. Send
/// requests to it without any credential.
#[derive(Clone)]
pub struct UploadUrl {
    url: Secret,
    source: Source,
    /// The headers that the upload has to have.
    headers: Vec<(HeaderName, String)>,
    /// The time of the server when it issued the URL.
    #[cfg_attr(
        not(feature = "image-builder"),
        expect(dead_code, reason = "only a build has a log from this time on")
    )]
    issued_at: Option<Timestamp>,
}

impl UploadUrl {
    /// Reads the URL from the headers of a response.
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if the header is missing.
    pub fn read(headers: &HeaderMap) -> Result<Self, Error> {
        let value = headers.get(HEADER).and_then(|value| value.to_str().ok());
        match value.filter(|value| !value.is_empty()) {
            Some(value) => Ok(Self {
                url: Secret::from(value),
                source: Source::Response(HEADER.into()),
                headers: Vec::new(),
                issued_at: server_time(headers),
            }),
            None => Err(Error::decode(format!(
                "the response has no upload URL in its header {HEADER}"
            ))),
        }
    }

    /// Returns the URL in plain text.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.url.expose()
    }

    /// Returns the time of the server when it issued the URL, in whole seconds, if it told it.
    #[cfg(feature = "image-builder")]
    pub(crate) fn issued_at(&self) -> Option<&Timestamp> {
        self.issued_at.as_ref()
    }

    /// Sets the headers that the upload has to have.
    pub(super) fn with_headers(mut self, headers: Vec<(HeaderName, String)>) -> Self {
        self.headers = headers;
        self
    }

    /// Returns the names of the headers that the URL is signed for, in lower case, or `None` if it does not list
    /// them.
    pub(super) fn signed_headers(&self) -> Option<Vec<String>> {
        let (_, query) = self.expose().split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, list) = pairs.find(|(name, _)| {
            ["X-Amz-SignedHeaders", "X-Goog-SignedHeaders"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
        })?;
        // The names themselves need no escapes.
        let list = list.to_ascii_lowercase().replace("%3b", ";");
        Some(list.split(';').map(|name| name.trim().to_owned()).collect())
    }

    /// Sets the URL as the target of a request, and the headers.
    pub(super) fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        for (name, value) in &self.headers {
            request.header(name.clone(), value)?;
        }
        request.presigned(self.expose(), &self.source)
    }
}

impl From<&str> for UploadUrl {
    fn from(url: &str) -> Self {
        Self {
            url: Secret::from(url),
            source: Source::Code,
            headers: Vec::new(),
            issued_at: None,
        }
    }
}

impl fmt::Debug for UploadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = Address::read(self.expose()).ok();
        let host = address.as_ref().map_or("?", Address::host);
        write!(f, "UploadUrl({host}, [redacted])")
    }
}

/// An operation that creates or replaces a resource, and requests an upload URL (`?upload=true`). It returns
/// the output of the wrapped operation and the URL.
///
/// ```
/// use blaxel_core::{Error, Operation};
/// use blaxel_management::agents::Agent;
/// use blaxel_management::operations::Create;
/// use blaxel_management::upload::ForUpload;
///
/// let agent = Agent::new("support-bot");
/// let create = Create::<Agent>::new(&agent);
/// let request = ForUpload::new(&create).encode()?;
/// assert_eq!(request.uri(), "blaxel://control/agents?upload=true");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ForUpload<'a, O> {
    operation: &'a O,
    version: Option<&'a str>,
}

impl<'a, O> ForUpload<'a, O> {
    /// Wraps an operation.
    #[must_use]
    pub fn new(operation: &'a O) -> Self {
        Self {
            operation,
            version: None,
        }
    }

    /// Sets the version of the resource that the upload becomes. Only volume templates have versions. None by
    /// default.
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
