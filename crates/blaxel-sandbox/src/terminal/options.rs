//! [`TerminalOptions`], a terminal that is about to be opened.

use std::fmt;
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::__private::websocket::with_probe;
use blaxel_core::{CallOptions, Error, HttpService, OperationInfo, Plane, RequestWriter, Source};
use http::Method;

use super::Terminal;
use super::message::NOTHING;
use crate::remote::Remote;
use crate::websocket::{Options, WebSocket};

/// Opens a terminal: `GET /terminal/ws`.
static OPEN: OperationInfo =
    OperationInfo::new("OpenTerminal", Method::GET, "/terminal/ws").with_plane(Plane::Run);

/// The session of a terminal that names none.
pub(super) const DEFAULT_SESSION: &str = "default";

/// Limit on the silence of the sandbox.
const IDLE: Duration = Duration::from_secs(30);

/// A terminal that is about to be opened. [`SandboxHandle::terminal`](crate::SandboxHandle::terminal) creates it.
#[must_use = "nothing is sent until `open` is called"]
pub struct TerminalOptions<S> {
    remote: Remote<S>,
    size: (u16, u16),
    shell: Option<String>,
    current_dir: Option<String>,
    session: Option<String>,
    idle: Option<Duration>,
}

impl<S: HttpService> TerminalOptions<S> {
    pub(super) fn new(remote: Remote<S>) -> Self {
        Self {
            remote,
            size: (80, 24),
            shell: None,
            current_dir: None,
            session: None,
            idle: Some(IDLE),
        }
    }

    /// Sets the size of the screen. 80 columns and 24 rows by default.
    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        self.size = (columns, rows);
        self
    }

    /// Sets the program of the shell, which is started without arguments. By default the sandbox chooses: its variable
    /// `SHELL`, otherwise the first of zsh, bash and sh that is there.
    ///
    /// It has no effect on a session that exists.
    pub fn shell(mut self, program: impl Into<String>) -> Self {
        self.shell = Some(program.into());
        self
    }

    /// Sets the working directory of the shell. By default it is that of the sandbox's server.
    ///
    /// It has no effect on a session that exists.
    pub fn current_dir(mut self, path: impl Into<String>) -> Self {
        self.current_dir = Some(path.into());
        self
    }

    /// Sets the session by its id, a text of the caller's choice. If the sandbox has it, the terminal is attached to
    /// it; otherwise a shell is started. The default is `default`, which all terminals of the sandbox share.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let mut terminal = sandbox.terminal().session("deploy-17").open().await?;
    /// terminal.send("make deploy\n").await?;
    /// terminal.detach().await?;
    /// // Later, perhaps in another process:
    /// let terminal = sandbox.terminal().session("deploy-17").open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn session(mut self, id: impl Into<String>) -> Self {
        self.session = Some(id.into());
        self
    }

    /// Sets the limit on the silence of the sandbox, and on input that it does not accept. 30 seconds by default;
    /// `None` means no limit.
    ///
    /// A shell without output is not silence: after half of the limit, the sandbox is asked for a sign of life. Older
    /// sandboxes tell only then that the shell has exited, so without a limit they never do.
    pub fn idle_limit(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.idle = limit.into();
        self
    }

    /// Sets the options of the request that opens the terminal. They replace those of the sandbox and of the client.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.remote = self.remote.with_options(options);
        self
    }

    /// Opens the terminal (`GET /terminal/ws`).
    ///
    /// The credential, or the token of a session, is sent in a header.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a size of 0 and an empty text; [`Error::is_not_found`] if the sandbox has no terminals;
    /// the other errors of [`WebSocket::connect`]. A shell that cannot be started is an
    /// [event](super::TerminalEvent::Error) of the terminal.
    pub async fn open(self) -> Result<Terminal, Error> {
        let request = self
            .write()
            .map_err(|error| error.in_operation(Some(&OPEN)))?;
        let settings = with_probe(Options::new().idle_limit(self.idle), NOTHING);
        let socket = WebSocket::connect(self.remote.service(), request, settings).await?;
        Ok(Terminal::new(socket, self.session))
    }

    fn write(&self) -> Result<RequestWriter, Error> {
        let invalid = |what: &str, problem: &str| Error::input(what, &Source::Code, problem);
        let (columns, rows) = self.size;
        check_size(columns, rows)?;
        let mut request = self.remote.start(&OPEN)?;
        request.path([])?;
        request.query("cols", columns);
        request.query("rows", rows);
        for (name, what, value) in [
            ("shell", "shell", &self.shell),
            ("workingDir", "working directory", &self.current_dir),
            ("sessionId", "terminal session", &self.session),
        ] {
            if value.as_deref() == Some("") {
                return Err(invalid(what, "it is empty"));
            }
            request.query_opt(name, value.as_deref());
        }
        Ok(request)
    }
}

/// Checks the size of a screen. The sandbox would ignore a size of 0.
pub(super) fn check_size(columns: u16, rows: u16) -> Result<(), Error> {
    if columns == 0 || rows == 0 {
        let problem = "it has no columns or no rows";
        return Err(Error::input("terminal size", &Source::Code, problem));
    }
    Ok(())
}

impl<S> fmt::Debug for TerminalOptions<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TerminalOptions")
            .field("remote", &self.remote)
            .field("size", &self.size)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
