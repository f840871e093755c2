//! An operation of the API as a value.

use bytes::Bytes;

use crate::body::Body;
use crate::description::OperationInfo;
use crate::error::Error;
use crate::error::ErrorParts;
use crate::request::RequestWriter;

/// An operation with its arguments: it writes itself as a request and reads its output from a
/// response, and knows nothing of how the two are carried.
///
/// [`call`](crate::call) runs one on any [`HttpService`](crate::HttpService). To run one on an
/// engine of another kind, take the request from [`encode`](Self::encode), let
/// [`Endpoints::resolve`](crate::Endpoints::resolve) put the plane's origin into its URI, and give the
/// response to [`decode`](Self::decode).
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
    /// What a successful answer is read into.
    type Output;

    /// What is fixed about the operation.
    const INFO: &'static OperationInfo;

    /// The largest answer that is read into memory, in bytes. 32 MiB unless said otherwise.
    const RESPONSE_LIMIT: usize = 32 * 1024 * 1024;

    /// Writes the arguments into the request.
    ///
    /// # Errors
    ///
    /// [`is_input`](Error::is_input) if an argument is unusable.
    fn write(&self, request: &mut RequestWriter) -> Result<(), Error>;

    /// Reads a successful answer.
    ///
    /// # Errors
    ///
    /// [`is_decode`](Error::is_decode) if the answer is not what was expected.
    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error>;

    /// Returns the request of this operation. Its URI names the plane in place of an origin, and its
    /// extensions hold the [context](crate::CallContext) of the call.
    ///
    /// # Errors
    ///
    /// [`is_input`](Error::is_input) if an argument is unusable.
    fn encode(&self) -> Result<http::Request<Body>, Error> {
        let mut writer = RequestWriter::new(Self::INFO);
        self.write(&mut writer)
            .and_then(|()| writer.finish())
            .map_err(|error| error.in_operation(Some(Self::INFO)))
    }

    /// The output, or the error that the response stands for.
    ///
    /// # Errors
    ///
    /// The server's own error for a status other than 2xx, and
    /// [`is_decode`](Error::is_decode) for a success that cannot be understood.
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
