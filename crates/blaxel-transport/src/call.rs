//! A request inside the stack, together with its context.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use blaxel_core::__private::{attach, body_size};
use blaxel_core::{Body, CallContext};
use bytes::BytesMut;
use http::Uri;
use http_body::Body as _;

use crate::limits::CallLimits;
use crate::prefixed_body::PrefixedBody;

/// Maximum number of bytes by which layers may enlarge a body beyond twice its original size.
const MAX_GROWTH: usize = 64 * 1024;

/// A request with the context and the time limits of its call.
///
/// The layers of the stack pass this instead of a bare request, so none of them has to check
/// whether the context is still there.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) request: http::Request<Body>,
    pub(crate) context: CallContext,
    pub(crate) limits: CallLimits,
}

impl Call {
    /// Reads a body into memory that was in memory before a layer wrapped it, so that it can be
    /// sent again.
    pub(crate) fn buffer_body(&mut self) {
        if self.request.body().bytes().is_none()
            && let Some(size) = body_size(&self.context)
        {
            let limit = size.saturating_mul(2).saturating_add(MAX_GROWTH);
            let wrapped = std::mem::take(self.request.body_mut());
            *self.request.body_mut() = buffer(wrapped, limit);
        }
    }

    /// Returns a copy of this call for an attempt with a copy of its body, and keeps what another attempt needs.
    /// The address is the resolved one, if there is one, so its text is not copied.
    pub(crate) fn attempt(&mut self, body: Body, resolved: Option<Uri>) -> Self {
        let request = &mut self.request;
        let mut copy = http::Request::new(body);
        copy.method_mut().clone_from(request.method());
        *copy.uri_mut() = resolved.unwrap_or_else(|| request.uri().clone());
        *copy.version_mut() = request.version();
        copy.headers_mut().clone_from(request.headers());
        let extensions = request.extensions_mut();
        // Usually the context is the only extension, and it is attached to the next attempt when that is sent.
        *copy.extensions_mut() = if extensions.len() > 1 {
            extensions.clone()
        } else {
            std::mem::take(extensions)
        };
        Self {
            request: copy,
            context: self.context.clone(),
            limits: self.limits,
        }
    }

    /// Returns the request for the layers around an attempt, with its context attached.
    pub(crate) fn into_request(mut self) -> http::Request<Body> {
        if CallContext::of(self.request.extensions()).is_none() {
            attach(&mut self.request, self.context);
        }
        self.request
    }
}

/// Reads as much of a body as is available without waiting. If that is not all of it, or more than
/// `limit` bytes, the body stays a stream.
fn buffer(mut body: Body, limit: usize) -> Body {
    let mut buffered = BytesMut::new();
    let mut cx = Context::from_waker(Waker::noop());
    let error = loop {
        match Pin::new(&mut body).poll_frame(&mut cx) {
            Poll::Ready(None) => return buffered.freeze().into(),
            Poll::Ready(Some(Ok(frame))) => {
                // Trailers are dropped, as in `Body::chunk`.
                if let Ok(data) = frame.into_data() {
                    buffered.extend_from_slice(&data);
                }
                if buffered.len() > limit {
                    break None;
                }
            }
            Poll::Ready(Some(Err(error))) => break Some(error),
            Poll::Pending => break None,
        }
    };
    Body::new(PrefixedBody::new(buffered.freeze(), error, body))
}
