//! The metadata that a server publishes (RFC 8414 and OpenID Connect Discovery).

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BaseUrl, Error, HttpService, Source};
use http::header::ACCEPT;
use http::{Request, Uri};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::answer::members;
use super::dialect::Dialect;
use super::exchange::Exchange;
use super::server::AuthorizationServer;
use crate::cache::REQUEST_TIMEOUT;

impl AuthorizationServer {
    /// Fetches the endpoints of a server from its metadata, by the address of its issuer.
    ///
    /// The OAuth 2.0 metadata is tried first, then the OpenID Connect configuration. They also tell by which
    /// method the server accepts a client's secret, and whether its redirects name it.
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
    // The OAuth 2.0 document is located before the path of the issuer, the OpenID Connect one after it, or, by
    // RFC 8414, before it too.
    let root = base.join("/")?;
    let origin = format!(
        "{}://{}",
        root.scheme_str().unwrap_or_default(),
        root.authority().map_or("", |authority| authority.as_str())
    );
    let path = base.path();
    let mut addresses = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        base.join("/.well-known/openid-configuration")?.to_string(),
    ];
    if !path.is_empty() {
        addresses.push(format!("{origin}/.well-known/openid-configuration{path}"));
    }
    let mut missing = Error::decode("there is no document");
    for address in addresses {
        match fetch(&address, exchange).await {
            Ok(document) => return read(issuer, &document),
            // A web page may be the response to any address.
            Err(error) if !error.is_transient() => missing = error,
            Err(error) => return Err(error),
        }
    }
    Err(missing)
}

async fn fetch(address: &str, exchange: &Exchange) -> Result<Map<String, Value>, Error> {
    let address: Uri = address
        .parse()
        .map_err(|problem| Error::input("issuer", &Source::Code, problem))?;
    let request = Request::get(address)
        .header(ACCEPT, "application/json")
        .body(Vec::new())
        .map_err(|problem| Error::input("issuer", &Source::Code, problem))?;
    let (head, body) = exchange.send(request).await?.into_parts();
    if !head.status.is_success() {
        return Err(Error::from_response(None, &head, &body));
    }
    members(&head, &body).map_err(|problem| Error::decode(problem).with_head(&head))
}

fn read(issuer: &str, document: &Map<String, Value>) -> Result<AuthorizationServer, Error> {
    let member = |name: &str| {
        let text = document.get(name).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    };
    let named = member("issuer").ok_or_else(|| Error::decode("the response names no issuer"))?;
    // Without this check one server could pose as another.
    if named.trim_end_matches('/') != issuer.trim().trim_end_matches('/') {
        return Err(Error::decode("the response names another issuer"));
    }
    let unsafe_endpoint = |error: Error| Error::decode(error.to_string());
    let token = member("token_endpoint")
        .ok_or_else(|| Error::decode("the response names no token endpoint"))?;
    let source = |name: &'static str| Source::Response(name.into());
    let mut server = AuthorizationServer::standard_from(token, &source("token_endpoint"))
        .map_err(unsafe_endpoint)?
        .with_issuer(named);
    if let Some(endpoint) = member("device_authorization_endpoint") {
        server = server
            .with_device_endpoint_from(endpoint, &source("device_authorization_endpoint"))
            .map_err(unsafe_endpoint)?;
    }
    if let Some(endpoint) = member("authorization_endpoint") {
        server = server
            .with_authorization_endpoint_from(endpoint, &source("authorization_endpoint"))
            .map_err(unsafe_endpoint)?;
    }
    if let Some(methods) = texts(document, "code_challenge_methods_supported")
        && !methods.iter().any(|method| method == "S256")
    {
        server = server.without_pkce();
    }
    if let Some(methods) = texts(document, "token_endpoint_auth_methods_supported") {
        server = server.with_client_methods(methods);
    }
    if document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)) {
        server = server.naming_issuer();
    }
    Ok(server)
}

/// Returns a list of texts, or a single text as a list of one.
fn texts(document: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    match document.get(name)? {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(items) => {
            let texts = items.iter().filter_map(Value::as_str);
            Some(texts.map(str::to_owned).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
