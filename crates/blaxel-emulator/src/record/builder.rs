//! [`RecorderBuilder`], the settings of a recorder.

use std::io;

use super::Recorder;
use crate::tls::{Place, Roots};

/// The settings of a [`Recorder`]. Created by [`Recorder::builder`].
///
/// ```no_run
/// # async fn record() -> Result<(), Box<dyn std::error::Error>> {
/// use blaxel_emulator::Recorder;
///
/// let recorder = Recorder::builder().start().await?;
/// for (name, value) in recorder.variables() {
///     println!("export {name}={value}"); // BL_API_URL, BL_RUN_URL
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RecorderBuilder {
    pub(super) api: String,
    pub(super) run: String,
    pub(super) roots: Vec<String>,
    pub(super) tls: Option<Place>,
}

impl RecorderBuilder {
    pub(super) fn new() -> Self {
        Self {
            api: "https://api.blaxel.ai/v0".to_owned(),
            run: "https://run.blaxel.ai".to_owned(),
            roots: Vec::new(),
            tls: None,
        }
    }

    /// Sets the address of the control plane, `https://api.blaxel.ai/v0` by default, and that of workloads,
    /// `https://run.blaxel.ai` by default.
    ///
    /// If the control plane has no name of the platform, as with an emulator, its server stands in for the platform:
    /// requests to all host names of the platform go there.
    ///
    /// ```
    /// use blaxel_emulator::{Emulator, Recorder};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let platform = Emulator::start().await?;
    /// let recorder = Recorder::builder()
    ///     .upstream(&platform.url(), &platform.run_url())
    ///     .start()
    ///     .await?;
    /// # let _ = recorder;
    /// # Ok(())
    /// # }
    /// ```
    pub fn upstream(mut self, api: &str, run: &str) -> Self {
        (self.api, self.run) = (api.to_owned(), run.to_owned());
        self
    }

    /// Trusts the certificate authorities of a text in PEM besides those that this machine trusts. May be called more
    /// than once. The certificates of the platform are always verified.
    ///
    /// ```
    /// use blaxel_emulator::{Emulator, Recorder};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let platform = Emulator::builder().tls().start().await?;
    /// let recorder = Recorder::builder()
    ///     .upstream(&platform.url(), &platform.run_url())
    ///     .root_certificate(platform.certificate_authority().unwrap_or_default())
    ///     .start()
    ///     .await?;
    /// # let _ = recorder;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn root_certificate(mut self, pem: &str) -> Self {
        self.roots.push(pem.to_owned());
        self
    }

    /// Serves TLS too, on the same port, and is a proxy for clients that know the addresses of the platform only: as
    /// [`Builder::tls`](crate::Builder::tls) of an emulator. Tunnels to hosts that are none of the platform's pass, and
    /// are not recorded.
    ///
    /// ```no_run
    /// # async fn record() -> Result<(), Box<dyn std::error::Error>> {
    /// use blaxel_emulator::Recorder;
    ///
    /// let recorder = Recorder::builder().tls().start().await?;
    /// for (name, value) in recorder.proxy_variables() {
    ///     println!("export {name}={value}"); // HTTPS_PROXY
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls(mut self) -> Self {
        self.tls = Some(Place::Memory);
        self
    }

    /// Serves TLS, as [`tls`](Self::tls), with a certificate authority that is kept in a directory: as
    /// [`Builder::tls_directory`](crate::Builder::tls_directory) of an emulator. [`Recorder::variables`] name its files.
    ///
    /// ```no_run
    /// let recorder = blaxel_emulator::Recorder::builder().tls_directory("target/recorder-tls");
    /// # let _ = recorder;
    /// ```
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls_directory(mut self, directory: impl Into<std::path::PathBuf>) -> Self {
        self.tls = Some(Place::Directory(directory.into()));
        self
    }

    /// Starts the recorder on a free port of 127.0.0.1, on the current tokio runtime.
    ///
    /// ```no_run
    /// # async fn record() -> std::io::Result<()> {
    /// let recorder = blaxel_emulator::Recorder::builder().start().await?;
    /// # let _ = recorder;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error of the kind [`InvalidInput`](io::ErrorKind::InvalidInput) if an address cannot be called, or a
    /// root certificate cannot be used; and another one if no port can be bound, this machine has no root certificates
    /// for a platform of `https://`, or the directory of the certificate authority cannot be used.
    pub async fn start(self) -> Result<Recorder, io::Error> {
        let mut roots = Roots::default();
        for pem in &self.roots {
            roots.add(pem)?;
        }
        Recorder::serve(self, &roots).await
    }
}
