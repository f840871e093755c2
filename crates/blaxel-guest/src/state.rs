//! The state of one server: what survives a request.

mod environment;

use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) use self::environment::Environment;
use crate::drives::DriveStore;
use crate::guest::Guest;
use crate::version::ServerVersion;

/// The state that all requests of a server share.
pub(crate) struct State {
    pub(crate) guest: Arc<dyn Guest>,
    pub(crate) version: ServerVersion,
    /// The directory that relative paths start from.
    pub(crate) working_dir: String,
    pub(crate) environment: Mutex<Environment>,
    pub(crate) drives: Option<Arc<dyn DriveStore>>,
    /// The largest request body that the edge lets through.
    pub(crate) body_limit: Option<u64>,
    /// The start of the server, on the guest's clock.
    pub(crate) started: Duration,
}
