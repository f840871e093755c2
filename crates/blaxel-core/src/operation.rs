//! [`Operation`]: a call of the API as a value.

use bytes::Bytes;

use crate::body::Body;
use crate::description::OperationInfo;
use crate::error::Error;
use crate::error::ErrorParts;
use crate::request::RequestWriter;

/// An operation with its arguments. It writes itself as a request and reads its output from a
/// response, independently of the transport.
///
/// [`call`](crate::call) runs an operation on any [`HttpService`](crate::HttpService). To run one
/// on another kind of HTTP client, take the request from [`encode`](Self::encode), let
/// [`Endpoints::resolve`](crate::Endpoints::resolve) put the plane's origin into its URI, and pass
/// the response to [`decode`](Self::decode).
///
/// ```
/// use blaxel_core::{response, Error, Operation, OperationInfo, RequestWriter};
/// use bytes::Bytes;
///
/// struct GetWorkspace<'a> {
///     name: &'a str,
/// }
///
/// impl Operation for GetWorkspace<'_> {
///     type Output = serde_json::Value;
///     const INFO: &'static OperationInfo =
///         &OperationInfo::new("GetWorkspace", http::Method::GET, "/workspaces/{workspaceName}");
///
///     fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
///         request.path([self.name])
///     }
///
///     fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
///         response::json(response)
///     }
/// }
///
/// let request = GetWorkspace { name: "team a" }.encode()?;
/// assert_eq!(request.uri(), "blaxel://control/workspaces/team%20a");
/// # Ok::<(), Error>(())
/// ```
pub trait Operation {
    /// The result of a successful call.
    type Output;

    /// The description of the operation.
    const INFO: &'static OperationInfo;

    /// Maximum size of a successful response, in bytes. 32 MiB by default.
    const RESPONSE_LIMIT: usize = 32 * 1024 * 1024;

    /// Writes the arguments into the request.
    ///
    /// # Errors
    ///
    /// [`is_input`](Error::is_input) if an argument is invalid.
    fn write(&self, request: &mut RequestWriter) -> Result<(), Error>;

    /// Reads the output from a successful response.
    ///
    /// # Errors
    ///
    /// [`is_decode`](Error::is_decode) if the response does not have the expected format.
    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error>;

    /// Returns the request of this operation. Its URI names the plane instead of an origin, and its
    /// extensions contain the [context](crate::CallContext) of the call.
    ///
    /// # Errors
    ///
    /// [`is_input`](Error::is_input) if an argument is invalid.
    fn encode(&self) -> Result<http::Request<Body>, Error> {
        let mut writer = RequestWriter::new(Self::INFO);
        self.write(&mut writer)
            .and_then(|()| writer.complete())
            .map_err(|error| error.in_operation(Some(Self::INFO)))?;
        Ok(writer.into_request())
    }

    /// Returns the output of a successful response, or the error of any other response.
    ///
    /// # Errors
    ///
    /// The server's error for a status other than 2xx, and [`is_decode`](Error::is_decode) for a
    /// successful response that cannot be decoded.
    fn decode(response: http::Response<Bytes>) -> Result<Self::Output, Error> {
        if !response.status().is_success() {
            let (head, body) = response.into_parts();
            return Err(Error::from_response(Some(Self::INFO), &head, &body));
        }
        Self::read(&response).map_err(|error| {
            let (head, _) = response.into_parts();
            error.with_head(&head).in_operation(Some(Self::INFO))
        })
    }
}
