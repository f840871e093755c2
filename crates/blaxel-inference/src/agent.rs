//! Calls to agents.

use std::fmt;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService};
use http::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::address;
use crate::calls::Calls;
use crate::reply::Reply;
use crate::request::WorkloadRequest;
use crate::target::{Address, Target, target_setters};

/// By this header agents know, by convention, which conversation a request belongs to.
const THREAD_HEADER: &str = "x-blaxel-thread-id";

static CALLS: Calls = Calls::new("InvokeAgent", "StreamAgent", "/agents/{agentName}");

/// An agent to be called. It is got from [`Inference::agent`](crate::Inference::agent).
#[derive(Clone)]
pub struct AgentCall<S> {
    service: S,
    target: Target,
}

impl<S: HttpService> AgentCall<S> {
    pub(crate) fn new(service: S, name: &str, forced: Option<Address>) -> Self {
        let mut target = Target::new(name);
        target.set_address(forced);
        Self { service, target }
    }

    target_setters!();

    /// Looks up where the agent is, and keeps the address in the handle and its clones.
    /// `GET /agents/{agentName}`.
    ///
    /// Every agent has an address of its own, its `metadata.url`, and the platform wants it to be called
    /// there. An agent that has none yet is called under the origin of the run plane as before. Nothing
    /// is looked up where an address is given already.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such agent, and the other errors of a read.
    pub async fn located(mut self) -> Result<Self, Error> {
        if !self.target.has_address() {
            let agent = address::agent(&self.service, self.target.name()).await?;
            self.target.set_address(agent.address());
        }
        Ok(self)
    }

    /// Calls a path that the agent serves below its address.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.target.below(path);
        self
    }

    /// Names the conversation that the call belongs to, by the header `X-Blaxel-Thread-Id`. The id
    /// is the caller's to choose; whether it is heeded is up to the agent's code.
    ///
    /// The platform itself knows no conversations. An agent that looks for another header, such as
    /// `Thread-Id` or one for a session, is told by [`header`](Self::header).
    #[must_use]
    pub fn thread(self, id: impl Into<String>) -> Self {
        self.header(THREAD_HEADER, id)
    }

    /// A request to a path below that of this handle, by any method. An empty path is that of the
    /// handle itself.
    pub fn request(&self, method: Method, path: impl Into<String>) -> WorkloadRequest<S> {
        let (service, target) = (self.service.clone(), self.target.clone());
        WorkloadRequest::new(service, CALLS.by(&method), method, target, path)
    }

    /// A request with JSON for the agent, to be read as its answer is to be read:
    /// `POST /{workspace}/agents/{agentName}`.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(agent: blaxel_inference::AgentCall<impl HttpService>) -> Result<(), Error> {
    /// let input = serde_json::json!({"inputs": "Hello"});
    /// let text: String = agent.post(&input).send().await?.text().await?;
    ///
    /// let mut pieces = agent.post(&input).pieces().await?;
    /// while let Some(piece) = pieces.try_next().await? {
    ///     print!("{}", piece.as_str().unwrap_or_default());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn post(&self, input: &(impl Serialize + ?Sized)) -> WorkloadRequest<S> {
        self.request(Method::POST, "").json(input)
    }

    /// Sends JSON to the agent and reads its JSON reply. `POST /{workspace}/agents/{agentName}`.
    ///
    /// By convention the input is an object with a member `inputs`. The platform cuts a call after
    /// 100 seconds without a byte, and after 15 minutes in all.
    ///
    /// A call is never known to be repeatable: if it fails midway,
    /// [`Error::maybe_applied`] holds.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such agent, [`Error::is_unavailable`] if it cannot
    /// answer now; the agent's own error, told apart by its
    /// [origin](blaxel_core::ApiError::origin); [`Error::is_decode`] if the reply is not what was
    /// expected.
    pub async fn invoke<Output: DeserializeOwned>(
        &self,
        input: &(impl Serialize + ?Sized),
    ) -> Result<Output, Error> {
        self.post(input).send().await?.json().await
    }

    /// Hands JSON to the agent and does not wait for its reply.
    /// `POST /{workspace}/agents/{agentName}?async=true`.
    ///
    /// The platform takes the call and answers at once; the agent then has 15 minutes. It gives no id by
    /// which to ask for the outcome: that comes to the callback of the agent's trigger, for which
    /// `CallbackVerifier` stands behind the feature `callback`, or to wherever the agent's code puts it.
    ///
    /// # Errors
    ///
    /// As for [`invoke`](Self::invoke), and [`Error::is_failed`] if the platform says that it did not
    /// take the call.
    pub async fn submit(&self, input: &(impl Serialize + ?Sized)) -> Result<Ticket, Error> {
        let reply = self.post(input).query("async", "true").send().await?;
        Ticket::read(reply).await
    }
}

impl<S> fmt::Debug for AgentCall<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AgentCall")
            .field(&self.target.name())
            .finish()
    }
}

/// What the platform says when it takes a call that it carries out later.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ticket {
    /// The id of the request, by which the platform's operators find it.
    pub request_id: Option<String>,
    /// The members of the answer besides `success`. Today there are none.
    pub other: Map<String, Value>,
}

impl Ticket {
    async fn read(reply: Reply) -> Result<Self, Error> {
        #[derive(Default, Deserialize)]
        struct Wire {
            success: Option<bool>,
            #[serde(flatten)]
            other: Map<String, Value>,
        }

        let request_id = reply.request_id().map(str::to_owned);
        let operation = &CALLS.by(&Method::POST).whole;
        let text = reply.text().await?;
        // A success without a body says what its status says.
        let wire = if text.trim().is_empty() {
            Wire::default()
        } else {
            serde_json::from_str(&text).map_err(|problem| {
                Error::decode("the answer to an asynchronous call is not the expected JSON")
                    .caused_by(problem)
                    .in_operation(Some(operation))
            })?
        };
        if wire.success == Some(false) {
            let said = wire
                .other
                .get("message")
                .or_else(|| wire.other.get("error"));
            let said = said.and_then(Value::as_str).unwrap_or("it gave no reason");
            let message = format!("the call was not taken: {said}");
            return Err(Error::failed(message).in_operation(Some(operation)));
        }
        Ok(Self {
            request_id,
            other: wire.other,
        })
    }
}
