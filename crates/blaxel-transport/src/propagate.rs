//! Propagation of the trace context to the server.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use blaxel_core::Body;
use http::HeaderMap;
use tower_layer::Layer;
use tower_service::Service;

/// Writes the current trace context into the headers of a request, such as `traceparent`.
///
/// It is called once for each attempt, inside the attempt's span, so `tracing::Span::current()` is
/// that span. It is implemented for functions of `&mut HeaderMap`; with the crates of OpenTelemetry
/// it takes a few lines:
///
/// ```text
/// impl Propagator for W3c {
///     fn inject(&self, headers: &mut HeaderMap) {
///         let context = tracing::Span::current().context(); // OpenTelemetrySpanExt
///         get_text_map_propagator(|it| it.inject_context(&context, &mut HeaderInjector(headers)));
///     }
/// }
/// ```
pub trait Propagator: Send + Sync + 'static {
    /// Adds the headers of the current trace context.
    fn inject(&self, headers: &mut HeaderMap);
}

impl<F: Fn(&mut HeaderMap) + Send + Sync + 'static> Propagator for F {
    fn inject(&self, headers: &mut HeaderMap) {
        self(headers);
    }
}

/// A layer that calls a [`Propagator`] for every request. Add it with
/// [`ClientBuilder::attempt_layer`](crate::ClientBuilder::attempt_layer).
///
/// ```
/// use blaxel_transport::{Client, PropagateLayer};
/// use http::{HeaderMap, HeaderValue};
///
/// let parent = HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
/// let propagator = move |headers: &mut HeaderMap| {
///     headers.insert("traceparent", parent.clone());
/// };
/// let client = Client::builder()
///     .api_key("bl_example")
///     .attempt_layer(PropagateLayer::new(propagator))
///     .build()?;
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone)]
pub struct PropagateLayer {
    propagator: Arc<dyn Propagator>,
}

impl PropagateLayer {
    /// Creates a layer that calls this propagator.
    pub fn new(propagator: impl Propagator) -> Self {
        Self {
            propagator: Arc::new(propagator),
        }
    }
}

impl<S> Layer<S> for PropagateLayer {
    type Service = Propagate<S>;

    fn layer(&self, inner: S) -> Propagate<S> {
        Propagate {
            inner,
            propagator: Arc::clone(&self.propagator),
        }
    }
}

impl fmt::Debug for PropagateLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PropagateLayer")
    }
}

/// The service of a [`PropagateLayer`].
#[derive(Clone)]
pub struct Propagate<S> {
    inner: S,
    propagator: Arc<dyn Propagator>,
}

impl<S> fmt::Debug for Propagate<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Propagate")
    }
}

impl<S: Service<http::Request<Body>>> Service<http::Request<Body>> for Propagate<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> S::Future {
        self.propagator.inject(request.headers_mut());
        self.inner.call(request)
    }
}
