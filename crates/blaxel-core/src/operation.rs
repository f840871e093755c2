//! An operation of the API as a value.

use std::fmt;

use bytes::Bytes;
use http::Method;

use crate::body::Body;
use crate::error::Error;
use crate::request::RequestWriter;
use crate::version::ApiVersion;

/// What is fixed about an operation: its name, where it goes and how it may be repeated.
///
/// Every request that the facades make carries the description of its operation, and every layer on
/// its way can read it with [`operation`]: to name a span, to label a metric, to decide about a
/// retry.
///
/// ```
/// use blaxel_core::{OperationInfo, Plane, Replay};
/// use http::Method;
///
/// static GET_AGENT: OperationInfo =
///     OperationInfo::new("GetAgent", Method::GET, "/agents/{agentName}");
/// assert_eq!(GET_AGENT.replay(), Replay::Safe);
/// assert_eq!(GET_AGENT.plane(), Plane::Control);
/// ```
#[derive(Debug)]
pub struct OperationInfo {
    name: &'static str,
    method: Method,
    path: &'static str,
    plane: Plane,
    replay: Replay,
    since: ApiVersion,
    streamed: bool,
    parameters: Option<&'static [&'static str]>,
}

/// The part of the platform an operation speaks to; it decides which origin the path is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Plane {
    /// The control plane: `https://api.blaxel.ai/v0` and the path.
    Control,
    /// Workloads: `https://run.blaxel.ai`, the workspace and the path.
    Run,
    /// An address that the control plane gave out for this one request, an upload for instance. It
    /// carries its own permission, so neither a credential nor a workspace goes there.
    Presigned,
}

/// What happens if an operation's request arrives twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Replay {
    /// It changes nothing.
    Safe,
    /// The second one changes nothing more.
    Idempotent,
    /// The client chose the name of what it makes, so a second one is refused and tells so.
    Keyed,
    /// It does its work twice.
    Once,
}

impl OperationInfo {
    /// Describes an operation of the control plane, known to every API version, answered whole.
    ///
    /// `path` is a template whose parameters stand in braces. The replay class follows from the
    /// method: `GET`, `HEAD` and `OPTIONS` are safe, `PUT` and `DELETE` idempotent, all others are
    /// done once.
    #[must_use]
    pub const fn new(name: &'static str, method: Method, path: &'static str) -> Self {
        let replay = match method {
            Method::GET | Method::HEAD | Method::OPTIONS => Replay::Safe,
            Method::PUT | Method::DELETE => Replay::Idempotent,
            _ => Replay::Once,
        };
        Self {
            name,
            method,
            path,
            plane: Plane::Control,
            replay,
            since: ApiVersion::V2026_04_16,
            streamed: false,
            parameters: None,
        }
    }

    /// The same on another plane.
    #[must_use]
    pub const fn on(mut self, plane: Plane) -> Self {
        self.plane = plane;
        self
    }

    /// The same with another replay class.
    #[must_use]
    pub const fn replayed(mut self, replay: Replay) -> Self {
        self.replay = replay;
        self
    }

    /// The same, known to the API only from a version on.
    #[must_use]
    pub const fn from_version(mut self, since: ApiVersion) -> Self {
        self.since = since;
        self
    }

    /// The same, with these query parameters and no others.
    #[must_use]
    pub const fn taking(mut self, parameters: &'static [&'static str]) -> Self {
        self.parameters = Some(parameters);
        self
    }

    /// The same, with an answer that flows on for as long as it likes: a limit on the whole call
    /// does not apply to it once its head is there.
    #[must_use]
    pub const fn streaming(mut self) -> Self {
        self.streamed = true;
        self
    }

    /// The name in the API's description, such as `ListAgents`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The method of its request.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The template of its path, such as `/agents/{agentName}`.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// The plane it speaks to.
    #[must_use]
    pub const fn plane(&self) -> Plane {
        self.plane
    }

    /// What happens if its request arrives twice.
    #[must_use]
    pub const fn replay(&self) -> Replay {
        self.replay
    }

    /// The first API version that knows it. A client that is set to an older one sends its request in
    /// this one.
    #[must_use]
    pub const fn since(&self) -> ApiVersion {
        self.since
    }

    /// The query parameters it takes, or `None` where they are the caller's affair.
    #[must_use]
    pub const fn parameters(&self) -> Option<&'static [&'static str]> {
        self.parameters
    }

    /// Whether it takes a query parameter of this name.
    #[must_use]
    pub fn takes(&self, parameter: &str) -> bool {
        self.parameters
            .is_none_or(|known| known.contains(&parameter))
    }

    /// Whether its answer flows on for as long as it likes.
    #[must_use]
    pub const fn is_streamed(&self) -> bool {
        self.streamed
    }
}

impl fmt::Display for OperationInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.name, self.method, self.path)
    }
}

/// The description that a request carries, or `None` for a request that no operation made.
#[must_use]
pub fn operation(request: &http::Request<Body>) -> Option<&'static OperationInfo> {
    request.body().operation()
}

/// An operation with its arguments: it writes itself as a request and reads its output from a
/// response, and knows nothing of how the two are carried.
///
/// [`call`](crate::call) runs one on any [`HttpService`](crate::HttpService). To run one on an
/// engine of another kind, take the request from [`encode`](Self::encode), put the origin before
/// its path, and give the response to [`decode`](Self::decode).
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
/// assert_eq!(request.uri(), "/workspaces/team%20a");
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

    /// The request of this operation. Its URI is the path under the plane's origin, its body
    /// carries the description.
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
