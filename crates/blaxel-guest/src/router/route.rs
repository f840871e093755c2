//! [`Route`], an operation of the server and its path.

use std::collections::BTreeMap;

use axum::response::Response;
use blaxel_core::BoxFuture;
use http::Method;

use super::call::Call;
use crate::version::ServerVersion;

/// An operation: its name, its method, its path and its handler.
///
/// A pattern has segments of text, `:name` for one segment, and `*name` at its end for the rest,
/// with the slash before it. A `*name` that does not follow a slash is any rest, which may be empty.
/// Of several patterns that match, the one with the longest text before
/// its first parameter counts.
pub(super) struct Route {
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) pattern: &'static str,
    /// The first version of the server that has it.
    pub(super) since: ServerVersion,
    pub(super) handler: fn(Call) -> BoxFuture<Response>,
}

/// The values of the parameters of a pattern.
pub(super) type Params = BTreeMap<&'static str, String>;

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

fn params(pattern: &'static str, path: &str) -> Option<Params> {
    let mut params = Params::new();
    let (mut pattern, mut path) = (pattern, path);
    loop {
        let Some(start) = pattern.find([':', '*']) else {
            return (pattern == path).then_some(params);
        };
        let (text, parameter) = pattern.split_at(start);
        if let Some(name) = parameter.strip_prefix('*') {
            let rest = match text.strip_suffix('/') {
                Some(text) => path
                    .strip_prefix(text)
                    .filter(|rest| rest.starts_with('/'))?,
                None => path.strip_prefix(text)?,
            };
            params.insert(name, rest.to_owned());
            return Some(params);
        }
        let rest = path.strip_prefix(text)?;
        let value_end = rest.find('/').unwrap_or(rest.len());
        let (value, rest) = rest.split_at(value_end);
        if value.is_empty() {
            return None;
        }
        let parameter = parameter.strip_prefix(':').unwrap_or(parameter);
        let name_end = parameter.find('/').unwrap_or(parameter.len());
        let (name, following) = parameter.split_at(name_end);
        params.insert(name, value.to_owned());
        (pattern, path) = (following, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pattern, a path, and the parameters if they match.
    type Case = (
        &'static str,
        &'static str,
        Option<&'static [(&'static str, &'static str)]>,
    );

    #[test]
    fn patterns_match_as_the_router_of_the_server() {
        let matches: [Case; 11] = [
            ("/process", "/process", Some(&[])),
            ("/process", "/process/", None),
            ("/process/:id/logs", "/process/a/logs", Some(&[("id", "a")])),
            ("/process/:id/logs", "/process//logs", None),
            ("/process/:id", "/process/a/logs", None),
            ("/filesystem/*path", "/filesystem/", Some(&[("path", "/")])),
            (
                "/filesystem/*path",
                "/filesystem//a/b",
                Some(&[("path", "//a/b")]),
            ),
            ("/filesystem/*path", "/filesystem", None),
            ("/filesystem/*path", "/filesystems/a", None),
            (
                "/filesystem/tree*rest",
                "/filesystem/tree",
                Some(&[("rest", "")]),
            ),
            (
                "/filesystem/tree*rest",
                "/filesystem/treehouse/a",
                Some(&[("rest", "house/a")]),
            ),
        ];
        for (pattern, path, expected) in matches {
            let found = params(pattern, path);
            let expected =
                expected.map(|all| all.iter().map(|(k, v)| (*k, (*v).to_owned())).collect());
            assert_eq!(found, expected, "{pattern} {path}");
        }
    }
}
