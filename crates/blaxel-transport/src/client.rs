//! The client.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use blaxel_auth::Authenticator;
use blaxel_core::{
    ApiVersion, Body, BoxService, CallOptions, Endpoints, Error, HttpService, Workspace,
};
use pin_project_lite::pin_project;
use tower_layer::Identity;
use tower_service::Service;

use crate::builder::{ClientBuilder, HyperLeaf};
use crate::deadline::{Deadline, DeadlineFuture, TimeLimits};
use crate::defaults::Defaults;
use crate::head_limit::HeadLimit;
use crate::hyper_transport::HyperTransport;
use crate::prepare::Prepare;
use crate::retry::{Retry, RetryFuture, RetryPolicy};
use crate::trace::{Trace, TraceFuture, attempt_span, call_span};

/// A client of the Blaxel API: a tower service that knows where the API is and who is calling.
///
/// Hand it, or a clone, to the facades. A clone is cheap and shares connections and token. Building
/// one needs no runtime; calls need tokio's.
///
/// `Client` without a parameter is what [`Client::from_env`] and a builder without layers make. With
/// layers the parameter names the whole stack, unboxed; [`boxed`](Self::boxed) hides it.
///
/// ```no_run
/// use blaxel_transport::Client;
///
/// let client = Client::from_env()?;
/// let own = Client::builder().api_key("bl_example").workspace("my-team").build()?;
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Client<S = Pipeline<HyperTransport>> {
    service: S,
    defaults: Arc<Defaults>,
    options: Option<Arc<CallOptions>>,
}

impl Client {
    /// Begins to set one up, with nothing taken from the environment.
    pub fn builder() -> ClientBuilder<HyperLeaf, Identity, Identity> {
        ClientBuilder::new()
    }

    /// A client set up by the environment variables `BL_API_KEY` or `BL_CLIENT_CREDENTIALS`,
    /// `BL_WORKSPACE`, `BL_ENV`, `BL_API_URL`, `BL_RUN_URL` and `BL_API_VERSION`, and, with the
    /// feature `config-file`, by the sign-in of the Blaxel CLI where the variables are silent.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a variable that cannot be used, and a credentials error if none are
    /// found; each names the place.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }
}

impl<S> Client<S> {
    pub(crate) fn new(service: S, defaults: Arc<Defaults>) -> Self {
        Self {
            service,
            defaults,
            options: None,
        }
    }

    /// The same client, whose calls have these options unless they have their own.
    #[must_use]
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = Some(Arc::new(options));
        self
    }

    /// The API version sent with requests that do not name their own.
    #[must_use]
    pub fn api_version(&self) -> ApiVersion {
        self.defaults.version
    }

    /// The workspace that calls are made in, if one is set.
    #[must_use]
    pub fn workspace(&self) -> Option<&Workspace> {
        self.defaults.workspace.as_ref()
    }

    /// Where the two planes are.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.defaults.endpoints
    }
}

impl<S: HttpService> Client<S> {
    /// The same client under one type, whatever layers it has. It costs one allocation for each
    /// request.
    pub fn boxed(self) -> Client<BoxService> {
        Client {
            service: HttpService::boxed(self.service),
            defaults: self.defaults,
            options: self.options,
        }
    }
}

impl<S> Service<http::Request<Body>> for Client<S>
where
    S: Service<http::Request<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> S::Future {
        if let (Some(options), None) = (&self.options, request.body().options()) {
            request.body_mut().set_options(Arc::clone(options));
        }
        self.service.call(request)
    }
}

impl<S> fmt::Debug for Client<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("endpoints", self.endpoints())
            .field("workspace", &self.workspace())
            .field("api_version", &self.api_version())
            .finish_non_exhaustive()
    }
}

/// The part of the stack that is the SDK's own, between the two seats for layers:
///
/// ```text
/// call layers          once for each operation
///   span of the call; time limits on the whole of it, and on silence in its answer
///     retries          everything below runs once for each attempt
///       address, version, workspace, credential
///         span of the attempt; time limit on the head of its answer
///           attempt layers
///             transport
/// ```
#[derive(Clone, Debug)]
pub struct Pipeline<T>(Trace<Deadline<Retry<Attempt<T>>>>);

type Attempt<T> = Prepare<HeadLimit<Trace<T>>>;

impl<T> Pipeline<T> {
    pub(crate) fn new(
        attempt: T,
        defaults: Arc<Defaults>,
        authenticator: Option<Authenticator>,
        policy: RetryPolicy,
        limits: TimeLimits,
    ) -> Self {
        let traced = Trace::new(attempt, attempt_span);
        let limited = HeadLimit::new(traced, limits);
        let prepared = Prepare::new(limited, defaults, authenticator);
        let limits = Arc::new(limits);
        let retried = Retry::new(prepared, policy, Arc::clone(&limits));
        Self(Trace::new(Deadline::new(retried, limits), call_span))
    }
}

impl<T: HttpService> Service<http::Request<Body>> for Pipeline<T> {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = PipelineFuture<T>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        PipelineFuture {
            inner: self.0.call(request),
        }
    }
}

pin_project! {
    /// A request on its way through a [`Pipeline`].
    pub struct PipelineFuture<T: HttpService> {
        #[pin]
        inner: TraceFuture<DeadlineFuture<RetryFuture<Attempt<T>>>>,
    }
}

impl<T: HttpService> Future for PipelineFuture<T> {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx)
    }
}

impl<T: HttpService> fmt::Debug for PipelineFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PipelineFuture")
    }
}
