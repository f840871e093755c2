//! [`Route`], an operation of the server and its path.

use axum::response::Response;
use blaxel_core::BoxFuture;
use http::Method;

use super::call::Call;
use super::pattern::{Params, params};
use crate::version::ServerVersion;

/// An operation: its name, its method, its path and its handler.
pub(super) struct Route {
    pub(super) operation: &'static str,
    pub(super) method: Method,
    /// The pattern of its path, by the rules of [`params`]. Of several that match, the one with the
    /// longest text before its first parameter counts.
    pub(super) pattern: &'static str,
    /// The first version of the server that has it.
    pub(super) since: ServerVersion,
    pub(super) handler: fn(Call) -> BoxFuture<Response>,
}

impl Route {
    /// Returns the values of the parameters if the pattern matches a decoded path.
    pub(super) fn params(&self, path: &str) -> Option<Params> {
        params(self.pattern, path)
    }

    /// Returns the length of the text before the first parameter.
    pub(super) fn precision(&self) -> usize {
        self.pattern.find([':', '*']).unwrap_or(usize::MAX)
    }
}
