//! A request within the stack, with the context that it is known to have.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use blaxel_core::__private::{attach, body_size};
use blaxel_core::{Body, CallContext};
use bytes::BytesMut;
use http_body::Body as _;

use crate::rejoined::Rejoined;

/// How much larger than before a body may have become by the layers around it, in bytes.
const GROWTH: usize = 64 * 1024;

/// A request and the context of its call.
///
/// The layers of the stack pass this instead of a bare request, so that none of them has to ask whether
/// the context is still there.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) request: http::Request<Body>,
    pub(crate) context: CallContext,
}

impl Call {
    /// Takes a body back into memory that was there before a layer wrapped it, so that it can be sent
    /// twice as it could before.
    pub(crate) fn hold_body(&mut self) {
        if self.request.body().bytes().is_none()
            && let Some(size) = body_size(&self.context)
        {
            let limit = size.saturating_mul(2).saturating_add(GROWTH);
            let wrapped = std::mem::take(self.request.body_mut());
            *self.request.body_mut() = hold(wrapped, limit);
        }
    }

    /// Returns a second call like this one, unless its body comes only once.
    pub(crate) fn try_clone(&self) -> Option<Self> {
        let request = &self.request;
        let mut copy = http::Request::new(request.body().try_clone()?);
        copy.method_mut().clone_from(request.method());
        copy.uri_mut().clone_from(request.uri());
        *copy.version_mut() = request.version();
        copy.headers_mut().clone_from(request.headers());
        // Mostly the context is all there is, and it is attached if the copy is sent.
        if request.extensions().len() > 1 {
            copy.extensions_mut().clone_from(request.extensions());
        }
        Some(Self {
            request: copy,
            context: self.context.clone(),
        })
    }

    /// Returns the request as the layers around an attempt are to see it.
    pub(crate) fn into_request(mut self) -> http::Request<Body> {
        if CallContext::of(self.request.extensions()).is_none() {
            attach(&mut self.request, self.context);
        }
        self.request
    }
}

/// Reads as much of a body as is there without waiting. If that is not all of it, or more than the limit,
/// the body goes on as a stream.
fn hold(mut body: Body, limit: usize) -> Body {
    let mut held = BytesMut::new();
    let mut cx = Context::from_waker(Waker::noop());
    let broken = loop {
        match Pin::new(&mut body).poll_frame(&mut cx) {
            Poll::Ready(None) => return held.freeze().into(),
            Poll::Ready(Some(Ok(frame))) => {
                // Trailers are no use to anybody here, as in `Body::chunk`.
                if let Ok(data) = frame.into_data() {
                    held.extend_from_slice(&data);
                }
                if held.len() > limit {
                    break None;
                }
            }
            Poll::Ready(Some(Err(error))) => break Some(error),
            Poll::Pending => break None,
        }
    };
    Body::new(Rejoined::new(held.freeze(), broken, body))
}
