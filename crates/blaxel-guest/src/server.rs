//! [`Server`], the data plane of one sandbox.

mod builder;
mod processes;
mod saved;

use std::fmt;
use std::io;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

pub use self::builder::Builder;
pub use self::processes::{ProcessInfo, ProcessOutput};
pub use self::saved::SavedProcess;
use crate::clock::Clock;
use crate::guest::Guest;
use crate::listen::Listening;
use crate::router::router;
use crate::simulated::SimulatedGuest;
use crate::state::State;
use crate::version::ServerVersion;

/// The server inside of a sandbox. Clones share its state.
///
/// ```
/// use blaxel_guest::{Clock, Server};
///
/// let server = Server::simulated().env("LANG", "C").working_dir("/app").build();
/// let router: axum::Router = server.router();
/// # let _ = router;
/// ```
#[derive(Clone)]
pub struct Server(Arc<State>);

impl Server {
    /// Starts to build a server on a [`SimulatedGuest`] whose clock follows the real time.
    pub fn simulated() -> Builder {
        Self::builder(SimulatedGuest::new(Clock::real()))
    }

    /// Starts to build a server on a guest.
    pub fn builder(guest: impl Guest) -> Builder {
        Builder::new(Arc::new(guest))
    }

    /// Returns the API of the sandbox as a router. Its paths start at the sandbox's own address.
    pub fn router(&self) -> Router {
        router(Arc::clone(&self.0))
    }

    /// Serves the API on a listener until the result is dropped. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// Fails if the listener has no local address.
    ///
    /// ```
    /// use blaxel_guest::Server;
    /// use tokio::net::TcpListener;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let server = Server::simulated().build();
    /// let listening = server.listen(TcpListener::bind("127.0.0.1:0").await?)?;
    /// println!("curl {}/health", listening.url());
    /// # Ok(())
    /// # }
    /// ```
    pub fn listen(&self, listener: TcpListener) -> io::Result<Listening> {
        Listening::new(listener, self.router())
    }

    /// Returns the machine below the server.
    #[must_use]
    pub fn guest(&self) -> &dyn Guest {
        &*self.0.guest
    }

    /// Returns the version of the API. After an upgrade it is the current one.
    #[must_use]
    pub fn version(&self) -> ServerVersion {
        self.0.version()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
