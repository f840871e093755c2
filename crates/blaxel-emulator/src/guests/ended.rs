//! Response bodies that are cut when the machine that sends them ends.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use blaxel_core::BoxFuture;
use http_body::{Frame, SizeHint};
use tokio::sync::watch;

/// Waits until a machine has ended.
pub(crate) async fn wait_for_end(mut ended: watch::Receiver<()>) {
    // Nothing is ever sent: the machine drops the sender.
    while ended.changed().await.is_ok() {}
}

/// Cuts a body when the machine has ended, as a closed connection does.
pub(crate) fn until_ended(body: Body, ended: watch::Receiver<()>) -> Body {
    use http_body::Body as _;
    if body.is_end_stream() {
        return body;
    }
    Body::new(Cut {
        body,
        ended: Box::pin(wait_for_end(ended)),
        is_over: false,
    })
}

struct Cut {
    body: Body,
    ended: BoxFuture<()>,
    is_over: bool,
}

/// The error of a body that was cut.
#[derive(Debug)]
struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sandbox has ended")
    }
}

impl std::error::Error for Ended {}

impl http_body::Body for Cut {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        // A program that ends with its machine must not look as if it had ended by itself.
        let is_silent = !matches!(frame, Poll::Ready(Some(_)));
        if is_silent && self.ended.as_mut().poll(cx).is_ready() {
            self.is_over = true;
            self.body = Body::empty();
            return Poll::Ready(Some(Err(axum::Error::new(Ended))));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
