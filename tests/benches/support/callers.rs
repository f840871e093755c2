//! Clients that get an agent: our stack in several configurations, plain hyper-util, and other
//! clients.

use std::future::Future;
use std::net::SocketAddr;

use blaxel_core::{Body, HttpService, response};
use blaxel_transport::HttpVersion;
use tower::util::MapRequestLayer;

use super::agent::{Agent, GetAgent, PATH};
use super::hyper_client::HyperClient;
use super::stack::{builder, headers};

/// A client that gets an agent.
pub trait Caller: Clone + Send + Sync + 'static {
    fn call(&self, name: &'static str) -> impl Future<Output = Agent> + Send;
}

/// A job that runs with a caller of any kind, without boxing it.
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

    /// Returns the name used in figures and arguments.
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

    /// Runs a job with a new caller of this kind, over HTTP/1.1 or HTTP/2.
    pub fn with<J: Job>(self, address: SocketAddr, version: HttpVersion, job: J) -> J::Output {
        let url = format!("http://{address}/v0");
        match self {
            Self::Bare => job.run(Bare(HyperClient::new(address, version))),
            Self::Own => job.run(Own(plain(&url, version))),
            Self::Layered => job.run(Own(layered(&url, version))),
            Self::Boxed => job.run(Own(boxed(&url, version))),
            Self::Reqwest12 => job.run(Reqwest12::new(&url, version)),
            Self::Reqwest13 => job.run(Reqwest13::new(&url, version)),
        }
    }
}

fn plain(url: &str, version: HttpVersion) -> impl HttpService {
    builder(url, version).build_unboxed().expect("a client")
}

fn boxed(url: &str, version: HttpVersion) -> impl HttpService {
    builder(url, version).build().expect("a client")
}

/// Builds a client with two layers, which do nothing, at each of the two positions.
fn layered(url: &str, version: HttpVersion) -> impl HttpService {
    let unchanged = |request: http::Request<Body>| request;
    builder(url, version)
        .call_layer(MapRequestLayer::new(unchanged))
        .call_layer(MapRequestLayer::new(unchanged))
        .attempt_layer(MapRequestLayer::new(unchanged))
        .attempt_layer(MapRequestLayer::new(unchanged))
        .build_unboxed()
        .expect("a client")
}

#[derive(Clone)]
struct Own<S>(S);

impl<S: HttpService> Caller for Own<S> {
    async fn call(&self, name: &'static str) -> Agent {
        let called = blaxel_core::call(&self.0, &GetAgent { name }).await;
        called.expect("an agent")
    }
}

#[derive(Clone)]
struct Bare(HyperClient);

impl Caller for Bare {
    async fn call(&self, name: &'static str) -> Agent {
        let response = self.0.get(["/v0", PATH, name].concat()).await;
        response::json(&response).expect("an agent")
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
            fn new(url: &str, version: HttpVersion) -> Self {
                let mut client = $krate::Client::builder()
                    .default_headers(headers(url))
                    .tcp_nodelay(true);
                if version == HttpVersion::Http2 {
                    client = client.http2_prior_knowledge();
                }
                let client = client.build();
                Self {
                    client: client.expect("a client"),
                    agents: format!("{url}{PATH}"),
                }
            }
        }

        impl Caller for $name {
            async fn call(&self, name: &'static str) -> Agent {
                let response = self.client.get(format!("{}{name}", self.agents)).send();
                let response = response.await.expect("a response").error_for_status();
                let agent = response.expect("a success").json::<Agent>().await;
                agent.expect("an agent")
            }
        }
    };
}

reqwest!(Reqwest12, reqwest_012);
reqwest!(Reqwest13, reqwest);
