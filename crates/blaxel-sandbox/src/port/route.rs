//! The way to a port: the address, the authorization and the options of its requests.

use std::fmt;

use blaxel_core::__private::workload::{Call, Calls};
use blaxel_core::{Body, CallOptions, Error, HttpService, OperationInfo, RequestWriter, Source};
use http::header::{ACCEPT, HOST, HeaderName};
use http::{HeaderMap, HeaderValue, Method};

use super::refusal;
use crate::remote::{Remote, TOKEN};

static CALLS: Calls = Calls::new("CallPort", "StreamPort", "/port/{port}");

/// The ports that the sandbox uses itself.
const RESERVED: [u16; 3] = [80, 443, 8080];

/// A port of a sandbox.
#[derive(Clone)]
pub(super) struct Route<S> {
    remote: Remote<S>,
    port: u16,
}

impl<S: HttpService> Route<S> {
    pub(super) fn new(remote: Remote<S>, port: u16) -> Self {
        Self { remote, port }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn with_options(&self, options: CallOptions) -> Self {
        Self::new(self.remote.with_options(options), self.port)
    }

    #[cfg(feature = "wait")]
    pub(super) fn options(&self) -> Option<CallOptions> {
        self.remote.options()
    }

    /// Returns the service, for a request of [`start`](Self::start).
    #[cfg(feature = "websocket")]
    pub(super) fn service(&self) -> &S {
        self.remote.service()
    }

    /// Starts a request to a path with a query.
    pub(super) fn start(
        &self,
        operation: &'static OperationInfo,
        url: &str,
    ) -> Result<RequestWriter, Error> {
        let invalid = |problem: &str| Err(Error::input("port", &Source::Code, problem));
        if self.port == 0 {
            return invalid("it is 0");
        }
        if RESERVED.contains(&self.port) {
            return invalid("the sandbox uses the ports 80, 443 and 8080 itself");
        }
        let mut request = self.remote.start(operation)?;
        request.path([self.port.to_string().as_str()])?;
        request.relative(url)?;
        // The client would ask for JSON.
        request.header(ACCEPT, "*/*")?;
        Ok(request)
    }

    /// Sends a request, and returns the response of the program.
    pub(super) async fn send(
        &self,
        operation: &'static OperationInfo,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, Error> {
        let response = self.remote.service().send(request).await?;
        refusal::check(operation, response).await
    }
}

/// Returns the descriptions of a call with a method.
pub(super) fn call(method: &Method) -> Result<&'static Call, Error> {
    if method == Method::CONNECT {
        let problem = "`CONNECT` asks for a tunnel, which a port does not have";
        return Err(Error::input("method", &Source::Code, problem));
    }
    Ok(CALLS.for_method(method))
}

/// Refuses a header that decides where a request goes, or by which permission.
pub(super) fn check_header(name: &str) -> Result<(), Error> {
    let is = |other: &HeaderName| name.eq_ignore_ascii_case(other.as_str());
    if is(&HOST) || is(&TOKEN) {
        let what = format!("header `{}`", name.to_ascii_lowercase());
        let problem = "it belongs to the address of the sandbox; the SDK sets it";
        return Err(Error::input(&what, &Source::Code, problem));
    }
    Ok(())
}

/// Adds the headers of a foreign request to one of [`Route::start`], in place of those of the same name.
pub(super) fn add_headers(headers: &mut HeaderMap, mut foreign: HeaderMap) {
    remove_connection_headers(&mut foreign);
    for name in [
        "host",
        "content-length",
        "x-blaxel-authorization",
        "x-blaxel-workspace",
    ] {
        foreign.remove(name);
    }
    foreign.remove(TOKEN);
    let mut last: Option<HeaderName> = None;
    for (name, value) in foreign {
        match (name, &last) {
            (Some(name), _) => {
                headers.insert(name.clone(), value);
                last = Some(name);
            }
            (None, Some(name)) => {
                headers.append(name.clone(), value);
            }
            (None, None) => {}
        }
    }
}

/// Removes the headers that describe one connection, which a proxy does not pass on (RFC 9110, section 7.6.1).
pub(super) fn remove_connection_headers(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(http::header::CONNECTION)
        .iter()
        .filter_map(|value: &HeaderValue| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ] {
        headers.remove(name);
    }
}

impl<S> fmt::Debug for Route<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("remote", &self.remote)
            .field("port", &self.port)
            .finish()
    }
}
