//! [`HyperTransport`]: the transport at the bottom of the stack, which sends requests with hyper.
//!
//! `builder.rs` has its settings. `connector.rs` establishes connections, with `proxy.rs` and
//! `tls.rs`; `origin_limiter.rs` limits concurrent requests; `response.rs`, `response_body.rs` and
//! `gunzip.rs` read responses; `failure.rs` finds out whether a failed request may have been
//! processed.

mod builder;
mod connector;
mod failure;
#[cfg(feature = "gzip")]
mod gunzip;
mod origin;
mod origin_limiter;
mod proxy;
mod response;
mod response_body;
mod stream;
mod tls;
mod version;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use blaxel_core::{Body, BoxFuture, CallContext, Error, Plane, Source};
use http::Version;
use http::uri::Scheme;
use hyper_util::client::legacy::{Client, ResponseFuture};
use tower_service::Service;

use self::builder::HostPattern;
use self::connector::Connector;
use self::origin::Origin;
use self::origin_limiter::{Acquire, OriginLimiter, Permit};
use self::response::Decoding;

pub use self::builder::HyperBuilder;
pub use self::proxy::Proxy;
pub use self::tls::Roots;
pub use self::version::HttpVersion;

/// A transport over TCP and TLS, with connection pools.
///
/// It uses HTTP/2 if the server offers it in the TLS handshake, otherwise HTTP/1.1;
/// [`HyperBuilder`] changes this and every other setting. TLS is rustls with the `ring` provider,
/// which is passed explicitly: no process-wide default is read or set. Redirects are not followed.
///
/// Connections to workload hosts and to the control plane are in separate pools, because an idle
/// connection keeps a sandbox awake, while one to the control plane makes the next call fast.
///
/// If a reused connection turns out to be closed before anything of the request was written, the
/// request is sent on another connection. It was never sent before, so this does not count as an
/// attempt. Any other failure is returned, and its [`delivery`](Error::delivery) tells whether the
/// request may have been processed.
///
/// Clones share the pools. Building a transport needs no runtime; sending a request needs tokio's.
///
/// ```
/// use blaxel_transport::{Client, HyperTransport};
///
/// // The default transport of a client, shared by two of them:
/// let transport = HyperTransport::default();
/// let one = Client::builder().api_key("bl_one").transport(transport.clone()).build()?;
/// let two = Client::builder().api_key("bl_two").transport(transport).build()?;
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone)]
pub struct HyperTransport(Arc<Shared>);

/// The state that all clones of a transport share.
struct Shared {
    control: Client<Connector, Body>,
    workload: Client<Connector, Body>,
    workload_hosts: Vec<HostPattern>,
    limiter: Option<Arc<OriginLimiter>>,
    /// The reason why `https` addresses cannot be reached, if there is one.
    tls_problem: Option<String>,
    #[cfg(feature = "gzip")]
    gzip: bool,
}

impl HyperTransport {
    /// Returns a builder with the default settings.
    pub fn builder() -> HyperBuilder {
        HyperBuilder::default()
    }
}

impl Default for HyperTransport {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HyperTransport")
    }
}

impl Service<http::Request<Body>> for HyperTransport {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = HyperFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> HyperFuture {
        let shared = &self.0;
        let origin = match shared.origin_of(&request) {
            Ok(origin) => origin,
            Err(problem) => {
                let error = Error::input("address", &Source::Code, problem);
                return HyperFuture(Step::Refused(Some(error)));
            }
        };
        let workload = shared.is_workload(&request, &origin);
        let decoding = shared.prepare(&mut request, workload);
        let client = if workload {
            &shared.workload
        } else {
            &shared.control
        };
        match shared
            .limiter
            .as_ref()
            .map(|limiter| limiter.acquire(&origin))
        {
            None => send(client, request, origin, decoding, None),
            Some(Acquire::Ready(permit)) => send(client, request, origin, decoding, Some(permit)),
            Some(Acquire::Waiting(permit)) => {
                let waiting = Waiting {
                    permit,
                    client: client.clone(),
                    request,
                    origin,
                    decoding,
                };
                HyperFuture(Step::Waiting(Some(Box::new(waiting))))
            }
        }
    }
}

impl Shared {
    /// Returns the origin of a request, or the problem of its address.
    fn origin_of(&self, request: &http::Request<Body>) -> Result<Origin, &str> {
        let uri = request.uri();
        match (uri.scheme(), uri.authority(), &self.tls_problem) {
            (None, _, _) | (_, None, _) => Err("it is not an absolute URL"),
            (Some(scheme), _, _) if *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS => Err(
                "its scheme is neither http nor https; send a request that names a plane with a \
                 `Client`, or resolve it with `Endpoints::resolve`",
            ),
            (Some(scheme), _, Some(problem)) if *scheme == Scheme::HTTPS => Err(problem),
            (Some(scheme), Some(authority), _) => Ok(Origin::new(scheme, authority)),
        }
    }

    /// Returns `true` if a request goes to a host that an idle connection keeps awake.
    fn is_workload(&self, request: &http::Request<Body>, origin: &Origin) -> bool {
        let plane = CallContext::of(request.extensions()).map(CallContext::plane);
        if plane == Some(Plane::Run) {
            return true;
        }
        let host = origin.host();
        self.workload_hosts
            .iter()
            .any(|pattern| pattern.matches(host))
    }

    /// Completes a request, and returns the way to decode its response.
    #[cfg_attr(not(feature = "gzip"), expect(unused_variables))]
    fn prepare(&self, request: &mut http::Request<Body>, workload: bool) -> Decoding {
        // The connection decides about the version; hyper rejects some other values here.
        *request.version_mut() = Version::HTTP_11;
        #[cfg(feature = "gzip")]
        if self.gzip && !workload && gunzip::may_compress(request) {
            gunzip::accept_gzip(request);
            return Decoding::Gzip;
        }
        Decoding::None
    }
}

/// Hands a request to hyper.
fn send(
    client: &Client<Connector, Body>,
    request: http::Request<Body>,
    origin: Origin,
    decoding: Decoding,
    permit: Option<Permit>,
) -> HyperFuture {
    HyperFuture(Step::Sending {
        response: client.request(request),
        origin: Some(origin),
        decoding,
        permit,
    })
}

/// The future of [`HyperTransport`].
pub struct HyperFuture(Step);

/// The state of a [`HyperFuture`].
enum Step {
    Refused(Option<Error>),
    Waiting(Option<Box<Waiting>>),
    Sending {
        response: ResponseFuture,
        origin: Option<Origin>,
        decoding: Decoding,
        permit: Option<Permit>,
    },
}

/// A request that waits for its permit.
struct Waiting {
    permit: BoxFuture<Permit>,
    client: Client<Connector, Body>,
    request: http::Request<Body>,
    origin: Origin,
    decoding: Decoding,
}

impl Future for HyperFuture {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut self.0 {
                Step::Refused(error) => {
                    return match error.take() {
                        Some(error) => Poll::Ready(Err(error)),
                        None => Poll::Pending,
                    };
                }
                Step::Waiting(waiting) => {
                    let permit = match waiting.as_mut() {
                        Some(waiting) => ready!(waiting.permit.as_mut().poll(cx)),
                        None => return Poll::Pending,
                    };
                    let Some(waiting) = waiting.take() else {
                        return Poll::Pending;
                    };
                    let Waiting {
                        client,
                        request,
                        origin,
                        decoding,
                        ..
                    } = *waiting;
                    *self = send(&client, request, origin, decoding, Some(permit));
                }
                Step::Sending {
                    response,
                    origin,
                    decoding,
                    permit,
                } => {
                    let outcome = ready!(Pin::new(response).poll(cx));
                    let Some(origin) = origin.take() else {
                        return Poll::Pending;
                    };
                    let permit = permit.take();
                    return Poll::Ready(match outcome {
                        Ok(response) => {
                            Ok(response::from_hyper(response, origin, *decoding, permit))
                        }
                        Err(error) => Err(failure::before_headers(error, &origin)),
                    });
                }
            }
        }
    }
}

impl fmt::Debug for HyperFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HyperFuture")
    }
}
