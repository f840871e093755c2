//! The patterns of paths.

use std::collections::BTreeMap;

/// The values of the parameters of a pattern.
pub(super) type Params = BTreeMap<&'static str, String>;

/// Returns the values of the parameters if `pattern` matches a decoded path.
///
/// A pattern has segments of text, `:name` for one segment, and `*name` at its end for the rest,
/// with the slash before it. A `*name` that does not follow a slash is any rest, which may be empty.
pub(super) fn params(pattern: &'static str, path: &str) -> Option<Params> {
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
        // A segment may be empty, but not the last one.
        if value.is_empty() && rest.is_empty() {
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
        let matches: [Case; 12] = [
            ("/process", "/process", Some(&[])),
            ("/process", "/process/", None),
            ("/process/:id/logs", "/process/a/logs", Some(&[("id", "a")])),
            ("/process/:id/logs", "/process//logs", Some(&[("id", "")])),
            ("/process/:id", "/process/", None),
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
