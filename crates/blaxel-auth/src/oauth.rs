//! OAuth 2.0: the client credentials grant, over any service.

mod dialect;
mod exchange;

use std::fmt;
use std::time::Duration;

use blaxel_core::{BaseUrl, BoxFuture, BoxService, Error, Secret, Source};
use http::{StatusCode, Uri};
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicTokenResponse, BasicTokenType};
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse,
    RequestTokenError, TokenResponse, TokenUrl,
};

pub use self::dialect::Dialect;
use self::exchange::Exchange;
use crate::cache::is_refusal;
use crate::credentials::CredentialKind;
use crate::token::{NewToken, TokenSource};

const TOKEN_PATH: &str = "/oauth/token";
const SHORTEST_SCRUBBED: usize = 6;

/// Client credentials and where they are exchanged for tokens.
#[derive(Clone)]
pub(crate) struct ClientGrant {
    id: ClientId,
    secret: ClientSecret,
    source: Source,
    base: BaseUrl,
    exchange: Exchange,
}

impl ClientGrant {
    pub(crate) fn new(
        id: &str,
        secret: &Secret,
        source: Source,
        base: &BaseUrl,
        service: BoxService,
        dialect: Dialect,
    ) -> Self {
        Self {
            id: ClientId::new(id.to_owned()),
            secret: ClientSecret::new(secret.expose().to_owned()),
            source,
            base: base.clone(),
            exchange: Exchange::new(service, dialect),
        }
    }

    async fn request(&self) -> Result<NewToken, Error> {
        let endpoint: Uri = self.base.join(TOKEN_PATH)?;
        let endpoint = TokenUrl::new(endpoint.to_string())
            .map_err(|problem| Error::input("token endpoint", &Source::Code, problem))?;
        let client = BasicClient::new(self.id.clone())
            .set_client_secret(self.secret.clone())
            .set_auth_type(AuthType::BasicAuth)
            .set_token_uri(endpoint);
        let answer = client
            .exchange_client_credentials()
            .request_async(self)
            .await;
        read(&answer.map_err(own)?)
    }

    /// Carries a request of the grant. An error answer becomes our own error, which keeps its
    /// status.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let response = self.exchange.send(request).await?;
        if response.status() == StatusCode::OK {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        Err(Error::from_response(None, &head, &self.scrub(&body)))
    }

    /// Takes the secret out of an answer that repeats it.
    fn scrub(&self, body: &[u8]) -> Vec<u8> {
        let secret = self.secret.secret();
        // To mark every place of a very short one would show it.
        if secret.len() < SHORTEST_SCRUBBED {
            return body.to_vec();
        }
        String::from_utf8_lossy(body)
            .replace(secret.as_str(), "[redacted]")
            .into_bytes()
    }
}

impl AsyncHttpClient<'_> for ClientGrant {
    type Error = Error;
    type Future = BoxFuture<Result<HttpResponse, Error>>;

    fn call(&self, request: HttpRequest) -> Self::Future {
        let grant = self.clone();
        Box::pin(async move { grant.send(request).await })
    }
}

impl TokenSource for ClientGrant {
    fn fetch(&self) -> BoxFuture<Result<NewToken, Error>> {
        let grant = self.clone();
        Box::pin(async move {
            grant.request().await.map_err(|error| {
                let doing = if is_refusal(&error) {
                    let host = grant.base.host();
                    format!(
                        "{host} refused {}; to ask again will not help",
                        grant.name()
                    )
                } else if error.status().is_some_and(|status| status.is_redirection()) {
                    format!("{}, and redirects are not followed", grant.describe())
                } else {
                    grant.describe()
                };
                error.while_authenticating(doing)
            })
        })
    }

    fn describe(&self) -> String {
        format!("no token from {} for {}", self.base.host(), self.name())
    }
}

impl ClientGrant {
    fn name(&self) -> impl fmt::Display {
        format!(
            "the {} ({})",
            CredentialKind::ClientCredentials,
            self.source
        )
    }
}

fn read(answer: &BasicTokenResponse) -> Result<NewToken, Error> {
    if *answer.token_type() != BasicTokenType::Bearer {
        return Err(Error::decode("the answer holds no bearer token"));
    }
    Ok(NewToken {
        secret: answer.access_token().secret().as_str().into(),
        expires_in: answer
            .expires_in()
            .filter(|lifetime| *lifetime > Duration::ZERO),
    })
}

/// Our error for one of the library's. What it found wrong with an answer is told without the
/// values in it, one of which may be the token.
fn own(error: RequestTokenError<Error, BasicErrorResponse>) -> Error {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::Parse(problem, _) if problem.inner().is_data() => {
            let place = problem.path().to_string();
            let finding = match place.as_str() {
                "." => "a member is missing or has the wrong type".to_owned(),
                member => format!("its member `{member}` has the wrong type"),
            };
            Error::decode(format!("the answer is no token response: {finding}"))
        }
        RequestTokenError::Parse(..) => Error::decode("the answer is not JSON"),
        RequestTokenError::ServerResponse(answer) => Error::decode(answer.to_string()),
        RequestTokenError::Other(problem) => Error::decode(problem),
    }
}

#[cfg(test)]
mod tests;
