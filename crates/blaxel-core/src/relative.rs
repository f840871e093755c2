//! Relative URLs: a path and a query that are appended to an address.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::error::Error;
use crate::source::Source;

/// The characters that a path or a query cannot contain. `%` is kept, since the text is escaped already.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Splits a relative URL into its path, with a leading slash, and its query, which may be empty. Both are escaped.
///
/// # Errors
///
/// [`Error::is_input`] for the segments `.` and `..`.
pub(crate) fn relative(url: &str) -> Result<(String, String), Error> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    if changes_path(path) {
        let problem = "`.` and `..` would lead to another resource";
        return Err(Error::input("path", &Source::Code, problem));
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    let path = format!("{slash}{}", utf8_percent_encode(path, ESCAPED));
    Ok((path, utf8_percent_encode(query, ESCAPED).to_string()))
}

/// Returns `true` if a server that resolves the path, before or after it decodes the escapes, ends up elsewhere.
fn changes_path(path: &str) -> bool {
    let decoded = percent_decode_str(path).collect::<Vec<u8>>();
    decoded
        .split(|byte| matches!(byte, b'/' | b'\\'))
        .any(|segment| matches!(segment, b"." | b".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_kept_except_for_what_it_cannot_contain() {
        for (url, path, query) in [
            ("", "/", ""),
            ("a", "/a", ""),
            ("/a//b/?", "/a//b/", ""),
            ("/a%2Fb%zz", "/a%2Fb%zz", ""),
            ("/a b/é#x?q=ü#y", "/a%20b/%C3%A9%23x", "q=%C3%BC%23y"),
            ("/...?../.?x", "/...", "../.?x"),
            ("/a\\b", "/a%5Cb", ""),
        ] {
            let found = relative(url).unwrap();
            assert_eq!(found, (path.to_owned(), query.to_owned()), "{url}");
        }
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        for url in [
            "..",
            "/a/../../process",
            "/./a",
            "/%2e%2E/process",
            "/a/.%2e",
            "/..%2fprocess",
            "/a%5c..%5Cb",
            "/..\\process",
        ] {
            assert!(relative(url).unwrap_err().is_input(), "{url}");
        }
    }
}
