//! A request to a token endpoint and its response.

use blaxel_core::__private::{ErrorParts, compression_problem};
use blaxel_core::{Body, BoxService, Error, HttpService, response};
use oauth2::{HttpRequest, HttpResponse};

use super::dialect::Dialect;

/// The maximum size of a response, in bytes.
const RESPONSE_LIMIT: usize = 1024 * 1024;

/// Carries the requests of the `oauth2` crate over a service, in a dialect. It does not follow redirects,
/// which would show the secret to another server.
#[derive(Clone)]
pub(super) struct Exchange {
    service: BoxService,
    dialect: Dialect,
}

impl Exchange {
    pub(super) fn new(service: BoxService, dialect: Dialect) -> Self {
        Self { service, dialect }
    }

    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let request = self.dialect.request(request).map(Body::from);
        let (head, body) = HttpService::send(&self.service, request)
            .await?
            .into_parts();
        match response::collect(body, RESPONSE_LIMIT).await {
            Ok(bytes) => {
                // An error response says so itself.
                if head.status.is_success()
                    && let Some(problem) = compression_problem(&head.headers)
                {
                    return Err(Error::decode(problem).with_head(&head));
                }
                let response = http::Response::from_parts(head, bytes.to_vec());
                Ok(self.dialect.response(response))
            }
            Err(error) => Err(error.with_head(&head)),
        }
    }
}
