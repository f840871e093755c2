//! A port as a tower service.

use std::task::{Context, Poll};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, BoxError, BoxFuture, Error, HttpService, OperationInfo};
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http_body::Body as _;
use tower_service::Service;

use super::PortService;
use super::route::{Route, add_headers, call, remove_connection_headers};

impl<S, B> Service<http::Request<B>> for PortService<S>
where
    S: HttpService,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = BoxFuture<Result<Self::Response, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // Each call waits until its own clone of the inner service is ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        Box::pin(forward(self.route.clone(), request.map(Body::new)))
    }
}

/// Sends a request that somebody else made, and returns the response for that somebody.
async fn forward<S: HttpService>(
    route: Route<S>,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, Error> {
    let operation = &call(request.method())?.streamed;
    let request =
        write(&route, operation, request).map_err(|error| error.in_operation(Some(operation)))?;
    let mut response = route.send(operation, request).await?;
    remove_connection_headers(response.headers_mut());
    Ok(response)
}

fn write<S: HttpService>(
    route: &Route<S>,
    operation: &'static OperationInfo,
    foreign: http::Request<Body>,
) -> Result<http::Request<Body>, Error> {
    let (head, body) = foreign.into_parts();
    let url = head.uri.path_and_query();
    let url = url.map_or("/", PathAndQuery::as_str);
    let mut writer = route.start(operation, url)?;
    if !body.is_end_stream() {
        // Replaced or removed below.
        writer.body(body, HeaderValue::from_static("application/octet-stream"));
    }
    let mut request = writer.finish()?;
    *request.method_mut() = head.method;
    request.headers_mut().remove(CONTENT_TYPE);
    add_headers(request.headers_mut(), head.headers);
    Ok(request)
}
