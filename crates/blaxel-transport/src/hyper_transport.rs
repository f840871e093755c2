//! [`HyperTransport`]: the transport at the bottom of the stack, which sends requests with hyper.
//!
//! `builder.rs` has its settings. `route.rs` makes connections, with `connector.rs`, `proxy.rs` and
//! `tls.rs`; `pools.rs` and `pool.rs` keep them; `exchange.rs` takes a request from its permit to its response, and
//! `executor.rs` runs connections.
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
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use blaxel_core::__private::check_address;
use blaxel_core::{Body, BoxFuture, CallContext, Error, Plane, Source};
use http::uri::{PathAndQuery, Scheme, Uri};
use http::{Method, Version};
use tower_service::Service;

use self::builder::HostPattern;
use self::exchange::Exchange;
use self::origin::{HostKind, Origin, Target};
use self::origin_limiter::{Acquire, OriginLimiter};
use self::pools::Pools;
use self::request_body::RequestBody;
use self::response::Decoding;
use self::route::Route;
use self::unsent::Unsent;

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
    route: Route,
    /// The route of upgrades, which speaks HTTP/1.1 alone.
    upgrades: Route,
    /// They know the origins of the planes, if the transport was built for a client.
    pools: Pools,
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
        let context = CallContext::of(request.extensions()).cloned();
        let context = context.as_ref();
        let target = match shared.target(&request, context) {
            Ok(target) => target,
            Err(problem) => {
                let error = Error::input("address", &Source::Code, problem);
                return HyperFuture(Box::pin(ready(Err(error))));
            }
        };
        let upgrade = context.filter(|it| upgrade::ask(it, &mut request)).cloned();
        let decoding = shared.prepare(&mut request, context);
        // Permits are granted in the order of the calls, not in that of the first polls.
        let limiter = shared.limiter.as_ref();
        let acquire = limiter.map(|limiter| limiter.acquire(&target.origin));
        let needs_permit = matches!(acquire, Some(Acquire::Waiting(_)));
        let unsent = context.and_then(|it| Unsent::of(it, needs_permit));
        let mut exchange = Exchange {
            shared: Arc::clone(shared),
            request: request.map(RequestBody::from),
            target,
            decoding,
            upgrade,
            acquire,
            unsent,
        };
        HyperFuture(Box::pin(async move { exchange.run().await }))
    }
}

impl Shared {
    /// Returns the place that a request is sent to, or the problem of its address.
    fn target(
        &self,
        request: &http::Request<Body>,
        context: Option<&CallContext>,
    ) -> Result<Target, &str> {
        if *request.method() == Method::CONNECT {
            return Err("it has the method CONNECT, which opens a tunnel and has no response");
        }
        let uri = request.uri();
        let (scheme, authority) = match (uri.scheme(), uri.authority(), &self.tls_problem) {
            (None, _, _) | (_, None, _) => return Err("it is not an absolute URL"),
            (Some(scheme), _, _) if *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS => {
                return Err(
                    "its scheme is neither http nor https; send a request that names a plane with a \
                     `Client`, or resolve it with `Endpoints::resolve`",
                );
            }
            (Some(scheme), _, Some(problem)) if *scheme == Scheme::HTTPS => return Err(problem),
            (Some(scheme), Some(authority), _) => (scheme, authority),
        };
        let origin = Origin::new(scheme, authority);
        let mut known = self.pools.known().iter().enumerate();
        let known = known.find(|(_, it)| it.is_shared_by(scheme, authority));
        let kind = match known {
            Some((_, known)) => known.kind,
            None => {
                // hyper connects to the default port of the scheme if it cannot read the port.
                check_address(uri)?;
                kind_of(&self.workload_hosts, origin.host())
            }
        };
        let kind = match context.map(CallContext::plane) {
            Some(Plane::Run) => HostKind::Workload,
            _ => kind,
        };
        Ok(Target {
            origin,
            kind,
            position: known.map(|(position, _)| position),
        })
    }

    /// Completes a request, and returns the way to decode its response.
    fn prepare(
        &self,
        request: &mut http::Request<Body>,
        context: Option<&CallContext>,
    ) -> Decoding {
        // The connection decides about the version; hyper rejects some other values here.
        *request.version_mut() = Version::HTTP_11;
        begin_with_slash(request.uri_mut());
        #[cfg(feature = "gzip")]
        let gzip = self.gzip;
        #[cfg(not(feature = "gzip"))]
        let gzip = false;
        accept::add_codings(request, context, gzip)
    }
}

/// Puts a slash at the beginning of a path. That of an address that ends with its host or with a fragment is empty, and
/// one with a query alone has nothing before it.
fn begin_with_slash(uri: &mut Uri) {
    let path = match uri.path_and_query().map(PathAndQuery::as_str) {
        // The text of an empty path is a slash, too.
        None | Some("/") => Ok(PathAndQuery::from_static("/")),
        Some(query) if query.starts_with('?') => PathAndQuery::try_from(format!("/{query}")),
        Some(_) => return,
    };
    let mut parts = std::mem::take(uri).into_parts();
    // A slash makes no path invalid.
    parts.path_and_query = path.ok().or(parts.path_and_query);
    *uri = Uri::from_parts(parts).unwrap_or_default();
}

/// Returns the kind of a host, for requests of any plane.
fn kind_of(workload_hosts: &[HostPattern], host: &str) -> HostKind {
    if workload_hosts.iter().any(|it| it.matches(host)) {
        HostKind::Workload
    } else {
        HostKind::Control
    }
}

/// The future of [`HyperTransport`].
pub struct HyperFuture(BoxFuture<Result<http::Response<Body>, Error>>);

impl Future for HyperFuture {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for HyperFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HyperFuture")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_each_address_begins_with_a_slash() {
        for (rest, sent) in [
            ("", "/"),
            ("/", "/"),
            ("#part", "/"),
            ("?q=1", "/?q=1"),
            ("/a?q=1", "/a?q=1"),
        ] {
            let mut uri: Uri = format!("https://api.blaxel.ai{rest}").parse().unwrap();
            begin_with_slash(&mut uri);
            assert_eq!(uri, *format!("https://api.blaxel.ai{sent}"), "{rest}");
            // Over HTTP/1.1 it is sent without the origin. An empty path would have no text then.
            let path = uri.path_and_query().unwrap().clone();
            assert_eq!(Uri::from(path).to_string(), sent, "{rest}");
        }
        let mut without_path: Uri = "api.blaxel.ai:443".parse().unwrap();
        begin_with_slash(&mut without_path);
        assert_eq!(without_path.path_and_query().unwrap(), "/");
    }
}
