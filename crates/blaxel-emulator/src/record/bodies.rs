//! Bodies of JSON that are read as a whole, to replace addresses in them.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use blaxel_core::__private::media_type;
use http::{HeaderMap, header};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;

/// Returns `true` if headers announce a document in JSON, and not a stream of them.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers) == "application/json" && !headers.contains_key(header::CONTENT_ENCODING)
}

/// A body that was read, as far as it fits.
pub(super) enum Read {
    Whole(Bytes),
    /// It is too long, or does not end as it should. It is as it was before.
    Other(Body),
}

/// Reads a body of at most `limit` bytes.
pub(super) async fn read(mut body: Body, limit: usize) -> Read {
    let mut start = Vec::new();
    loop {
        match body.frame().await {
            None => return Read::Whole(start.into()),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if start.len() + data.len() <= limit => start.extend_from_slice(&data),
                Ok(data) => return Read::Other(again(start, Some(Ok(Frame::data(data))), body)),
                // Trailers.
                Err(frame) => return Read::Other(again(start, Some(Ok(frame)), body)),
            },
            Some(Err(error)) => return Read::Other(again(start, Some(Err(error)), body)),
        }
    }
}

type Next = Option<Result<Frame<Bytes>, axum::Error>>;

/// Returns a body of what was read, and the rest.
fn again(start: Vec<u8>, next: Next, rest: Body) -> Body {
    let start = (!start.is_empty()).then(|| Ok(Frame::data(start.into())));
    Body::new(Again {
        read: [start, next],
        rest,
    })
}

/// A body of which a part was read.
struct Again {
    read: [Next; 2],
    rest: Body,
}

impl HttpBody for Again {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next> {
        if let Some(frame) = self.read.iter_mut().find_map(Option::take) {
            return Poll::Ready(Some(frame));
        }
        Pin::new(&mut self.rest).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.read.iter().all(Option::is_none) && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.read.iter().all(Option::is_none) {
            true => self.rest.size_hint(),
            false => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_is_too_long_is_as_before() {
        let Read::Whole(whole) = read(Body::from("four"), 4).await else {
            panic!("it fits");
        };
        assert_eq!(whole, "four");
        let chunks = ["one", "two", "three"].map(|chunk| Ok::<_, axum::Error>(Bytes::from(chunk)));
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        let Read::Other(other) = read(body, 4).await else {
            panic!("it does not fit");
        };
        assert_eq!(other.collect().await.unwrap().to_bytes(), "onetwothree");
        let chunks = [Ok("one"), Err(axum::Error::new("cut"))];
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        let Read::Other(mut other) = read(body, 4).await else {
            panic!("it is cut");
        };
        let first = other.frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "one");
        other.frame().await.unwrap().unwrap_err();
    }
}
