//! Operation descriptions for requests of any method.

use http::Method;

use crate::description::{OperationInfo, Plane};

/// The two descriptions of one call of one method: for a response that is read whole, to which the deadline
/// of a call applies, and for a streamed one.
pub struct Call {
    /// The description for a response that is read whole.
    pub whole: OperationInfo,
    /// The description for a streamed response.
    pub streamed: OperationInfo,
}

impl Call {
    /// Describes a call of the method `POST`, with the operation names of both forms.
    #[must_use]
    pub const fn post(whole: &'static str, streamed: &'static str, path: &'static str) -> Self {
        Self {
            whole: OperationInfo::new(whole, Method::POST, path).with_plane(Plane::Run),
            streamed: OperationInfo::new(streamed, Method::POST, path)
                .with_plane(Plane::Run)
                .streaming(),
        }
    }
}

/// The descriptions of one call for every method.
pub struct Calls([Call; 7]);

/// Describes a call for each of these methods. A macro, because a method cannot be copied in a constant.
macro_rules! calls {
    ($whole:ident, $streamed:ident, $path:ident: $($method:ident)+) => {
        [$(Call {
            whole: OperationInfo::new($whole, Method::$method, $path).with_plane(Plane::Run),
            streamed: OperationInfo::new($streamed, Method::$method, $path)
                .with_plane(Plane::Run)
                .streaming(),
        }),+]
    };
}

impl Calls {
    /// Describes a call, with the operation names of both forms and the path template.
    #[must_use]
    pub const fn new(whole: &'static str, streamed: &'static str, path: &'static str) -> Self {
        Self(calls!(whole, streamed, path: POST GET HEAD OPTIONS PUT DELETE PATCH))
    }

    /// Returns the descriptions for a method. An extension method is not idempotent, like `POST`.
    #[must_use]
    pub fn for_method(&'static self, method: &Method) -> &'static Call {
        let [post, others @ ..] = &self.0;
        others
            .iter()
            .find(|call| call.whole.method() == method)
            .unwrap_or(post)
    }
}
