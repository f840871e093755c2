//! What carries requests: any tower service over HTTP.

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
use crate::response;

/// A future that lives on its own and can be sent between threads.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Anything that carries a request to the API and brings back the response.
///
/// It is implemented for every tower service over `http::Request<Body>` whose response has a body of
/// bytes, which is `Clone + Send + Sync + 'static`, and whose future is `Send`: our client, the
/// emulator's socketless service, a `tower::service_fn`, a stack of layers over any of them. There
/// is nothing to implement by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot carry calls to the Blaxel API",
    label = "not a service over HTTP",
    note = "a carrier is a `tower::Service<http::Request<blaxel_core::Body>>` that answers \
            `http::Response<B>` with a body of `Bytes`, fails with an error that goes into \
            `Box<dyn Error + Send + Sync>`, is `Clone + Send + Sync + 'static`, and whose future \
            is `Send`; for a stack that is not `Clone`, wrap it in `tower::buffer::Buffer`"
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
    /// The body of its responses.
    type ResponseBody: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;

    /// Sends a request and waits for the head of its response.
    ///
    /// Any status is a response here; [`open`] and [`call`] tell successes from errors.
    fn send(
        &self,
        request: http::Request<Body>,
    ) -> impl Future<Output = Result<http::Response<Body>, Error>> + Send + 'static {
        Sending {
            context: CallContext::of(request.extensions()).cloned(),
            // The clone that is found ready is the one that is called: readiness may be a permit.
            step: SendStep::Readying {
                service: self.clone(),
                request: Some(request),
            },
        }
    }

    /// Hides the type of the service behind one name. It costs an allocation for each request, unless
    /// the service is boxed already.
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
    /// A request on its way through a service. Written out by hand, it holds the request once; an
    /// async block would hold it twice.
    struct Sending<S: Service<http::Request<Body>>> {
        context: Option<CallContext>,
        #[pin]
        step: SendStep<S, S::Future>,
    }
}

pin_project! {
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
                SendStepProjection::Calling { call } => break ready!(call.poll(cx)).map_err(own),
                SendStepProjection::Readying { service, request } => {
                    if let Err(error) = ready!(service.poll_ready(cx)) {
                        break Err(own(error).with_delivery(Delivery::NotSent));
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
            Ok(response) => Ok(response.map(|body| accounted(Body::new(body), context))),
            Err(error) => Err(settled(error, context)),
        })
    }
}

/// Gives a body the context of its call, unless it came through a client that had lost it: then that
/// client's own context knows more.
fn accounted(mut body: Body, context: Option<&CallContext>) -> Body {
    if let Some(context) = context
        && body
            .context()
            .is_none_or(|own| !own.is(context) && !context.journal().is_unsent())
    {
        body.set_context(context.clone());
    }
    body
}

fn settled(error: Error, context: Option<&CallContext>) -> Error {
    match context {
        Some(context) => error.settled(context),
        None => error,
    }
}

fn own(error: impl Into<BoxError>) -> Error {
    Error::from_box(error.into())
}

/// Any [`HttpService`], under one nameable type. A clone counts a reference.
#[derive(Clone)]
pub struct BoxService {
    inner: Arc<dyn Erased>,
}

trait Erased: Send + Sync {
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
        // Each call waits for the readiness of its own clone of the inner service.
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

/// Runs an operation on a service and reads its output.
///
/// # Errors
///
/// [`Error::is_input`] before anything is sent if an argument is unusable; the service's own error
/// if it fails; the server's error for a status other than 2xx; [`Error::is_decode`] if the answer
/// cannot be understood or is larger than [`Operation::RESPONSE_LIMIT`].
pub async fn call<O: Operation, S: HttpService>(
    service: &S,
    operation: &O,
) -> Result<O::Output, Error> {
    let response = open(service, operation.encode()?).await?;
    let (head, body) = response.into_parts();
    let context = body.context().cloned();
    let output = match response::collect(body, O::RESPONSE_LIMIT).await {
        Ok(bytes) => O::decode(http::Response::from_parts(head, bytes)),
        Err(error) => Err(error.with_head(&head).in_operation(Some(O::INFO))),
    };
    output.map_err(|error| settled(error, context.as_ref()))
}

/// Sends a request and returns the response with its body as a stream.
///
/// # Errors
///
/// The service's own error if it fails, and the server's error for a status other than 2xx, of which
/// at most 64 KiB are read.
pub async fn open<S: HttpService>(
    service: &S,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, Error> {
    let operation = operation(&request);
    let response = service.send(request).await?;
    if response.status().is_success() {
        return Ok(response);
    }
    let (error, _) = read_error(operation, response).await;
    Err(error)
}

/// Reads the error that a response without success stands for, and returns the start of its body too:
/// at most 64 KiB.
pub async fn read_error(
    operation: Option<&'static OperationInfo>,
    response: http::Response<Body>,
) -> (Error, Bytes) {
    let (head, body) = response.into_parts();
    let context = body.context().cloned();
    let start = response::collect_start(body, response::ERROR_LIMIT).await;
    let plane = match (operation, &context) {
        (Some(operation), _) => Some(operation.plane()),
        (None, context) => context.as_ref().map(CallContext::plane),
    };
    let error = Error::from_answer(operation, plane, &head, &start);
    (settled(error, context.as_ref()), start)
}
