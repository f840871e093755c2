//! [`Call`], an authorized request with everything that its handler needs.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use blaxel_core::{ApiVersion, Timestamp};
use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::LengthLimitError;
use hyper::upgrade::OnUpgrade;
use serde_json::Value;

use super::access::{self, Identity};
use super::access_level::AccessLevel;
use super::arrival::{Arrival, RequestId};
use crate::clock::Clock;
use crate::engine::Engine;
use crate::errors::{ErrorResponse, Gateway};
use crate::params::Params;
use crate::state::Author;
use crate::workload::ScriptedReply;

/// Maximum size of a request body, in bytes.
const BODY_LIMIT: usize = 8 * 1024 * 1024;
/// Maximum size of an archive, in bytes.
const UPLOAD_LIMIT: usize = 64 * 1024 * 1024;

/// An authorized request.
pub(crate) struct Call {
    pub(crate) engine: Arc<Engine>,
    pub(crate) operation: &'static str,
    pub(crate) identity: Identity,
    pub(crate) version: ApiVersion,
    pub(crate) method: Method,
    pub(crate) query: Params,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The id for the response.
    pub(crate) request_id: RequestId,
    /// For calls of workloads, the path below the workload's own, as sent: empty, or with a leading
    /// slash.
    pub(crate) below: String,
    /// The query as sent.
    pub(crate) raw_query: Option<String>,
    /// The connection, for a request that may upgrade it.
    pub(crate) upgrade: Option<OnUpgrade>,
    /// The reply that a script gives instead of the workload's own.
    pub(crate) scripted_reply: Option<ScriptedReply>,
    access: AccessLevel,
    path: Params,
}

impl Call {
    /// Checks a request against an access level and reads its body.
    pub(crate) async fn receive(
        engine: &Arc<Engine>,
        operation: &'static str,
        access: AccessLevel,
        request: Request,
    ) -> Result<Self, ErrorResponse> {
        let (mut call, body) = Self::authorize(engine, operation, access, request).await?;
        call.read(body).await?;
        Ok(call)
    }

    /// Checks a request against an access level and leaves its body unread.
    ///
    /// The version is checked first, then the credential, then the workspace, so that a wrong
    /// version is reported whatever else is wrong.
    pub(crate) async fn authorize(
        engine: &Arc<Engine>,
        operation: &'static str,
        access: AccessLevel,
        request: Request,
    ) -> Result<(Self, Body), ErrorResponse> {
        let malformed = |problem: &str| match access {
            AccessLevel::Workload => {
                ErrorResponse::gateway(Gateway::BadRequest, problem, &engine.clock.now())
            }
            _ => ErrorResponse::bad_request(problem),
        };
        let (mut head, body) = request.into_parts();
        let Some(arrival) = head.extensions.remove::<Arrival>() else {
            return Err(malformed("The request has not arrived by a route."));
        };
        let identity = arrival.identity;
        let query = Params::of_query(&head.uri).map_err(|problem| malformed(&problem))?;
        let path = arrival.parameters.map_err(|problem| malformed(&problem))?;
        let version = match access {
            AccessLevel::Public | AccessLevel::Account | AccessLevel::Workspace => {
                access::version(&head.headers)?
            }
            AccessLevel::Open | AccessLevel::Workload | AccessLevel::Upload => {
                ApiVersion::V2026_04_28
            }
        };
        let named = head
            .headers
            .get(access::WORKSPACE)
            .map(|value| value.to_str().unwrap_or("?"));
        match access {
            AccessLevel::Open | AccessLevel::Public | AccessLevel::Upload => {}
            AccessLevel::Account => access::authenticated(&identity)?,
            AccessLevel::Workspace => {
                access::authenticated(&identity)?;
                access::workspace(engine, named.or(query.get("workspace")))?;
            }
            AccessLevel::Workload => {
                let addressed = path.get("workspace").unwrap_or_default();
                access::workload(engine, &identity, addressed, named)?;
            }
        }
        let engine = Arc::clone(engine);
        let call = Self {
            engine,
            operation,
            identity,
            version,
            method: head.method,
            query,
            headers: head.headers,
            body: Bytes::new(),
            request_id: arrival.request_id,
            below: below(head.uri.path()),
            raw_query: head.uri.query().map(str::to_owned),
            upgrade: head.extensions.remove(),
            scripted_reply: None,
            access,
            path,
        };
        Ok((call, body))
    }

    /// Reads the whole body.
    pub(crate) async fn read(&mut self, body: Body) -> Result<(), ErrorResponse> {
        self.body = read(body, self.access, &self.engine.clock).await?;
        Ok(())
    }

    /// Hides from the workload that its call is asynchronous: removes the path of the trigger and
    /// `async=true`.
    pub(crate) fn hide_trigger(&mut self, by_path: bool) {
        if by_path {
            self.below.clear();
        }
        let query = self.raw_query.take().unwrap_or_default();
        let others: Vec<_> = query
            .split('&')
            .filter(|pair| *pair != "async=true")
            .collect();
        self.raw_query = Some(others.join("&")).filter(|query| !query.is_empty());
    }

    /// Returns a parameter of the path.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.path.get(name).unwrap_or_default()
    }

    /// Returns the body as JSON, or `None` if it is not JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Returns a header, or `None` if it is absent or not text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the caller as the author of a change.
    pub(crate) fn author(&self) -> Author<'_> {
        Author {
            name: self.identity.name(),
            ago: Duration::ZERO,
            uploads: false,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }
}

/// Returns the path after the name of a workload, in `/run/{workspace}/{collection}/{name}`.
pub(super) fn below(path: &str) -> String {
    let mut parts = path.splitn(6, '/').skip(5);
    parts
        .next()
        .map_or_else(String::new, |rest| format!("/{rest}"))
}

async fn read(body: Body, access: AccessLevel, clock: &Clock) -> Result<Bytes, ErrorResponse> {
    let limit = match access {
        AccessLevel::Upload => UPLOAD_LIMIT,
        _ => BODY_LIMIT,
    };
    to_bytes(body, limit).await.map_err(|error| {
        let too_large = error.into_inner().is::<LengthLimitError>();
        match (access, too_large) {
            (AccessLevel::Workload, true) => ErrorResponse::gateway(
                Gateway::RequestEntityTooLarge,
                "The body is too large.",
                &clock.now(),
            ),
            (AccessLevel::Workload, false) => {
                ErrorResponse::gateway(Gateway::BadRequest, "The body ended early.", &clock.now())
            }
            (_, true) => ErrorResponse::control(
                http::StatusCode::PAYLOAD_TOO_LARGE,
                "Request Entity Too Large",
            ),
            (_, false) => ErrorResponse::bad_request("The body ended early."),
        }
    })
}
