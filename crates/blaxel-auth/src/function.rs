//! Access tokens that a function of the program returns.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BoxFuture, Error, Secret};

use crate::token::{NewToken, TokenSource};

/// An access token that a function of the program returns, with its lifetime if it is known.
///
/// See [`Credentials::from_fn`](crate::Credentials::from_fn).
#[derive(Clone)]
pub struct AccessToken {
    secret: Secret,
    expires_in: Option<Duration>,
}

impl AccessToken {
    /// Creates an access token. Without [`with_expires_in`](Self::with_expires_in), its lifetime is read
    /// from the token if that is a JWT, and is 5 minutes otherwise.
    pub fn new(token: impl Into<Secret>) -> Self {
        Self {
            secret: token.into(),
            expires_in: None,
        }
    }

    /// Sets the lifetime of the token, counted from the call of the function. By default it is read from the
    /// token if that is a JWT, and is 5 minutes otherwise.
    #[must_use]
    pub fn with_expires_in(mut self, lifetime: Duration) -> Self {
        self.expires_in = Some(lifetime);
        self
    }
}

impl<T: Into<Secret>> From<T> for AccessToken {
    fn from(token: T) -> Self {
        Self::new(token)
    }
}

impl fmt::Debug for AccessToken {
    /// Formats the lifetime, not the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// A function that returns access tokens.
#[derive(Clone)]
pub(crate) struct Function(Arc<dyn Fn() -> BoxFuture<Result<NewToken, Error>> + Send + Sync>);

impl Function {
    pub(crate) fn new<F, R, T, E>(function: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<AccessToken>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        Self(Arc::new(move || {
            let call = function();
            Box::pin(async move {
                let token: AccessToken = call.await.map_err(|error| wrap(error.into()))?.into();
                Ok(NewToken {
                    secret: token.secret,
                    expires_in: token.expires_in,
                })
            })
        }))
    }
}

const FAILED: &str = "the program's own function gave no token";

/// Adds context to the error of the function. A `blaxel_core::Error` keeps its kind.
fn wrap(error: Box<dyn StdError + Send + Sync>) -> Error {
    match error.downcast::<Error>() {
        Ok(ours) => ours.while_authenticating(FAILED),
        Err(other) => Error::credentials(FAILED).caused_by(other),
    }
}

impl TokenSource for Function {
    fn fetch(&self) -> BoxFuture<Result<NewToken, Error>> {
        (self.0)()
    }

    fn describe(&self) -> String {
        FAILED.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use blaxel_core::{BaseUrl, Body, ErrorKind, HttpService};

    use super::*;
    use crate::{Authenticator, CredentialKind, Credentials};

    fn working(credentials: &Credentials) -> Authenticator {
        let nowhere = tower::service_fn(async |_: http::Request<Body>| {
            Err::<http::Response<Body>, _>(Error::connect("nowhere", "unexpected"))
        });
        let base = "https://api.blaxel.ai/v0".parse::<BaseUrl>().unwrap();
        Authenticator::new(credentials, &base, nowhere.boxed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_is_called_once_per_token_lifetime() {
        let calls = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&calls);
        let credentials = Credentials::from_fn(move || {
            let number = count.fetch_add(1, Ordering::SeqCst);
            async move {
                let token = AccessToken::new(format!("t{number}"));
                Ok::<_, Error>(token.with_expires_in(Duration::from_secs(100)))
            }
        });
        assert_eq!(credentials.kind(), CredentialKind::Function);
        let authenticator = working(&credentials);
        for _ in 0..3 {
            assert_eq!(authenticator.header().await.unwrap(), "Bearer t0");
        }
        tokio::time::sleep(Duration::from_secs(101)).await;
        assert_eq!(authenticator.header().await.unwrap(), "Bearer t1");
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn the_error_of_the_function_is_reported() {
        let credentials =
            Credentials::from_fn(async || Err::<String, _>(std::io::Error::other("vault is shut")));
        let error = working(&credentials).header().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        let line = error.to_string();
        assert!(
            line.contains("own function") && line.contains("vault is shut"),
            "{line}"
        );

        let credentials =
            Credentials::from_fn(async || Err::<&str, _>(Error::connect("vault", "no route")));
        let error = working(&credentials).header().await.unwrap_err();
        assert!(
            error.is_connect() && error.to_string().contains("own function"),
            "{error}"
        );
    }
}
