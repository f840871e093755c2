//! The working directory of a sandbox, for paths that cannot be sent without it.

use std::sync::{Arc, OnceLock};

use blaxel_core::{Error, HttpService};

use super::basics::GetWorkingDirectory;
use super::path::RemotePath;
use crate::remote::Remote;

/// A sandbox and its working directory, once it is known.
#[derive(Clone)]
pub(crate) struct Place<S> {
    pub(crate) remote: Remote<S>,
    working_dir: Arc<OnceLock<String>>,
}

impl<S: HttpService> Place<S> {
    pub(crate) fn new(remote: Remote<S>) -> Self {
        Self {
            remote,
            working_dir: Arc::default(),
        }
    }

    /// Returns a path that can be sent. Asks for the working directory if that needs it.
    pub(crate) async fn locate(&self, path: &str) -> Result<RemotePath, Error> {
        let path = RemotePath::parse(path)?;
        if path.is_sendable() {
            return Ok(path);
        }
        Ok(path.below(self.working_dir().await?))
    }

    /// Returns the absolute path. Asks for the working directory if the given path is relative.
    pub(crate) async fn absolute(&self, path: &str) -> Result<RemotePath, Error> {
        let path = RemotePath::parse(path)?;
        match path {
            RemotePath::Absolute(_) => Ok(path),
            RemotePath::Relative(_) => Ok(path.below(self.working_dir().await?)),
        }
    }

    /// Returns the working directory. It is asked for once.
    pub(crate) async fn working_dir(&self) -> Result<&str, Error> {
        if let Some(known) = self.working_dir.get() {
            return Ok(known);
        }
        let listing = self.remote.call(&GetWorkingDirectory).await?;
        match listing.path() {
            Some(path) if path.starts_with('/') => {
                Ok(self.working_dir.get_or_init(|| path.to_owned()))
            }
            _ => Err(Error::decode(
                "the listing of the working directory does not have its path",
            )),
        }
    }
}
