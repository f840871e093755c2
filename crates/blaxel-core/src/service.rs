//! [`HttpService`]: any tower service that carries HTTP requests, and [`call`] to run operations on
//! it.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::Body;
use crate::context::{CallContext, operation};
use crate::description::OperationInfo;
use crate::error::{BoxError, Delivery, Error, ErrorParts};
use crate::operation::Operation;
use crate::redact::redact_sent_bytes;
use crate::response;

/// A boxed future that is `Send` and `'static`.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A service that carries a request to the API and returns the response.
///
/// It is implemented for every tower service over `http::Request<Body>` whose response has a body
/// of bytes, that is `Clone + Send + Sync + 'static`, and whose future is `Send`: the client of
/// `blaxel-transport`, the emulator's in-process service, a `tower::service_fn`, or a stack of
/// layers over any of these. It never has to be implemented by hand.
///
/// ```
/// use blaxel_core::{Body, BoxService, Error, HttpService};
///
/// let service = tower::service_fn(async |request: http::Request<Body>| {
///     Ok::<_, Error>(http::Response::new(Body::from(request.uri().path().to_owned())))
/// });
/// let boxed: BoxService = service.boxed();
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let request = http::Request::get("https://example.com/a").body(Body::empty()).unwrap();
/// let response = boxed.send(request).await?;
/// assert_eq!(response.into_body().bytes().unwrap(), "/a");
/// # Ok::<(), Error>(())
/// # }).unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot carry calls to the Blaxel API",
    label = "not an HTTP service",
    note = "an HTTP service is a `tower::Service<http::Request<blaxel_core::Body>>` that returns \
            `http::Response<B>` with a body of `Bytes`, whose error converts into \
            `Box<dyn Error + Send + Sync>`, that is `Clone + Send + Sync + 'static`, and whose \
            future is `Send`; wrap a stack that is not `Clone` in `tower::buffer::Buffer`"
)]
pub trait HttpService:
    Service<
        http::Request<Body>,
        Response = http::Response<<Self as HttpService>::ResponseBody>,
        Error: Into<BoxError>,
        Future: Send,
    > + Clone
    + Send
    + Sync
    + 'static
{
    /// The body type of its responses.
    type ResponseBody: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;

    /// Sends a request and waits for the response headers.
    ///
    /// Any status counts as success here; [`open`] and [`call`] return an error for a status other
    /// than 2xx.
    fn send(
        &self,
        request: http::Request<Body>,
    ) -> impl Future<Output = Result<http::Response<Body>, Error>> + Send + 'static {
        Sending {
            context: CallContext::of(request.extensions()).cloned(),
            // The clone that is polled ready must be the one that is called: readiness may be a permit.
            step: SendStep::Readying {
                service: self.clone(),
                request: Some(request),
            },
        }
    }

    /// Erases the type of the service. This costs an allocation for each request, unless the
    /// service is boxed already.
    fn boxed(self) -> BoxService {
        match (&self as &dyn Any).downcast_ref::<BoxService>() {
            Some(boxed) => boxed.clone(),
            None => BoxService {
                inner: Arc::new(self),
            },
        }
    }
}

impl<S, B> HttpService for S
where
    S: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type ResponseBody = B;
}

pin_project! {
    /// The future of [`HttpService::send`]. It is written by hand because it then holds the request
    /// once; an async block would hold it twice.
    struct Sending<S: Service<http::Request<Body>>> {
        context: Option<CallContext>,
        #[pin]
        step: SendStep<S, S::Future>,
    }
}

pin_project! {
    /// The state of [`Sending`]: waiting for readiness, or for the response.
    #[project = SendStepProjection]
    enum SendStep<S, F> {
        Readying { service: S, request: Option<http::Request<Body>> },
        Calling { #[pin] call: F },
    }
}

impl<S: HttpService> Future for Sending<S> {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let outcome = loop {
            let call = match this.step.as_mut().project() {
                SendStepProjection::Calling { call } => {
                    break ready!(call.poll(cx)).map_err(convert);
                }
                SendStepProjection::Readying { service, request } => {
                    if let Err(error) = ready!(service.poll_ready(cx)) {
                        break Err(convert(error).with_delivery(Delivery::NotSent));
                    }
                    let Some(request) = request.take() else {
                        return Poll::Pending;
                    };
                    service.call(request)
                }
            };
            this.step.set(SendStep::Calling { call });
        };
        let context = this.context.as_ref();
        Poll::Ready(match outcome {
            Ok(response) => Ok(response.map(|body| with_context(Body::new(body), context))),
            Err(error) => Err(add_context(error, context)),
        })
    }
}

/// Gives a body the context of its call. A body keeps a context of its own if the request's context
/// counted nothing: it comes from a client that did not see the request's context and knows more.
fn with_context(mut body: Body, context: Option<&CallContext>) -> Body {
    if let Some(context) = context
        && body
            .context()
            .is_none_or(|own| !own.is(context) && !context.journal().is_unsent())
    {
        body.set_context(context.clone());
    }
    body
}

/// Adds the facts in the context of the call to an error.
fn add_context(error: Error, context: Option<&CallContext>) -> Error {
    match context {
        Some(context) => error.with_context(context),
        None => error,
    }
}

/// Converts the error of a service.
fn convert(error: impl Into<BoxError>) -> Error {
    Error::from_box(error.into())
}

/// Any [`HttpService`] as one nameable type. Cloning it increments a reference count.
#[derive(Clone)]
pub struct BoxService {
    inner: Arc<dyn Erased>,
}

/// The object-safe part of [`HttpService`].
trait Erased: Send + Sync {
    /// Sends a request, as [`HttpService::send`] does.
    fn send(&self, request: http::Request<Body>) -> BoxFuture<Result<http::Response<Body>, Error>>;
}

impl<S: HttpService> Erased for S {
    fn send(&self, request: http::Request<Body>) -> BoxFuture<Result<http::Response<Body>, Error>> {
        Box::pin(HttpService::send(self, request))
    }
}

impl Service<http::Request<Body>> for BoxService {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = BoxFuture<Result<Self::Response, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // Each call waits until its own clone of the inner service is ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.inner.send(request)
    }
}

impl fmt::Debug for BoxService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxService")
    }
}

/// Runs an operation on a service and returns its output.
///
/// See the [front page](crate) for an example.
///
/// # Errors
///
/// [`Error::is_input`] before anything is sent if an argument is invalid; the service's error if it
/// fails; the server's error for a status other than 2xx; [`Error::is_decode`] if the response
/// cannot be decoded or is larger than [`Operation::RESPONSE_LIMIT`].
pub async fn call<O: Operation, S: HttpService>(
    service: &S,
    operation: &O,
) -> Result<O::Output, Error> {
    let request = operation.encode()?;
    receive(service, request, O::INFO, O::RESPONSE_LIMIT, O::decode).await
}

/// Sends the request of an operation and reads its whole response. It is [`call`] without the type of the operation.
///
/// # Errors
///
/// Those of [`call`].
pub async fn receive<T, S: HttpService>(
    service: &S,
    request: http::Request<Body>,
    info: &'static OperationInfo,
    limit: usize,
    decode: fn(http::Response<Bytes>) -> Result<T, Error>,
) -> Result<T, Error> {
    // As `open` does, whose future would hold the request once more.
    let response = service.send(request).await?;
    if !response.status().is_success() {
        return Err(read_error(Some(info), response).await.0);
    }
    let (head, body) = response.into_parts();
    let context = body.context().cloned();
    let output = match response::collect(body, limit).await {
        Ok(bytes) => decode(http::Response::from_parts(head, bytes)),
        Err(error) => Err(error.with_head(&head).in_operation(Some(info))),
    };
    output.map_err(|error| add_context(error, context.as_ref()))
}

/// Sends a request and returns a successful response with its body as a stream.
///
/// ```
/// use blaxel_core::{Body, Error, Plane, open, raw_request};
///
/// let service = tower::service_fn(async |_: http::Request<Body>| {
///     Ok::<_, Error>(http::Response::new(Body::from("a long log")))
/// });
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let request = http::Request::get("/logs").body(Body::empty()).unwrap();
/// let response = open(&service, raw_request(Plane::Control, request)?).await?;
/// let mut body = response.into_body();
/// while let Some(chunk) = body.chunk().await? {
///     println!("{} bytes", chunk.len());
/// }
/// # Ok::<(), Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
///
/// The service's error if it fails, and the server's error for a status other than 2xx. At most 64
/// KiB of an error response are read.
pub async fn open<S: HttpService>(
    service: &S,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, Error> {
    let operation = operation(&request);
    let response = service.send(request).await?;
    if !response.status().is_success() {
        return Err(read_error(operation, response).await.0);
    }
    Ok(response)
}

/// Reads the error of an unsuccessful response. Also returns the start of its body, at most 64 KiB.
pub async fn read_error(
    operation: Option<&'static OperationInfo>,
    response: http::Response<Body>,
) -> (Error, Bytes) {
    let (head, body) = response.into_parts();
    let context = body.context().cloned();
    let start = response::collect_start(body, response::ERROR_LIMIT).await;
    let start = redact_sent_bytes(&head, start);
    let plane = match (operation, &context) {
        (Some(operation), _) => Some(operation.plane()),
        (None, context) => context.as_ref().map(CallContext::plane),
    };
    let error = Error::from_response_on(operation, plane, &head, &start);
    (add_context(error, context.as_ref()), start)
}
