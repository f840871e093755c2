//! Temporary files in the sandbox.

use blaxel_core::HttpService;

use crate::cleanup::in_background;
use crate::files::basics::Remove;
use crate::files::path::RemotePath;
use crate::remote::Remote;

use super::temp::random;

/// A temporary file in the sandbox, which is removed when this is dropped.
pub(super) struct RemoteTemp<S: HttpService> {
    remote: Remote<S>,
    path: RemotePath,
    is_removed: bool,
}

impl<S: HttpService> RemoteTemp<S> {
    /// Chooses the path of a file. `kind` is the end of its name.
    pub(super) fn new(remote: Remote<S>, kind: &str) -> Self {
        let path = format!("/tmp/.blaxel-{:016x}.{kind}", random());
        Self {
            remote,
            path: RemotePath::Absolute(path),
            is_removed: false,
        }
    }

    pub(super) fn path(&self) -> &RemotePath {
        &self.path
    }

    /// Removes the file. A failure is ignored: what it was needed for is done.
    pub(super) async fn remove(mut self) {
        remove(&self.remote, &self.path).await;
        self.is_removed = true;
    }
}

async fn remove<S: HttpService>(remote: &Remote<S>, path: &RemotePath) {
    let operation = Remove {
        path,
        recursive: false,
    };
    let _ = remote.call(&operation).await;
}

impl<S: HttpService> Drop for RemoteTemp<S> {
    fn drop(&mut self) {
        if !self.is_removed {
            let (remote, path) = (self.remote.clone(), self.path.clone());
            in_background(async move { remove(&remote, &path).await });
        }
    }
}
