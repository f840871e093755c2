//! The client.

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
use crate::deadline::{Deadline, DeadlineFuture, TimeLimits};
use crate::defaults::Defaults;
use crate::head_limit::HeadLimit;
use crate::prepare::Prepare;
use crate::retry::{Retry, RetryFuture, RetryPolicy};
use crate::trace::{MakeSpan, Trace, TraceFuture, attempt_span, call_span};

/// A client of the Blaxel API: a tower service that knows where the API is and who is calling.
///
/// Hand it, or a clone, to the facades. A clone is cheap and shares connections and token. Building
/// one needs no runtime; calls need tokio's.
///
/// `Client` without a parameter is the same type whatever layers and transport it has, so it can be
/// stored as it is. [`ClientBuilder::build_unboxed`](crate::ClientBuilder::build_unboxed) gives a
/// client whose parameter names the whole stack and which saves an allocation for each request.
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
    pub(crate) fn new(service: S, defaults: Arc<Defaults>) -> Self {
        Self {
            service,
            defaults,
            options: None,
        }
    }

    /// Returns the same client, whose calls have these options unless they have their own.
    #[must_use]
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = Some(options);
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

    /// Returns the region that is set by [`ClientBuilder::region`](crate::ClientBuilder::region) or
    /// `BL_REGION`. Nothing in this crate applies it: pass it to `Management::with_region`, and new
    /// resources that name no region are made there.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.defaults.region.as_deref()
    }

    /// Where the two planes are.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.defaults.endpoints
    }
}

impl<S: HttpService> Client<S> {
    /// Returns the same client under one type, whatever layers it has. It costs one allocation for
    /// each request.
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
        // A request without context is refused further in, where there is a future to say so.
        if let Ok(context) = restore(&mut request) {
            journal(&context).set_counted();
            if let Some(options) = self.options {
                // The call's own options win: they were set first.
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

/// The part of the stack that is the SDK's own, between the two positions for layers:
///
/// ```text
/// call layers          once for each operation
///   context restored; address
///   span of the call; limits on the whole of it, and on silence in its response
///     retries          everything below runs once for each attempt
///       version, workspace, credential
///         span of the attempt; time limit on the head of its response
///           attempt layers
///             attempts counted
///               transport
/// ```
#[derive(Clone, Debug)]
pub struct Pipeline<T> {
    stack: Stack<T>,
    defaults: Arc<Defaults>,
    /// Layers of the user's own lie around this, and may want to read the context of a response.
    layered: bool,
}

type Stack<T> = Trace<Deadline<Retry<Attempt<T>>>, MakeSpan<Call>>;
type Attempt<T> = Prepare<HeadLimit<Trace<T>>>;

impl<T> Pipeline<T> {
    pub(crate) fn new(
        attempt: T,
        defaults: Arc<Defaults>,
        authenticator: Option<Authenticator>,
        policy: RetryPolicy,
        limits: TimeLimits,
        layered: bool,
    ) -> Self {
        let traced = Trace::new(attempt, attempt_span as MakeSpan<_>);
        let limited = HeadLimit::new(traced, limits);
        let prepared = Prepare::new(limited, Arc::clone(&defaults), authenticator);
        let limits = Arc::new(limits);
        let retried = Retry::new(prepared, policy, Arc::clone(&limits));
        Self {
            stack: Trace::new(Deadline::new(retried, limits), call_span as MakeSpan<_>),
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
        let refused = |error| PipelineFuture {
            step: Step::Refused { error: Some(error) },
        };
        let context = match restore(&mut request) {
            Ok(context) => context,
            Err(error) => return refused(error),
        };
        journal(&context).set_counted();
        let mut call = Call {
            request,
            context: context.clone(),
        };
        // Once for all attempts, which then copy an address that is cheap to copy.
        if let Err(error) = self.defaults.route(&mut call) {
            return refused(error.with_context(&context));
        }
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
    /// A request on its way through a [`Pipeline`].
    pub struct PipelineFuture<T: HttpService> {
        #[pin]
        step: Step<T>,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<T: HttpService> {
        Refused { error: Option<Error> },
        Calling {
            #[pin]
            outcome: TraceFuture<DeadlineFuture<RetryFuture<Attempt<T>>>>,
            context: CallContext,
            layered: bool,
        },
    }
}

impl<T: HttpService> Future for PipelineFuture<T> {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().step.project() {
            StepProjection::Refused { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Pending,
            },
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
