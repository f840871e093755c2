//! The request that creates a sandbox, with its deadline, sent again after refusals that leave no trace.

use std::ops::RangeInclusive;
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Attempts, Delivery, Error, HttpService, Source, call};
use http::{HeaderName, StatusCode};
use tokio::time::sleep;

use super::Sandbox;
use super::create::CreateSandbox;
use super::creation_timeout::CreationTimeout;
use crate::backoff::{Backoff, jittered};
use crate::operations::Perform;
use crate::resource::Resource;

/// The header with the time after which the platform cancels the creation, in seconds.
const DEADLINE: HeaderName = HeaderName::from_static("x-blaxel-creation-timeout");

/// The deadlines that the platform accepts, in seconds.
const DEADLINES: RangeInclusive<u64> = 1..=50;

/// Maximum number of requests that are refused because the credential could not be checked.
const MAX_REFUSALS: u32 = 3;

/// The delays between these requests, before jitter.
const FIRST_DELAY: Duration = Duration::from_millis(500);
const MAX_DELAY: Duration = Duration::from_secs(2);

/// Checks a deadline by the rule of the platform.
pub(super) fn check_deadline(deadline: Option<Duration>) -> Result<(), Error> {
    let is_valid = |deadline: Duration| {
        deadline.subsec_nanos() == 0 && DEADLINES.contains(&deadline.as_secs())
    };
    if deadline.is_none_or(is_valid) {
        return Ok(());
    }
    let problem = "it is not a whole number of seconds from 1 to 50";
    Err(Error::input("creation deadline", &Source::Code, problem))
}

/// The request that creates a sandbox.
pub(super) struct CreationRequest<'a> {
    draft: &'a Sandbox,
    deadline: Option<Duration>,
    if_absent: bool,
}

impl<'a> CreationRequest<'a> {
    /// Creates a request that fails if the sandbox exists. The deadline is a checked one.
    pub(super) fn new(draft: &'a Sandbox, deadline: Option<Duration>) -> Self {
        Self {
            draft,
            deadline,
            if_absent: false,
        }
    }

    /// Sets whether the request returns the sandbox if it exists, and replaces a dead one.
    pub(super) fn set_if_absent(&mut self, if_absent: bool) {
        self.if_absent = if_absent;
    }

    /// Returns `true` if the server chooses the name.
    pub(super) fn is_unnamed(&self) -> bool {
        self.draft.name().is_empty()
    }

    /// Sends the request, and sends it again after a refusal that leaves no trace.
    pub(super) async fn send<S: HttpService>(&self, service: &S) -> Result<Sandbox, Error> {
        let mut backoff = Backoff::between(FIRST_DELAY, MAX_DELAY);
        let (mut refusals, mut sent) = (0, 0_u32);
        loop {
            let mut create = Perform::<CreateSandbox>::new()
                .flag("createIfNotExist", self.if_absent)
                .input(self.draft);
            if let Some(deadline) = self.deadline {
                create = create.header(DEADLINE, deadline.as_secs().to_string());
            }
            let error = match call(service, &create).await {
                Ok(created) => return Ok(created),
                Err(error) => error,
            };
            if !is_unchecked_credential(&error) {
                return Err(self.explain(error));
            }
            sent = sent.saturating_add(error.attempts());
            refusals += 1;
            if refusals >= MAX_REFUSALS {
                let attempts = Attempts::new(sent);
                return Err(error
                    .with_attempts(attempts)
                    .with_delivery(Delivery::NotSent));
            }
            let delay = jittered(backoff.next());
            sleep(delay.max(error.retry_after().unwrap_or_default())).await;
        }
    }

    /// Adds the name and the deadline to the error of a creation that took too long.
    fn explain(&self, error: Error) -> Error {
        let by_deadline =
            self.deadline.is_some() && error.status() == Some(StatusCode::REQUEST_TIMEOUT);
        if by_deadline || error.code() == Some("CREATION_TIMEOUT") {
            return error.caused_by(CreationTimeout::new(self.draft.name(), self.deadline));
        }
        error
    }
}

/// Returns `true` for a refusal that is answered before anything is created, and that can be caused by a hiccup of the
/// platform's own check. An unknown key gets the same response, so the number of attempts is small.
fn is_unchecked_credential(error: &Error) -> bool {
    let status = error.status().map(|status| status.as_u16());
    matches!(
        (status, error.code()),
        (Some(403), Some("UNAUTHORIZED")) | (Some(503), Some("AUTHENTICATION_UNAVAILABLE"))
    )
}
