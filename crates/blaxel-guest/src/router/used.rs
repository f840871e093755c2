//! Response bodies that keep the machine awake.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};

use crate::clock::Awake;

/// Keeps the machine awake until a body has been sent, or is given up.
pub(super) fn until_its_end(body: Body, awake: Awake) -> Body {
    use http_body::Body as _;
    if body.is_end_stream() {
        return body;
    }
    Body::new(Used {
        body,
        awake: Some(awake),
    })
}

struct Used {
    body: Body,
    awake: Option<Awake>,
}

impl http_body::Body for Used {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.awake = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
