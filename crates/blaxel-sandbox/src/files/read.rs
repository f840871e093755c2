//! Reading a file as a stream that survives a broken connection.

use std::fmt;
use std::future::poll_fn;
use std::future::{Future, IntoFuture};
use std::ops::{Bound, RangeBounds};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::{ErrorParts, compression_problem};
use blaxel_core::{Body, BoxFuture, Error, HttpService, Source};
use bytes::{Buf, Bytes, BytesMut};
use futures_core::Stream;
use http::StatusCode;
use http_body::Body as _;
use tokio::time::{Sleep, sleep};

use super::basics::{self, ListDirectory, text};
use super::entry::Listing;
use super::locate::Place;
use super::path::RemotePath;
use super::problem::{about, is_a_directory};
use super::retry::Attempts;
use super::stat::{ContentRange, cannot_seek, is_listing};
use crate::remote::Remote;

/// Maximum number of times that a stream is resumed without receiving any data in between.
const RESUMPTIONS: u32 = 5;

/// A file that is about to be read, created by [`Files::read_stream`](super::Files::read_stream).
///
/// Await it to send the request, which returns the [`FileStream`].
#[must_use = "nothing is sent until it is awaited"]
pub struct ReadStream<S> {
    place: Place<S>,
    path: String,
    range: (Bound<u64>, Bound<u64>),
}

impl<S: HttpService> ReadStream<S> {
    pub(crate) fn new(place: Place<S>, path: &str) -> Self {
        Self {
            place,
            path: path.to_owned(),
            range: (Bound::Unbounded, Bound::Unbounded),
        }
    }

    /// Reads a part of the file, in bytes. By default the whole file is read.
    ///
    /// A range that ends after the end of the file is cut there; one that begins there, or later, is empty.
    pub fn range(mut self, range: impl RangeBounds<u64>) -> Self {
        self.range = (range.start_bound().cloned(), range.end_bound().cloned());
        self
    }

    async fn open(self) -> Result<FileStream<S>, Error> {
        let invalid = |problem: &str| Error::input("range", &Source::Code, problem);
        let next = |position: u64| {
            position
                .checked_add(1)
                .ok_or_else(|| invalid("it is too large"))
        };
        let start = match self.range.0 {
            Bound::Unbounded => 0,
            Bound::Included(start) => start,
            Bound::Excluded(before) => next(before)?,
        };
        let end = match self.range.1 {
            Bound::Unbounded => None,
            Bound::Included(last) => Some(next(last)?),
            Bound::Excluded(end) => Some(end),
        };
        if end.is_some_and(|end| end <= start) {
            return Err(invalid("it is empty"));
        }
        let path = self.place.locate(&self.path).await?;
        let range = (start > 0 || end.is_some()).then(|| range_header(start, end));
        let first = basics::ReadFile {
            path: &path,
            range,
            if_range: None,
        };
        let opened = self.place.remote.open(&first).await;
        let mut stream = FileStream {
            remote: self.place.remote,
            path,
            name: self.path,
            position: start,
            skip: 0,
            end,
            total: None,
            version: None,
            state: State::Ended,
            attempts: Attempts::default(),
        };
        match opened {
            Ok(response) => stream.start(response)?,
            Err(error) if error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE) => {}
            Err(error) if cannot_seek(&error) && start == 0 => {
                let text = stream.remote.call(&ListDirectory(&stream.path)).await;
                let text = text.ok().and_then(Listing::into_exact_text);
                let text = text.ok_or_else(|| about(&stream.name)(error))?;
                stream.total = u64::try_from(text.len()).ok();
                stream.state = State::Reading(Body::from(text));
            }
            Err(error) => return Err(about(&stream.name)(error)),
        }
        Ok(stream)
    }
}

impl<S: HttpService> IntoFuture for ReadStream<S> {
    type Output = Result<FileStream<S>, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl<S> fmt::Debug for ReadStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadStream")
            .field("path", &self.path)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

/// The bytes of a file, as they arrive.
///
/// If the connection breaks, the stream is resumed at the next byte, up to five times without any data in
/// between, with delays of 0.2 to 2 seconds. This requires that the server names the size of the file and the
/// time of its last change. The server refuses to resume a file that was changed since; the stream then ends
/// with an error, and never mixes two versions.
///
/// The body is read only as chunks are requested. Dropping the stream ends the request.
#[must_use = "the file is read only when chunks are requested"]
pub struct FileStream<S> {
    remote: Remote<S>,
    path: RemotePath,
    /// The path as it was given, for errors.
    name: String,
    /// The position in the file of the next byte to return.
    position: u64,
    /// The number of received bytes to drop, if the server ignores ranges.
    skip: u64,
    /// The position of the end, if it is known.
    end: Option<u64>,
    total: Option<u64>,
    /// The entity tag of the file, or the time of its last change.
    version: Option<String>,
    state: State,
    attempts: Attempts,
}

enum State {
    Reading(Body),
    Waiting(Pin<Box<Sleep>>),
    Opening(BoxFuture<Result<http::Response<Body>, Error>>),
    Ended,
}

impl<S> FileStream<S> {
    /// Returns the size of the whole file in bytes, or `None` if the server does not tell it.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        self.total
    }

    /// Returns `true` if the file is known to be empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == Some(0)
    }

    /// Returns the position in the file of the next byte.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Returns the number of bytes that are still to come, or `None` if it is not known.
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        Some(self.end?.saturating_sub(self.position))
    }
}

impl<S: HttpService> FileStream<S> {
    /// Takes the first response.
    fn start(&mut self, response: http::Response<Body>) -> Result<(), Error> {
        let (head, body) = response.into_parts();
        if is_listing(&head) {
            return Err(is_a_directory(&self.name));
        }
        if let Some(problem) = compression_problem(&head.headers) {
            return Err(Error::decode(problem).with_head(&head));
        }
        let length = || text(&head.headers, "content-length")?.parse::<u64>().ok();
        let (start, end) = match head.status {
            StatusCode::PARTIAL_CONTENT => {
                let range = ContentRange::of(&head);
                self.total = range.and_then(|range| range.total);
                let range = range.and_then(|range| range.range);
                let Some((start, end)) = range.filter(|(start, _)| *start == self.position) else {
                    let message = "the response has another range than the requested one";
                    return Err(Error::decode(message).with_head(&head));
                };
                (start, Some(end))
            }
            _ => {
                self.total = length();
                (0, self.total)
            }
        };
        self.skip = self.position - start;
        self.end = match (self.end, end) {
            (Some(asked), Some(end)) => Some(asked.min(end)),
            (asked, end) => asked.or(end),
        };
        self.version = version(&head);
        self.state = State::Reading(body);
        Ok(())
    }

    /// Takes the response to a request for the rest of the file.
    fn resume(&mut self, response: http::Response<Body>) -> Result<(), Error> {
        let (head, body) = response.into_parts();
        let range = ContentRange::of(&head);
        let continues = head.status == StatusCode::PARTIAL_CONTENT
            && range.is_some_and(|found| {
                found.total == self.total
                    && found.range.is_some_and(|(start, _)| start == self.position)
            })
            && version(&head) == self.version;
        if !continues {
            let message = format!(
                "the connection broke after byte {}, and the file was changed since: `{}`",
                self.position, self.name
            );
            return Err(Error::truncated(message).with_head(&head));
        }
        self.skip = 0;
        self.state = State::Reading(body);
        Ok(())
    }

    /// Prepares another attempt after the connection broke, or returns the error if there is none.
    fn recover(&mut self, error: Error) -> Result<(), Error> {
        self.state = State::Ended;
        if !error.is_transient() {
            return Err(error);
        }
        if self.version.is_none() || self.total.is_none() {
            let message = format!(
                "the connection broke after byte {} of `{}`, which cannot be resumed: the server does not \
                 name the version of the file",
                self.position, self.name
            );
            return Err(Error::truncated(message).caused_by(error));
        }
        match self.attempts.next(RESUMPTIONS) {
            Some(delay) => {
                self.state = State::Waiting(Box::pin(sleep(delay)));
                Ok(())
            }
            None => Err(error),
        }
    }

    /// Sends the request for the rest of the file.
    fn reopen(&self) -> BoxFuture<Result<http::Response<Body>, Error>> {
        let remote = self.remote.clone();
        let path = self.path.clone();
        let range = range_header(self.position, self.end);
        let version = self.version.clone();
        Box::pin(async move {
            let rest = basics::ReadFile {
                path: &path,
                range: Some(range),
                if_range: version.as_deref(),
            };
            remote.open(&rest).await
        })
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            match &mut self.state {
                State::Ended => return Poll::Ready(None),
                State::Waiting(delay) => {
                    ready!(delay.as_mut().poll(cx));
                    self.state = State::Opening(self.reopen());
                }
                State::Opening(opening) => {
                    let outcome = match ready!(opening.as_mut().poll(cx)) {
                        Ok(response) => self.resume(response),
                        Err(error) => self.recover(error),
                    };
                    if let Err(error) = outcome {
                        self.state = State::Ended;
                        return Poll::Ready(Some(Err(about(&self.name)(error))));
                    }
                }
                State::Reading(body) => {
                    let frame = ready!(Pin::new(body).poll_frame(cx));
                    let broken = match frame {
                        Some(Ok(frame)) => {
                            let Ok(chunk) = frame.into_data() else {
                                continue;
                            };
                            match self.take(chunk) {
                                Some(chunk) => return Poll::Ready(Some(Ok(chunk))),
                                None => continue,
                            }
                        }
                        Some(Err(error)) => error,
                        None if self.end.is_none_or(|end| self.position >= end) => {
                            self.state = State::Ended;
                            continue;
                        }
                        None => Error::truncated(format!(
                            "the response ended after byte {} of `{}`",
                            self.position, self.name
                        )),
                    };
                    if let Err(error) = self.recover(broken) {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
            }
        }
    }

    /// Takes a chunk of the body. Returns the bytes of it that were asked for, unless there are none.
    fn take(&mut self, mut chunk: Bytes) -> Option<Bytes> {
        let len = |chunk: &Bytes| u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if self.skip > 0 {
            let skipped = self.skip.min(len(&chunk));
            self.skip -= skipped;
            chunk.advance(usize::try_from(skipped).unwrap_or(chunk.len()));
        }
        if let Some(end) = self.end {
            let wanted = end.saturating_sub(self.position);
            if len(&chunk) >= wanted {
                chunk.truncate(usize::try_from(wanted).unwrap_or(chunk.len()));
                // The rest, if there is any, is not part of the range.
                self.state = State::Ended;
            }
        }
        if chunk.is_empty() {
            return None;
        }
        self.attempts.reset();
        self.position = self.position.saturating_add(len(&chunk));
        Some(chunk)
    }

    /// Returns the next chunk, or `None` at the end of the file.
    ///
    /// It is cancel safe: a future that is dropped before it completes loses no data.
    ///
    /// # Errors
    ///
    /// The error of the connection, once the stream cannot be resumed any more;
    /// [`Error::is_truncated`] if it broke and the file was changed since. After an error the stream has ended.
    pub async fn try_next(&mut self) -> Result<Option<Bytes>, Error> {
        poll_fn(|cx| self.poll_chunk(cx)).await.transpose()
    }

    /// Reads the rest into memory, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if there is more; otherwise those of [`try_next`](Self::try_next).
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, Error> {
        let remaining = self.remaining().map(usize::try_from);
        let capacity = match remaining {
            Some(Ok(size)) if size <= limit => size,
            Some(_) => return Err(too_large(&self.name, limit)),
            None => 0,
        };
        let Some(first) = self.try_next().await? else {
            return Ok(Bytes::new());
        };
        if first.len() == capacity {
            // A small file is a single chunk, which is returned without a copy.
            return Ok(first);
        }
        let mut whole = BytesMut::with_capacity(capacity.max(first.len()));
        let mut next = Some(first);
        while let Some(chunk) = next {
            if whole.len().saturating_add(chunk.len()) > limit {
                return Err(too_large(&self.name, limit));
            }
            whole.extend_from_slice(&chunk);
            next = self.try_next().await?;
        }
        Ok(whole.freeze())
    }
}

impl<S: HttpService> Stream for FileStream<S> {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_chunk(cx)
    }
}

/// A service need not be `Unpin`, but it is never pinned here.
impl<S> Unpin for FileStream<S> {}

impl<S> fmt::Debug for FileStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStream")
            .field("path", &self.name)
            .field("position", &self.position)
            .field("len", &self.total)
            .finish_non_exhaustive()
    }
}

fn too_large(name: &str, limit: usize) -> Error {
    Error::decode(format!(
        "the file is larger than the limit of {limit} bytes: `{name}`"
    ))
}

/// Returns what identifies the version of the file: a strong entity tag, or the time of the last change.
fn version(head: &http::response::Parts) -> Option<String> {
    let tag = text(&head.headers, "etag").filter(|tag| tag.starts_with('"'));
    tag.or_else(|| text(&head.headers, "last-modified"))
        .map(str::to_owned)
}

fn range_header(start: u64, end: Option<u64>) -> String {
    match end {
        Some(end) => format!("bytes={start}-{}", end.saturating_sub(1)),
        None => format!("bytes={start}-"),
    }
}
