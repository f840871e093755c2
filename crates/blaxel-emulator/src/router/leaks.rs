//! [`Leaks`], the secrets of a request that must not be where they are logged.

use http::HeaderMap;

use super::access;
use crate::engine::Engine;
use crate::mask::{self, Secrets};
use crate::state;

/// The secrets that are known of a request. They are copied only if they have to be.
pub(super) struct Leaks<'a> {
    engine: &'a Engine,
    /// The credential of the request.
    credential: Option<&'a str>,
}

/// An address in which secrets are masked.
pub(super) struct Address {
    pub(super) path: String,
    pub(super) query: Option<String>,
    /// The place of the first secret.
    pub(super) leaked: Option<String>,
}

impl<'a> Leaks<'a> {
    pub(super) fn of(engine: &'a Engine, headers: &'a HeaderMap) -> Self {
        let credential = access::bearer(headers).flatten();
        Self { engine, credential }
    }

    fn values(&self) -> impl Iterator<Item = &'a str> {
        let config = &self.engine.config;
        let own = [config.api_key.as_str(), &config.client_secret];
        let all = own.into_iter().chain(self.credential);
        all.filter(|secret| !secret.is_empty())
    }

    /// Returns the secrets that are known.
    pub(super) fn known(&self) -> Secrets {
        let mut known = Secrets::default();
        self.values().for_each(|secret| known.add(secret));
        known
    }

    /// Masks the secrets of an address.
    pub(super) fn in_address(&self, path: &str, query: Option<&str>) -> Address {
        let query = query.map(|query| mask::parameters(query, |value| self.is_secret(value)));
        let (query, in_query) =
            query.map_or((None, None), |masked| (Some(masked.text), masked.leaked));
        let mut address = Address {
            path: path.to_owned(),
            query,
            leaked: in_query.map(|name| format!("the query parameter `{name}`")),
        };
        if self.values().any(|secret| path.contains(secret))
            && let known = self.known()
            && known.are_in(path)
        {
            let segments = path.split('/').map(|segment| match known.are_in(segment) {
                true => mask::MASK,
                false => segment,
            });
            address.path = segments.collect::<Vec<_>>().join("/");
            address.leaked = Some("the path".to_owned());
        }
        address
    }

    /// Returns `true` if a value is a secret of the emulator.
    fn is_secret(&self, value: &str) -> bool {
        let engine = self.engine;
        let is_key = || {
            state::access::is_key(value)
                && state::access::key_holder(engine.store.open().rows(), value).is_some()
        };
        self.values().any(|secret| secret == value)
            || is_key()
            || (value.contains('.') && engine.access_tokens.claims(value).is_some())
    }
}
