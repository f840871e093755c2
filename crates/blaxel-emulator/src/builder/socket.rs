//! The settings of an emulator's socket, and its start.

use std::io;

use super::Builder;
use crate::control::Front;
use crate::emulator::Emulator;
use crate::server::Server;
use crate::tls::Place;

impl Builder {
    /// Serves TLS too, on the same port. The emulator's addresses are then those of `https`.
    ///
    /// The emulator has a certificate authority of its own, whose certificate is
    /// [`Emulator::certificate_authority`]. It is new for each emulator;
    /// [`tls_directory`](Self::tls_directory) keeps it. There are certificates for all names and addresses
    /// of this machine, and for the host names of the platform. The protocols are HTTP/2 and HTTP/1.1.
    ///
    /// The emulator is a proxy then for clients that know the addresses of the platform only: see
    /// [`Emulator::proxy_variables`]. Without a socket, this has no effect.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let emulator = blaxel_emulator::Emulator::builder().tls().start().await?;
    /// assert!(emulator.url().starts_with("https://127.0.0.1:"));
    /// assert!(emulator.certificate_authority().is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls(mut self) -> Self {
        self.tls = Some(Place::Memory);
        self
    }

    /// Serves TLS, as [`tls`](Self::tls), with a certificate authority that is kept in a directory, so that
    /// clients have to trust it only once. The directory is created if there is none.
    ///
    /// Its key is in `authority.pem`, which only its owner can read. `ca.pem` has its certificate, and
    /// `bundle.pem` that and all that this machine trusts. [`Emulator::variables`] name these two.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use blaxel_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().tls_directory("target/emulator-tls").start().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`start`](Self::start) fails if the files cannot be read or written.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls_directory(mut self, directory: impl Into<std::path::PathBuf>) -> Self {
        self.tls = Some(Place::Directory(directory.into()));
        self
    }

    /// Lets the emulator, as a proxy, connect to hosts that are none of the platform's. By default it
    /// refuses such tunnels, so that no call of a test leaves this machine.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::builder().pass_other_hosts();
    /// # let _ = emulator;
    /// ```
    pub fn pass_other_hosts(mut self) -> Self {
        self.passes_others = true;
        self
    }

    /// Creates the emulator and serves it on 127.0.0.1, on the current tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let emulator = blaxel_emulator::Emulator::builder().seed(7).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the port cannot be bound, or the directory of the certificate authority cannot
    /// be used.
    pub async fn start(mut self) -> Result<Emulator, io::Error> {
        let tls = match self.tls.as_ref().map(Place::open).transpose()? {
            Some((tls, trust)) => {
                self.config.trust = trust;
                Some(tls)
            }
            None => None,
        };
        let server = Server::bind(self.port).await?;
        let passes_others = self.passes_others;
        let engine = self.engine(server.origin(tls.is_some()));
        let front = Front::new(&engine);
        let server = server.serve(front, tls, passes_others);
        Ok(Emulator::new(engine, Some(server)))
    }
}
