//! Reading of responses: collecting a body up to a limit, and decoding text and JSON.

use bytes::{Bytes, BytesMut};
use serde::de::DeserializeOwned;

use crate::body::Body;
use crate::content_type::{utf8_body, without_mark, wrong_charset};
use crate::error::{Error, ErrorParts};

/// Maximum number of bytes that are read of an error response. The rest is not read.
pub(crate) const ERROR_LIMIT: usize = 64 * 1024;

/// Number of objects that any response may have.
const MAX_OBJECTS: usize = 200_000;

/// Number of bytes for each object in a larger response: items of the API's lists are longer.
const BYTES_PER_OBJECT: usize = 64;

/// Decodes the JSON body of a response.
///
/// ```
/// use blaxel_core::response;
/// use bytes::Bytes;
///
/// let reply = http::Response::new(Bytes::from_static(b"[1, 2]"));
/// let numbers: Vec<u32> = response::json(&reply)?;
/// assert_eq!(numbers, [1, 2]);
/// # Ok::<(), blaxel_core::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::is_decode`] if the body is empty, not JSON, or JSON of another type, and for the reasons
/// of [`text`]; the message says which of these, and where.
pub fn json<T: DeserializeOwned>(response: &http::Response<Bytes>) -> Result<T, Error> {
    let body = response.body();
    if body.is_empty() {
        return Err(Error::decode("the response is empty; expected JSON"));
    }
    let body = utf8_body(response.headers(), body.clone()).map_err(Error::decode)?;
    let body = without_mark(body);
    check_objects(&body)?;
    // Checking the whole text once is faster than serde_json's check of every string in it.
    let text = std::str::from_utf8(&body)
        .map_err(|problem| Error::decode(wrong_charset(&body, not_utf8)).caused_by(problem))?;
    serde_json::from_str(text).map_err(|problem| {
        let size = body.len();
        let found = match response.headers().get(http::header::CONTENT_TYPE) {
            Some(kind) => format!("{size} bytes of {}", kind.to_str().unwrap_or("?")),
            None => format!("{size} bytes without a content type"),
        };
        let message = || format!("the response ({found}) is not the expected JSON");
        Error::decode(wrong_charset(&body, message)).caused_by(problem)
    })
}

/// Refuses a body with far more objects than a response has.
///
/// An object takes three bytes of JSON, `{},`, and up to a kilobyte once it is decoded. So a body
/// within the limit on bytes could still use up all memory, most of all if it was compressed.
fn check_objects(body: &[u8]) -> Result<(), Error> {
    if body.len() <= MAX_OBJECTS {
        return Ok(());
    }
    // Braces in texts count too: no response consists of them.
    let objects = body.iter().filter(|byte| **byte == b'{').count();
    if objects > MAX_OBJECTS.max(body.len() / BYTES_PER_OBJECT) {
        return Err(Error::decode(format!(
            "the response has {objects} objects in {} bytes, far more than any response of the API",
            body.len()
        )));
    }
    Ok(())
}

/// Decodes the body of a response as text.
///
/// Text in ISO 8859-1 is converted, if the content type names that charset.
///
/// ```
/// use blaxel_core::response;
/// use bytes::Bytes;
///
/// let reply = http::Response::builder()
///     .header("content-type", "text/plain; charset=iso-8859-1")
///     .body(Bytes::from_static(b"caf\xe9"))?;
/// assert_eq!(response::text(reply)?, "café");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::is_decode`] if the body is still compressed, in another charset, or not UTF-8.
pub fn text(response: http::Response<Bytes>) -> Result<String, Error> {
    let (head, body) = response.into_parts();
    utf8_body(&head.headers, body)
        .map_err(Error::decode)
        .and_then(|body| {
            String::from_utf8(body.into()).map_err(|problem| {
                let message = wrong_charset(problem.as_bytes(), not_utf8);
                Error::decode(message).caused_by(problem.utf8_error())
            })
        })
        .map_err(|error| error.with_head(&head))
}

/// Returns the message for a text that is not UTF-8.
fn not_utf8() -> String {
    "the response is not UTF-8".to_owned()
}

/// Reads a whole body of at most `limit` bytes into memory.
///
/// ```
/// use blaxel_core::{Body, response};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let bytes = response::collect(Body::from("hello"), 1024).await?;
/// assert_eq!(bytes, "hello");
/// assert!(response::collect(Body::from("hello"), 4).await.unwrap_err().is_decode());
/// # Ok::<(), blaxel_core::Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
///
/// [`Error::is_decode`] as soon as the body is known to be larger than the limit; otherwise the
/// error of the body, if reading it fails.
pub async fn collect(mut body: Body, limit: usize) -> Result<Bytes, Error> {
    let announced = http_body::Body::size_hint(&body).lower();
    let Some(announced) = usize::try_from(announced)
        .ok()
        .filter(|size| *size <= limit)
    else {
        return Err(too_large(limit));
    };
    let Some(first) = body.chunk().await? else {
        return Ok(Bytes::new());
    };
    if first.len() > limit {
        return Err(too_large(limit));
    }
    // Most bodies are a single chunk, which is returned without a copy.
    let Some(second) = body.chunk().await? else {
        return Ok(first);
    };
    let mut whole = Vec::with_capacity(announced.max(first.len()));
    whole.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(chunk) = next {
        if whole.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        reserve(&mut whole, chunk.len(), limit);
        whole.extend_from_slice(&chunk);
        next = body.chunk().await?;
    }
    Ok(whole.into())
}

/// Doubles the capacity when it is exhausted, as a `Vec` does by itself, but never beyond the
/// limit.
fn reserve(whole: &mut Vec<u8>, more: usize, limit: usize) {
    let needed = whole.len() + more;
    if needed > whole.capacity() {
        let capacity = needed.max(whole.capacity().saturating_mul(2).min(limit));
        whole.reserve_exact(capacity - whole.len());
    }
}

/// Reads the first `limit` bytes of a body, for an error message. If reading fails, returns the
/// bytes received so far.
pub(crate) async fn collect_start(mut body: Body, limit: usize) -> Bytes {
    let mut start = BytesMut::new();
    while start.len() < limit {
        match body.chunk().await {
            Ok(Some(chunk)) => {
                let capacity = limit - start.len();
                start.extend_from_slice(chunk.get(..capacity).unwrap_or(&chunk));
            }
            Ok(None) | Err(_) => break,
        }
    }
    start.freeze()
}

/// Creates the error of a body that is larger than the limit.
fn too_large(limit: usize) -> Error {
    Error::decode(format!(
        "the response is larger than the limit of {limit} bytes"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_bomb_of_empty_objects_is_refused_before_it_is_decoded() {
        let decode = |objects: usize, object: &str| {
            let body = format!("[{}]", vec![object; objects].join(","));
            super::json::<Vec<serde::de::IgnoredAny>>(&http::Response::new(body.into()))
        };
        assert!(decode(200_000, "{}").is_ok());
        let error = decode(11_000_000, "{}").unwrap_err();
        assert!(error.is_decode(), "{error}");
        assert!(error.to_string().contains("11000000 objects"), "{error}");
        let item = format!(r#"{{"metadata":{{"name":"{}"}}}}"#, "a".repeat(120));
        assert!(decode(150_000, &item).is_ok());
    }

    fn typed(header: (&str, &str), body: &'static [u8]) -> http::Response<Bytes> {
        let response = http::Response::builder().header(header.0, header.1);
        response.body(Bytes::from_static(body)).unwrap()
    }

    #[test]
    fn json_may_have_a_byte_order_mark_and_be_latin1() {
        let plain = ("content-type", "application/json");
        let marked: Value = super::json(&typed(plain, b"\xEF\xBB\xBF[1]")).unwrap();
        assert_eq!(marked, json!([1]));
        let latin1 = ("content-type", "application/json; charset=iso-8859-1");
        let text: Value = super::json(&typed(latin1, b"\"\xe9\"")).unwrap();
        assert_eq!(text, json!("é"));
    }

    #[test]
    fn ascii_with_other_characters_is_read_as_what_it_is() {
        let ascii = ("content-type", "text/plain; charset=US-ASCII");
        for body in [&b"caf\xc3\xa9"[..], b"caf\xe9"] {
            assert_eq!(text(typed(ascii, body)).unwrap(), "café");
        }
    }

    #[test]
    fn json_in_utf16_is_named() {
        let plain = ("content-type", "application/json");
        let declared = ("content-type", "application/json; charset=utf-16le");
        for (header, body) in [
            (plain, &b"\xff\xfe[\x001\x00]\x00"[..]),
            (plain, b"[\x001\x00]\x00"),
            (plain, b"\x00[\x001\x00]"),
            (declared, b"[\x001\x00]\x00"),
        ] {
            let error = super::json::<Value>(&typed(header, body)).unwrap_err();
            let text = error.to_string().to_ascii_lowercase();
            assert!(error.is_decode() && text.contains("`utf-16"), "{error}");
        }
    }

    #[test]
    fn a_compressed_body_is_an_error_unless_it_is_empty() {
        for coding in [
            "br", "zstd", "deflate", "gzip", "x-gzip", "snappy", "gzip, br",
        ] {
            let header = ("content-encoding", coding);
            let error = text(typed(header, b"\x1f\x8b")).unwrap_err();
            let named = format!("compressed with `{coding}`");
            assert!(
                error.is_decode() && error.to_string().contains(&named),
                "{error}"
            );
            assert!(super::json::<Value>(&typed(header, b"\x1f\x8b")).is_err());
            assert_eq!(text(typed(header, b"")).unwrap(), "");
        }
        assert_eq!(
            text(typed(("content-encoding", "identity"), b"a")).unwrap(),
            "a"
        );
    }
}
