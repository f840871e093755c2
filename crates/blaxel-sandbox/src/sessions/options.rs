//! The options of a new session.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use blaxel_core::{Error, Secret, Source};
use blaxel_management::SecretText;

use super::prefixed;

/// The options of a new session. The values of request headers are never printed.
///
/// ```
/// use std::time::Duration;
/// use blaxel_sandbox::SessionOptions;
///
/// let options = SessionOptions::new()
///     .name("docs")
///     .expires_in(Duration::from_secs(3600))
///     .response_header("Access-Control-Allow-Origin", "https://example.com");
/// # let _ = options;
/// ```
#[derive(Clone)]
#[must_use]
pub struct SessionOptions {
    name: Option<String>,
    lifetime: Duration,
    min_validity: Duration,
    request_headers: BTreeMap<String, Secret>,
    response_headers: BTreeMap<String, String>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            name: None,
            lifetime: Duration::from_secs(24 * 60 * 60),
            min_validity: Duration::from_secs(60 * 60),
            request_headers: BTreeMap::new(),
            response_headers: BTreeMap::new(),
        }
    }
}

impl SessionOptions {
    /// Creates the options of a session that ends after 24 hours.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name. The prefix `session-` is added unless it has it. The default is `session-` and the current time
    /// in milliseconds.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the time until the session ends. The default is 24 hours.
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets the time for which an existing session must still be valid to be returned by
    /// [`create_if_expired`](super::Sessions::create_if_expired). The default is one hour.
    pub fn min_validity(mut self, time: Duration) -> Self {
        self.min_validity = time;
        self
    }

    /// Adds a header to every request of the session to the sandbox.
    pub fn request_header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.request_headers.insert(name.into(), value.into());
        self
    }

    /// Adds a header to every response to the session, mostly for CORS.
    pub fn response_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.response_headers.insert(name.into(), value.into());
        self
    }

    pub(super) fn preview_name(&self) -> Option<String> {
        self.name.as_deref().map(prefixed)
    }

    /// Returns `true` unless the session must have another name.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.preview_name().is_none_or(|own| own == name)
    }

    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    pub(super) fn required_validity(&self) -> Duration {
        self.min_validity
    }

    pub(super) fn request_headers(&self) -> Option<BTreeMap<String, SecretText>> {
        let headers = self.request_headers.iter();
        let headers: BTreeMap<_, _> = headers
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect();
        (!headers.is_empty()).then_some(headers)
    }

    pub(super) fn response_headers(&self) -> Option<BTreeMap<String, String>> {
        (!self.response_headers.is_empty()).then(|| self.response_headers.clone())
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.lifetime.is_zero() {
            return Err(invalid("it ends at once"));
        }
        Ok(())
    }

    pub(super) fn check_validity(&self) -> Result<(), Error> {
        if self.lifetime < self.min_validity {
            return Err(invalid("it is shorter than the required validity"));
        }
        self.check()
    }
}

fn invalid(problem: &str) -> Error {
    Error::input("lifetime of a session", &Source::Code, problem)
}

impl fmt::Debug for SessionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionOptions")
            .field("name", &self.name)
            .field("lifetime", &self.lifetime)
            .field("min_validity", &self.min_validity)
            .field("request_headers", &self.request_headers.keys())
            .field("response_headers", &self.response_headers)
            .finish()
    }
}
