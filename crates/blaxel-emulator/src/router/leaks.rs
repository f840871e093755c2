//! [`Leaks`], the secrets of a request that must not be where they are logged.

use http::HeaderMap;

use super::access;
use crate::engine::Engine;
use crate::mask::{self, Secrets};
use crate::state;

/// The secrets that are known of a request.
pub(super) struct Leaks<'a> {
    engine: &'a Engine,
    known: Secrets,
}

/// An address in which secrets are masked.
pub(super) struct Address {
    pub(super) path: String,
    pub(super) query: Option<String>,
    /// The place of the first secret.
    pub(super) leaked: Option<String>,
}

impl<'a> Leaks<'a> {
    pub(super) fn of(engine: &'a Engine, headers: &HeaderMap) -> Self {
        let mut known = Secrets::default();
        known.add(&engine.config.api_key);
        known.add(&engine.config.client_secret);
        if let Some(Some(credential)) = access::bearer(headers) {
            known.add(credential);
        }
        Self { engine, known }
    }

    pub(super) fn known(self) -> Secrets {
        self.known
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
        if self.known.are_in(path) {
            let segments = path
                .split('/')
                .map(|segment| match self.known.are_in(segment) {
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
        self.known.contain(value)
            || is_key()
            || (value.contains('.') && engine.access_tokens.claims(value).is_some())
    }
}
