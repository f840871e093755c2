//! Calls to agents.

use std::fmt;

use blaxel_core::__private::workload::{Calls, Target, WorkloadAddress, get_agent};
use blaxel_core::__private::{ErrorParts, WithOptions};
use blaxel_core::{Error, HttpService};
use http::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::reply::Reply;
use crate::request::WorkloadRequest;
use crate::setters::target_setters;

/// The conventional header for the conversation that a request belongs to.
const THREAD_HEADER: &str = "x-blaxel-thread-id";

static CALLS: Calls = Calls::new("InvokeAgent", "StreamAgent", "/agents/{agentName}");

/// A handle on a deployed agent. It is obtained from [`Inference::agent`](crate::Inference::agent).
///
/// The setters apply to all requests of the handle. Clones are cheap, so use one for other settings.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(inference: blaxel_inference::Inference<impl HttpService>) -> Result<(), Error> {
/// use serde_json::{Value, json};
///
/// let agent = inference
///     .agent("support-bot")
///     .url("https://agt-support-bot-my-team.us-pdx-1.bl.run")
///     .path("api/v1")
///     .header("x-tenant", "acme")
///     .query("trace", "1");
/// let reply: Value = agent.invoke(&json!({"inputs": "Hello"})).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AgentCall<S> {
    service: S,
    target: Target,
}

impl<S: HttpService> AgentCall<S> {
    pub(crate) fn new(service: S, name: String, address: Option<WorkloadAddress>) -> Self {
        let target = Target::new(name, address);
        Self { service, target }
    }

    target_setters!();

    /// Looks up the agent's own address, its `metadata.url`, and returns the handle with it
    /// (`GET /agents/{agentName}`).
    ///
    /// The platform recommends to call an agent there. An agent that has no address yet is called under the
    /// origin of the run plane. Nothing is sent if an address is already known.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(inference: blaxel_inference::Inference<impl HttpService>) -> Result<(), Error> {
    /// let agent = inference.agent("support-bot").resolve().await?.thread("t-42");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such agent, and the other errors of a read.
    pub async fn resolve(mut self) -> Result<Self, Error> {
        if !self.target.has_address() {
            let service = WithOptions::new(self.service.clone(), self.target.options());
            let agent = get_agent(&service, self.target.name()).await?;
            self.target.set_address(agent.address());
        }
        Ok(self)
    }

    /// Sets the path below the agent's address. The default is empty.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.target.set_path(path);
        self
    }

    /// Sets the id of the conversation, which is sent in the header `X-Blaxel-Thread-Id`. The caller chooses
    /// the id; the agent's code decides whether to use it. None by default.
    ///
    /// The platform itself has no conversations. For an agent that reads another header, such as
    /// `Thread-Id`, use [`header`](Self::header).
    #[must_use]
    pub fn thread(self, id: impl Into<String>) -> Self {
        self.header(THREAD_HEADER, id)
    }

    /// Creates a request of any method to a path below that of this handle. An empty path is that of the
    /// handle itself. See [`WorkloadRequest`] for an example.
    pub fn request(&self, method: Method, path: impl Into<String>) -> WorkloadRequest<S> {
        let (service, target) = (self.service.clone(), self.target.clone());
        WorkloadRequest::new(service, CALLS.for_method(&method), method, target, path)
    }

    /// Creates a request with a JSON body (`POST /{workspace}/agents/{agentName}`).
    ///
    /// Send it with the method that reads the response in the way you need.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(agent: blaxel_inference::AgentCall<impl HttpService>) -> Result<(), Error> {
    /// let input = serde_json::json!({"inputs": "Hello"});
    /// let text: String = agent.post(&input).send().await?.text().await?;
    ///
    /// let mut chunks = agent.post(&input).chunks().await?;
    /// while let Some(chunk) = chunks.try_next().await? {
    ///     print!("{}", chunk.as_str().unwrap_or_default());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn post(&self, input: &(impl Serialize + ?Sized)) -> WorkloadRequest<S> {
        self.request(Method::POST, "").json(input)
    }

    /// Sends JSON to the agent and decodes its JSON response (`POST /{workspace}/agents/{agentName}`).
    ///
    /// By convention the input is an object with a member `inputs`. The platform aborts a call after
    /// 100 seconds without a byte, and after 15 minutes in total.
    ///
    /// A call is not idempotent unless the [options](Self::options) say so: if it fails midway, it is
    /// not repeated, and [`Error::maybe_applied`] returns `true`.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(agent: blaxel_inference::AgentCall<impl HttpService>) -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// use blaxel_core::CallOptions;
    /// use serde_json::{Value, json};
    ///
    /// // This agent only reads, so a call may be repeated.
    /// let options = CallOptions::new().with_idempotent(true).with_deadline(Duration::from_secs(60));
    /// let reply: Value = agent.options(options).invoke(&json!({"inputs": "Hello"})).await?;
    /// println!("{reply}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such agent, [`Error::is_unavailable`] if it cannot
    /// respond now; the agent's own error, which is distinguished by its
    /// [origin](blaxel_core::ApiError::origin); [`Error::is_decode`] if the response is not the expected
    /// JSON.
    pub async fn invoke<Output: DeserializeOwned>(
        &self,
        input: &(impl Serialize + ?Sized),
    ) -> Result<Output, Error> {
        self.post(input).send().await?.json().await
    }

    /// Sends JSON to the agent without waiting for its response
    /// (`POST /{workspace}/agents/{agentName}?async=true`).
    ///
    /// The platform accepts the call and responds at once; the agent then has 15 minutes. There is no id
    /// to query the result by: it is sent to the callback URL of the agent's trigger, where
    /// `CallbackVerifier` (feature `callback`) verifies it.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(agent: blaxel_inference::AgentCall<impl HttpService>) -> Result<(), Error> {
    /// let submission = agent.submit(&serde_json::json!({"inputs": "Write the report"})).await?;
    /// println!("{:?}", submission.request_id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`invoke`](Self::invoke), and [`Error::is_failed`] if the platform did not accept the call.
    pub async fn submit(&self, input: &(impl Serialize + ?Sized)) -> Result<Submission, Error> {
        let reply = self.post(input).query("async", "true").send().await?;
        Submission::read(reply).await
    }
}

impl<S> fmt::Debug for AgentCall<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AgentCall")
            .field(&self.target.name())
            .finish()
    }
}

/// The acknowledgement of an asynchronous call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Submission {
    /// The id of the request, for the platform's support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The members of the response besides `success`. Today there are none.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Submission {
    async fn read(reply: Reply) -> Result<Self, Error> {
        #[derive(Default, Deserialize)]
        struct AsyncResponse {
            success: Option<bool>,
            #[serde(flatten)]
            other: Map<String, Value>,
        }

        let request_id = reply.request_id().map(str::to_owned);
        let operation = &CALLS.for_method(&Method::POST).whole;
        let text = reply.text().await?;
        // An empty body counts as success, by its status.
        let response = if text.trim().is_empty() {
            AsyncResponse::default()
        } else {
            serde_json::from_str(&text).map_err(|problem| {
                Error::decode("the response to an asynchronous call is not the expected JSON")
                    .caused_by(problem)
                    .in_operation(Some(operation))
            })?
        };
        if response.success == Some(false) {
            let reason = response
                .other
                .get("message")
                .or_else(|| response.other.get("error"));
            let reason = reason
                .and_then(Value::as_str)
                .unwrap_or("the platform gave no reason");
            let message = format!("the call was not accepted: {reason}");
            return Err(Error::failed(message).in_operation(Some(operation)));
        }
        Ok(Self {
            request_id,
            other: response.other,
        })
    }
}
