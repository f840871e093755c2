//! Requests of a foreign client under a fresh credential.

use std::task::{Context, Poll};

use async_openai::error::OpenAIError;
use async_openai::middleware::{HttpRequestFactory, ReqwestService};
use blaxel::auth::HeaderProvider;
use tower::Service;

/// Puts the headers that Blaxel asks for into each request, as it is sent: a token that has been
/// renewed since the last one is the one that goes out. The client's own `Authorization`, which it
/// makes of its placeholder of a key, is taken away, for the platform would refuse it.
#[derive(Clone)]
pub(crate) struct FreshHeaders {
    headers: HeaderProvider,
    inner: ReqwestService,
}

impl FreshHeaders {
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
                // Proxies that compress anew have broken streams on the way.
                let no_transform = http::HeaderValue::from_static("no-transform");
                request.headers_mut().insert("cache-control", no_transform);
                Ok(request)
            }
        });
        self.inner.call(with_headers)
    }
}
