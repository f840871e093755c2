//! What every request gets: an address, a version, a workspace, the SDK's name.

use blaxel_core::{
    ApiVersion, BaseUrl, CallContext, Endpoints, Error, OperationInfo, Plane, Source, Workspace,
};
use http::HeaderMap;
use http::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue, USER_AGENT};
use http::uri::{Scheme, Uri};

use crate::call::Call;
use crate::hosts::{WORKLOAD_DOMAINS, covers};

/// Names the API version of a request.
pub(crate) const VERSION_HEADER: HeaderName = HeaderName::from_static("blaxel-version");
/// Names the workspace of a request.
pub(crate) const WORKSPACE_HEADER: HeaderName = HeaderName::from_static("x-blaxel-workspace");
/// Carries the credential. It is preferred to `Authorization`, which a workload may want itself.
pub(crate) const CREDENTIAL_HEADER: HeaderName = HeaderName::from_static("x-blaxel-authorization");

/// Whether the gateway made an answer itself, rather than a workload.
pub(crate) fn is_from_platform(headers: &HeaderMap) -> bool {
    headers
        .get("x-blaxel-source")
        .is_some_and(|source| source == "platform")
}

/// How many headers there are room for: ours, and what the engine adds.
const HEADERS: usize = 8;

/// The values that all requests of a client have in common, ready to be cloned into headers.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) endpoints: Endpoints,
    pub(crate) trusted: Vec<BaseUrl>,
    pub(crate) workspace: Option<Workspace>,
    /// Sent by no request of itself: the facades put it into bodies.
    pub(crate) region: Option<Box<str>>,
    pub(crate) version: ApiVersion,
    version_value: HeaderValue,
    workspace_value: Option<HeaderValue>,
    agent_value: HeaderValue,
}

impl Defaults {
    pub(crate) fn new(
        endpoints: Endpoints,
        trusted: Vec<BaseUrl>,
        workspace: Option<Workspace>,
        version: ApiVersion,
        product: Option<&str>,
    ) -> Result<Self, Error> {
        let workspace_value = workspace
            .as_ref()
            .map(|name| header("workspace", name.as_str()))
            .transpose()?;
        Ok(Self {
            version_value: header("API version", &version.to_string())?,
            agent_value: header("user agent", &user_agent(product))?,
            workspace_value,
            endpoints,
            trusted,
            workspace,
            region: None,
            version,
        })
    }

    /// Gives a request its address.
    ///
    /// Fails if the request would carry the credential to a place where it does not belong.
    pub(crate) fn route(&self, call: &mut Call) -> Result<(), Error> {
        let Call { request, context } = call;
        let ours = self.endpoints.resolve(request, self.workspace.as_ref())?;
        let bare = context.plane() == Plane::Presigned;
        if ours || bare || self.may_have_credentials(request.uri()) {
            Ok(())
        } else {
            Err(untrusted(request.uri()))
        }
    }

    /// Completes the headers of an attempt. What the caller has set stays, but for credentials: those
    /// are ours to set, and a stray `Authorization` would make the server refuse a good credential
    /// beside it.
    pub(crate) fn complete(&self, call: &mut Call) -> Result<(), Error> {
        let Call { request, context } = call;
        if context.plane() == Plane::Presigned {
            // The address is the permission: whatever else went there would be given away.
            request.headers_mut().remove(AUTHORIZATION);
            request.headers_mut().remove(CREDENTIAL_HEADER);
            return Ok(());
        }
        let version = self.version_for(context)?;
        let headers = request.headers_mut();
        if !headers.is_empty() {
            headers.remove(AUTHORIZATION);
            headers.remove(CREDENTIAL_HEADER);
        }
        headers.reserve(HEADERS);
        // Retries copy a request before it comes here: the fewer headers, the cheaper.
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("application/json"));
        if !headers.contains_key(VERSION_HEADER) {
            headers.insert(VERSION_HEADER, version);
        }
        headers
            .entry(USER_AGENT)
            .or_insert_with(|| self.agent_value.clone());
        if let Some(workspace) = &self.workspace_value {
            headers
                .entry(WORKSPACE_HEADER)
                .or_insert_with(|| workspace.clone());
        }
        Ok(())
    }

    /// Takes the credential from a request whose address is none that may have it.
    pub(crate) fn withhold<B>(&self, request: &mut http::Request<B>) {
        if request.headers().contains_key(CREDENTIAL_HEADER)
            && !self.may_have_credentials(request.uri())
        {
            request.headers_mut().remove(CREDENTIAL_HEADER);
        }
    }

    /// The version a request is sent in: the client's, or the first one that knows the operation if
    /// that is later.
    fn version_for(&self, context: &CallContext) -> Result<HeaderValue, Error> {
        match context.operation().map(OperationInfo::since) {
            Some(since) if since > self.version => header("API version", &since.to_string()),
            _ => Ok(self.version_value.clone()),
        }
    }

    fn may_have_credentials(&self, uri: &Uri) -> bool {
        let own = [&self.endpoints.control, &self.endpoints.run];
        own.into_iter()
            .chain(&self.trusted)
            .any(|base| base.is_origin_of(uri))
            || is_workload_host(uri)
    }
}

fn header(what: &str, text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::try_from(text).map_err(|bad| Error::input(what, &Source::Code, bad))
}

fn is_workload_host(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    uri.scheme() == Some(&Scheme::HTTPS)
        && WORKLOAD_DOMAINS.iter().any(|domain| covers(domain, host))
}

fn untrusted(uri: &Uri) -> Error {
    // Not the whole address: its query may hold a token.
    let place = format!(
        "{}://{}",
        uri.scheme_str().unwrap_or("?"),
        uri.host().unwrap_or("?")
    );
    Error::input(
        "address",
        &Source::Code,
        format_args!(
            "`{place}` is neither the API nor a workload host, so no credential is sent there; \
             if it is yours, name it with `ClientBuilder::trust`"
        ),
    )
}

fn user_agent(product: Option<&str>) -> String {
    let own = format!(
        "blaxel/sdk/rust/{} ({}/{})",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    match product {
        Some(product) => format!("{own} {product}"),
        None => own,
    }
}
