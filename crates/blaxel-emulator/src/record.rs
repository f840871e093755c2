//! [`Recorder`], a proxy that makes a seed of what it sees.

mod addresses;
mod bodies;
mod builder;
mod client;
mod custom_hosts;
mod documents;
mod proxy;

pub use self::builder::RecorderBuilder;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use self::addresses::Addresses;
use self::client::Client;
use self::documents::Documents;
use self::proxy::Proxy;
use crate::data::Data;
use crate::har;
use crate::journal::Journal;
use crate::lock::lock;
use crate::mask::Secrets;
use crate::server::{RunningServer, Server};
use crate::tls::{Place, Roots, Trust};

/// A proxy in front of the platform, or of anything that speaks its API, that records what a program does
/// with it: the documents that it sees become a seed for an emulator.
///
/// Documents in the responses of lists, `GET`, creations and changes count; the last one of a resource does, and a
/// deletion removes it. Secrets are left out: credentials and tokens in headers, addresses and bodies, by
/// name, and wherever a value that was seen as a credential appears again.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use blaxel_emulator::{Emulator, Recorder};
///
/// let platform = Emulator::start().await?;
/// let recorder = Recorder::start(&platform.url(), &platform.run_url()).await?;
/// for (name, value) in recorder.variables() {
///     println!("export {name}={value}"); // BL_API_URL, BL_RUN_URL
/// }
/// let seeded = Emulator::builder().data(recorder.data()).build();
/// # let _ = seeded;
/// # Ok(())
/// # }
/// ```
///
/// Addresses of the platform in the documents of the control plane, such as those of sandboxes, previews and uploads,
/// and addresses of previews on custom domains that the platform has told, are replaced by addresses of the recorder, so that the calls of sandboxes and previews pass it too; in the documents
/// that a client sends, it is the other way round. Bodies are passed on as they come, except for those documents. Of
/// each body, at most 8 MiB are recorded, and a longer document is passed on as it is.
pub struct Recorder {
    origin: String,
    trust: Trust,
    seen: Arc<Seen>,
    _server: RunningServer,
}

/// The documents and calls that were seen so far.
#[derive(Default)]
struct Seen {
    journal: Arc<Journal>,
    documents: Mutex<Documents>,
    /// Credentials and tokens.
    secrets: Mutex<Secrets>,
}

impl Recorder {
    /// Starts a proxy on a free port of 127.0.0.1, in front of a control plane at `api`, such as
    /// `http://127.0.0.1:4242/v0`, and of workloads at `run`, such as `http://127.0.0.1:4242/run`.
    /// [`builder`](Self::builder) has more settings.
    ///
    /// # Errors
    ///
    /// Those of [`RecorderBuilder::start`].
    pub async fn start(api: &str, run: &str) -> Result<Self, io::Error> {
        Self::builder().upstream(api, run).start().await
    }

    /// Returns the settings of a recorder in front of the platform.
    ///
    /// ```no_run
    /// # async fn record() -> std::io::Result<()> {
    /// let recorder = blaxel_emulator::Recorder::builder().start().await?;
    /// # let _ = recorder;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> RecorderBuilder {
        RecorderBuilder::new()
    }

    async fn serve(settings: RecorderBuilder, roots: &Roots) -> io::Result<Self> {
        let (tls, trust) = match settings.tls.as_ref().map(Place::open).transpose()? {
            Some((tls, trust)) => (Some(tls), trust),
            None => (None, Trust::default()),
        };
        let server = Server::bind(0).await?;
        let origin = server.origin(tls.is_some());
        let addresses = Addresses::new(origin.clone(), &settings.api, &settings.run)?;
        let client = Client::new(roots, &addresses)?;
        let seen = Arc::new(Seen::default());
        let proxy = Proxy::new(addresses, client, Arc::clone(&seen));
        Ok(Self {
            origin,
            trust,
            seen,
            _server: server.serve(proxy, tls, true),
        })
    }

    /// Returns the environment variables that point a client at the proxy: `BL_API_URL` and `BL_RUN_URL`, and with
    /// [`RecorderBuilder::tls_directory`] those with which clients trust it. The client needs its own credential.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let own = [
            ("BL_API_URL", format!("{}{}", self.origin, addresses::API)),
            ("BL_RUN_URL", format!("{}{}", self.origin, addresses::RUN)),
        ];
        let trust = self.trust.variables.iter().cloned();
        own.into_iter().chain(trust).collect()
    }

    /// Returns the environment variables with which a client that knows the addresses of the platform only reaches the
    /// recorder: as [`Emulator::proxy_variables`](crate::Emulator::proxy_variables). They are empty unless it serves TLS.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use blaxel_emulator::Recorder;
    ///
    /// let recorder = Recorder::start("http://127.0.0.1:9/v0", "http://127.0.0.1:9/run").await?;
    /// assert!(recorder.proxy_variables().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn proxy_variables(&self) -> Vec<(&'static str, String)> {
        self.trust.proxy_variables(&self.origin)
    }

    /// Returns the certificate of the recorder's certificate authority, in PEM, or `None` if it does not serve TLS. A
    /// client has to trust it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use blaxel_emulator::Recorder;
    ///
    /// let recorder = Recorder::start("http://127.0.0.1:9/v0", "http://127.0.0.1:9/run").await?;
    /// assert_eq!(recorder.certificate_authority(), None);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn certificate_authority(&self) -> Option<&str> {
        self.trust.authority.as_deref()
    }

    /// Returns the documents that were seen so far as a seed, without secrets.
    #[must_use]
    pub fn data(&self) -> Data {
        let data = lock(&self.seen.documents).data().to_string();
        let clean = serde_json::from_str::<Value>(&data)
            .ok()
            .and_then(|mut data| {
                lock(&self.seen.secrets).replace_within(&mut data);
                data.to_string().parse().ok()
            });
        // Only texts within it are other ones, so it stays one.
        clean.unwrap_or_else(|| Documents::default().data())
    }

    /// Returns the requests and responses that were seen so far as an HTTP Archive 1.2, without secrets.
    #[must_use]
    pub fn har(&self) -> Value {
        let mut archive = har::archive(&self.origin, &self.seen.journal.entries());
        lock(&self.seen.secrets).replace_within(&mut archive);
        archive
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
