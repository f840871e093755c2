//! [`HyperTransport`]: the transport at the bottom of the stack, which sends requests with hyper.
//!
//! `builder.rs` has its settings. `route.rs` makes connections, with `connector.rs`, `proxy.rs` and
//! `tls.rs`; `pools.rs` and `pool.rs` keep them; `exchange.rs` sends a request on one, and `executor.rs` runs it.
//! `origin_limiter.rs` limits concurrent requests; `accept.rs` asks for codings; `request_body.rs` is what
//! hyper queues; `response.rs`, `response_body.rs` and `inflate.rs` read responses; `upgrade.rs` hands over
//! connections that leave HTTP; `failure.rs` finds out whether a failed request may have been processed.

mod accept;
mod builder;
mod connection;
mod connector;
mod exchange;
mod executor;
mod failure;
#[cfg(feature = "gzip")]
mod inflate;
mod origin;
mod origin_limiter;
mod pool;
mod pools;
mod proxy;
mod request_body;
mod response;
mod response_body;
mod route;
mod stream;
mod tls;
mod unsent;
mod upgrade;
mod version;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::check_address;
use blaxel_core::{Body, BoxFuture, CallContext, Error, Plane, Source};
use http::uri::Scheme;
use http::{Method, StatusCode, Version};
use tower_service::Service;

use self::builder::HostPattern;
use self::origin::{HostKind, KnownOrigin, Origin};
use self::origin_limiter::{Acquire, OriginLimiter, Permit};
use self::pools::{Pools, Sent};
use self::response::Decoding;
use self::unsent::Unsent;
use self::upgrade::Upgrading;

use crate::refusal::poll_refused;

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
/// connection keeps a sandbox awake, while one to the control plane makes the next call fast. Each
/// tokio runtime has its own pools, so a transport can be used in several runtimes, such as those of
/// `#[tokio::test]`, one after another or at once.
///
/// If a reused connection turns out to be closed before anything of the request was written, the
/// request is sent on another connection. It was never sent before, so this does not count as an
/// attempt. Any other failure is returned, and its [`delivery`](Error::delivery) tells whether the
/// request may have been processed.
///
/// A request for an [upgrade](blaxel_core::upgrade()) is sent over HTTP/1.1 on a connection of its own,
/// whatever the [`HttpVersion`]. The upgraded connection counts as a request in flight until it is
/// dropped.
///
/// Clones share the pools. Building a transport needs no runtime. A request needs a tokio runtime
/// with timers and I/O; without, it fails before anything is sent.
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
    pools: Pools,
    workload_hosts: Vec<HostPattern>,
    /// The origins of the planes, if the transport was built for a client.
    known: Vec<KnownOrigin>,
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
        let (origin, host) = match shared.origin_of(&request) {
            Ok(origin) => origin,
            Err(problem) => {
                let error = Error::input("address", &Source::Code, problem);
                return HyperFuture(Step::Refused(Some(error)));
            }
        };
        let context = CallContext::of(request.extensions()).cloned();
        let context = context.as_ref();
        let kind = match context.map(CallContext::plane) {
            Some(Plane::Run) => HostKind::Workload,
            _ => host,
        };
        let upgrade = context.filter(|it| upgrade::ask(it, &mut request)).cloned();
        let decoding = shared.prepare(&mut request, context);
        let permit = shared
            .limiter
            .as_ref()
            .map(|limiter| limiter.acquire(&origin));
        let needs_permit = matches!(permit, Some(Acquire::Waiting(_)));
        let unsent = context.and_then(|it| Unsent::of(it, needs_permit));
        let outgoing = Outgoing {
            shared: Arc::clone(shared),
            request,
            kind,
            origin,
            decoding,
            upgrade,
            unsent,
        };
        match permit {
            None => outgoing.send(None),
            Some(Acquire::Ready(permit)) => outgoing.send(Some(permit)),
            Some(Acquire::Waiting(permit)) => {
                HyperFuture(Step::Waiting(Some(Box::new((permit, outgoing)))))
            }
        }
    }
}

impl Shared {
    /// Returns the origin of a request and the kind of its host, or the problem of its address.
    fn origin_of(&self, request: &http::Request<Body>) -> Result<(Origin, HostKind), &str> {
        if *request.method() == Method::CONNECT {
            return Err("it has the method CONNECT, which opens a tunnel and has no response");
        }
        let uri = request.uri();
        match (uri.scheme(), uri.authority(), &self.tls_problem) {
            (None, _, _) | (_, None, _) => Err("it is not an absolute URL"),
            (Some(scheme), _, _) if *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS => Err(
                "its scheme is neither http nor https; send a request that names a plane with a \
                 `Client`, or resolve it with `Endpoints::resolve`",
            ),
            (Some(scheme), _, Some(problem)) if *scheme == Scheme::HTTPS => Err(problem),
            (Some(scheme), Some(authority), _) => {
                let origin = Origin::new(scheme, authority);
                let mut known = self.known.iter();
                if let Some(known) = known.find(|it| it.is_shared_by(scheme, authority)) {
                    return Ok((origin, known.kind));
                }
                // hyper connects to the default port of the scheme if it cannot read the port.
                check_address(uri)?;
                let kind = kind_of(&self.workload_hosts, origin.host());
                Ok((origin, kind))
            }
        }
    }

    /// Completes a request, and returns the way to decode its response.
    fn prepare(
        &self,
        request: &mut http::Request<Body>,
        context: Option<&CallContext>,
    ) -> Decoding {
        // The connection decides about the version; hyper rejects some other values here.
        *request.version_mut() = Version::HTTP_11;
        #[cfg(feature = "gzip")]
        let gzip = self.gzip;
        #[cfg(not(feature = "gzip"))]
        let gzip = false;
        accept::add_codings(request, context, gzip)
    }
}

/// Returns the kind of a host, for requests of any plane.
fn kind_of(workload_hosts: &[HostPattern], host: &str) -> HostKind {
    if workload_hosts.iter().any(|it| it.matches(host)) {
        HostKind::Workload
    } else {
        HostKind::Control
    }
}

/// A request that is ready to be handed to hyper.
struct Outgoing {
    shared: Arc<Shared>,
    request: http::Request<Body>,
    kind: HostKind,
    origin: Origin,
    decoding: Decoding,
    /// The context of the call, if it asks for an upgrade.
    upgrade: Option<CallContext>,
    unsent: Option<Unsent>,
}

impl Outgoing {
    /// Hands the request to hyper.
    fn send(self, permit: Option<Permit>) -> HyperFuture {
        let pools = &self.shared.pools;
        let sent = match &self.upgrade {
            None => pools.send(self.request, &self.origin, self.kind, self.unsent),
            Some(_) => pools.send_for_upgrade(self.request, &self.origin, self.unsent),
        };
        HyperFuture(match sent {
            Ok(response) => Step::Sending {
                response,
                origin: Some(self.origin),
                decoding: self.decoding,
                upgrade: self.upgrade,
                permit,
            },
            Err(error) => Step::Refused(Some(error)),
        })
    }
}

/// The future of [`HyperTransport`].
pub struct HyperFuture(Step);

/// The state of a [`HyperFuture`].
enum Step {
    Refused(Option<Error>),
    Waiting(Option<Box<(BoxFuture<Permit>, Outgoing)>>),
    Sending {
        response: Sent,
        origin: Option<Origin>,
        decoding: Decoding,
        upgrade: Option<CallContext>,
        permit: Option<Permit>,
    },
    Upgrading(Box<Upgrading>),
}

impl Future for HyperFuture {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut self.0 {
                Step::Refused(error) => return poll_refused(error),
                Step::Waiting(waiting) => {
                    let granted = match waiting.as_mut() {
                        Some(waiting) => ready!(waiting.0.as_mut().poll(cx)),
                        None => return Poll::Pending,
                    };
                    let Some((_, mut outgoing)) = waiting.take().map(|waiting| *waiting) else {
                        return Poll::Pending;
                    };
                    outgoing.unsent = outgoing.unsent.and_then(Unsent::with_permit);
                    *self = outgoing.send(Some(granted));
                }
                Step::Sending {
                    response,
                    origin,
                    decoding,
                    upgrade,
                    permit,
                } => {
                    let outcome = ready!(response.as_mut().poll(cx));
                    let Some(origin) = origin.take() else {
                        return Poll::Pending;
                    };
                    let permit = permit.take();
                    let mut response = match outcome {
                        Ok(response) => response,
                        Err(error) => {
                            return Poll::Ready(Err(failure::before_headers(error, &origin)));
                        }
                    };
                    let agreed = response.status() == StatusCode::SWITCHING_PROTOCOLS;
                    let Some(context) = upgrade.take().filter(|_| agreed) else {
                        // Nobody asked for it: the connection is closed, and not left in the extensions.
                        drop(hyper::upgrade::on(&mut response));
                        let response =
                            response::from_hyper(response, origin, *decoding, permit, cx);
                        return Poll::Ready(Ok(response));
                    };
                    let upgrading = Upgrading::new(response, context, origin, permit);
                    self.0 = Step::Upgrading(Box::new(upgrading));
                }
                Step::Upgrading(upgrading) => return Pin::new(upgrading).poll(cx),
            }
        }
    }
}

impl fmt::Debug for HyperFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HyperFuture")
    }
}
