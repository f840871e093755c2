//! The stream of `POST /process`: the output of the process and its result.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::follow::Follow;
use super::format::{Format, event};
use super::request::Request;
use super::start::{deadline, start, wait_for_ports};
use super::ticker::Ticker;
use super::view::View;
use crate::router::respond::Refusal;
use crate::state::{Record, State};

/// The time between two `keepalive` events.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// A process and its stream.
pub(super) struct Run {
    state: Arc<State>,
    step: Step,
}

enum Step {
    /// The process was started, or could not be.
    Started(Box<Request>, Result<Arc<Record>, Refusal>, Option<Duration>),
    Following(Arc<Record>, Box<Follow>),
    Done,
}

impl Run {
    pub(super) async fn start(state: Arc<State>, mut request: Request) -> Self {
        let deadline = deadline(&state, &request);
        let started = start(&state, &mut request).await;
        Self {
            state,
            step: Step::Started(Box::new(request), started, deadline),
        }
    }

    /// Returns the next line or lines.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            match &mut self.step {
                Step::Started(request, started, deadline) => {
                    let record = match started {
                        Ok(record) => record,
                        Err(refusal) => {
                            let line = event("error", refusal.message());
                            self.step = Step::Done;
                            return Some(line);
                        }
                    };
                    let ready = wait_for_ports(&self.state, request, record, *deadline).await;
                    if let Err(refusal) = ready {
                        self.step = Step::Done;
                        return Some(event("error", refusal.message()));
                    }
                    let record = Arc::clone(record);
                    let clock = self.state.guest.clock();
                    let format = Format::Run(self.state.version());
                    let follow = Follow::new(Arc::clone(&record), format, clock)
                        .keepalive(Ticker::new(clock, KEEPALIVE), event("keepalive", ""));
                    self.step = Step::Following(record, Box::new(follow));
                }
                Step::Following(record, follow) => {
                    if let Some(bytes) = follow.next().await {
                        return Some(bytes);
                    }
                    // A type whose serialization cannot fail.
                    let view = serde_json::to_string(&View::single(record)).unwrap_or_default();
                    self.step = Step::Done;
                    return Some(event("result", &view));
                }
                Step::Done => return None,
            }
        }
    }
}
