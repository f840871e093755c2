//! Bodies that are kept while they pass.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};

/// The end of a body that was observed.
pub(crate) struct Passed {
    /// The first bytes.
    pub(crate) kept: Vec<u8>,
    /// The number of all bytes.
    pub(crate) size: u64,
    /// Set if the body was read to its end.
    pub(crate) is_complete: bool,
}

/// Returns a body that keeps at most `limit` bytes of what passes, and tells `done` when it ends or is
/// dropped.
pub(crate) fn observe(
    body: Body,
    limit: usize,
    done: impl FnOnce(Passed) + Send + Unpin + 'static,
) -> Body {
    if body.is_end_stream() {
        done(Passed {
            kept: Vec::new(),
            size: 0,
            is_complete: true,
        });
        return body;
    }
    Body::new(Observed {
        body,
        limit,
        kept: Vec::new(),
        size: 0,
        done: Some(done),
    })
}

struct Observed<F: FnOnce(Passed)> {
    body: Body,
    limit: usize,
    kept: Vec<u8>,
    size: u64,
    done: Option<F>,
}

impl<F: FnOnce(Passed)> Observed<F> {
    fn end(&mut self, is_complete: bool) {
        if let Some(done) = self.done.take() {
            done(Passed {
                kept: std::mem::take(&mut self.kept),
                size: self.size,
                is_complete,
            });
        }
    }
}

impl<F: FnOnce(Passed) + Send + Unpin + 'static> HttpBody for Observed<F> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    let room = self.limit.saturating_sub(self.kept.len());
                    let first = data.get(..room.min(data.len())).unwrap_or_default();
                    self.kept.extend_from_slice(first);
                    self.size += data.len() as u64;
                }
                // A reader that knows the length does not ask again.
                if self.body.is_end_stream() {
                    self.end(true);
                }
            }
            Some(Err(_)) => self.end(false),
            None => self.end(true),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<F: FnOnce(Passed)> Drop for Observed<F> {
    fn drop(&mut self) {
        self.end(false);
    }
}
