//! Starting a process exactly once.

use std::time::Duration;

use blaxel_core::__private::{ErrorParts, decoded, media_type};
use blaxel_core::stream::ndjson;
use blaxel_core::{Body, Error, HttpService, response};
use http::StatusCode;
use tokio::time::{Instant, sleep, timeout};

use super::exit::may_restart;
use super::handle::{Process, is_unknown};
use super::info::ProcessInfo;
use super::limit::{APPEARANCE, LOOKUP};
use super::line::Line;
use super::outage::Outage;
use super::start::{ExecuteProcess, ProcessRequest, StartProcess};
use crate::remote::DataOperation;

/// Time limit on one lookup of a process.
const LOOKUP_LIMIT: Duration = Duration::from_secs(10);

/// Time limit on the silence of the stream of a start. The server sends something every 5 seconds.
const IDLE: Duration = Duration::from_secs(30);

/// Number of bytes of output up to which the stream of the start is read. Its last line has at most 64 KiB of each
/// stream of the process.
const OUTPUT: usize = 64 * 1024;

/// Maximum size of the description of a process, which a server sends in place of a stream.
const INFO_LIMIT: usize = 4 * 1024 * 1024;

/// A process that is to be started.
pub(super) struct Launch<S> {
    pub(super) process: Process<S>,
    pub(super) request: ProcessRequest,
    /// `true` if nobody else can use the name.
    pub(super) is_unique: bool,
}

/// The outcome of a start whose output was streamed.
pub(super) enum Launched {
    /// The process has ended, and this is its state.
    Ended(Box<ProcessInfo>),
    /// The process was started.
    Running,
}

/// An earlier process of the same name.
type Earlier = Option<ProcessInfo>;

impl<S: HttpService> Launch<S> {
    /// Starts the process and returns its state.
    pub(super) async fn start(&self) -> Result<ProcessInfo, Error> {
        let earlier = self.earlier().await?;
        let remote = self.process.remote();
        let start = StartProcess {
            request: &self.request,
            options: remote.options(),
        };
        match remote.call(&start).await {
            Ok(info) => Ok(info),
            // Boxed, because it is rare and large.
            Err(error) => Box::pin(self.settle(error, &earlier)).await,
        }
    }

    /// Starts the process and reads its stream until it has ended, or has written too much to be in the result.
    pub(super) async fn execute(&self) -> Result<Launched, Error> {
        let earlier = self.earlier().await?;
        let remote = self.process.remote();
        let start = ExecuteProcess {
            request: &self.request,
            options: remote.options(),
        };
        let outcome = match remote.open(&start).await {
            Ok(response) => self.read(response).await.map_err(in_execution),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(launched) => Ok(launched),
            Err(error) => match Box::pin(self.settle(error, &earlier)).await {
                Ok(_) => Ok(Launched::Running),
                Err(error) => Err(error),
            },
        }
    }

    async fn read(&self, response: http::Response<Body>) -> Result<Launched, Error> {
        if media_type(response.headers()) == "application/json" {
            // An old server does not stream.
            let (head, body) = response.into_parts();
            let bytes = response::collect(body, INFO_LIMIT).await?;
            let info = StartProcess::read(&http::Response::from_parts(head, bytes))?;
            return Ok(launched(info));
        }
        let decoder = ndjson::Decoder::<Line>::new();
        let mut lines = decoded(response, ExecuteProcess::INFO, decoder, false);
        let mut size = 0_usize;
        loop {
            let line = timeout(IDLE, lines.try_next()).await;
            let line = line.map_err(|_| Error::timeout("silence of the server", IDLE))??;
            let Some(line) = line else {
                return Err(Error::truncated("the stream has ended before the process"));
            };
            match line.kind.as_str() {
                "stdout" | "stderr" => size = size.saturating_add(line.text().len()),
                "result" => {
                    let info = serde_json::from_str(line.text()).map_err(|problem| {
                        Error::decode("the result is not the state of a process").caused_by(problem)
                    })?;
                    return Ok(launched(info));
                }
                "error" => {
                    let message = format!("the server could not run it: {}", line.text());
                    return Err(Error::failed(message));
                }
                _ => {}
            }
            if size > OUTPUT {
                return Ok(Launched::Running);
            }
        }
    }

    /// Finds out whether the process was started in spite of an error.
    async fn settle(&self, error: Error, earlier: &Earlier) -> Result<ProcessInfo, Error> {
        // A refusal is certain, unless it refuses a second copy of the same request. Something between this client and
        // the server may have made one too: then the refusal tells of a name that nobody else can know.
        let names_it = || error.to_string().contains(&self.request.name);
        let is_copy = self.is_unique
            && error.status() == Some(StatusCode::BAD_REQUEST)
            && (error.attempts() > 1 || names_it());
        let reported = error.is_failed();
        if !error.maybe_applied() && !is_copy && !reported {
            return Err(self.process.describe(error));
        }
        // What the server itself says does not change any more.
        let appearance = if reported { Duration::ZERO } else { APPEARANCE };
        let (mut outage, mut absent) = (Outage::default(), None);
        loop {
            let look = self.process.within(LOOKUP_LIMIT, self.process.info());
            match look.await {
                Ok(info) if self.is_ours(&info, earlier) => return Ok(info),
                Err(problem) if !is_unknown(&problem) => {
                    if outage.pause(problem).await.is_err() {
                        break;
                    }
                    continue;
                }
                Ok(_) | Err(_) => {}
            }
            let since = *absent.get_or_insert_with(Instant::now);
            if since.elapsed() >= appearance {
                break;
            }
            sleep(LOOKUP).await;
        }
        Err(self.process.describe(error))
    }

    /// Returns the process that has the name before the start, if it is not a unique name.
    async fn earlier(&self) -> Result<Earlier, Error> {
        if self.is_unique {
            return Ok(None);
        }
        match Box::pin(self.process.look()).await {
            Ok(info) => Ok(Some(info)),
            Err(error) if is_unknown(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn is_ours(&self, info: &ProcessInfo, earlier: &Earlier) -> bool {
        let is_earlier = earlier.as_ref().is_some_and(|earlier| {
            earlier.pid == info.pid && earlier.started_at == info.started_at
        });
        self.is_unique || (!is_earlier && info.command == self.request.command)
    }
}

/// Adds the operation to an error that may have come after the start. A failure that the server reports is one of the
/// start itself.
fn in_execution(error: Error) -> Error {
    if error.is_failed() {
        return error;
    }
    error.in_operation(Some(ExecuteProcess::INFO))
}

fn launched(info: ProcessInfo) -> Launched {
    if info.exit_status().is_some() && !may_restart(&info) {
        Launched::Ended(Box::new(info))
    } else {
        Launched::Running
    }
}
