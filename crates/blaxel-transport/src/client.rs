//! [`Client`], and the SDK's part of its service stack.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use blaxel_auth::Authenticator;
use blaxel_core::__private::{ErrorParts, attach_to_response, journal, restore};
use blaxel_core::{
    ApiVersion, Body, BoxService, CallContext, CallOptions, Endpoints, Error, HttpService,
    Workspace,
};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::call::Call;
use crate::deadline::{Deadline, DeadlineFuture};
use crate::defaults::Defaults;
use crate::header_timeout::HeaderTimeout;
use crate::prepare::Prepare;
use crate::refusal::poll_refused;
use crate::retry::{Retry, RetryFuture, RetryPolicy};
use crate::trace::{MakeSpan, Trace, TraceFuture, attempt_span, call_span};

/// A client of the Blaxel API: a tower service that knows the API's address and the caller's
/// credentials.
///
/// Pass it, or a clone, to the facades. Clones are cheap and share connections and tokens. Building
/// a client needs no runtime; calls need tokio's.
///
/// `Client` without a type parameter is the same type for all layers and transports, so it can be
/// stored in a struct. [`ClientBuilder::build_unboxed`](crate::ClientBuilder::build_unboxed)
/// returns a client whose parameter names the whole stack, which saves an allocation for each
/// request.
///
/// ```no_run
/// use blaxel_transport::Client;
///
/// struct App {
///     client: Client,
/// }
///
/// let app = App { client: Client::from_env()? };
/// let own = Client::builder().api_key("bl_example").workspace("my-team").build()?;
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Client<S = BoxService> {
    service: S,
    defaults: Arc<Defaults>,
    options: Option<CallOptions>,
}

impl<S> Client<S> {
    /// Creates a client of a service stack.
    pub(crate) fn new(service: S, defaults: Arc<Defaults>) -> Self {
        Self {
            service,
            defaults,
            options: None,
        }
    }

    /// Returns this client with options for all its calls, in place of those set before. A request that has
    /// options of its own keeps them. Other clones are not affected. None by default: the settings of the
    /// builder apply.
    ///
    /// ```
    /// use blaxel_core::CallOptions;
    /// use blaxel_transport::Client;
    ///
    /// let client = Client::builder().api_key("bl_example").build()?;
    /// let without_retries = client.clone().with_options(CallOptions::new().with_attempts(1));
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = Some(options);
        self
    }

    /// Returns the API version of requests that do not name one.
    ///
    /// ```
    /// use blaxel_core::ApiVersion;
    /// use blaxel_transport::Client;
    ///
    /// let client = Client::builder().api_key("bl_example").workspace("my-team").region("us-pdx-1").build()?;
    /// assert_eq!(client.api_version(), ApiVersion::DEFAULT);
    /// assert_eq!(client.workspace().unwrap().as_str(), "my-team");
    /// assert_eq!(client.region(), Some("us-pdx-1"));
    /// assert_eq!(client.endpoints().run.host(), "run.blaxel.ai");
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    #[must_use]
    pub fn api_version(&self) -> ApiVersion {
        self.defaults.version
    }

    /// Returns the workspace of the calls, if one is set.
    #[must_use]
    pub fn workspace(&self) -> Option<&Workspace> {
        self.defaults.workspace.as_ref()
    }

    /// Returns the region set by [`ClientBuilder::region`](crate::ClientBuilder::region) or
    /// `BL_REGION`. Nothing in this crate applies it: pass it to `Management::with_region` and
    /// `Sandboxes::with_region`, and new resources that name no region are created there.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.defaults.region.as_deref()
    }

    /// Returns the base URLs of the two planes.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.defaults.endpoints
    }
}

impl<S: HttpService> Client<S> {
    /// Erases the type of the client's stack. This costs one allocation for each request.
    pub fn boxed(self) -> Client {
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
        // `Pipeline` rejects a request without context; its future can return the error.
        if let Ok(context) = restore(&mut request) {
            journal(&context).set_counted();
            if let Some(options) = self.options {
                // Has no effect if the call has options of its own.
                let _ = context.with_options(options);
            }
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

/// The SDK's part of the stack, between the two positions for user-supplied layers.
///
/// A request passes, from the outside in:
///
/// ```text
/// call layers          once for each operation
///   context restored
///   span of the call; limits on the whole call, and on an idle response body
///     retries          everything below runs once for each attempt
///       address resolved; version, workspace, credential
///         span of the attempt; time limit on its response headers
///           attempt layers
///             attempts counted
///               transport
/// ```
#[derive(Clone, Debug)]
pub struct Pipeline<T> {
    stack: Stack<T>,
    defaults: Arc<Defaults>,
    /// `true` if there are call layers, which may read the context of a response.
    layered: bool,
}

/// The services of a [`Pipeline`], outermost first.
type Stack<T> = Trace<Deadline<Retry<Attempt<T>>>, MakeSpan<Call>>;
/// The services that run once for each attempt.
type Attempt<T> = Prepare<HeaderTimeout<Trace<T>>>;

impl<T> Pipeline<T> {
    /// Builds the services around the attempt layers.
    pub(crate) fn new(
        attempt: T,
        defaults: Arc<Defaults>,
        authenticator: Option<Authenticator>,
        policy: RetryPolicy,
        layered: bool,
    ) -> Self {
        let traced = Trace::new(attempt, attempt_span as MakeSpan<_>);
        let limited = HeaderTimeout::new(traced);
        let prepared = Prepare::new(limited, Arc::clone(&defaults), authenticator);
        let retried = Retry::new(prepared, policy, Arc::clone(&defaults));
        Self {
            stack: Trace::new(Deadline::new(retried), call_span as MakeSpan<_>),
            defaults,
            layered,
        }
    }
}

impl<T: HttpService> Service<http::Request<Body>> for Pipeline<T> {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = PipelineFuture<T>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.stack.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let context = match restore(&mut request) {
            Ok(context) => context,
            Err(error) => {
                let step = Step::Refused { error: Some(error) };
                return PipelineFuture { step };
            }
        };
        journal(&context).set_counted();
        let call = Call {
            request,
            context: context.clone(),
            limits: self.defaults.limits.of_call(&context),
        };
        PipelineFuture {
            step: Step::Calling {
                outcome: self.stack.call(call),
                context,
                layered: self.layered,
            },
        }
    }
}

pin_project! {
    /// The future of [`Pipeline`].
    pub struct PipelineFuture<T: HttpService> {
        #[pin]
        step: Step<T>,
    }
}

pin_project! {
    /// The state of a [`PipelineFuture`].
    #[project = StepProjection]
    enum Step<T: HttpService> {
        Refused { error: Option<Error> },
        Calling {
            #[pin]
            outcome: TraceFuture<DeadlineFuture<Pin<Box<RetryFuture<Attempt<T>>>>>>,
            context: CallContext,
            layered: bool,
        },
    }
}

impl<T: HttpService> Future for PipelineFuture<T> {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().step.project() {
            StepProjection::Refused { error } => poll_refused(error),
            StepProjection::Calling {
                outcome,
                context,
                layered,
            } => Poll::Ready(match ready!(outcome.poll(cx)) {
                Ok(mut response) => {
                    attach_to_response(&mut response, context, *layered);
                    Ok(response)
                }
                Err(error) => Err(error.with_context(context)),
            }),
        }
    }
}

impl<T: HttpService> fmt::Debug for PipelineFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PipelineFuture")
    }
}
