//! Terminals of a sandbox: an interactive shell, and its screen.
//!
//! `options.rs` has the builder and `message.rs` the messages of the protocol. `sender.rs` and `receiver.rs` are the
//! halves of a terminal.

mod event;
mod input;
mod message;
mod options;
mod receiver;
mod sender;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use blaxel_core::__private::websocket::join;
use blaxel_core::{Error, HttpService};
use futures_core::Stream;

pub use self::event::TerminalEvent;
pub use self::options::TerminalOptions;
pub use self::receiver::TerminalReceiver;
pub use self::sender::TerminalSender;
use crate::sandbox::SandboxHandle;
use crate::websocket::{Close, WebSocket};

impl<S: HttpService> SandboxHandle<S> {
    /// Prepares a terminal: an interactive shell with a screen of 80 columns and 24 rows.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_sandbox::terminal::TerminalEvent;
    ///
    /// let mut terminal = sandbox.terminal().size(120, 40).current_dir("/app").open().await?;
    /// terminal.send("ls -l; exit\n").await?;
    /// while let Some(event) = terminal.try_next().await? {
    ///     if let TerminalEvent::Output(text) = event {
    ///         print!("{text}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn terminal(&self) -> TerminalOptions<S> {
        TerminalOptions::new(self.remote().clone())
    }
}

/// An open terminal. [`TerminalOptions::open`] returns it.
///
/// It is attached to a session of the sandbox: a shell, and the end of its output. Dropping the terminal, or a broken
/// connection, does not end the shell. To attach to it again, open a terminal with the same
/// [session](TerminalOptions::session); the sandbox then sends up to 100 KB of the last output again. It ends a session
/// that no terminal is attached to for 10 minutes. Several terminals can be attached to a session: all of them
/// get its output.
///
/// Read the output without pause: the sandbox drops output for a terminal that is too slow to take it, and does not
/// tell. Neither side can notice that.
///
/// It needs a tokio runtime with timers.
pub struct Terminal {
    sender: TerminalSender,
    receiver: TerminalReceiver,
    session: Option<String>,
}

impl Terminal {
    fn new(socket: WebSocket, session: Option<String>) -> Self {
        let (sender, receiver) = socket.split();
        Self {
            sender: TerminalSender::new(sender),
            receiver: TerminalReceiver::new(receiver),
            session,
        }
    }

    /// Returns the id of the session, to attach to it again.
    #[must_use]
    pub fn session(&self) -> &str {
        self.session.as_deref().unwrap_or(options::DEFAULT_SESSION)
    }

    /// Sends input, as [`TerminalSender::send`] does.
    ///
    /// # Errors
    ///
    /// As [`TerminalSender::send`].
    pub async fn send(&mut self, input: impl AsRef<[u8]>) -> Result<(), Error> {
        self.sender.send(input).await
    }

    /// Changes the size of the screen, as [`TerminalSender::resize`] does.
    ///
    /// # Errors
    ///
    /// As [`TerminalSender::resize`].
    pub async fn resize(&mut self, columns: u16, rows: u16) -> Result<(), Error> {
        self.sender.resize(columns, rows).await
    }

    /// Returns the next event, or `None` after the shell has exited, as [`TerminalReceiver::try_next`] does.
    ///
    /// # Errors
    ///
    /// As [`TerminalReceiver::try_next`].
    pub async fn try_next(&mut self) -> Result<Option<TerminalEvent>, Error> {
        self.receiver.try_next().await
    }

    /// Returns the code and the reason with which the sandbox closed the terminal, also if its code was an error.
    #[must_use]
    pub fn closed(&self) -> Option<&Close> {
        self.receiver.closed()
    }

    /// Detaches from the session, after the input that was sent. The shell goes on.
    ///
    /// It waits at most 5 seconds until the sandbox confirms. Output that arrives until then is discarded.
    ///
    /// # Errors
    ///
    /// As [`Sender::close`](crate::websocket::Sender::close). The terminal is detached in any case.
    pub async fn detach(self) -> Result<(), Error> {
        let (sender, receiver) = (self.sender.into_inner(), self.receiver.into_inner());
        join(sender, receiver).close().await
    }

    /// Splits the terminal into halves, which can be used at the same time, also by different tasks.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let (mut sender, mut receiver) = sandbox.terminal().open().await?.split();
    /// let typing = async {
    ///     sender.send("date; exit\n").await?;
    ///     Ok::<_, Error>(())
    /// };
    /// let reading = async {
    ///     while let Some(event) = receiver.try_next().await? {
    ///         println!("{event:?}");
    ///     }
    ///     Ok(())
    /// };
    /// tokio::try_join!(typing, reading)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn split(self) -> (TerminalSender, TerminalReceiver) {
        (self.sender, self.receiver)
    }
}

impl Stream for Terminal {
    type Item = Result<TerminalEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.receiver).poll_next(cx)
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal")
            .field("session", &self.session())
            .field("receiver", &self.receiver)
            .finish_non_exhaustive()
    }
}
