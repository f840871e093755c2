//! The context of a call: what its request carries through every layer.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{Extensions, Method};

use crate::description::{Idempotency, OperationInfo, Plane};
use crate::journal::Journal;
use crate::options::{Attempts, CallOptions};

/// The context of one call, shared by everything that handles it.
///
/// It holds the description of the operation, the options of the call, and a count of the attempts.
/// It travels in the [extensions](https://docs.rs/http/latest/http/struct.Extensions.html) of the request, where a layer that maps a
/// body, a header or an error does not lose it. All clones share one allocation, so an attempt counted
/// by the transport is seen by the caller whatever the layers in between did to the response.
///
/// A layer reads it with [`CallContext::of`]; [`operation`] is short for the description alone:
///
/// ```
/// use blaxel_core::CallContext;
///
/// fn label<B>(request: &http::Request<B>) -> &'static str {
///     let context = CallContext::of(request.extensions());
///     context.and_then(CallContext::operation).map_or("raw request", |info| info.name())
/// }
/// # assert_eq!(label(&http::Request::new(())), "raw request");
/// ```
///
/// A layer that builds a new request from an old one hands the context on by copying the extensions,
/// or by inserting a clone of the context into the new ones.
#[derive(Clone)]
pub struct CallContext(Arc<Call>);

struct Call {
    operation: Option<&'static OperationInfo>,
    plane: Plane,
    /// Set once: by the caller, else by the client.
    options: OnceLock<CallOptions>,
    /// The size of the body before any layer saw it, if it was in memory then.
    body_size: OnceLock<usize>,
    /// The method of a raw request.
    method: OnceLock<Method>,
    journal: Journal,
}

impl CallContext {
    /// Creates the context of a call of an operation.
    #[must_use]
    pub fn new(operation: &'static OperationInfo) -> Self {
        Self::build(Some(operation), operation.plane())
    }

    /// Creates the context of a raw request, which belongs to no described operation.
    ///
    /// A raw request has to name its plane, since the paths of the planes coincide: `DELETE /agents/a`
    /// deletes an agent on the control plane and calls it on the other. It is not retried unless its
    /// [options](CallOptions::with_idempotent) say that it may be. See
    /// [`raw_request`](crate::raw_request) for sending one.
    #[must_use]
    pub fn raw(plane: Plane) -> Self {
        Self::build(None, plane)
    }

    fn build(operation: Option<&'static OperationInfo>, plane: Plane) -> Self {
        Self(Arc::new(Call {
            operation,
            plane,
            options: OnceLock::new(),
            body_size: OnceLock::new(),
            method: OnceLock::new(),
            journal: Journal::default(),
        }))
    }

    /// Returns the context in the extensions of a request or response, if there is one.
    ///
    /// A response has one if it came through a client that has layers of its user's own.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Returns the context with these options, unless it has some already.
    #[must_use]
    pub fn with_options(self, options: CallOptions) -> Self {
        self.0.options.get_or_init(|| options);
        self
    }

    /// Returns the description of the operation, or `None` for a raw request.
    #[must_use]
    pub fn operation(&self) -> Option<&'static OperationInfo> {
        self.0.operation
    }

    /// Returns the plane that the request belongs to.
    #[must_use]
    pub fn plane(&self) -> Plane {
        self.0.plane
    }

    /// Returns the options of the call; by default they override nothing.
    pub fn options(&self) -> CallOptions {
        self.0.options.get().copied().unwrap_or_default()
    }

    /// Returns the number of times the request was sent so far, and whether one of them may have been
    /// processed although it failed.
    #[must_use]
    pub fn attempts(&self) -> Attempts {
        self.0.journal.attempts()
    }

    /// Returns `true` if the two are of the same call.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn journal(&self) -> &Journal {
        journal(self)
    }

    /// Returns `true` if the call may change something. A raw request tells by its method.
    pub(crate) fn is_changing(&self) -> bool {
        match (self.operation(), self.0.method.get()) {
            (Some(info), _) => info.idempotency() != Idempotency::Safe,
            (None, Some(method)) => !method.is_safe(),
            (None, None) => true,
        }
    }
}

/// Notes the method and the body that a call began with.
pub(crate) fn note_beginning(context: &CallContext, method: &Method, bytes: Option<&Bytes>) {
    if context.operation().is_none() {
        context.0.method.get_or_init(|| method.clone());
    }
    if let Some(bytes) = bytes {
        context.0.body_size.get_or_init(|| bytes.len());
    }
}

/// Returns the size of the body that a call began with, if that body was in memory.
#[must_use]
pub fn body_size(context: &CallContext) -> Option<usize> {
    context.0.body_size.get().copied()
}

/// Returns the record of the attempts of a call.
#[must_use]
pub fn journal(context: &CallContext) -> &Journal {
    &context.0.journal
}

impl fmt::Debug for CallContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallContext")
            .field("operation", &self.operation().map(OperationInfo::name))
            .field("plane", &self.plane())
            .field("options", &self.options())
            .field("attempts", &self.attempts())
            .finish()
    }
}

/// Returns the description of the operation that a request belongs to, or `None` for a raw request.
#[must_use]
pub fn operation<B>(request: &http::Request<B>) -> Option<&'static OperationInfo> {
    CallContext::of(request.extensions())?.operation()
}
