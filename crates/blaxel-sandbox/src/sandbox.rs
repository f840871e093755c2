//! [`SandboxHandle`]: a running sandbox.

use std::fmt;

use blaxel_core::{CallOptions, HttpService};

use crate::reference::SandboxRef;
use crate::remote::Remote;

/// A handle on a running sandbox.
///
/// It is created by [`Sandboxes`](crate::Sandboxes). A clone is as cheap as a clone of the service; clones can
/// be used at the same time. Dropping a handle does nothing to the sandbox.
#[derive(Clone)]
pub struct SandboxHandle<S> {
    remote: Remote<S>,
}

impl<S: HttpService> SandboxHandle<S> {
    pub(crate) fn new(remote: Remote<S>) -> Self {
        Self { remote }
    }

    /// Returns the name of the sandbox. A sandbox that is reached by a session alone has the name of the
    /// session.
    #[must_use]
    pub fn name(&self) -> &str {
        self.remote.name()
    }

    /// Returns a reference to the sandbox, which can be stored and [joined](crate::Sandboxes::join) later. It
    /// contains no secret: a session's token is not part of it.
    #[must_use]
    pub fn reference(&self) -> SandboxRef {
        let site = self.remote.site();
        SandboxRef {
            name: site.name.clone(),
            url: site
                .address
                .as_ref()
                .map(|address| address.url.expose().to_owned()),
        }
    }

    /// Returns a handle whose calls have these options. They replace those of the client. By default the
    /// client's apply.
    #[must_use]
    pub fn options(self, options: CallOptions) -> Self {
        Self {
            remote: self.remote.with_options(options),
        }
    }

    pub(crate) fn remote(&self) -> &Remote<S> {
        &self.remote
    }
}

impl<S> fmt::Debug for SandboxHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SandboxHandle").field(&self.remote).finish()
    }
}
