//! The body of requests and responses.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

use crate::description::OperationInfo;
use crate::error::{BoxError, Error};
use crate::options::{Attempts, CallOptions};

/// A request's or response's body: nothing, bytes at hand, or bytes that come in time.
///
/// The body of a request also carries the description of its operation, see
/// [`operation`](crate::operation()), and the [options](Self::options) of its call. Extensions of
/// the request would do, but they cost several allocations each time.
#[derive(Default)]
pub struct Body {
    content: Content,
    operation: Option<&'static OperationInfo>,
    options: Option<Arc<CallOptions>>,
    attempts: Attempts,
}

#[derive(Default)]
enum Content {
    #[default]
    Empty,
    Full(Bytes),
    Stream(UnsyncBoxBody<Bytes, Error>),
}

impl Body {
    /// No bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Any other body. One that is a `Body` already is taken as it is.
    pub fn new<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut body = Some(body);
        if let Some(own) = (&mut body as &mut dyn Any).downcast_mut::<Option<Self>>() {
            return own.take().unwrap_or_default();
        }
        let Some(body) = body else {
            return Self::empty();
        };
        let stream = body
            .map_err(|error| Error::from_box(error.into()))
            .boxed_unsync();
        Self {
            content: Content::Stream(stream),
            ..Self::default()
        }
    }

    /// The bytes, if they are all at hand; `None` for a body that comes in time.
    #[must_use]
    pub fn bytes(&self) -> Option<Bytes> {
        match &self.content {
            Content::Empty => Some(Bytes::new()),
            Content::Full(bytes) => Some(bytes.clone()),
            Content::Stream(_) => None,
        }
    }

    /// A second body with the same bytes and description, or `None` if the bytes come only once.
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        Some(Self {
            operation: self.operation,
            options: self.options.clone(),
            attempts: self.attempts,
            ..Self::from(self.bytes()?)
        })
    }

    /// The description of the operation whose request this is the body of.
    #[must_use]
    pub fn operation(&self) -> Option<&'static OperationInfo> {
        self.operation
    }

    /// The options of the call whose request this is the body of.
    #[must_use]
    pub fn options(&self) -> Option<&CallOptions> {
        self.options.as_deref()
    }

    /// Gives the call options, in place of those it had.
    pub fn set_options(&mut self, options: Arc<CallOptions>) {
        self.options = Some(options);
    }

    /// How often a request was sent: before this one, if this is the body of a request; in all, if
    /// it is the body of a response.
    #[must_use]
    pub fn attempts(&self) -> Attempts {
        self.attempts
    }

    /// Notes how often a request was sent, as what repeats it does.
    pub fn set_attempts(&mut self, attempts: Attempts) {
        self.attempts = attempts;
    }

    pub(crate) fn describe(&mut self, operation: &'static OperationInfo) {
        self.operation = Some(operation);
    }

    /// The next bytes, or `None` at the end. Trailers are passed over.
    ///
    /// It may be dropped while it waits; no bytes are lost by that.
    ///
    /// # Errors
    ///
    /// When the connection fails, or a time limit runs out, before the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(frame) = self.frame().await {
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        let content = if bytes.is_empty() {
            Content::Empty
        } else {
            Content::Full(bytes)
        };
        Self {
            content,
            ..Self::default()
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.content {
            Content::Empty => Poll::Ready(None),
            Content::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.content = Content::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Content::Stream(stream) => {
                let frame = ready!(Pin::new(stream).poll_frame(cx));
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Empty => true,
            Content::Full(_) => false,
            Content::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Stream(stream) => stream.size_hint(),
        }
    }
}

impl fmt::Debug for Body {
    /// Says how much there is, never what: bodies hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::Empty => f.write_str("Body(empty)"),
            Content::Full(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Content::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}
