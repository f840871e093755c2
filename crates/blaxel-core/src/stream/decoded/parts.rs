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
