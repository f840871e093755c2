//! The context of a call, which its request carries through every layer.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, Method};

use crate::description::{Idempotency, OperationInfo, Plane};
use crate::journal::Journal;
use crate::options::{Attempts, CallOptions};
#[cfg(feature = "upgrade")]
use crate::upgraded::UpgradeRequest;

/// The context of one call: the operation's description, the options and the count of attempts.
///
/// It travels in the extensions (`http::Extensions`) of the
/// request, where a layer that maps a body, a header or an error does not lose it. All clones share
/// one allocation, so the caller sees an attempt that the transport counted, whatever the layers in
/// between did to the response.
///
/// A layer reads it with [`CallContext::of`]; [`operation`] is a shortcut for the description:
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
/// A layer that builds a new request from an old one must pass the context on, by copying the
/// extensions or by inserting a clone of the context into the new ones.
#[derive(Clone)]
pub struct CallContext(Arc<Call>);

/// The shared content of a [`CallContext`].
struct Call {
    operation: Option<&'static OperationInfo>,
    plane: Plane,
    traits: Traits,
    /// The options of the call: the caller's, otherwise the client's.
    options: OnceLock<CallOptions>,
    /// The size in bytes of the original body, before any layer saw it, if it was in memory.
    body_size: OnceLock<usize>,
    /// The original method, for a raw request only.
    method: OnceLock<Method>,
    /// The time limit on the whole call, as the client determined it.
    time_limit: OnceLock<Duration>,
    journal: Journal,
}

/// The properties of a call that its request decides, and not its operation.
pub(crate) struct Traits {
    /// `true` if a client adds its own headers to the request.
    pub(crate) credential: bool,
    /// The upgrade that the request asks for.
    #[cfg(feature = "upgrade")]
    pub(crate) upgrade: Option<Box<UpgradeRequest>>,
}

impl Default for Traits {
    fn default() -> Self {
        Self {
            credential: true,
            #[cfg(feature = "upgrade")]
            upgrade: None,
        }
    }
}

impl CallContext {
    /// Creates the context of a call of an operation.
    #[must_use]
    pub fn new(operation: &'static OperationInfo) -> Self {
        Self::with_traits(operation, Traits::default())
    }

    /// Creates the context of a call of an operation, with the properties of its request.
    pub(crate) fn with_traits(operation: &'static OperationInfo, traits: Traits) -> Self {
        Self::build(Some(operation), operation.plane(), traits)
    }

    /// Creates the context of a raw request, which belongs to no described operation.
    ///
    /// A raw request has to name its plane, because the planes have paths in common:
    /// `DELETE /agents/a` deletes an agent on the control plane and calls it on the run plane. It is
    /// retried only if its [options](CallOptions::with_idempotent) allow that.
    /// [`raw_request`](crate::raw_request) creates such a request.
    #[must_use]
    pub fn raw(plane: Plane) -> Self {
        Self::build(None, plane, Traits::default())
    }

    /// Creates a context without options, body size and method.
    fn build(operation: Option<&'static OperationInfo>, plane: Plane, traits: Traits) -> Self {
        Self(Arc::new(Call {
            operation,
            plane,
            traits,
            options: OnceLock::new(),
            body_size: OnceLock::new(),
            method: OnceLock::new(),
            time_limit: OnceLock::new(),
            journal: Journal::default(),
        }))
    }

    /// Returns the context in the extensions of a request or response, if there is one.
    ///
    /// A response has one if it comes from a client with call layers.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Returns the context with these options, unless it has options already.
    ///
    /// ```
    /// use blaxel_core::{CallContext, CallOptions, Plane};
    ///
    /// let context = CallContext::raw(Plane::Control).with_options(CallOptions::new().with_attempts(1));
    /// assert_eq!(context.options().attempts(), Some(1));
    /// // The first options stay.
    /// let context = context.with_options(CallOptions::new().with_attempts(5));
    /// assert_eq!(context.options().attempts(), Some(1));
    /// assert_eq!(context.attempts().sent, 0);
    /// ```
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

    /// Returns `true` if a client adds its own headers to the request: its credential, its
    /// workspace and its API version.
    ///
    /// It adds none of them to a request to a presigned URL, and none to one that was written
    /// [without a credential](crate::RequestWriter::without_credential).
    #[must_use]
    pub fn carries_credential(&self) -> bool {
        self.0.traits.credential && self.plane() != Plane::Presigned
    }

    /// Returns the options of the call. If none were set, they override nothing.
    pub fn options(&self) -> CallOptions {
        self.0.options.get().copied().unwrap_or_default()
    }

    /// Returns the number of attempts so far, and whether one before the last may have been
    /// processed.
    #[must_use]
    pub fn attempts(&self) -> Attempts {
        self.0.journal.attempts()
    }

    /// Returns `true` if both are contexts of the same call.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns the record of the call's attempts.
    pub(crate) fn journal(&self) -> &Journal {
        journal(self)
    }
}

/// Records the original method and body size of a call.
pub(crate) fn record_original(context: &CallContext, method: &Method, bytes: Option<&Bytes>) {
    if context.operation().is_none() {
        context.0.method.get_or_init(|| method.clone());
    }
    if let Some(bytes) = bytes {
        context.0.body_size.get_or_init(|| bytes.len());
    }
}

/// Returns the size in bytes of a call's original body, or `None` if it was not in memory.
#[must_use]
pub fn body_size(context: &CallContext) -> Option<usize> {
    context.0.body_size.get().copied()
}

/// Returns `true` if a call may change something, judging a raw request by its method.
#[must_use]
pub fn is_changing(context: &CallContext) -> bool {
    match (context.operation(), context.0.method.get()) {
        (Some(info), _) => info.idempotency() != Idempotency::Safe,
        (None, Some(method)) => !method.is_safe(),
        (None, None) => true,
    }
}

/// Records the time limit on the whole call that the client applies.
pub fn record_time_limit(context: &CallContext, limit: Duration) {
    context.0.time_limit.get_or_init(|| limit);
}

/// Returns the time limit on the whole call, or `None` if no client recorded one.
///
/// A client limits a streamed response up to its headers only. A caller who waits for more of it
/// than the next chunk applies the limit itself.
#[must_use]
pub fn time_limit(context: &CallContext) -> Option<Duration> {
    context.0.time_limit.get().copied()
}

/// Returns the upgrade that a call asks for, if it asks for one.
#[cfg(feature = "upgrade")]
#[must_use]
pub fn upgrade_request(context: &CallContext) -> Option<&UpgradeRequest> {
    context.0.traits.upgrade.as_deref()
}

/// Returns the record of a call's attempts.
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
