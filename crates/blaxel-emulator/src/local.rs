//! The socketless door: a tower service.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use blaxel_core::__private::{ErrorParts, restore};
use blaxel_core::{ApiVersion, Body, CallContext, Error, OperationInfo, Plane};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use tower_service::Service;

use crate::engine::Engine;
use crate::fault::Disconnected;
use crate::router::is_upload;

/// The emulator without a socket: requests in, responses out, no network and no runtime.
/// Only the MCP servers of functions need a tokio runtime, for their sessions.
///
/// It answers as the sockets do, by the same code, and plays the client's part where the request
/// leaves it open, so that the facades run on it as they are:
///
/// - A URI without an origin is put under the plane of the request: `/agents` of the control plane
///   becomes `/v0/agents`, and `/agents/a` of an operation on workloads `/run/{workspace}/agents/a`. A
///   request that neither belongs to an operation nor names its plane is refused; a raw one is made by
///   [`raw_request`](blaxel_core::raw_request).
/// - A URI with the emulator's own origin is taken as it stands, and so is one of the platform, such as
///   `https://api.blaxel.ai/v0/agents`: a client with its default addresses can use this service as its
///   transport. Any other origin cannot be reached.
/// - `Blaxel-Version`, `X-Blaxel-Workspace` and the API key are added if they are absent; to no address
///   for an upload, though.
///   [`verbatim`](Self::verbatim) leaves that out.
///
/// A clone is another way to the same emulator. It stays open when the [`Emulator`](crate::Emulator)
/// is gone.
#[derive(Clone)]
pub struct LocalService {
    engine: Arc<Engine>,
    router: Router,
    verbatim: bool,
}

impl LocalService {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        let router = crate::router::router(&engine);
        Self {
            engine,
            router,
            verbatim: false,
        }
    }

    /// The same service, but with headers left as they are: for requests that must go without a
    /// credential, a workspace or a version.
    #[must_use]
    pub fn verbatim(mut self) -> Self {
        self.verbatim = true;
        self
    }

    /// The request as the server sees it.
    fn prepare(&self, mut request: Request<Body>) -> Result<Request<axum::body::Body>, Error> {
        // An address of the emulator's own says everything; a path, or a plane, asks for a context.
        let context = match self.path_under_origin(request.uri())? {
            Some(path) => {
                *request.uri_mut() = parse(&path)?;
                restore(&mut request).ok()
            }
            None => {
                let context = restore(&mut request)?;
                *request.uri_mut() = self.resolve(request.uri(), context.plane())?;
                Some(context)
            }
        };
        let plane = context.as_ref().map(CallContext::plane);
        let operation = context.as_ref().and_then(CallContext::operation);
        let since = operation.map_or(ApiVersion::DEFAULT, OperationInfo::since);
        let (mut head, body) = request.into_parts();
        // What a presigned address is for goes there bare, as a client would send it.
        let is_presigned = plane == Some(Plane::Presigned) || is_upload(head.uri.path());
        if !self.verbatim && !is_presigned {
            self.add_headers(&mut head.headers, since)?;
        }
        Ok(Request::from_parts(head, axum::body::Body::new(body)))
    }

    /// Returns the path, below the emulator's origin, of a URI that has an origin it answers for, or
    /// `None` if the URI has no origin yet.
    fn path_under_origin(&self, uri: &Uri) -> Result<Option<String>, Error> {
        let (Some(scheme @ ("http" | "https")), Some(authority)) =
            (uri.scheme_str(), uri.authority())
        else {
            return Ok(None);
        };
        let origin = format!("{scheme}://{authority}");
        let own = [(self.engine.origin.as_str(), "")];
        let known = own.iter().chain(&PLATFORM);
        let Some((_, base)) = known.into_iter().find(|(known, _)| *known == origin) else {
            let problem = "the emulator answers for its own origin and the platform's alone";
            return Err(Error::connect(&origin, problem));
        };
        Ok(Some(format!("{base}{}", path_of(uri))))
    }

    /// Returns the URI, below the emulator's origin, of a path on a plane.
    fn resolve(&self, uri: &Uri, plane: Plane) -> Result<Uri, Error> {
        let path = path_of(uri);
        match plane {
            Plane::Run => parse(&format!("/run/{}{path}", self.engine.config.workspace)),
            _ => parse(&format!("/v0{path}")),
        }
    }

    fn add_headers(&self, headers: &mut HeaderMap, since: ApiVersion) -> Result<(), Error> {
        let config = &self.engine.config;
        let authorized = [http::header::AUTHORIZATION, OWN_AUTHORIZATION]
            .iter()
            .any(|name| headers.contains_key(name));
        if !authorized {
            let mut key = value(&format!("Bearer {}", config.api_key))?;
            key.set_sensitive(true);
            headers.insert(OWN_AUTHORIZATION, key);
        }
        for (name, text) in [
            (VERSION, since.max(ApiVersion::DEFAULT).to_string()),
            (WORKSPACE, config.workspace.clone()),
        ] {
            if !headers.contains_key(&name) {
                headers.insert(name, value(&text)?);
            }
        }
        Ok(())
    }
}

/// The origins of the platform's deployments, each with the base path that the emulator has it under.
const PLATFORM: [(&str, &str); 4] = [
    ("https://api.blaxel.ai", ""),
    ("https://run.blaxel.ai", "/run"),
    ("https://api.blaxel.dev", ""),
    ("https://run.blaxel.dev", "/run"),
];

const OWN_AUTHORIZATION: HeaderName = HeaderName::from_static("x-blaxel-authorization");
const VERSION: HeaderName = HeaderName::from_static("blaxel-version");
const WORKSPACE: HeaderName = HeaderName::from_static("x-blaxel-workspace");

fn path_of(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", PathAndQuery::as_str)
}

fn parse(path: &str) -> Result<Uri, Error> {
    path.parse()
        .map_err(|cause| Error::transport("the request's path is unusable", format!("{cause}")))
}

fn value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::credentials("the emulator's setting cannot stand in a header"))
}

impl Service<Request<Body>> for LocalService {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let request = self.prepare(request);
        let mut router = self.router.clone();
        Box::pin(async move {
            let result: Result<_, Infallible> = router.call(request?).await;
            let Ok(response) = result;
            if let Some(cut) = response.extensions().get::<Disconnected>() {
                return Err(Error::transport(
                    "the connection was closed before an answer",
                    *cut,
                ));
            }
            Ok(response.map(Body::new))
        })
    }
}

impl fmt::Debug for LocalService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalService")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}
