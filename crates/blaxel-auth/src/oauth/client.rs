//! A client of an authorization server, over any HTTP service.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use blaxel_core::__private::{ErrorParts, join, redact};
use blaxel_core::{BoxFuture, BoxService, Error, Secret, Source};
use http::Uri;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::response::Parts;
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::url::form_urlencoded;
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, TokenUrl,
};
use serde_json::{Map, Value};

use super::answer::{is_error, members};
use super::exchange::Exchange;
use super::identity::Identity;
use super::server::AuthorizationServer;
use super::token_response::standardized;
use crate::cache::is_refusal;

type Grants =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// A client of an authorization server, with the service that carries its requests.
#[derive(Clone)]
pub(super) struct OAuthClient {
    pub(super) identity: Identity,
    pub(super) server: AuthorizationServer,
    exchange: Exchange,
    /// The texts to redact in responses, including the client's secret.
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

    /// Returns a client that also redacts these secrets in responses.
    pub(super) fn redacting<'a>(&self, secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut client = self.clone();
        client.secrets.extend(secrets.into_iter().cloned());
        client
    }

    /// Returns `true` if the secret is sent in the body of a request, by choice or because the server requires
    /// it.
    fn sends_secret_in_body(&self) -> Result<bool, Error> {
        match &self.identity {
            Identity { secret: None, .. } => Ok(false),
            Identity { in_body: true, .. } => Ok(true),
            _ => self.server.requires_secret_in_body(),
        }
    }

    /// Returns the client of the `oauth2` crate for the token endpoint.
    pub(super) fn grants(&self) -> Result<Grants, Error> {
        let endpoint: Uri = self.server.token_endpoint()?;
        let endpoint = TokenUrl::new(endpoint.to_string())
            .map_err(|problem| Error::input("token endpoint", &Source::Code, problem))?;
        let mut client = BasicClient::new(ClientId::new(self.identity.id.clone()));
        if let Some(secret) = &self.identity.secret {
            client = client.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
        }
        let auth_type = if self.sends_secret_in_body()? {
            AuthType::RequestBody
        } else {
            AuthType::BasicAuth
        };
        Ok(client.set_auth_type(auth_type).set_token_uri(endpoint))
    }

    /// Sends a form to an endpoint, with the client's id and secret, and returns the members of the response.
    pub(super) async fn send_form(
        &self,
        to: &Uri,
        form: &[(&str, &str)],
    ) -> Result<Map<String, Value>, Error> {
        let request = self.form_request(to, form)?;
        let (_, members) = self.send(request).await?;
        Ok(members)
    }

    /// Sends a form to a token endpoint, with the client's id and secret.
    pub(super) async fn request_token(
        &self,
        to: &Uri,
        form: &[(&str, &str)],
    ) -> Result<BasicTokenResponse, Error> {
        let request = self.form_request(to, form)?;
        let response = self.send_standardized(request).await?;
        serde_json::from_slice(response.body())
            .map_err(|_| Error::decode("the response is not a token response"))
    }

    fn form_request(&self, to: &Uri, form: &[(&str, &str)]) -> Result<HttpRequest, Error> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let mut request = http::Request::post(to)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let Identity { id, secret, .. } = &self.identity;
        match secret {
            Some(secret) if !self.sends_secret_in_body()? => {
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
        request
            .body(body.finish().into_bytes())
            .map_err(|problem| Error::input("request", &Source::Code, problem))
    }

    /// Sends a request of a grant. An error response, which may have any status, becomes a
    /// [`blaxel_core::Error`] that keeps its status.
    async fn send(&self, request: HttpRequest) -> Result<(Parts, Map<String, Value>), Error> {
        let (head, body) = self.exchange.send(request).await?.into_parts();
        let members = members(&head, &body);
        match members {
            Ok(mut members) if is_error(&members) || !head.status.is_success() => {
                if members.get("error").is_some_and(Value::is_string) {
                    // The codes of OAuth are in `error`; the server's own must not take their place.
                    for own in ["code", "error_code", "errorCode", "error_type"] {
                        members.remove(own);
                    }
                }
                let body = Value::Object(members).to_string();
                Err(Error::from_response(
                    None,
                    &head,
                    &self.redact(body.as_bytes()),
                ))
            }
            Ok(members) => Ok((head, members)),
            Err(problem) if head.status.is_success() => {
                Err(Error::decode(problem).with_head(&head))
            }
            Err(_) => Err(Error::from_response(None, &head, &self.redact(&body))),
        }
    }

    /// Sends a request to a token endpoint, and returns the response in the form of RFC 6749.
    async fn send_standardized(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let (head, members) = self.send(request).await?;
        let body = standardized(&members)
            .map_err(|problem| Error::decode(problem).with_head(&head))?
            .to_string();
        Ok(http::Response::new(body.into_bytes()))
    }

    /// Redacts the secrets in a response that repeats them.
    fn redact(&self, body: &[u8]) -> Vec<u8> {
        let redact = |body: Vec<u8>, secret: &Secret| redact(&body, secret.expose()).into_owned();
        self.secrets.iter().fold(body.to_vec(), redact)
    }

    /// Adds the host and the token name to an error, and what to do if the server refused.
    pub(super) fn explain(&self, error: Error, name: &dyn fmt::Display, advice: &str) -> Error {
        let host = self.server.host();
        let doing = if is_refusal(&error) {
            join(&format!("{host} refused {name}"), advice)
        } else {
            let doing = describe_failure(host, name);
            if error.status().is_some_and(|status| status.is_redirection()) {
                format!("{doing}, and redirects are not followed")
            } else {
                doing
            }
        };
        error.while_authenticating(doing)
    }
}

/// Describes a failed token request, as context for its error.
pub(super) fn describe_failure(host: &str, name: &dyn fmt::Display) -> String {
    format!("no token from {host} for {name}")
}

impl AsyncHttpClient<'_> for OAuthClient {
    type Error = Error;
    type Future = BoxFuture<Result<HttpResponse, Error>>;

    fn call(&self, request: HttpRequest) -> Self::Future {
        let client = self.clone();
        Box::pin(async move { client.send_standardized(request).await })
    }
}
