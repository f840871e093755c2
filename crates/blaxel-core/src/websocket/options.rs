//! [`Options`], the settings of a WebSocket.

use std::time::Duration;

use crate::error::Error;
use crate::source::Source;

/// The default maximum size of messages and frames, in bytes.
const MAX_SIZE: usize = 16 * 1024 * 1024;

/// The default limit on the silence of a server.
const IDLE: Duration = Duration::from_secs(60);

/// The settings of a WebSocket.
///
/// ```
/// use std::time::Duration;
/// use blaxel_core::websocket::Options;
///
/// let options = Options::new()
///     .protocol("v4.channel.k8s.io")
///     .max_message_size(1024 * 1024)
///     .idle_limit(Duration::from_secs(20));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(super) max_message: usize,
    pub(super) max_frame: usize,
    pub(super) idle: Option<Duration>,
    pub(super) protocols: Vec<String>,
    /// A message that is sent together with each ping, for a server that notices an end only by a message.
    pub(super) probe: Option<&'static str>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_message: MAX_SIZE,
            max_frame: MAX_SIZE,
            idle: Some(IDLE),
            protocols: Vec::new(),
            probe: None,
        }
    }
}

impl Options {
    /// Creates the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the maximum size of a message in bytes, in both directions. 16 MiB by default.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// Sets the maximum size in bytes of a received frame, of which a message may have several. 16 MiB by
    /// default.
    pub fn max_frame_size(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// Sets the limit on the silence of the server, and on a message that it does not accept. 60 seconds by
    /// default; `None` means no limit.
    ///
    /// The silence is measured while a message is awaited. After half of the limit, the server is asked for a
    /// sign of life with a ping.
    pub fn idle_limit(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.idle = limit.into();
        self
    }

    /// Adds a subprotocol to offer, after those added before. None by default. The server chooses one or none of
    /// them, which [`WebSocket::protocol`](super::WebSocket::protocol) returns.
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocols.push(protocol.into());
        self
    }

    /// Sets a message that is sent together with each ping.
    pub(crate) fn probe(mut self, message: &'static str) -> Self {
        self.probe = Some(message);
        self
    }

    /// Returns the header that offers the subprotocols, or `None` without any.
    pub(super) fn offer(&self) -> Result<Option<String>, Error> {
        let is_token = |protocol: &String| {
            let allowed =
                |byte: u8| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte);
            !protocol.is_empty() && protocol.bytes().all(allowed)
        };
        if !self.protocols.iter().all(is_token) {
            let problem = "it is not a single token";
            return Err(Error::input(
                "WebSocket subprotocol",
                &Source::Code,
                problem,
            ));
        }
        Ok((!self.protocols.is_empty()).then(|| self.protocols.join(", ")))
    }
}
