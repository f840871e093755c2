//! Plain hyper-util with as little work as possible for each call: constant parts are prepared
//! once.

use std::net::SocketAddr;

use blaxel_transport::HttpVersion;
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::stack;

#[derive(Clone)]
pub struct HyperClient {
    client: Client<HttpConnector, Empty<Bytes>>,
    authority: Authority,
    headers: HeaderMap,
}

impl HyperClient {
    pub fn new(address: SocketAddr, version: HttpVersion) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .http2_only(version == HttpVersion::Http2)
                .build(connector),
            authority: address.to_string().parse().expect("an authority"),
            headers: stack::headers(&format!("http://{address}")),
        }
    }

    /// Sends a `GET` request and reads the whole body.
    pub async fn get(&self, path_and_query: String) -> Response<Bytes> {
        let (head, body) = self.open(path_and_query).await.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Response::from_parts(head, body)
    }

    /// Sends a `GET` request and returns the response with its body unread.
    pub async fn open(&self, path_and_query: String) -> Response<Incoming> {
        let response = self.client.request(self.request(path_and_query)).await;
        let response = response.expect("a response");
        assert!(response.status().is_success());
        response
    }

    fn request(&self, path_and_query: String) -> Request<Empty<Bytes>> {
        let mut target = http::uri::Parts::default();
        target.scheme = Some(Scheme::HTTP);
        target.authority = Some(self.authority.clone());
        target.path_and_query = PathAndQuery::from_maybe_shared(Bytes::from(path_and_query)).ok();
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = Uri::from_parts(target).expect("an address");
        request.headers_mut().clone_from(&self.headers);
        request
    }
}
