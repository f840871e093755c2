//! The description of an operation: everything that does not depend on its arguments.

use std::fmt;

use http::Method;

use crate::version::ApiVersion;

/// The description of an API operation: its name, method, path template, plane and idempotency.
///
/// Every request that the facades make carries the description of its operation, and every layer
/// that the request passes can read it with [`operation`](crate::operation()): to name a span, to
/// label a metric or to decide about a retry.
///
/// ```
/// use blaxel_core::{Idempotency, OperationInfo, Plane};
/// use http::Method;
///
/// static GET_AGENT: OperationInfo =
///     OperationInfo::new("GetAgent", Method::GET, "/agents/{agentName}");
/// assert_eq!(GET_AGENT.idempotency(), Idempotency::Safe);
/// assert_eq!(GET_AGENT.plane(), Plane::Control);
///
/// static CALL_AGENT: OperationInfo =
///     OperationInfo::new("CallAgent", Method::POST, "/agents/{agentName}").with_plane(Plane::Run);
/// assert_eq!(CALL_AGENT.idempotency(), Idempotency::None);
/// assert_eq!(CALL_AGENT.to_string(), "CallAgent (POST /agents/{agentName})");
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

/// The part of the platform that an operation belongs to. It decides the origin that a path is
/// resolved against, and whether a credential is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Plane {
    /// The control plane: `https://api.blaxel.ai/v0`, followed by the path.
    Control,
    /// Workloads: `https://run.blaxel.ai`, followed by the workspace and the path, or a workload's own
    /// address.
    Run,
    /// A presigned URL that the control plane issued for one request, such as an upload. The URL is
    /// the permission, so neither a credential nor a workspace is sent there.
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
    /// Describes an operation of the control plane that every API version supports and whose
    /// response is not a stream.
    ///
    /// `path` is a template with its parameters in braces. The idempotency follows from the method:
    /// `GET`, `HEAD` and `OPTIONS` are [`Safe`](Idempotency::Safe), `PUT` and `DELETE` are
    /// [`Idempotent`](Idempotency::Idempotent), all others are [`None`](Idempotency::None).
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

    /// Returns this description with another plane.
    #[must_use]
    pub const fn with_plane(mut self, plane: Plane) -> Self {
        self.plane = plane;
        self
    }

    /// Returns this description with another idempotency.
    #[must_use]
    pub const fn with_idempotency(mut self, idempotency: Idempotency) -> Self {
        self.idempotency = idempotency;
        self
    }

    /// Returns this description with another first API version that supports the operation.
    #[must_use]
    pub const fn with_since(mut self, since: ApiVersion) -> Self {
        self.since = since;
        self
    }

    /// Returns this description with a closed set of query parameters.
    #[must_use]
    pub const fn with_parameters(mut self, parameters: &'static [&'static str]) -> Self {
        self.parameters = Some(parameters);
        self
    }

    /// Returns this description with a streamed response: the limit on the whole call ends when the
    /// response headers are received, and afterwards only the idle limit applies.
    #[must_use]
    pub const fn streaming(mut self) -> Self {
        self.streamed = true;
        self
    }

    /// Returns the operation's name in the API description, such as `ListAgents`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the HTTP method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the path template, such as `/agents/{agentName}`.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// Returns the plane that the operation belongs to.
    #[must_use]
    pub const fn plane(&self) -> Plane {
        self.plane
    }

    /// Returns the effect of sending the request more than once.
    #[must_use]
    pub const fn idempotency(&self) -> Idempotency {
        self.idempotency
    }

    /// Returns the first API version that supports the operation. A client that is set to an older
    /// one sends the request in this version.
    #[must_use]
    pub const fn since(&self) -> ApiVersion {
        self.since
    }

    /// Returns the query parameters that the operation takes, or `None` if the set is open.
    #[must_use]
    pub const fn parameters(&self) -> Option<&'static [&'static str]> {
        self.parameters
    }

    /// Returns `true` if the operation takes a query parameter named `parameter`.
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
