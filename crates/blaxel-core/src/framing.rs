//! Headers that describe a connection or the length of a body, which only a transport may set.

use http::HeaderName;
use http::header::{CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http_body::Body as _;

use crate::body::Body;
use crate::error::Error;
use crate::source::Source;

/// Refuses the name of a header that only a transport may set.
///
/// A wrong length cuts a body or joins two requests, so callers cannot give one.
pub(crate) fn check_name(name: &HeaderName) -> Result<(), Error> {
    let known = [
        CONNECTION,
        CONTENT_LENGTH,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    if known.contains(name) || matches!(name.as_str(), "keep-alive" | "proxy-connection") {
        let problem = "it belongs to the connection; the transport sets it";
        return Err(refused(name, problem));
    }
    Ok(())
}

/// Refuses a request whose headers contradict the length of its body, or change the protocol.
///
/// # Errors
///
/// [`Error::is_input`] for a `Content-Length` other than the size of the body, for a
/// `Transfer-Encoding`, and for an `Upgrade`.
pub fn check_framing(request: &http::Request<Body>) -> Result<(), Error> {
    let headers = request.headers();
    let mut has_length = false;
    // One pass over the few headers of a request takes less time than three look-ups.
    for name in headers.keys() {
        if *name == TRANSFER_ENCODING {
            return Err(refused(&TRANSFER_ENCODING, "the transport sets it"));
        }
        if *name == UPGRADE {
            // The rest of the connection would be in a protocol that nobody here reads.
            let problem = "only a request of `RequestWriter::upgrade` asks for another protocol";
            return Err(refused(&UPGRADE, problem));
        }
        has_length |= *name == CONTENT_LENGTH;
    }
    if !has_length {
        return Ok(());
    }
    let size = request
        .body()
        .size_hint()
        .exact()
        .map(|size| size.to_string());
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    if lengths.all(|length| size.as_deref().is_some_and(|size| size == length)) {
        return Ok(());
    }
    let problem = "it is not the size of the body; remove it, and the transport sets the right one";
    Err(refused(&CONTENT_LENGTH, problem))
}

/// Creates the error of a header that a caller or a layer must not set.
fn refused(name: &HeaderName, problem: &str) -> Error {
    let what = format!("header `{name}`");
    Error::input(&what, &Source::Code, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str, value: &str) -> http::Request<Body> {
        let request = http::Request::post("/").header(name, value);
        request.body(Body::from("seven b")).unwrap()
    }

    #[test]
    fn only_the_true_length_is_accepted() {
        assert!(check_framing(&request("content-length", "7")).is_ok());
        assert!(check_framing(&request("accept", "text/plain")).is_ok());
        for (name, value) in [
            ("content-length", "3"),
            ("content-length", "70"),
            ("content-length", ""),
            ("content-length", "7, 7"),
            ("transfer-encoding", "chunked"),
            ("transfer-encoding", "identity"),
            ("upgrade", "websocket"),
            ("upgrade", "h2c"),
        ] {
            let error = check_framing(&request(name, value)).unwrap_err();
            assert!(
                error.is_input() && error.to_string().contains(name),
                "{error}"
            );
        }
        let mut twice = request("content-length", "7");
        twice.headers_mut().append("content-length", 3.into());
        assert!(check_framing(&twice).is_err());
    }

    #[test]
    fn a_stream_has_no_length_that_a_header_could_state() {
        let frames = http_body_util::BodyStream::new(Body::from("seven b"));
        let unknown = Body::new(http_body_util::StreamBody::new(frames));
        let mut request = http::Request::new(unknown);
        assert!(check_framing(&request).is_ok());
        request.headers_mut().insert("content-length", 7.into());
        assert!(check_framing(&request).is_err());
    }
}
