//! The request and the response that a stream belongs to.

use crate::content_type::media_type;
use crate::context::CallContext;
use crate::description::OperationInfo;
use crate::error::{Error, ErrorParts};

/// The request and the response head that a body belongs to, for the errors of reading it. Each part is
/// optional; nothing is known of a body without its response.
#[derive(Default)]
pub struct Exchange {
    /// The operation of the request.
    pub operation: Option<&'static OperationInfo>,
    /// The context of the call, with the number of its attempts.
    pub context: Option<CallContext>,
    /// The head of the response.
    pub head: Option<Box<http::response::Parts>>,
}

impl Exchange {
    /// Adds the request to an error that occurred while its response was read.
    #[must_use]
    pub fn annotate(&self, error: Error) -> Error {
        let error = match &self.context {
            Some(context) => error.with_context(context),
            None => error,
        };
        let error = error.in_operation(self.operation);
        match &self.head {
            // An error of the connection or of a timeout has its own delivery.
            Some(head) if error.is_decode() || error.is_truncated() => error.with_head(head),
            _ => error,
        }
    }

    /// Returns `true` if the content type is JSON or HTML, which is not a stream.
    pub(crate) fn is_document(&self) -> bool {
        let Some(head) = &self.head else {
            return false;
        };
        match media_type(&head.headers).as_str() {
            "application/stream+json" => false,
            "application/json" | "text/html" | "application/xhtml+xml" => true,
            other => other.ends_with("+json"),
        }
    }
}
