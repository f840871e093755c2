//! Streams of the items in the body of a response.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use http_body::Body as _;

use super::body_start::BodyStart;
use super::decode::Decode;
use super::exchange::Exchange;
use super::intake::Intake;
use super::{lines, ndjson, sse, text};
use crate::body::Body;
use crate::error::{Error, ErrorParts};

mod parts;

pub use self::parts::{DecodedParts, decoded};

/// The server-sent events of a response.
pub type EventStream = Decoded<sse::Decoder>;
/// The lines of a response.
pub type LineStream = Decoded<lines::Decoder>;
/// The JSON values of a response that has one per line.
pub type JsonStream<T> = Decoded<ndjson::Decoder<T>>;
/// The text of a response, as it arrives.
pub type TextStream = Decoded<text::Decoder>;

/// A stream of the items that a decoder finds in the body of a response.
///
/// The body is read only as items are requested, so a slow reader applies backpressure to the sender,
/// and memory holds one chunk of the body and one incomplete item. Dropping the stream ends the request at
/// once. The transport limits the time without data; `blaxel_transport::Client` allows 120 seconds.
///
/// Items are read by [`try_next`](Self::try_next), or through [`Stream`].
///
/// ```no_run
/// # use blaxel_core::Error;
/// # async fn example(mut events: blaxel_core::stream::EventStream) -> Result<(), Error> {
/// while let Some(event) = events.try_next().await? {
///     println!("{}: {}", event.name(), event.data());
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "the body is read only when items are requested"]
pub struct Decoded<D: Decode> {
    /// `None` once the body has ended.
    body: Option<Body>,
    /// `None` once the stream has ended.
    decoder: Option<D>,
    end: Option<End<D::Item>>,
    exchange: Exchange,
    intake: Intake,
    /// `None` as soon as the body is known to be a stream.
    start: Option<BodyStart>,
    /// Set once the body is known to be something else than a stream.
    foreign: Option<Foreign>,
    whole: Option<Whole<D>>,
}

/// Converts the whole answer of a server that does not stream to a decoder that has its items.
type Whole<D> = fn(&[u8]) -> Option<D>;

/// A body that is no stream, of which the rest is read for its message.
struct Foreign {
    /// The error of the decoder, if it found one.
    problem: Option<Error>,
}

/// The end mark of a stream.
struct End<T> {
    mark: String,
    is_end: Box<dyn FnMut(&T) -> bool + Send>,
}

impl<D: Decode + Default> Decoded<D> {
    /// Creates a stream of a body, with the default limit of the decoder.
    pub fn new(body: Body) -> Self {
        Self::with_decoder(body, D::default())
    }
}

impl<D: Decode> Decoded<D> {
    /// Creates a stream of a body with a given decoder, such as one with another limit.
    ///
    /// ```
    /// # fn example(body: blaxel_core::Body) {
    /// use blaxel_core::stream::{LineStream, lines};
    ///
    /// let lines = LineStream::with_decoder(body, lines::Decoder::with_limit(64 * 1024));
    /// # }
    /// ```
    pub fn with_decoder(body: Body, decoder: D) -> Self {
        Self {
            body: Some(body),
            decoder: Some(decoder),
            end: None,
            exchange: Exchange::default(),
            intake: Intake::default(),
            start: Some(BodyStart::default()),
            foreign: None,
            whole: None,
        }
    }

    /// Sets the end mark: the stream ends at the first item for which `is_end` returns `true`, and `mark`
    /// is its name in the error. That item is not returned, and nothing after it is read. A body that
    /// ends without it is [`Error::is_truncated`].
    ///
    /// ```
    /// # use blaxel_core::Body;
    /// # use blaxel_core::stream::EventStream;
    /// # let body = Body::empty();
    /// let events = EventStream::new(body).until("[DONE]", |event| event.data() == "[DONE]");
    /// ```
    pub fn until<F>(mut self, mark: impl Into<String>, is_end: F) -> Self
    where
        F: FnMut(&D::Item) -> bool + Send + 'static,
    {
        self.end = Some(End {
            mark: mark.into(),
            is_end: Box::new(is_end),
        });
        self
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<D::Item, Error>>> {
        let Some(outcome) = ready!(self.poll_outcome(cx)) else {
            let missed = self.end.take();
            self.close();
            return Poll::Ready(missed.map(|end| {
                let mark = end.mark;
                let message =
                    format!("the stream is truncated: it ended without its end mark {mark}");
                Err(self.exchange.annotate(Error::truncated(message)))
            }));
        };
        let item = match outcome {
            Ok(item) => item,
            Err(error) => {
                self.close();
                return Poll::Ready(Some(Err(self.exchange.annotate(error))));
            }
        };
        if self.end.as_mut().is_some_and(|end| (end.is_end)(&item)) {
            self.close();
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(item)))
    }

    /// Polls for the next item, unless the body turns out to be something else than a stream.
    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<D::Item, Error>>> {
        if self.foreign.is_none() {
            let outcome = ready!(self.poll_decoder(cx));
            if !self.is_foreign(&outcome) {
                self.start = None;
                return Poll::Ready(outcome);
            }
            let problem = outcome.and_then(Result::err);
            self.foreign = Some(Foreign { problem });
        }
        self.poll_foreign(cx)
    }

    /// Returns `true` if the first outcome of a body shows that it is not a stream.
    ///
    /// Servers give streams all kinds of content types, so a body with items is a stream. Only if it is
    /// called JSON or a page, and begins like that, the items are chance hits.
    fn is_foreign(&self, outcome: &Option<Result<D::Item, Error>>) -> bool {
        let (Some(start), Some(decoder)) = (&self.start, &self.decoder) else {
            return false;
        };
        let suspicious = match outcome {
            None => true,
            Some(Err(problem)) => problem.is_decode(),
            Some(Ok(_)) => self.exchange.is_document(),
        };
        let text = start.text();
        suspicious && !text.is_empty() && decoder.is_foreign(text)
    }

    /// Polls for the rest of a body that is no stream, and returns its items or its error.
    fn poll_foreign(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<D::Item, Error>>> {
        while let (Some(body), Some(start)) = (&mut self.body, &mut self.start)
            && !start.is_full()
        {
            match ready!(Pin::new(body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(chunk) = frame.into_data() {
                        start.add(&self.intake.read(chunk)?);
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => self.body = None,
            }
        }
        let start = self.start.take().unwrap_or_default();
        if let Some(decoder) = self.whole.and_then(|whole| whole(start.text())) {
            self.foreign = None;
            self.body = None;
            self.decoder = Some(decoder);
            return self.poll_decoder(cx);
        }
        let head = self.exchange.head.as_deref();
        let error = Error::not_a_stream(self.exchange.operation, head, start.text());
        let problem = self.foreign.take().and_then(|foreign| foreign.problem);
        Poll::Ready(Some(Err(match problem {
            Some(problem) => error.caused_by(problem),
            None => error,
        })))
    }

    fn poll_decoder(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<D::Item, Error>>> {
        let Some(decoder) = &mut self.decoder else {
            return Poll::Ready(None);
        };
        loop {
            if let Some(item) = decoder.next_item() {
                return Poll::Ready(Some(item));
            }
            let Some(body) = &mut self.body else {
                return Poll::Ready(decoder.finish());
            };
            match ready!(Pin::new(body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(chunk) = frame.into_data() {
                        let chunk = self.intake.read(chunk)?;
                        if let Some(start) = &mut self.start
                            && start.add(&chunk)
                            && !decoder.is_foreign(start.text())
                        {
                            self.start = None;
                        }
                        decoder.push(chunk);
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => self.body = None,
            }
        }
    }
}

impl<D: Decode + Unpin> Decoded<D> {
    /// Returns the next item, or `None` at the end of the stream.
    ///
    /// It is cancel safe: a future that is dropped before it completes loses no item.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transport`](crate::ErrorKind) if the connection fails,
    /// [`Error::is_timeout`] if no data arrives for too long; [`Error::is_decode`] for an item that is too
    /// large or malformed, or a body that is no stream in the format of the decoder; [`Error::is_failed`] if
    /// such a body reports an error; [`Error::is_truncated`] if the body ends before the [end mark](Self::until), if one
    /// is set. After an error the stream has ended.
    pub async fn try_next(&mut self) -> Result<Option<D::Item>, Error> {
        poll_fn(|cx| self.poll_item(cx)).await.transpose()
    }
}

impl<D: Decode + Unpin> Stream for Decoded<D> {
    type Item = Result<D::Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl<D: Decode> fmt::Debug for Decoded<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded")
            .field("open", &self.body.is_some())
            .finish_non_exhaustive()
    }
}
