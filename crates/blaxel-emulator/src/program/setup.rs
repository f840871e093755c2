//! [`Setup`], the emulator that the command line asks for.

use std::io;

use blaxel_emulator::{Builder, Emulator};

#[cfg(feature = "tls")]
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
    #[cfg(feature = "tls")]
    _directory: Option<TemporaryDirectory>,
}

impl Setup {
    #[cfg(feature = "tls")]
    pub(super) async fn start(self) -> io::Result<Started> {
        let mut builder = self.builder;
        let mut directory = None;
        if self.has_temporary_tls {
            let new = directory.insert(TemporaryDirectory::new()?);
            builder = builder.tls_directory(new.path());
        }
        Ok(Started {
            emulator: builder.start().await?,
            _directory: directory,
        })
    }

    #[cfg(not(feature = "tls"))]
    pub(super) async fn start(self) -> io::Result<Started> {
        // The command line has refused the options of TLS.
        let emulator = self.builder.start().await?;
        Ok(Started { emulator })
    }
}
