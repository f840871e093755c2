//! Constructors and modifiers of streams for the crates of this workspace.

use super::{Decoded, Exchange, Whole};
use crate::body::Body;
use crate::description::OperationInfo;
use crate::error::Error;
use crate::stream::decode::Decode;
use crate::stream::intake::Intake;

/// Maximum size of an answer that is converted, in bytes.
const WHOLE_LIMIT: usize = 32 * 1024 * 1024;

/// Creates the stream of a response that [`open`](crate::open) returned. Its errors have the operation, the
/// number of attempts and the head of the response.
///
/// A body in another charset than UTF-8 is converted if `is_text`. A body that is still compressed is an
/// error of the stream.
pub fn decoded<D: Decode>(
    response: http::Response<Body>,
    operation: &'static OperationInfo,
    decoder: D,
    is_text: bool,
) -> Decoded<D> {
    let (head, body) = response.into_parts();
    let intake = Intake::new(&head.headers, is_text);
    let exchange = Exchange {
        operation: Some(operation),
        context: body.context().cloned(),
        head: Some(Box::new(head)),
    };
    Decoded {
        exchange,
        intake,
        ..Decoded::with_decoder(body, decoder)
    }
}

/// Modifiers of [`Decoded`] that sibling crates need and users do not.
///
/// It is a trait so that call sites look like other methods. It is not part of the public API.
pub trait DecodedParts: Sized {
    /// The decoder of the stream.
    type Decoder: Decode;

    /// Accepts the whole answer of a server that does not stream, of at most 32 MiB. `whole` returns a decoder
    /// that has its items, or `None` for a body that is no answer either.
    #[must_use]
    fn or_whole(self, whole: fn(&[u8]) -> Option<Self::Decoder>) -> Self;

    /// Changes the decoder of a stream that has not been read.
    #[must_use]
    fn map_decoder(self, change: impl FnOnce(Self::Decoder) -> Self::Decoder) -> Self;

    /// Adds the request to an error that occurred while reading.
    #[must_use]
    fn annotate(&self, error: Error) -> Error;

    /// Returns the response headers, or those of a bare success if the stream was created of a body alone.
    #[must_use]
    fn head(&self) -> Box<http::response::Parts>;

    /// Ends the stream and releases its memory.
    fn close(&mut self);
}

#[doc(hidden)]
impl<D: Decode> DecodedParts for Decoded<D> {
    type Decoder = D;

    fn or_whole(mut self, whole: Whole<D>) -> Self {
        self.whole = Some(whole);
        if let Some(start) = &mut self.start {
            start.set_json_limit(WHOLE_LIMIT);
        }
        self
    }

    fn map_decoder(mut self, change: impl FnOnce(D) -> D) -> Self {
        self.decoder = self.decoder.map(change);
        self
    }

    fn annotate(&self, error: Error) -> Error {
        self.exchange.annotate(error)
    }

    fn head(&self) -> Box<http::response::Parts> {
        let bare = || Box::new(http::Response::new(()).into_parts().0);
        self.exchange.head.clone().unwrap_or_else(bare)
    }

    fn close(&mut self) {
        self.body = None;
        self.decoder = None;
        self.end = None;
        self.start = None;
        self.foreign = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::Plane;
    use crate::stream::{EventStream, LineStream, lines, sse};
    use futures_util::FutureExt;
    use http::Method;

    static STREAM: OperationInfo =
        OperationInfo::new("StreamLogs", Method::GET, "/logs").with_plane(Plane::Run);

    fn response(content_type: &str, body: &'static [u8]) -> http::Response<Body> {
        let response = http::Response::builder()
            .status(206)
            .header("content-type", content_type)
            .header("x-request-id", "r-1");
        response.body(Body::from(body.to_vec())).unwrap()
    }

    fn first<D: Decode + Unpin>(stream: &mut Decoded<D>) -> Result<Option<D::Item>, Error> {
        stream
            .try_next()
            .now_or_never()
            .expect("the body is in memory")
    }

    #[test]
    fn an_error_names_the_operation_and_the_response() {
        let response = response("text/event-stream", b"data: a\n\n");
        let events = decoded(response, &STREAM, sse::Decoder::new(), true);
        let mut events: EventStream = events.until("end", |event| event.data() == "end");
        assert_eq!(first(&mut events).unwrap().unwrap().data(), "a");
        let error = first(&mut events).unwrap_err();
        assert!(error.is_truncated(), "{error}");
        assert_eq!(
            error.operation().map(OperationInfo::name),
            Some("StreamLogs")
        );
        assert_eq!(error.request_id(), Some("r-1"));
        assert_eq!(events.head().status, 206);
    }

    #[test]
    fn text_is_converted_and_bytes_are_not() {
        let latin1 = || response("text/plain; charset=iso-8859-1", b"caf\xE9\n");
        let mut text: LineStream = decoded(latin1(), &STREAM, lines::Decoder::new(), true);
        assert_eq!(first(&mut text).unwrap().unwrap(), "caf\u{e9}");
        let mut bytes: LineStream = decoded(latin1(), &STREAM, lines::Decoder::new(), false);
        assert!(first(&mut bytes).unwrap_err().is_decode());
    }

    #[test]
    fn a_whole_answer_is_read_if_it_is_accepted() {
        let whole = |body: &[u8]| {
            let mut decoder = sse::Decoder::new();
            decoder.push([b"data: ", body, b"\n\n"].concat().into());
            Some(decoder)
        };
        let answer = || response("application/json", b"{\"id\": 1}");
        let mut events: EventStream = decoded(answer(), &STREAM, sse::Decoder::new(), true);
        assert!(first(&mut events).unwrap_err().is_decode());
        let events = decoded(answer(), &STREAM, sse::Decoder::new(), true);
        let mut events: EventStream = events.or_whole(whole);
        assert_eq!(first(&mut events).unwrap().unwrap().data(), "{\"id\": 1}");
        assert!(first(&mut events).unwrap().is_none());
    }
}
