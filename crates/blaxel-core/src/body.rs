//! The body of requests and responses.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

use crate::context::CallContext;
use crate::error::{BoxError, Error, ErrorParts};

/// The body of a request or response: empty, bytes in memory, or a stream of bytes.
///
/// It is `Send`, `Sync` and `Unpin`, whatever body it wraps.
///
/// ```
/// use blaxel_core::Body;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let mut body = Body::from("hello");
/// assert_eq!(body.bytes().unwrap(), "hello");
/// while let Some(chunk) = body.chunk().await? {
///     println!("{} bytes", chunk.len());
/// }
/// # Ok::<(), blaxel_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Default)]
pub struct Body {
    content: Content,
    /// A second carrier of the context. It survives a layer that rebuilds the request head, while
    /// the extensions survive a layer that maps the body.
    context: Option<CallContext>,
}

/// The content of a [`Body`].
#[derive(Default)]
enum Content {
    #[default]
    Empty,
    Full(Bytes),
    /// The mutex only makes the stream `Sync`. It is never contended: polling has `&mut` access.
    Stream(Mutex<UnsyncBoxBody<Bytes, Error>>),
}

impl Body {
    /// Creates an empty body.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Wraps any other body. A `Body` is returned unchanged.
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
            content: Content::Stream(Mutex::new(stream)),
            context: None,
        }
    }

    /// Returns the bytes if they are all in memory, or `None` for a stream.
    #[must_use]
    pub fn bytes(&self) -> Option<Bytes> {
        match &self.content {
            Content::Empty => Some(Bytes::new()),
            Content::Full(bytes) => Some(bytes.clone()),
            Content::Stream(_) => None,
        }
    }

    /// Returns a second body with the same bytes, or `None` for a stream, which can be read only
    /// once.
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        Some(Self {
            context: self.context.clone(),
            ..Self::from(self.bytes()?)
        })
    }

    /// Returns the context that the body carries.
    pub(crate) fn context(&self) -> Option<&CallContext> {
        self.context.as_ref()
    }

    /// Sets the context that the body carries.
    pub(crate) fn set_context(&mut self, context: CallContext) {
        self.context = Some(context);
    }

    /// Returns the next chunk of bytes, or `None` at the end. Trailers are skipped.
    ///
    /// It is cancel-safe: no bytes are lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// Fails if the connection fails, or a time limit expires, before the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(frame) = self.frame().await {
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

impl Body {
    /// Adds the facts in the context of the call to an error of the stream.
    fn add_context(&self, error: Error) -> Error {
        match &self.context {
            Some(context) => error.with_context(context),
            None => error,
        }
    }
}

/// Locks a mutex. A poisoned one is used as it is: only polling changes the body.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
                let stream = stream.get_mut().unwrap_or_else(PoisonError::into_inner);
                let frame = ready!(Pin::new(stream).poll_frame(cx));
                if frame.is_none() {
                    // Layers that decode a body poll it again after its end, which many streams do not allow.
                    self.content = Content::Empty;
                }
                Poll::Ready(frame.map(|frame| frame.map_err(|error| self.add_context(error))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Empty => true,
            Content::Full(_) => false,
            Content::Stream(stream) => lock(stream).is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Stream(stream) => lock(stream).size_hint(),
        }
    }
}

impl fmt::Debug for Body {
    /// Prints the size and never the bytes, because bodies contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::Empty => f.write_str("Body(empty)"),
            Content::Full(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Content::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use futures_util::stream::unfold;
    use http_body_util::StreamBody;

    #[test]
    fn a_finished_stream_is_not_polled_again() {
        // An unfolded stream panics if it is polled after its end.
        let frames = unfold(true, |first| async move {
            let frame = Frame::data(Bytes::from_static(b"x"));
            first.then_some((Ok::<_, Error>(frame), false))
        });
        let mut body = Body::new(StreamBody::new(Box::pin(frames)));
        let mut sizes = [0; 3];
        for size in &mut sizes {
            let chunk = body.chunk().now_or_never().unwrap().unwrap();
            *size = chunk.map_or(0, |chunk| chunk.len());
        }
        assert_eq!(sizes, [1, 0, 0]);
        assert!(http_body::Body::is_end_stream(&body));
    }
}
