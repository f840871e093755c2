//! [`Child`]: a process that this program has started.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService};
use tokio::time::{Instant, sleep};

use super::event::Position;
use super::events::Events;
use super::follow::Follow;
use super::handle::Process;
use super::info::{ExitStatus, ProcessInfo};
use super::limit::{KillOnDrop, Limit};
use super::outage::Outage;
use super::output::{Output, collect};
use super::stdin::{Source, Stdin, with_input};
use crate::reference::ProcessRef;

/// Time limit on the wait for a port.
const PORT_LIMIT: Duration = Duration::from_secs(5 * 60);

/// The delay between two looks at the ports: the first one, and the longest one.
const PORT_POLL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// A process that was started by [`Command::spawn`](super::Command::spawn).
///
/// Dropping it does nothing to the process, unless
/// [`kill_on_drop`](super::Command::kill_on_drop) is set.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
/// let mut server = sandbox.shell("npm run dev").name("web").spawn().await?;
/// server.wait_for_port(3000).await?;
/// while let Some(event) = server.events().try_next().await? {
///     println!("{event:?}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct Child<S: HttpService> {
    process: Process<S>,
    info: ProcessInfo,
    events: Events<S>,
    limit: Limit<S>,
    guard: KillOnDrop<S>,
    input: Option<Source>,
    max_output: usize,
}

impl<S: HttpService> Child<S> {
    pub(super) fn new(
        process: Process<S>,
        info: ProcessInfo,
        limit: Limit<S>,
        guard: KillOnDrop<S>,
        input: Option<Source>,
        max_output: usize,
    ) -> Self {
        let follow = Follow::new(process.clone(), Position::default());
        Self {
            events: Events::new(follow, limit.clone()),
            process,
            info,
            limit,
            guard,
            input,
            max_output,
        }
    }

    /// Returns the name of the process.
    #[must_use]
    pub fn name(&self) -> &str {
        self.process.name()
    }

    /// Returns the PID. It is empty if the server has not sent it.
    #[must_use]
    pub fn pid(&self) -> &str {
        &self.info.pid
    }

    /// Returns the state of the process at its start.
    #[must_use]
    pub fn started(&self) -> &ProcessInfo {
        &self.info
    }

    /// Returns the process, to be used beside this handle or after it.
    #[must_use]
    pub fn process(&self) -> &Process<S> {
        &self.process
    }

    /// Returns a reference to the process, which can be stored and [used](crate::Sandboxes::process) later.
    #[must_use]
    pub fn reference(&self) -> ProcessRef {
        self.process.reference()
    }

    /// Returns the output and the end of the process, from its start.
    pub fn events(&mut self) -> &mut Events<S> {
        &mut self.events
    }

    /// Returns a writer to the standard input, for a command with [`Input::piped`](super::Input::piped).
    #[must_use]
    pub fn stdin(&self) -> Stdin<S> {
        self.process.stdin()
    }

    /// Waits for the end of the process and returns its exit status; see [`Process::wait`].
    ///
    /// # Errors
    ///
    /// Those of [`Process::wait`], and [`Error::is_timeout`] at the [`timeout`](super::Command::timeout) of the
    /// command.
    pub async fn wait(&mut self) -> Result<ExitStatus, Error> {
        let status = self.limit.run(pin!(self.process.wait())).await?;
        self.guard.disarm();
        Ok(status)
    }

    /// Writes the [input](super::Command::stdin) of the command, waits for the end of the process, and returns its exit
    /// status and all of its output.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait), and [`Error::is_decode`] for more output than
    /// [`max_output`](super::Command::max_output).
    pub async fn wait_with_output(mut self) -> Result<Output, Error> {
        let process = self.process.clone();
        let work = collect(
            Follow::new(process.clone(), Position::default()),
            self.max_output,
        );
        let output = match self.input.take() {
            Some(input) => {
                let work = Box::pin(with_input(work, process, input));
                self.limit.run(pin!(work)).await?
            }
            None => self.limit.run(pin!(work)).await?,
        };
        self.guard.disarm();
        Ok(output)
    }

    /// Waits until the process or one of its children accepts connections to a port from outside of the sandbox
    /// (`GET /network/process/{pid}/ports`). A server that listens on the loopback interface only does not count.
    ///
    /// # Errors
    ///
    /// [`Error::is_failed`] if the process ends before that; [`Error::is_timeout`] after 5 minutes, or at the
    /// [`timeout`](super::Command::timeout) of the command.
    pub async fn wait_for_port(&self, port: u16) -> Result<(), Error> {
        self.limit
            .run(pin!(wait_for_port(&self.process, port)))
            .await
    }

    /// Asks the process to end; see [`Process::stop`].
    ///
    /// # Errors
    ///
    /// Those of [`Process::stop`].
    pub async fn stop(&self) -> Result<(), Error> {
        self.process.stop().await
    }

    /// Ends the process; see [`Process::kill`].
    ///
    /// # Errors
    ///
    /// Those of [`Process::kill`].
    pub async fn kill(&self) -> Result<(), Error> {
        self.process.kill().await
    }
}

async fn wait_for_port<S: HttpService>(process: &Process<S>, port: u16) -> Result<(), Error> {
    let (start, mut outage, mut delay) = (Instant::now(), Outage::default(), PORT_POLL.0);
    loop {
        let ports = match process.ports().await {
            Ok(ports) => {
                outage.end();
                ports
            }
            Err(error) => {
                outage.pause(error).await?;
                continue;
            }
        };
        if ports
            .iter()
            .any(|open| open.local_port == port && open.is_reachable())
        {
            return Ok(());
        }
        if let Ok(info) = process.look().await
            && let Some(status) = info.exit_status()
            && !info.restart_on_failure
        {
            let message = format!("it has {status} before port {port} was open");
            return Err(process.describe(Error::failed(message)));
        }
        if start.elapsed() >= PORT_LIMIT {
            let what = format!("wait for port {port}");
            return Err(process.describe(Error::timeout(&what, PORT_LIMIT)));
        }
        sleep(delay).await;
        delay = delay.saturating_mul(2).min(PORT_POLL.1);
    }
}

impl<S: HttpService> fmt::Debug for Child<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("name", &self.name())
            .field("pid", &self.info.pid)
            .finish_non_exhaustive()
    }
}
