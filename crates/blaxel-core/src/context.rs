//! The context of a call, carried by its request.

use crate::body::Body;
use crate::description::OperationInfo;

/// Returns the description of the operation that a request belongs to, or `None` for a raw request.
#[must_use]
pub fn operation(request: &http::Request<Body>) -> Option<&'static OperationInfo> {
    request.body().operation()
}
