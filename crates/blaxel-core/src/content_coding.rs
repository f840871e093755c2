//! Content codings: the compression of a body, as its headers name it.

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// Names that say nothing about the bytes. Besides `identity`, they are sent by mistake.
const PLAIN: [&str; 7] = [
    "identity",
    "none",
    "utf-8",
    "utf8",
    "8bit",
    "binary",
    "aws-chunked",
];

/// Maximum length of the names in a message, in characters.
const MAX_NAMES: usize = 60;

/// Returns the codings of a body in lower case, in the order in which they were applied.
#[must_use]
pub fn content_codings(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(CONTENT_ENCODING).into_iter();
    let lines = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).to_ascii_lowercase());
    let mut codings = Vec::new();
    for line in lines {
        let names = line.split(',').map(str::trim);
        let names = names.filter(|name| !name.is_empty() && !PLAIN.contains(name));
        codings.extend(names.map(str::to_owned));
    }
    codings
}

/// Returns `true` for the codings that the transport of this SDK decodes with its feature `gzip`.
fn is_supported(coding: &str) -> bool {
    matches!(coding, "gzip" | "x-gzip" | "deflate")
}

/// Returns the problem of a body that is still compressed, and what to do about it.
#[must_use]
pub fn compression_problem(headers: &HeaderMap) -> Option<String> {
    let codings = content_codings(headers);
    if codings.is_empty() {
        return None;
    }
    let names: String = codings.join(", ").chars().take(MAX_NAMES).collect();
    let advice = if codings.iter().all(|coding| is_supported(coding)) {
        "enable the feature `gzip`; with an `Accept-Encoding` or a transport of your own, \
         decompress it yourself"
    } else {
        "only gzip and deflate can be decompressed; configure the server to send one of them or \
         no compression, or decompress it in a layer of your own"
    };
    Some(format!(
        "the response is compressed with `{names}` and was not decompressed; {advice}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let lines = lines.iter().map(|line| line.parse().unwrap());
        lines.map(|line| (CONTENT_ENCODING, line)).collect()
    }

    #[test]
    fn codings_are_listed_in_order_and_without_plain_ones() {
        for (lines, expected) in [
            (&[][..], &[][..]),
            (&["identity"], &[]),
            (&["", "UTF-8"], &[]),
            (&["GZip"], &["gzip"]),
            (&["deflate , identity,, br"], &["deflate", "br"]),
            (&["gzip", "x-gzip"], &["gzip", "x-gzip"]),
        ] {
            assert_eq!(content_codings(&headers(lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn the_problem_names_the_codings_and_the_remedy() {
        assert_eq!(compression_problem(&headers(&["identity"])), None);
        let own = compression_problem(&headers(&["gzip"])).unwrap();
        assert!(own.contains("`gzip` and was not") && own.contains("the feature `gzip`"));
        let foreign = compression_problem(&headers(&["zstd, gzip"])).unwrap();
        assert!(foreign.contains("`zstd, gzip`") && foreign.contains("a layer of your own"));
    }
}
