//! The HTTP client of all exporters. Each export has headers that are valid when it is sent.

use std::pin::Pin;

use blaxel::Error;
use blaxel::auth::HeaderProvider;
use blaxel::blaxel_core::{Body, HttpService, response};
use blaxel::transport::HyperTransport;
use http::StatusCode;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

/// Maximum size of a response of the collector, in bytes.
const RESPONSE_LIMIT: usize = 64 * 1024;

/// Sends exports. It uses a transport and not a `Client`, whose calls have spans: each export would cause another one.
#[derive(Clone, Debug)]
pub(crate) struct Exporter {
    runtime: Handle,
    transport: HyperTransport,
    headers: HeaderProvider,
}

impl Exporter {
    /// Creates the client. It has to be called within a tokio runtime, which sends the exports.
    pub(crate) fn new(headers: HeaderProvider) -> Self {
        Self {
            runtime: Handle::current(),
            transport: HyperTransport::default(),
            headers,
        }
    }

    /// Sends an export. If the token is refused, it is sent once more with a new one.
    async fn send(&self, export: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let (head, bytes) = export.into_parts();
        let mut may_retry = true;
        loop {
            let body = Body::from(bytes.clone());
            let mut request = Request::from_parts(head.clone(), body);
            self.headers.apply(request.headers_mut()).await?;
            let used = request.headers().clone();
            let response = self.transport.send(request).await?;
            let is_refused = response.status() == StatusCode::UNAUTHORIZED;
            if is_refused && may_retry && self.headers.invalidate(&used) {
                may_retry = false;
                continue;
            }
            let (head, body) = response.into_parts();
            let body = response::collect(body, RESPONSE_LIMIT).await?;
            return Ok(Response::from_parts(head, body));
        }
    }
}

impl HttpClient for Exporter {
    // As the macro `async_trait` of the trait expands `async fn send_bytes(&self, request: Request<Bytes>)`.
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        // The exporters run on threads of their own, outside of tokio.
        let exporter = self.clone();
        let sending = self
            .runtime
            .spawn(async move { exporter.send(request).await });
        Box::pin(async move { Ok(sending.await??) })
    }
}
