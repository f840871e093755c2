//! What cargo sends to publish a package: the length of a JSON document, the document, the length of
//! the archive, the archive. Lengths are four bytes, the lowest first.

use serde_json::Value;

/// Name and version of the package in this body.
pub(super) fn package(body: &[u8]) -> Option<(String, String)> {
    let (length, rest) = body.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let document: Value = serde_json::from_slice(rest.get(..length)?).ok()?;
    let text = |member: &str| document[member].as_str().map(str::to_owned);
    Some((text("name")?, text("vers")?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The body that publishes this package.
    pub(in super::super) fn body(name: &str, version: &str) -> Vec<u8> {
        let document = serde_json::json!({"name": name, "vers": version}).to_string();
        let mut body = u32::try_from(document.len())
            .unwrap()
            .to_le_bytes()
            .to_vec();
        body.extend(document.as_bytes());
        body.extend([3, 0, 0, 0, 1, 2, 3]);
        body
    }

    #[test]
    fn the_document_before_the_archive_tells_the_package() {
        let package = package(&body("kite", "0.1.0")).unwrap();
        assert_eq!(package, ("kite".to_owned(), "0.1.0".to_owned()));
    }

    #[test]
    fn what_is_cut_short_or_no_document_tells_nothing() {
        let whole = body("kite", "0.1.0");
        for length in 0..whole.len() - 7 {
            assert_eq!(package(&whole[..length]), None, "{length}");
        }
        assert_eq!(package(&[2, 0, 0, 0, b'{', b'}']), None);
        assert_eq!(package(&[255; 9]), None);
    }
}
