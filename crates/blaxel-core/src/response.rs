//! Reading a response: collecting it under a limit, and decoding JSON.

use bytes::{Bytes, BytesMut};
use serde::de::DeserializeOwned;

use crate::body::Body;
use crate::error::Error;
use crate::error::ErrorParts;

/// How much of an error answer is read, in bytes; the rest is left on the wire.
pub(crate) const ERROR_LIMIT: usize = 64 * 1024;

/// Decodes the JSON of a response.
///
/// # Errors
///
/// [`Error::is_decode`] if the body is empty, not UTF-8, not JSON, or JSON of another shape; the
/// message says which, and where.
pub fn json<T: DeserializeOwned>(response: &http::Response<Bytes>) -> Result<T, Error> {
    let body = response.body();
    if body.is_empty() {
        return Err(Error::decode("the answer is empty where JSON was expected"));
    }
    // One check of the whole text is faster than serde_json's check of every string in it.
    let text = std::str::from_utf8(body)
        .map_err(|problem| Error::decode("the answer is not UTF-8").caused_by(problem))?;
    serde_json::from_str(text).map_err(|problem| {
        let found = match response.headers().get(http::header::CONTENT_TYPE) {
            Some(kind) => format!("{} bytes of {}", body.len(), kind.to_str().unwrap_or("?")),
            None => format!("{} bytes without a content type", body.len()),
        };
        Error::decode(format!("the answer, {found}, is not the expected JSON")).caused_by(problem)
    })
}

/// Reads a whole body into memory, but no more than `limit` bytes.
///
/// # Errors
///
/// [`Error::is_decode`] as soon as the body is seen to be larger than the limit; the body's own
/// error if it breaks off.
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
    // A body of one piece, as most are, is taken as it is.
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
        make_room(&mut whole, chunk.len(), limit);
        whole.extend_from_slice(&chunk);
        next = body.chunk().await?;
    }
    Ok(whole.into())
}

/// Doubles the room when it runs out, as a `Vec` does by itself, but never beyond the limit.
fn make_room(whole: &mut Vec<u8>, more: usize, limit: usize) {
    let needed = whole.len() + more;
    if needed > whole.capacity() {
        let room = needed.max(whole.capacity().saturating_mul(2).min(limit));
        whole.reserve_exact(room - whole.len());
    }
}

/// Reads the beginning of a body, for an error message. A body that breaks off gives what came.
pub(crate) async fn collect_start(mut body: Body, limit: usize) -> Bytes {
    let mut start = BytesMut::new();
    while start.len() < limit {
        match body.chunk().await {
            Ok(Some(chunk)) => {
                let room = limit - start.len();
                start.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            }
            Ok(None) | Err(_) => break,
        }
    }
    start.freeze()
}

fn too_large(limit: usize) -> Error {
    Error::decode(format!(
        "the answer is larger than the limit of {limit} bytes"
    ))
}
