//! The properties that all requests of a client get: address, API version, workspace, user agent
//! and time limits.

use blaxel_core::__private::{check_address, check_encrypted, resolve_on};
use blaxel_core::{
    ApiVersion, BaseUrl, CallContext, Endpoints, Error, OperationInfo, Source, Workspace,
};
use http::HeaderMap;
use http::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue, USER_AGENT};
use http::uri::{Scheme, Uri};

use crate::call::Call;
use crate::hosts::{WORKLOAD_DOMAINS, matches};
use crate::limits::TimeLimits;
use crate::user_agent::UserAgent;

/// The header for the API version of a request.
pub(crate) const VERSION_HEADER: HeaderName = HeaderName::from_static("blaxel-version");
/// The header for the workspace of a request.
pub(crate) const WORKSPACE_HEADER: HeaderName = HeaderName::from_static("x-blaxel-workspace");
/// The header for the credential. It is used instead of `Authorization`, which a workload may need
/// for itself.
pub(crate) const CREDENTIAL_HEADER: HeaderName = HeaderName::from_static("x-blaxel-authorization");

/// Returns `true` if the gateway produced a response itself, rather than a workload.
pub(crate) fn is_from_platform(headers: &HeaderMap) -> bool {
    headers
        .get("x-blaxel-source")
        .is_some_and(|source| source == "platform")
}

/// Number of headers that the table of a request has room for: the defaults, and those that hyper adds.
const HEADER_CAPACITY: usize = 8;

/// The values that all requests of a client have in common, as headers that are cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) endpoints: Endpoints,
    pub(crate) trusted: Vec<BaseUrl>,
    pub(crate) workspace: Option<Workspace>,
    /// The region. No request carries it by itself; the facades put it into bodies.
    pub(crate) region: Option<Box<str>>,
    pub(crate) version: ApiVersion,
    pub(crate) limits: TimeLimits,
    /// The headers of every request. A request gets a copy, which costs less than to add them one by one.
    headers: HeaderMap,
    /// The source of the credential, for errors about it.
    pub(crate) credential_source: Source,
}

impl Defaults {
    /// Creates the defaults. Fails if a value cannot be a header.
    pub(crate) fn new(
        endpoints: Endpoints,
        trusted: Vec<BaseUrl>,
        workspace: Option<Workspace>,
        version: ApiVersion,
        user_agent: &UserAgent,
    ) -> Result<Self, Error> {
        let mut headers = HeaderMap::with_capacity(HEADER_CAPACITY);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(VERSION_HEADER, header("API version", &version.to_string())?);
        headers.insert(USER_AGENT, header("user agent", &user_agent.value()?)?);
        if let Some(name) = &workspace {
            headers.insert(WORKSPACE_HEADER, header("workspace", name.as_str())?);
        }
        Ok(Self {
            headers,
            endpoints,
            trusted,
            workspace,
            region: None,
            limits: TimeLimits::default(),
            version,
            credential_source: Source::default(),
        })
    }

    /// Makes room for the credential in the headers of every request, which is set for each attempt. It comes from
    /// this source.
    pub(crate) fn reserve_credential(&mut self, source: &Source) {
        self.credential_source = source.clone();
        let placeholder = HeaderValue::from_static("");
        self.headers.insert(CREDENTIAL_HEADER, placeholder);
    }

    /// Returns the address that a request is sent to, or `None` if it has that address already.
    ///
    /// Fails if the request would carry the credential to an origin that may not have it. A request
    /// without the credential has a permission of its own, so it is not sent in plain text either.
    pub(crate) fn route(&self, call: &Call) -> Result<Option<Uri>, Error> {
        let (uri, context) = (call.request.uri(), &call.context);
        let workspace = self.workspace.as_ref();
        let resolved = resolve_on(&self.endpoints, context.plane(), uri, workspace)?;
        if resolved.is_some() || self.may_have_credentials(uri) {
            return Ok(resolved);
        }
        if context.carries_credential() {
            let problem = "is neither the API nor a workload host, so no credential is sent there; \
                           if it is yours, add it with `ClientBuilder::trust`";
            return Err(unusable(uri, problem));
        }
        match check_encrypted(uri) {
            Ok(()) => Ok(None),
            Err(problem) => Err(unusable(uri, &format!("is not encrypted: {problem}"))),
        }
    }

    /// Adds the default headers to an attempt. Headers that the caller has set are kept, except for
    /// credentials: a stray `Authorization` would make the server reject the valid credential
    /// beside it.
    pub(crate) fn complete(&self, call: &mut Call) -> Result<(), Error> {
        let Call {
            request, context, ..
        } = call;
        if !context.carries_credential() {
            // The permission is in the request: any other credential sent there would be leaked.
            request.headers_mut().remove(AUTHORIZATION);
            request.headers_mut().remove(CREDENTIAL_HEADER);
            return Ok(());
        }
        // Headers are added as late as here because retries copy the request before.
        let mut headers = self.headers.clone();
        if let Some(version) = self.later_version(context)? {
            headers.insert(VERSION_HEADER, version);
        }
        let own = request.headers_mut();
        if !own.is_empty() {
            own.remove(AUTHORIZATION);
            own.remove(CREDENTIAL_HEADER);
            headers.extend(std::mem::take(own));
        }
        *own = headers;
        Ok(())
    }

    /// Removes a credential that a layer has put into a request that must not have one, or left in
    /// a request that it moved to an origin that may not have it.
    pub(crate) fn remove_untrusted_credential<B>(
        &self,
        request: &mut http::Request<B>,
        context: Option<&CallContext>,
    ) {
        if request.headers().keys().any(|it| it == CREDENTIAL_HEADER)
            && (context.is_some_and(|context| !context.carries_credential())
                || !self.may_have_credentials(request.uri()))
        {
            request.headers_mut().remove(CREDENTIAL_HEADER);
        }
    }

    /// Returns the first API version that supports the operation, if it is later than the client's.
    fn later_version(&self, context: &CallContext) -> Result<Option<HeaderValue>, Error> {
        match context.operation().map(OperationInfo::since) {
            Some(since) if since > self.version => {
                header("API version", &since.to_string()).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Returns `true` if a credential may be sent to an address.
    fn may_have_credentials(&self, uri: &Uri) -> bool {
        let own = [&self.endpoints.control, &self.endpoints.run];
        own.into_iter()
            .chain(&self.trusted)
            .any(|base| base.is_origin_of(uri))
            || is_workload_host(uri)
    }
}

/// Converts a text to a header value.
fn header(what: &str, text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::try_from(text).map_err(|bad| Error::input(what, &Source::Code, bad))
}

/// Returns `true` for an `https` address in a workload domain.
fn is_workload_host(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    uri.scheme() == Some(&Scheme::HTTPS)
        && check_address(uri).is_ok()
        && WORKLOAD_DOMAINS.iter().any(|domain| matches(domain, host))
}

/// Creates the error of an address that a request must not be sent to.
fn unusable(uri: &Uri, problem: &str) -> Error {
    // Only the origin is shown: a query may contain a token.
    let origin = format!(
        "{}://{}",
        uri.scheme_str().unwrap_or("?"),
        uri.host().unwrap_or("?")
    );
    Error::input(
        "address",
        &Source::Code,
        format_args!("`{origin}` {problem}"),
    )
}
