//! Descriptions of calls by any method.

use blaxel_core::{OperationInfo, Plane};
use http::Method;

/// Both descriptions of one call by one method: with an answer read whole, which the limit on a call
/// holds for, and with one that flows.
pub(crate) struct Call {
    pub(crate) whole: OperationInfo,
    pub(crate) streamed: OperationInfo,
}

impl Call {
    /// A call by `POST`, with the names of both ways.
    pub(crate) const fn post(
        whole: &'static str,
        streamed: &'static str,
        path: &'static str,
    ) -> Self {
        Self {
            whole: OperationInfo::new(whole, Method::POST, path).with_plane(Plane::Run),
            streamed: OperationInfo::new(streamed, Method::POST, path)
                .with_plane(Plane::Run)
                .streaming(),
        }
    }
}

/// The descriptions of one call by every method.
pub(crate) struct Calls([Call; 7]);

/// A call by each of these methods. It takes a macro, for a method cannot be copied in a constant.
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
    pub(crate) const fn new(
        whole: &'static str,
        streamed: &'static str,
        path: &'static str,
    ) -> Self {
        Self(calls!(whole, streamed, path: POST GET HEAD OPTIONS PUT DELETE PATCH))
    }

    /// The descriptions for a method. One that is not known, an extension, is done once, like `POST`.
    pub(crate) fn by(&'static self, method: &Method) -> &'static Call {
        let [post, others @ ..] = &self.0;
        others
            .iter()
            .find(|call| call.whole.method() == method)
            .unwrap_or(post)
    }
}
