//! One sign-in of the file as a token store.

use std::path::{Path, PathBuf};
#[cfg(feature = "config-write")]
use std::sync::{Arc, Mutex, PoisonError};

use blaxel_core::__private::ErrorParts;
#[cfg(feature = "config-write")]
use blaxel_core::Secret;
use blaxel_core::{BoxFuture, Error, Workspace};

use super::ConfigFile;
#[cfg(feature = "config-write")]
use super::writer::ConfigWriter;
use crate::blocking::blocking;
use crate::oauth::{TokenStore, Tokens};

/// Loads the tokens of a sign-in from the file, and saves them if it has a writer.
#[derive(Clone)]
pub(super) struct SignInStore {
    path: PathBuf,
    workspace: Workspace,
    #[cfg(feature = "config-write")]
    writer: Option<ConfigWriter>,
    /// The refresh token that was in the file when it was last read.
    #[cfg(feature = "config-write")]
    seen: Arc<Mutex<Option<Secret>>>,
}

impl SignInStore {
    pub(super) fn new(path: &Path, workspace: &Workspace) -> Self {
        Self {
            path: path.to_owned(),
            workspace: workspace.clone(),
            #[cfg(feature = "config-write")]
            writer: None,
            #[cfg(feature = "config-write")]
            seen: Arc::default(),
        }
    }

    #[cfg(feature = "config-write")]
    pub(super) fn writing(writer: ConfigWriter, workspace: &Workspace) -> Self {
        Self {
            writer: Some(writer.clone()),
            ..Self::new(writer.path(), workspace)
        }
    }

    fn read(&self) -> Result<Option<Tokens>, Error> {
        let file = ConfigFile::read(&self.path)?;
        let tokens = file.and_then(|file| Some(file.sign_in(&self.workspace)?.tokens.clone()));
        #[cfg(feature = "config-write")]
        {
            let seen = tokens.as_ref().and_then(Tokens::refresh_token).cloned();
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        }
        Ok(tokens)
    }

    #[cfg(feature = "config-write")]
    fn write(&self, writer: &ConfigWriter, tokens: &Tokens) -> Result<(), Error> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let new = tokens.refresh_token();
        let is_ours = |found: &str| {
            [seen.as_ref(), new]
                .into_iter()
                .flatten()
                .any(|known| known.expose() == found)
        };
        writer.renew(&self.workspace, tokens, is_ours)?;
        *seen = new.cloned();
        Ok(())
    }
}

#[cfg(feature = "config-write")]
impl ConfigWriter {
    /// Returns a store that keeps the tokens of a workspace's sign-in up to date in the file; see
    /// [`Credentials::with_store`](crate::Credentials::with_store).
    ///
    /// It neither restores a sign-in that was removed in the meantime, nor overwrites one that someone else
    /// has made: saving fails then.
    #[must_use]
    pub fn store(&self, workspace: &Workspace) -> impl TokenStore + use<> {
        SignInStore::writing(self.clone(), workspace)
    }
}

impl TokenStore for SignInStore {
    fn save(&self, tokens: &Tokens) -> BoxFuture<Result<(), Error>> {
        #[cfg(feature = "config-write")]
        if let Some(writer) = self.writer.clone() {
            let (store, tokens) = (self.clone(), tokens.clone());
            return Box::pin(blocking(move || store.write(&writer, &tokens)));
        }
        let _ = tokens;
        let path = self.path.display();
        Box::pin(std::future::ready(Err(Error::credentials(format!(
            "the new tokens are not saved in {path}, which is only read; set a store of a `ConfigWriter` to \
             save them"
        )))))
    }

    fn load(&self) -> BoxFuture<Result<Option<Tokens>, Error>> {
        let store = self.clone();
        Box::pin(blocking(move || store.read()))
    }
}
