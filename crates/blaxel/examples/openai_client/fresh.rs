//! A tower service that adds fresh credentials to the requests of another client.

use std::task::{Context, Poll};

use async_openai::error::OpenAIError;
use async_openai::middleware::{HttpRequestFactory, ReqwestService};
use blaxel::auth::HeaderProvider;
use tower::Service;

/// Adds the headers that Blaxel requires to each request as it is sent, so that a renewed token is used at once.
///
/// It removes the `Authorization` header that the client derives from its placeholder key, because the platform
/// would reject it.
#[derive(Clone)]
pub(crate) struct FreshHeaders {
    headers: HeaderProvider,
    inner: ReqwestService,
}

impl FreshHeaders {
    /// Creates a service that sends requests with these headers.
    pub(crate) fn new(headers: HeaderProvider) -> Self {
        let inner = ReqwestService::default();
        Self { headers, inner }
    }
}

impl Service<HttpRequestFactory> for FreshHeaders {
    type Response = <ReqwestService as Service<HttpRequestFactory>>::Response;
    type Error = OpenAIError;
    type Future = <ReqwestService as Service<HttpRequestFactory>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        let headers = self.headers.clone();
        let with_headers = HttpRequestFactory::new(move || {
            let (headers, request) = (headers.clone(), request.clone());
            async move {
                let mut request = request.build().await?;
                let applied = headers.apply(request.headers_mut()).await;
                applied.map_err(|error| OpenAIError::Boxed(error.into()))?;
                // Proxies that recompress responses break streams.
                let no_transform = http::HeaderValue::from_static("no-transform");
                request.headers_mut().insert("cache-control", no_transform);
                Ok(request)
            }
        });
        self.inner.call(with_headers)
    }
}
