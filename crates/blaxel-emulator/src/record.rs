//! [`Recorder`], a proxy that makes a seed of what it sees.

mod documents;
mod proxy;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::task::AbortHandle;

use self::documents::Documents;
use self::proxy::Proxy;
use crate::clock::Clock;
use crate::data::Data;
use crate::har;
use crate::journal::Journal;
use crate::lock::lock;
use crate::mask::Secrets;
use crate::workload::{InvalidTarget, Target};

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
/// Only requests to its two addresses pass it. Addresses that the platform returns, such as those of
/// sandboxes, are not changed, and a client calls them directly.
pub struct Recorder {
    origin: String,
    seen: Arc<Seen>,
    task: AbortHandle,
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
    /// `http://127.0.0.1:4242/v0`, and of workloads at `run`, such as `http://127.0.0.1:4242/run`. Only
    /// `http://` is supported.
    ///
    /// # Errors
    ///
    /// Returns an error of the kind [`InvalidInput`](io::ErrorKind::InvalidInput) if one of the addresses
    /// cannot be called, and another one if no port can be bound.
    pub async fn start(api: &str, run: &str) -> Result<Self, io::Error> {
        let target = |url: &str| {
            let invalid =
                |problem: InvalidTarget| io::Error::new(io::ErrorKind::InvalidInput, problem);
            Target::parse(url, true).map_err(invalid)
        };
        let (api, run) = (target(api)?, target(run)?);
        let seen = Arc::new(Seen::default());
        let proxy = Proxy {
            api,
            run,
            seen: Arc::clone(&seen),
            clock: Clock::real(),
        };
        let (origin, task) = proxy.serve().await?;
        Ok(Self { origin, seen, task })
    }

    /// Returns the environment variables that point a client at the proxy: `BL_API_URL` and `BL_RUN_URL`. The
    /// client needs its own credential.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("BL_API_URL", format!("{}{}", self.origin, proxy::API)),
            ("BL_RUN_URL", format!("{}{}", self.origin, proxy::RUN)),
        ]
    }

    /// Returns the documents that were seen so far as a seed, without secrets.
    #[must_use]
    pub fn data(&self) -> Data {
        let data = lock(&self.seen.documents).data();
        let clean = lock(&self.seen.secrets).replace_in(&data.to_string());
        // Secrets are parts of texts, so the document stays one.
        clean.parse().unwrap_or(data)
    }

    /// Returns the requests and responses that were seen so far as an HTTP Archive 1.2, without secrets.
    #[must_use]
    pub fn har(&self) -> Value {
        let archive = har::archive(&self.origin, &self.seen.journal.entries());
        let clean = lock(&self.seen.secrets).replace_in(&archive.to_string());
        serde_json::from_str(&clean).unwrap_or_default()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
