//! A client of an authorization server, over any service.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use blaxel_core::__private::ErrorParts;
use blaxel_core::{BoxFuture, BoxService, Error, Secret, Source};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{StatusCode, Uri};
use oauth2::basic::BasicClient;
use oauth2::url::form_urlencoded;
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, TokenUrl,
};

use super::exchange::Exchange;
use super::identity::Identity;
use super::server::AuthorizationServer;
use crate::cache::is_refusal;

/// A secret of fewer bytes is not taken out of answers: to mark its every place would show it.
const SHORTEST_SCRUBBED: usize = 6;

type Grants =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// A client of an authorization server, and the service that carries its requests.
#[derive(Clone)]
pub(super) struct OAuthClient {
    pub(super) identity: Identity,
    pub(super) server: AuthorizationServer,
    exchange: Exchange,
    /// The texts to take out of answers, the client's secret among them.
    secrets: Vec<Secret>,
}

impl OAuthClient {
    pub(super) fn new(
        identity: Identity,
        server: AuthorizationServer,
        service: BoxService,
    ) -> Self {
        let exchange = Exchange::new(service, server.dialect);
        Self {
            secrets: identity.secret.iter().cloned().collect(),
            identity,
            server,
            exchange,
        }
    }

    /// With these taken out of answers too.
    pub(super) fn hiding<'a>(&self, secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut client = self.clone();
        client.secrets.extend(secrets.into_iter().cloned());
        client
    }

    /// The grants at the token endpoint.
    pub(super) fn grants(&self) -> Result<Grants, Error> {
        let endpoint: Uri = self.server.token_endpoint()?;
        let endpoint = TokenUrl::new(endpoint.to_string())
            .map_err(|problem| Error::input("token endpoint", &Source::Code, problem))?;
        let mut client = BasicClient::new(ClientId::new(self.identity.id.clone()));
        if let Some(secret) = &self.identity.secret {
            client = client.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
        }
        let place = if self.identity.in_body {
            AuthType::RequestBody
        } else {
            AuthType::BasicAuth
        };
        Ok(client.set_auth_type(place).set_token_uri(endpoint))
    }

    /// Sends a form to an endpoint, with what tells who we are.
    pub(super) async fn send_form(
        &self,
        to: &Uri,
        form: &[(&str, &str)],
    ) -> Result<HttpResponse, Error> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let mut request = http::Request::post(to)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let Identity {
            id,
            secret,
            in_body,
        } = &self.identity;
        match secret {
            Some(secret) if !in_body => {
                let encode = |text: &str| -> String {
                    form_urlencoded::byte_serialize(text.as_bytes()).collect()
                };
                let pair = format!("{}:{}", encode(id), encode(secret.expose()));
                let basic = format!("Basic {}", BASE64_STANDARD.encode(pair));
                request = request.header(AUTHORIZATION, basic);
            }
            _ => {
                body.append_pair("client_id", id);
                if let Some(secret) = secret {
                    body.append_pair("client_secret", secret.expose());
                }
            }
        }
        let request = request
            .body(body.finish().into_bytes())
            .map_err(|problem| Error::input("request", &Source::Code, problem))?;
        self.send(request).await
    }

    /// Carries a request of a grant. An error answer becomes our own error, which keeps its status.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let response = self.exchange.send(request).await?;
        if response.status() == StatusCode::OK {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        Err(Error::from_response(None, &head, &self.scrub(&body)))
    }

    /// Takes the secrets out of an answer that repeats them.
    fn scrub(&self, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        // To mark every place of a very short one would show it.
        let long = |secret: &&Secret| secret.expose().len() >= SHORTEST_SCRUBBED;
        for secret in self.secrets.iter().filter(long) {
            body = String::from_utf8_lossy(&body)
                .replace(secret.expose(), "[redacted]")
                .into_bytes();
        }
        body
    }

    /// Adds to an error which token it kept from being fetched, and the remedy if the server refused.
    pub(super) fn explain(&self, error: Error, name: &dyn fmt::Display, advice: &str) -> Error {
        let host = self.server.host();
        let doing = if is_refusal(&error) {
            format!("{host} refused {name}; {advice}")
        } else {
            let doing = no_token(host, name);
            if error.status().is_some_and(|status| status.is_redirection()) {
                format!("{doing}, and redirects are not followed")
            } else {
                doing
            }
        };
        error.while_authenticating(doing)
    }
}

pub(super) fn no_token(host: &str, name: &dyn fmt::Display) -> String {
    format!("no token from {host} for {name}")
}

impl AsyncHttpClient<'_> for OAuthClient {
    type Error = Error;
    type Future = BoxFuture<Result<HttpResponse, Error>>;

    fn call(&self, request: HttpRequest) -> Self::Future {
        let client = self.clone();
        Box::pin(async move { client.send(request).await })
    }
}
