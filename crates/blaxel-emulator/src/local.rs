//! [`LocalService`], the emulator as a tower service without a socket.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use blaxel_core::__private::{ErrorParts, check_address, restore};
use blaxel_core::{ApiVersion, Body, CallContext, Error, OperationInfo, Plane, Source};
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use tower_service::Service;

use crate::control::Front;
use crate::engine::Engine;
use crate::fault::Disconnected;
use crate::hosts::PlatformHost;
use crate::router::{CREDENTIALS, OWN_AUTHORIZATION, VERSION, WORKSPACE, is_presigned};

/// A tower service that calls an emulator without a socket: no network, and no async runtime except
/// for the sessions of MCP servers, which need tokio. Created by
/// [`Emulator::service`](crate::Emulator::service).
///
/// It runs the same code as the sockets. It also fills in what a client would, so that a facade can
/// use it directly as its transport:
///
/// - A URI without an origin is resolved by the plane of the request: `/agents` of the control
///   plane becomes `/v0/agents`, and `/agents/a` of an operation on workloads
///   `/run/{workspace}/agents/a`. A request that neither belongs to an operation nor names its
///   plane is refused; [`raw_request`](blaxel_core::raw_request) creates one that names it.
/// - A URI with the emulator's own origin or with the host of a preview is used as it is, and so is one of the platform,
///   such as `https://api.blaxel.ai/v0/agents` or `https://sbx-dev-demo.us-pdx-1.bl.run/health`: a client with its
///   default addresses can use this service as its transport. Any other origin is refused as unreachable.
/// - `Blaxel-Version`, `X-Blaxel-Workspace` and the API key are added if they are absent, except to
///   upload URLs and to requests [without a
///   credential](blaxel_core::RequestWriter::without_credential). [`verbatim`](Self::verbatim) turns this off.
///
/// Clones call the same emulator. A service keeps working after the [`Emulator`](crate::Emulator)
/// is dropped.
#[derive(Clone)]
pub struct LocalService {
    engine: Arc<Engine>,
    front: Front,
    verbatim: bool,
}

impl LocalService {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self {
            front: Front::new(&engine),
            engine,
            verbatim: false,
        }
    }

    /// Returns the service without the added headers, for requests that must go without a
    /// credential, a workspace or a version.
    ///
    /// ```
    /// use blaxel_core::{Plane, raw_request};
    /// use blaxel_emulator::Emulator;
    /// use tower_service::Service as _;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = Emulator::offline();
    /// let request = raw_request(Plane::Control, http::Request::get("/agents").body("")?)?;
    /// let response = emulator.service().verbatim().call(request).await?;
    /// assert_eq!(response.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn verbatim(mut self) -> Self {
        self.verbatim = true;
        self
    }

    /// Returns the request as the API expects it.
    fn prepare(&self, mut request: Request<Body>) -> Result<Request<axum::body::Body>, Error> {
        // An absolute URI needs no context; a path, or a URI that names a plane, does.
        if let Some(host) = self.named_host(request.uri()) {
            request.headers_mut().entry(HOST).or_insert(value(&host)?);
        }
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
        let operation = context.as_ref().and_then(CallContext::operation);
        let since = operation.map_or(ApiVersion::DEFAULT, OperationInfo::since);
        let (mut head, body) = request.into_parts();
        // A client sends nothing of its own to a presigned URL.
        let with_credential = context.as_ref().is_none_or(CallContext::carries_credential);
        if !self.verbatim && with_credential && !is_presigned(head.uri.path()) {
            self.add_headers(&mut head.headers, since)?;
        }
        Ok(Request::from_parts(head, axum::body::Body::new(body)))
    }

    /// Returns the path, below the emulator's origin, of a URI whose origin the emulator serves, or
    /// `None` if the URI has no origin yet.
    fn path_under_origin(&self, uri: &Uri) -> Result<Option<String>, Error> {
        let (Some(scheme @ ("http" | "https")), Some(authority)) =
            (uri.scheme_str(), uri.authority())
        else {
            return Ok(None);
        };
        check_address(uri).map_err(|problem| Error::input("address", &Source::Code, problem))?;
        let origin = format!("{scheme}://{authority}");
        if self.named_host(uri).is_none() && origin != self.engine.origin {
            let problem = "the emulator serves only its own origin and those of the platform";
            return Err(Error::connect(&origin, problem));
        }
        Ok(Some(path_of(uri).to_owned()))
    }

    /// Returns the authority of a URI whose host decides on the path: one of the platform, or one below
    /// the domain of previews.
    fn named_host(&self, uri: &Uri) -> Option<String> {
        let authority = uri.authority()?;
        let domain = &self.engine.store.setting().preview_domain;
        let label = authority.as_str().strip_suffix(domain.as_str());
        let is_preview = label.is_some_and(|label| label.ends_with('.'));
        let host = authority.host().to_ascii_lowercase();
        let is_platform = uri.scheme_str() == Some("https")
            && authority.port().is_none()
            && PlatformHost::parse(&host).is_some();
        (is_preview || is_platform).then(|| authority.to_string())
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
        let authorized = CREDENTIALS.iter().any(|name| headers.contains_key(name));
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

fn path_of(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", PathAndQuery::as_str)
}

fn parse(path: &str) -> Result<Uri, Error> {
    path.parse()
        .map_err(|cause| Error::transport("invalid request path", format!("{cause}")))
}

fn value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::credentials("a setting of the emulator is not a valid header value"))
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
        let front = self.front.clone();
        Box::pin(async move {
            let response = front.call(request?).await;
            if let Some(cut) = response.extensions().get::<Disconnected>() {
                return Err(Error::transport(
                    "the connection was closed before a response",
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
