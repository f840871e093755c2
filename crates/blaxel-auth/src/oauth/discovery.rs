//! The metadata that a server publishes (RFC 8414 and OpenID Connect Discovery).

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BaseUrl, Error, HttpService, Source};
use http::header::ACCEPT;
use http::{Request, StatusCode, Uri};
use serde_json::Value;
use tokio::time::timeout;

use super::dialect::Dialect;
use super::exchange::Exchange;
use super::server::AuthorizationServer;
use crate::cache::LIMIT;

impl AuthorizationServer {
    /// Asks a server, by its issuer's address, for its endpoints.
    ///
    /// It is looked for as the metadata of OAuth 2.0, then as the configuration of OpenID Connect.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the issuer is no address a secret may be sent to.
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if it has neither document,
    /// or one that names another issuer, no token endpoint, or an endpoint that is not safe. A
    /// failure to reach it keeps its kind.
    pub async fn discover(issuer: &str, service: &impl HttpService) -> Result<Self, Error> {
        let base = issuer.parse::<BaseUrl>()?;
        let exchange = Exchange::new(service.clone().boxed(), Dialect::Standard);
        let found = timeout(LIMIT, ask(issuer, &base, &exchange))
            .await
            .unwrap_or_else(|_| Err(Error::timeout("request", LIMIT)));
        found.map_err(|error| {
            let host = base.host();
            error.while_authenticating(format!("the endpoints of {host} were not found"))
        })
    }
}

async fn ask(
    issuer: &str,
    base: &BaseUrl,
    exchange: &Exchange,
) -> Result<AuthorizationServer, Error> {
    // The first of the two stands before the issuer's path, the second behind it.
    let root = base.join("/")?;
    let origin = format!(
        "{}://{}",
        root.scheme_str().unwrap_or_default(),
        root.authority().map_or("", |authority| authority.as_str())
    );
    let standard = format!(
        "{origin}/.well-known/oauth-authorization-server{}",
        base.path()
    );
    let openid = base.join("/.well-known/openid-configuration")?.to_string();
    match fetch(&standard, exchange).await {
        Err(error)
            if error
                .status()
                .is_some_and(|status| status.is_client_error()) =>
        {
            read(issuer, &fetch(&openid, exchange).await?)
        }
        found => read(issuer, &found?),
    }
}

async fn fetch(address: &str, exchange: &Exchange) -> Result<Value, Error> {
    let address: Uri = address
        .parse()
        .map_err(|problem| Error::input("issuer", &Source::Code, problem))?;
    let request = Request::get(address)
        .header(ACCEPT, "application/json")
        .body(Vec::new())
        .map_err(|problem| Error::input("issuer", &Source::Code, problem))?;
    let (head, body) = exchange.send(request).await?.into_parts();
    if head.status != StatusCode::OK {
        return Err(Error::from_response(None, &head, &body));
    }
    serde_json::from_slice(&body).map_err(|_| Error::decode("the answer is not JSON"))
}

fn read(issuer: &str, document: &Value) -> Result<AuthorizationServer, Error> {
    let member = |name: &str| document.get(name).and_then(Value::as_str);
    let named = member("issuer").ok_or_else(|| Error::decode("the answer names no issuer"))?;
    // Else one server could pass itself off as another.
    if named.trim_end_matches('/') != issuer.trim().trim_end_matches('/') {
        return Err(Error::decode("the answer names another issuer"));
    }
    let unsafe_endpoint = |error: Error| Error::decode(error.to_string());
    let token = member("token_endpoint")
        .ok_or_else(|| Error::decode("the answer names no token endpoint"))?;
    let mut server = AuthorizationServer::standard(token)
        .map_err(unsafe_endpoint)?
        .with_issuer(named);
    if let Some(endpoint) = member("device_authorization_endpoint") {
        server = server
            .with_device_endpoint(endpoint)
            .map_err(unsafe_endpoint)?;
    }
    if let Some(endpoint) = member("authorization_endpoint") {
        server = server
            .with_authorization_endpoint(endpoint)
            .map_err(unsafe_endpoint)?;
    }
    let methods = document
        .get("code_challenge_methods_supported")
        .and_then(Value::as_array);
    if let Some(methods) = methods
        && !methods.iter().any(|method| method == "S256")
    {
        server = server.without_pkce();
    }
    Ok(server)
}

#[cfg(test)]
mod tests;
