//! [`Setup`], the emulator that the command line asks for.

use std::io;
use std::path::PathBuf;

use blaxel_emulator::{Builder, Emulator};

use super::trust::TemporaryDirectory;

/// The emulator that the command line asks for.
pub(super) struct Setup {
    pub(super) builder: Builder,
    /// Set if a certificate authority is made for this run alone.
    pub(super) has_temporary_tls: bool,
}

/// An emulator that serves, and its files.
pub(super) struct Started {
    pub(super) emulator: Emulator,
    /// The files for clients.
    _directory: Option<TemporaryDirectory>,
}

impl Setup {
    pub(super) async fn start(self) -> io::Result<Started> {
        let mut builder = self.builder;
        let mut directory = None;
        if self.has_temporary_tls {
            let new = directory.insert(TemporaryDirectory::new()?);
            builder = tls_directory(builder, new.path());
        }
        Ok(Started {
            emulator: builder.start().await?,
            _directory: directory,
        })
    }
}

#[cfg(feature = "tls")]
fn tls_directory(builder: Builder, directory: PathBuf) -> Builder {
    builder.tls_directory(directory)
}

/// Changes nothing: without TLS, the command line refuses to ask for it.
#[cfg(not(feature = "tls"))]
fn tls_directory(builder: Builder, _: PathBuf) -> Builder {
    builder
}
