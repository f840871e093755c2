//! The leaf of the stack: requests over sockets, by hyper.

mod answer;
mod builder;
mod connector;
mod failure;
#[cfg(feature = "gzip")]
mod gunzip;
mod place;
mod proxy;
mod reading;
mod stream;
mod tls;
mod turns;
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

use self::builder::HostRule;
use self::connector::Connector;
use self::place::Place;
use self::reading::Reading;
use self::turns::{Entry, Turn, Turns};

pub use self::builder::HyperBuilder;
pub use self::proxy::Proxy;
pub use self::tls::Roots;
pub use self::version::HttpVersion;

/// Requests over TCP and TLS, with pools of connections.
///
/// HTTP/2 is used where the server offers it in the TLS handshake, else HTTP/1.1; see
/// [`HyperBuilder`] for this and every other setting. TLS is rustls with the `ring` provider, which
/// is handed over explicitly: no process-wide default is read or set. Redirects are not followed.
///
/// Connections to workload hosts and to the control plane lie in two pools, since an idle connection
/// keeps a sandbox awake but makes the next call to the control plane a fast one.
///
/// A request that was put on a reused connection and found it closed before anything was written
/// goes out on another one; it was never sent, so whoever counts attempts does not see this. Any
/// other failure is told once, and the error [knows](Error::delivery) whether the request may have
/// been processed.
///
/// A clone shares the pools. Building one needs no runtime; sending a request needs tokio's.
#[derive(Clone)]
pub struct HyperTransport(Arc<Shared>);

struct Shared {
    control: Client<Connector, Body>,
    workload: Client<Connector, Body>,
    workload_hosts: Vec<HostRule>,
    turns: Option<Arc<Turns>>,
    /// Why `https` addresses cannot be reached, if they cannot.
    tls_problem: Option<String>,
    #[cfg(feature = "gzip")]
    gzip: bool,
}

impl HyperTransport {
    /// Begins to set one up.
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
        let place = match shared.place(&request) {
            Ok(place) => place,
            Err(problem) => {
                let error = Error::input("address", &Source::Code, problem);
                return HyperFuture(Step::Refused(Some(error)));
            }
        };
        let workload = shared.is_workload(&request, &place);
        let reading = shared.prepare(&mut request, workload);
        let client = if workload {
            &shared.workload
        } else {
            &shared.control
        };
        match shared.turns.as_ref().map(|turns| turns.enter(&place)) {
            None => sending(client, request, place, reading, None),
            Some(Entry::Now(turn)) => sending(client, request, place, reading, Some(turn)),
            Some(Entry::Later(turn)) => {
                let waiting = Waiting {
                    turn,
                    client: client.clone(),
                    request,
                    place,
                    reading,
                };
                HyperFuture(Step::Waiting(Some(Box::new(waiting))))
            }
        }
    }
}

impl Shared {
    /// Where a request goes, or what is wrong with its address.
    fn place(&self, request: &http::Request<Body>) -> Result<Place, &str> {
        let uri = request.uri();
        match (uri.scheme(), uri.authority(), &self.tls_problem) {
            (None, _, _) | (_, None, _) => Err("it is not absolute"),
            (Some(scheme), _, _) if *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS => Err(
                "it is neither http nor https; a request that names a plane goes through a `Client`, \
                 or through `Endpoints::resolve`",
            ),
            (Some(scheme), _, Some(problem)) if *scheme == Scheme::HTTPS => Err(problem),
            (Some(scheme), Some(authority), _) => Ok(Place::new(scheme, authority)),
        }
    }

    /// Whether a request goes to a host that an idle connection keeps awake.
    fn is_workload(&self, request: &http::Request<Body>, place: &Place) -> bool {
        let plane = CallContext::of(request.extensions()).map(CallContext::plane);
        if plane == Some(Plane::Run) {
            return true;
        }
        let host = place.host();
        self.workload_hosts.iter().any(|rule| rule.covers(host))
    }

    /// Makes the last changes to a request, and says how its answer is to be read.
    #[cfg_attr(not(feature = "gzip"), expect(unused_variables))]
    fn prepare(&self, request: &mut http::Request<Body>, workload: bool) -> Reading {
        // Which version is spoken is the connection's matter.
        *request.version_mut() = Version::HTTP_11;
        #[cfg(feature = "gzip")]
        if self.gzip && !workload && gunzip::is_wanted(request) {
            gunzip::ask(request);
            return Reading::Inflated;
        }
        Reading::Plain
    }
}

fn sending(
    client: &Client<Connector, Body>,
    request: http::Request<Body>,
    place: Place,
    reading: Reading,
    turn: Option<Turn>,
) -> HyperFuture {
    HyperFuture(Step::Sending {
        response: client.request(request),
        place: Some(place),
        reading,
        turn,
    })
}

/// A request on its way over a socket.
pub struct HyperFuture(Step);

enum Step {
    Refused(Option<Error>),
    Waiting(Option<Box<Waiting>>),
    Sending {
        response: ResponseFuture,
        place: Option<Place>,
        reading: Reading,
        turn: Option<Turn>,
    },
}

/// A request that waits for its turn.
struct Waiting {
    turn: BoxFuture<Turn>,
    client: Client<Connector, Body>,
    request: http::Request<Body>,
    place: Place,
    reading: Reading,
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
                    let turn = match waiting.as_mut() {
                        Some(waiting) => ready!(waiting.turn.as_mut().poll(cx)),
                        None => return Poll::Pending,
                    };
                    let Some(waiting) = waiting.take() else {
                        return Poll::Pending;
                    };
                    let Waiting {
                        client,
                        request,
                        place,
                        reading,
                        ..
                    } = *waiting;
                    *self = sending(&client, request, place, reading, Some(turn));
                }
                Step::Sending {
                    response,
                    place,
                    reading,
                    turn,
                } => {
                    let outcome = ready!(Pin::new(response).poll(cx));
                    let Some(place) = place.take() else {
                        return Poll::Pending;
                    };
                    let turn = turn.take();
                    return Poll::Ready(match outcome {
                        Ok(response) => Ok(reading::wrap(response, place, *reading, turn)),
                        Err(error) => Err(failure::before_the_head(error, &place)),
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
