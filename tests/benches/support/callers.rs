//! Those who ask for an agent: our stack in several dresses, the engine below it without any stack,
//! and other clients.

use std::future::Future;
use std::net::SocketAddr;

use blaxel_core::{HttpService, response};
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::agent::{Agent, GetAgent, PATH};
use super::stack;

/// Asks for an agent.
pub trait Caller: Clone + Send + Sync + 'static {
    fn call(&self, name: &'static str) -> impl Future<Output = Agent> + Send;
}

/// Something to be done with a caller of any kind, without a box between the two.
pub trait Job {
    type Output;

    fn run(self, caller: impl Caller) -> Self::Output;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bare,
    Own,
    Layered,
    Boxed,
    Reqwest12,
    Reqwest13,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Bare,
        Self::Own,
        Self::Layered,
        Self::Boxed,
        Self::Reqwest12,
        Self::Reqwest13,
    ];

    /// The name by which figures and arguments know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "hyper-util",
            Self::Own => "blaxel-transport",
            Self::Layered => "layered",
            Self::Boxed => "boxed",
            Self::Reqwest12 => "reqwest-0.12",
            Self::Reqwest13 => "reqwest-0.13",
        }
    }

    /// Does a job with a new caller of this kind.
    pub fn with<J: Job>(self, address: SocketAddr, job: J) -> J::Output {
        match self {
            Self::Bare => job.run(Bare::new(address)),
            Self::Own => job.run(Own(stack::plain(address))),
            Self::Layered => job.run(Own(stack::layered(address))),
            Self::Boxed => job.run(Own(stack::boxed(address))),
            Self::Reqwest12 => job.run(Reqwest12::new(address)),
            Self::Reqwest13 => job.run(Reqwest13::new(address)),
        }
    }
}

#[derive(Clone)]
struct Own<S>(S);

impl<S: HttpService> Caller for Own<S> {
    async fn call(&self, name: &'static str) -> Agent {
        let called = blaxel_core::call(&self.0, &GetAgent { name }).await;
        called.expect("an agent")
    }
}

/// The engine alone, used as sparingly as it can be: what never changes is prepared once.
#[derive(Clone)]
struct Bare {
    client: hyper_util::client::legacy::Client<HttpConnector, Empty<Bytes>>,
    authority: Authority,
    headers: HeaderMap,
}

impl Bare {
    fn new(address: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: hyper_util::client::legacy::Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build(connector),
            authority: address.to_string().parse().expect("an authority"),
            headers: stack::headers(address),
        }
    }

    fn request(&self, name: &str) -> Request<Empty<Bytes>> {
        let path = Bytes::from(["/v0", PATH, name].concat());
        let mut target = http::uri::Parts::default();
        target.scheme = Some(Scheme::HTTP);
        target.authority = Some(self.authority.clone());
        target.path_and_query = PathAndQuery::from_maybe_shared(path).ok();
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = Uri::from_parts(target).expect("an address");
        request.headers_mut().clone_from(&self.headers);
        request
    }
}

impl Caller for Bare {
    async fn call(&self, name: &'static str) -> Agent {
        let answer = self.client.request(self.request(name)).await;
        let (head, body) = answer.expect("an answer").into_parts();
        assert!(head.status.is_success());
        let body = body.collect().await.expect("a body").to_bytes();
        response::json(&Response::from_parts(head, body)).expect("an agent")
    }
}

macro_rules! reqwest {
    ($name:ident, $krate:ident) => {
        #[derive(Clone)]
        struct $name {
            client: $krate::Client,
            agents: String,
        }

        impl $name {
            fn new(address: SocketAddr) -> Self {
                let client = $krate::Client::builder()
                    .default_headers(stack::headers(address))
                    .tcp_nodelay(true)
                    .build();
                Self {
                    client: client.expect("a client"),
                    agents: format!("http://{address}/v0{PATH}"),
                }
            }
        }

        impl Caller for $name {
            async fn call(&self, name: &'static str) -> Agent {
                let answer = self.client.get(format!("{}{name}", self.agents)).send();
                let answer = answer.await.expect("an answer").error_for_status();
                let agent = answer.expect("a success").json::<Agent>().await;
                agent.expect("an agent")
            }
        }
    };
}

reqwest!(Reqwest12, reqwest_012);
reqwest!(Reqwest13, reqwest_013);
