//! Authentication headers for other HTTP clients.

use std::fmt;

use blaxel_core::{ApiVersion, BoxFuture, Error, Secret, Workspace};
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::authenticator::Authenticator;
use crate::bearer;

const CREDENTIAL: HeaderName = HeaderName::from_static("x-blaxel-authorization");
const WORKSPACE: HeaderName = HeaderName::from_static("x-blaxel-workspace");
const VERSION: HeaderName = HeaderName::from_static("blaxel-version");

/// Provides the headers that the platform requires to a third-party client, such as one for OpenAI's API,
/// for MCP, or for plain HTTP.
///
/// A token lasts some hours, and such a client may live longer. Get the headers again for each request: that
/// costs next to nothing while the token is valid, and provides the next token in time. Clones share the
/// token with the [`Authenticator`] they were created from.
///
/// Many clients require an API key, and send it as `Authorization`. The platform refuses a request with an
/// invalid `Authorization`, even if it also has a valid credential. There are two solutions:
///
/// - Call [`apply`](Self::apply) as the last step before a request is sent; it removes a foreign
///   `Authorization`.
/// - Give the client the bare [`token`](Self::token) as its key, and [`extra`](Self::extra) as additional
///   headers. This works until the token expires.
///
/// Send these headers to the platform only. Whoever receives them can act for the user until the token
/// expires.
///
/// ```
/// use blaxel_auth::{Authenticator, Credentials, HeaderProvider};
/// # use blaxel_core::{BaseUrl, Body, Error, HttpService, Workspace};
/// use http::Request;
///
/// # async fn example(authenticator: Authenticator, workspace: Workspace) -> Result<(), Error> {
/// let headers = HeaderProvider::new(authenticator).with_workspace(&workspace);
/// assert_eq!(headers.token().await?.expose(), "bl_example");
///
/// // In the middleware of an OpenAI client, which has inserted a placeholder as its key:
/// let mut request = Request::post("https://run.blaxel.ai/my-team/models/gpt/v1/chat/completions")
///     .header("authorization", "Bearer placeholder")
///     .body(())
///     .unwrap();
/// headers.apply(request.headers_mut()).await?;
///
/// assert!(!request.headers().contains_key("authorization"));
/// assert_eq!(request.headers()["x-blaxel-authorization"], "Bearer bl_example");
/// assert_eq!(request.headers()["x-blaxel-workspace"], "my-team");
/// # Ok(())
/// # }
/// # let service = tower::service_fn(async |_: Request<Body>| Ok::<_, Error>(http::Response::new(Body::empty())));
/// # let api = "https://api.blaxel.ai/v0".parse::<BaseUrl>().unwrap();
/// # let key = Credentials::api_key("bl_example").unwrap();
/// # let team = "my-team".parse::<Workspace>().unwrap();
/// # let authenticator = Authenticator::new(&key, &api, service.boxed());
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example(authenticator, team)).unwrap();
/// ```
#[derive(Clone)]
pub struct HeaderProvider {
    authenticator: Authenticator,
    extra: HeaderMap,
}

impl HeaderProvider {
    /// Creates a provider of the credential, as `X-Blaxel-Authorization`.
    #[must_use]
    pub fn new(authenticator: Authenticator) -> Self {
        Self {
            authenticator,
            extra: HeaderMap::new(),
        }
    }

    /// Adds the workspace, as `X-Blaxel-Workspace`. The control plane requires it.
    #[must_use]
    pub fn with_workspace(self, workspace: &Workspace) -> Self {
        self.with(WORKSPACE, workspace.as_str())
    }

    /// Adds the API version, as `Blaxel-Version`. The responses of the control plane depend on it;
    /// workloads ignore it.
    #[must_use]
    pub fn with_api_version(self, version: ApiVersion) -> Self {
        self.with(VERSION, &version.to_string())
    }

    fn with(mut self, name: HeaderName, text: &str) -> Self {
        // Workspaces and versions were checked when they were parsed, so this does not fail.
        if let Ok(value) = HeaderValue::try_from(text) {
            self.extra.insert(name, value);
        }
        self
    }

    /// Returns the headers if they are available without waiting, or `None` if a token must be fetched first.
    #[must_use]
    pub fn ready(&self) -> Option<HeaderMap> {
        Some(self.complete(self.authenticator.ready()?))
    }

    /// Returns the headers, after fetching a token if necessary.
    ///
    /// ```
    /// # async fn example(provider: blaxel_auth::HeaderProvider) -> Result<(), blaxel_core::Error> {
    /// let headers = match provider.ready() {
    ///     Some(headers) => headers,
    ///     None => provider.headers().await?,
    /// };
    /// // After a 401:
    /// if provider.invalidate(&headers) {
    ///     let next = provider.headers().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Authenticator::header`].
    pub async fn headers(&self) -> Result<HeaderMap, Error> {
        let credential = self.authenticator.header().await?;
        Ok(self.complete(credential))
    }

    /// Returns the headers as [`headers`](Self::headers) does, as a `'static` future.
    #[must_use]
    pub fn headers_owned(self) -> BoxFuture<Result<HeaderMap, Error>> {
        Box::pin(async move { self.headers().await })
    }

    /// Inserts the headers into those of a request, replacing headers of the same names, and removes its
    /// `Authorization`.
    ///
    /// # Errors
    ///
    /// Those of [`Authenticator::header`]; the headers of the request are unchanged then.
    pub async fn apply(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        let credential = self.authenticator.header().await?;
        headers.remove(AUTHORIZATION);
        headers.insert(CREDENTIAL, credential);
        for (name, value) in &self.extra {
            headers.insert(name.clone(), value.clone());
        }
        Ok(())
    }

    /// Returns the bare token or API key, for a client that takes it as its key and adds `Bearer` itself.
    ///
    /// This is the current token: a client that lives longer than the token needs a new one.
    ///
    /// # Errors
    ///
    /// Those of [`Authenticator::header`].
    pub async fn token(&self) -> Result<Secret, Error> {
        let header = self.authenticator.header().await?;
        let token = bearer::token(&header).ok_or_else(|| Error::decode("the token is not text"))?;
        Ok(token.into())
    }

    /// Returns the value of an `Authorization` header, `Bearer` and the token, for a client that cannot omit
    /// that header. Send no `X-Blaxel-Authorization` beside it.
    ///
    /// # Errors
    ///
    /// Those of [`Authenticator::header`].
    pub async fn bearer(&self) -> Result<HeaderValue, Error> {
        self.authenticator.header().await
    }

    /// Returns the headers without the credential: the workspace and the version, if they were given.
    #[must_use]
    pub fn extra(&self) -> &HeaderMap {
        &self.extra
    }

    /// Drops the token in these headers after the platform responded with 401, so that it is not used again.
    ///
    /// Returns `true` if the request may be retried, once, with fresh headers; see
    /// [`Authenticator::invalidate`].
    #[must_use]
    pub fn invalidate(&self, used: &HeaderMap) -> bool {
        let credential = used.get(CREDENTIAL).or_else(|| used.get(AUTHORIZATION));
        credential.is_some_and(|credential| self.authenticator.invalidate(credential))
    }

    fn complete(&self, credential: HeaderValue) -> HeaderMap {
        let mut headers = self.extra.clone();
        headers.insert(CREDENTIAL, credential);
        headers
    }
}

impl fmt::Debug for HeaderProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderProvider")
            .field("authenticator", &self.authenticator)
            .field("extra", &self.extra)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use blaxel_core::{BaseUrl, Body, HttpService};

    use super::*;
    use crate::Credentials;
    use blaxel_core::__private::ErrorParts;

    fn provider(credentials: &Credentials) -> HeaderProvider {
        let service = tower::service_fn(async |_: http::Request<Body>| {
            Err::<http::Response<Body>, _>(Error::connect("nowhere", "unexpected"))
        });
        let base = "https://api.blaxel.ai/v0".parse::<BaseUrl>().unwrap();
        let workspace = "team".parse::<Workspace>().unwrap();
        HeaderProvider::new(Authenticator::new(credentials, &base, service.boxed()))
            .with_workspace(&workspace)
            .with_api_version(ApiVersion::V2026_04_28)
    }

    #[tokio::test]
    async fn the_headers_of_an_api_key_are_ready_and_never_change() {
        let provider = provider(&Credentials::api_key("k").unwrap());
        let headers = provider.ready().unwrap();
        assert_eq!(headers.len(), 3);
        assert_eq!(headers["x-blaxel-authorization"], "Bearer k");
        assert!(headers["x-blaxel-authorization"].is_sensitive());
        assert_eq!(headers["x-blaxel-workspace"], "team");
        assert_eq!(headers["blaxel-version"], "2026-04-28");
        assert_eq!(provider.headers().await.unwrap(), headers);
        assert_eq!(provider.clone().headers_owned().await.unwrap(), headers);
        assert!(!provider.invalidate(&headers));
        assert_eq!(provider.extra().len(), 2);
        assert_eq!(provider.bearer().await.unwrap(), "Bearer k");
        assert_eq!(provider.token().await.unwrap().expose(), "k");
        assert!(!format!("{provider:?}").contains("Bearer"));
    }

    #[cfg(feature = "oauth")]
    #[tokio::test(start_paused = true)]
    async fn an_expired_token_is_replaced_by_the_next() {
        use std::sync::atomic::{AtomicU32, Ordering};
        use std::time::Duration;

        let number = AtomicU32::new(0);
        let provider = provider(&Credentials::from_fn(move || {
            let token = format!("t{}", number.fetch_add(1, Ordering::SeqCst));
            async move {
                let token = crate::AccessToken::new(token);
                Ok::<_, Error>(token.with_expires_in(Duration::from_secs(7200)))
            }
        }));
        assert!(provider.ready().is_none());
        for number in 0..5 {
            let mut headers = HeaderMap::new();
            headers.insert(
                AUTHORIZATION,
                HeaderValue::from_static("Bearer placeholder"),
            );
            provider.apply(&mut headers).await.unwrap();
            assert_eq!(
                headers["x-blaxel-authorization"],
                format!("Bearer t{number}")
            );
            assert!(!headers.contains_key(AUTHORIZATION));
            assert_eq!(provider.ready(), Some(headers));
            let token = provider.token().await.unwrap();
            assert_eq!(token.expose(), format!("t{number}"));
            tokio::time::sleep(Duration::from_secs(7201)).await;
        }
        let old = provider.headers().await.unwrap();
        assert!(provider.invalidate(&old));
        assert_ne!(provider.headers().await.unwrap(), old);
        assert!(!provider.invalidate(&HeaderMap::new()));
    }

    #[cfg(feature = "oauth")]
    #[tokio::test]
    async fn a_failure_leaves_the_request_unchanged() {
        let failing = Credentials::from_fn(async || Err::<&str, _>(Error::credentials("no")));
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer own"));
        let before = headers.clone();
        assert!(provider(&failing).apply(&mut headers).await.is_err());
        assert_eq!(headers, before);
    }
}
