//! [`TerminalSender`], the half of a terminal that takes input.

use std::fmt;

use blaxel_core::__private::websocket::send_then;
use blaxel_core::Error;

use super::input::Pending;
use super::message::ToSandbox;
use super::options::check_size;
use crate::websocket::Sender;

/// The half of a [`Terminal`](super::Terminal) that takes input.
pub struct TerminalSender {
    sender: Sender,
    pending: Pending,
}

impl TerminalSender {
    pub(super) fn new(sender: Sender) -> Self {
        Self {
            sender,
            pending: Pending::default(),
        }
    }

    /// Sends input: text, and control characters such as `\n` for Enter, `\u{3}` for Ctrl-C and `\u{4}` for Ctrl-D.
    ///
    /// The bytes may end within a character, which is sent when its other bytes follow. If the future is dropped, the
    /// input is sent as a whole, or not at all.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let mut terminal = sandbox.terminal().open().await?;
    /// terminal.send("sleep 100\n").await?;
    /// terminal.send(b"\x03").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the input is not UTF-8, which the protocol cannot carry, or is larger than 16 MiB; it is
    /// then not sent. The errors of [`Sender::send`](crate::websocket::Sender::send).
    pub async fn send(&mut self, input: impl AsRef<[u8]>) -> Result<(), Error> {
        let (text, rest) = self.pending.join(input.as_ref())?;
        if text.is_empty() {
            self.pending = rest;
            return Ok(());
        }
        let message = ToSandbox::Input { data: &text }.write()?;
        let pending = &mut self.pending;
        // A future that is dropped before loses nothing that was pending.
        send_then(&mut self.sender, message, move || *pending = rest).await
    }

    /// Changes the size of the screen, and tells the programs in it. All terminals that are attached to the session
    /// share the size.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a size of 0; the errors of [`Sender::send`](crate::websocket::Sender::send).
    pub async fn resize(&mut self, columns: u16, rows: u16) -> Result<(), Error> {
        check_size(columns, rows)?;
        let message = ToSandbox::Resize {
            cols: columns,
            rows,
        }
        .write()?;
        self.sender.send(message).await
    }

    pub(super) fn into_inner(self) -> Sender {
        self.sender
    }
}

impl fmt::Debug for TerminalSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TerminalSender")
    }
}
