//! The description of an operation: what is fixed about it, whatever its arguments are.

use std::fmt;

use http::Method;

use crate::version::ApiVersion;

/// A description of an API operation: its name, its destination and its idempotency.
///
/// Every request that the facades make carries the description of its operation, and every layer it
/// passes can read it with [`operation`](crate::operation()): to name a span, to label a metric, to
/// decide about a retry.
///
/// ```
/// use blaxel_core::{Idempotency, OperationInfo, Plane};
/// use http::Method;
///
/// static GET_AGENT: OperationInfo =
///     OperationInfo::new("GetAgent", Method::GET, "/agents/{agentName}");
/// assert_eq!(GET_AGENT.idempotency(), Idempotency::Safe);
/// assert_eq!(GET_AGENT.plane(), Plane::Control);
/// ```
#[derive(Debug)]
pub struct OperationInfo {
    name: &'static str,
    method: Method,
    path: &'static str,
    plane: Plane,
    idempotency: Idempotency,
    since: ApiVersion,
    streamed: bool,
    parameters: Option<&'static [&'static str]>,
}

/// The part of the platform an operation belongs to. It decides which origin a path is resolved
/// against, and whether a credential is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Plane {
    /// The control plane: `https://api.blaxel.ai/v0` and the path.
    Control,
    /// Workloads: `https://run.blaxel.ai`, the workspace and the path, or a workload's own address.
    Run,
    /// An address that the control plane gave out for one request, an upload for instance. The
    /// address is the permission, so neither a credential nor a workspace is sent there.
    Presigned,
}

/// The effect of sending an operation's request more than once.
///
/// It decides which failures may be retried: a request that may have been processed is sent again
/// only if its operation is [`Safe`](Self::Safe) or [`Idempotent`](Self::Idempotent).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Idempotency {
    /// The operation changes nothing.
    Safe,
    /// Repeating the request has no further effect.
    Idempotent,
    /// The client names what is created, so a repeated request is refused as a conflict. The refusal
    /// does not tell who created it.
    ClientNamed,
    /// Repeating the request repeats its effect.
    None,
}

impl OperationInfo {
    /// Describes an operation of the control plane that every API version knows and whose response
    /// is not a stream.
    ///
    /// `path` is a template whose parameters stand in braces. The idempotency follows from the
    /// method: `GET`, `HEAD` and `OPTIONS` are safe, `PUT` and `DELETE` idempotent, all others
    /// neither.
    #[must_use]
    pub const fn new(name: &'static str, method: Method, path: &'static str) -> Self {
        let idempotency = match method {
            Method::GET | Method::HEAD | Method::OPTIONS => Idempotency::Safe,
            Method::PUT | Method::DELETE => Idempotency::Idempotent,
            _ => Idempotency::None,
        };
        Self {
            name,
            method,
            path,
            plane: Plane::Control,
            idempotency,
            since: ApiVersion::V2026_04_16,
            streamed: false,
            parameters: None,
        }
    }

    /// Returns the same description on another plane.
    #[must_use]
    pub const fn with_plane(mut self, plane: Plane) -> Self {
        self.plane = plane;
        self
    }

    /// Returns the same description with another idempotency.
    #[must_use]
    pub const fn with_idempotency(mut self, idempotency: Idempotency) -> Self {
        self.idempotency = idempotency;
        self
    }

    /// Returns the same description with a first API version that knows the operation.
    #[must_use]
    pub const fn with_since(mut self, since: ApiVersion) -> Self {
        self.since = since;
        self
    }

    /// Returns the same description with a closed set of query parameters.
    #[must_use]
    pub const fn with_parameters(mut self, parameters: &'static [&'static str]) -> Self {
        self.parameters = Some(parameters);
        self
    }

    /// Returns the same description with a response that is a stream: a deadline on the whole call
    /// ends at its head, and only silence is limited after it.
    #[must_use]
    pub const fn streaming(mut self) -> Self {
        self.streamed = true;
        self
    }

    /// Returns the operation's name in the API's description, such as `ListAgents`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the method of the operation's requests.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the path template, such as `/agents/{agentName}`.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// Returns the plane the operation belongs to.
    #[must_use]
    pub const fn plane(&self) -> Plane {
        self.plane
    }

    /// Returns the effect of sending the request more than once.
    #[must_use]
    pub const fn idempotency(&self) -> Idempotency {
        self.idempotency
    }

    /// Returns the first API version that knows the operation. A client that is set to an older one
    /// sends the request in this version.
    #[must_use]
    pub const fn since(&self) -> ApiVersion {
        self.since
    }

    /// Returns the query parameters the operation takes, or `None` if the set is open.
    #[must_use]
    pub const fn parameters(&self) -> Option<&'static [&'static str]> {
        self.parameters
    }

    /// Returns `true` if the operation takes a query parameter of this name.
    #[must_use]
    pub fn takes(&self, parameter: &str) -> bool {
        self.parameters
            .is_none_or(|known| known.contains(&parameter))
    }

    /// Returns `true` if the response is a stream.
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
