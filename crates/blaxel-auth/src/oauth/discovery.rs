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
use crate::cache::REQUEST_TIMEOUT;

impl AuthorizationServer {
    /// Fetches the endpoints of a server from its metadata, by the address of its issuer.
    ///
    /// The OAuth 2.0 metadata is tried first, then the OpenID Connect configuration.
    ///
    /// ```no_run
    /// # async fn example(transport: impl blaxel_core::HttpService) -> Result<(), blaxel_core::Error> {
    /// use blaxel_auth::{AuthorizationServer, DeviceLogin};
    ///
    /// let server = AuthorizationServer::discover("https://id.example.com", &transport).await?;
    /// let login = DeviceLogin::new(server, transport).with_client_id("my-client");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the issuer is not an `https` address, or an `http` address on this machine.
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if the server has neither document, or
    /// one that has another issuer, no token endpoint, or an endpoint that is not safe. A failure to reach the
    /// server keeps its kind.
    pub async fn discover(issuer: &str, service: &impl HttpService) -> Result<Self, Error> {
        let base = issuer.parse::<BaseUrl>()?;
        let exchange = Exchange::new(service.clone().boxed(), Dialect::Standard);
        let found = timeout(REQUEST_TIMEOUT, fetch_metadata(issuer, &base, &exchange))
            .await
            .unwrap_or_else(|_| Err(Error::timeout("request", REQUEST_TIMEOUT)));
        found.map_err(|error| {
            let host = base.host();
            error.while_authenticating(format!("the endpoints of {host} were not found"))
        })
    }
}

async fn fetch_metadata(
    issuer: &str,
    base: &BaseUrl,
    exchange: &Exchange,
) -> Result<AuthorizationServer, Error> {
    // The OAuth 2.0 document is located before the path of the issuer, the OpenID Connect one after it.
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
    serde_json::from_slice(&body).map_err(|_| Error::decode("the response is not JSON"))
}

fn read(issuer: &str, document: &Value) -> Result<AuthorizationServer, Error> {
    let member = |name: &str| document.get(name).and_then(Value::as_str);
    let named = member("issuer").ok_or_else(|| Error::decode("the response names no issuer"))?;
    // Without this check one server could pose as another.
    if named.trim_end_matches('/') != issuer.trim().trim_end_matches('/') {
        return Err(Error::decode("the response names another issuer"));
    }
    let unsafe_endpoint = |error: Error| Error::decode(error.to_string());
    let token = member("token_endpoint")
        .ok_or_else(|| Error::decode("the response names no token endpoint"))?;
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
