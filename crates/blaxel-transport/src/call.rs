//! A request within the stack, with the context that it is known to have.

use blaxel_core::__private::attach;
use blaxel_core::{Body, CallContext};

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
