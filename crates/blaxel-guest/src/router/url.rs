//! The path of a request, read as the server's own HTTP library reads it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The characters that the library escapes in a path.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// The path of a request.
#[derive(Clone, Debug)]
pub(super) struct UrlPath {
    /// Decoded. Routes are matched with it.
    pub(super) decoded: String,
    /// `true` if the path counts as absolute because of `%2F`.
    ///
    /// The library keeps the text of a path only if escaping the decoded path would write it in
    /// another way. Otherwise the rule is applied to the decoded path: `%252F` counts too.
    pub(super) has_escaped_slash: bool,
}

impl UrlPath {
    /// Returns `None` if an escape is malformed.
    pub(super) fn parse(raw: &str) -> Option<Self> {
        if !has_valid_escapes(raw) {
            return None;
        }
        let decoded = percent_decode_str(raw).decode_utf8_lossy().into_owned();
        let usual = utf8_percent_encode(&decoded, ESCAPED).to_string();
        let checked = if usual == raw { &decoded } else { raw };
        let has_escaped_slash = checked.contains("%2F");
        Some(Self {
            decoded,
            has_escaped_slash,
        })
    }
}

fn has_valid_escapes(raw: &str) -> bool {
    raw.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_upper_case_escape_counts() {
        for (raw, decoded, has_escaped_slash) in [
            ("/filesystem/a/b", "/filesystem/a/b", false),
            ("/filesystem/%2Fa", "/filesystem//a", true),
            ("/filesystem/a%2Fb", "/filesystem/a/b", true),
            ("/filesystem/%2fa", "/filesystem//a", false),
            ("/filesystem/%252Fa", "/filesystem/%2Fa", true),
            ("/filesystem/a%20b", "/filesystem/a b", false),
        ] {
            let path = UrlPath::parse(raw).unwrap();
            assert_eq!(
                (path.decoded.as_str(), path.has_escaped_slash),
                (decoded, has_escaped_slash)
            );
        }
        for raw in ["/%", "/%z1", "/%1"] {
            assert!(UrlPath::parse(raw).is_none(), "{raw}");
        }
    }
}
