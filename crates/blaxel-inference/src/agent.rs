//! Calls to agents.

use std::fmt;
use std::marker::PhantomData;

use blaxel_core::{
    Body, Error, HttpService, Operation, OperationInfo, Plane, RequestWriter, call, open, response,
};
use bytes::Bytes;
use http::Method;
use http::header::ACCEPT;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::stream::EventStream;
use crate::target::{Target, target_setters};

/// By this header agents know, by convention, which conversation a request belongs to.
const THREAD_HEADER: &str = "x-blaxel-thread-id";

const PATH: &str = "/agents/{agentName}";

static STREAM_AGENT: OperationInfo = OperationInfo::new("StreamAgent", Method::POST, PATH)
    .on(Plane::Run)
    .streaming();

/// An agent to be called. It is got from [`Inference::agent`](crate::Inference::agent).
#[derive(Clone)]
pub struct AgentCall<S> {
    service: S,
    target: Target,
}

impl<S: HttpService> AgentCall<S> {
    pub(crate) fn new(service: S, name: &str) -> Self {
        Self {
            service,
            target: Target::new(name),
        }
    }

    target_setters!();

    /// Calls a path that the agent serves below its address.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.target.below(path);
        self
    }

    /// Names the conversation that the call belongs to, by the header `X-Blaxel-Thread-Id`. The id
    /// is the caller's to choose; whether it is heeded is up to the agent's code.
    #[must_use]
    pub fn thread(self, id: impl Into<String>) -> Self {
        self.header(THREAD_HEADER, id)
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
    pub async fn invoke<Reply: DeserializeOwned>(
        &self,
        input: &(impl Serialize + ?Sized),
    ) -> Result<Reply, Error> {
        let body = serialized(input)?;
        call(
            &self.service,
            &InvokeAgent::<Reply>::new(&self.target, body),
        )
        .await
    }

    /// Sends JSON to the agent and hands back its response with the body still flowing, whatever
    /// its format. `POST /{workspace}/agents/{agentName}`.
    ///
    /// # Errors
    ///
    /// As for [`invoke`](Self::invoke), up to the head of the response.
    pub async fn open(
        &self,
        input: &(impl Serialize + ?Sized),
    ) -> Result<http::Response<Body>, Error> {
        let mut request = RequestWriter::new(&STREAM_AGENT);
        self.target.write(&mut request, "")?;
        request.json(input)?;
        request.header(ACCEPT, "text/event-stream, application/x-ndjson, */*")?;
        open(&self.service, request.finish()?).await
    }

    /// Sends JSON to the agent and reads its reply as server-sent events.
    /// `POST /{workspace}/agents/{agentName}`.
    ///
    /// # Errors
    ///
    /// As for [`invoke`](Self::invoke), up to the head of the response.
    pub async fn events(&self, input: &(impl Serialize + ?Sized)) -> Result<EventStream, Error> {
        Ok(EventStream::new(self.open(input).await?.into_body()))
    }
}

impl<S> fmt::Debug for AgentCall<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AgentCall")
            .field(&self.target.name())
            .finish()
    }
}

fn serialized(input: &(impl Serialize + ?Sized)) -> Result<Bytes, Error> {
    serde_json::to_vec(input)
        .map(Bytes::from)
        .map_err(|problem| Error::input("agent's input", &blaxel_core::Source::Code, problem))
}

/// The call of an agent whose reply is read whole.
struct InvokeAgent<'a, Reply> {
    target: &'a Target,
    input: Bytes,
    reply: PhantomData<fn() -> Reply>,
}

impl<'a, Reply> InvokeAgent<'a, Reply> {
    fn new(target: &'a Target, input: Bytes) -> Self {
        Self {
            target,
            input,
            reply: PhantomData,
        }
    }
}

impl<Reply: DeserializeOwned> Operation for InvokeAgent<'_, Reply> {
    type Output = Reply;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("InvokeAgent", Method::POST, PATH).on(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        let json = http::HeaderValue::from_static("application/json");
        request.body(self.input.clone().into(), json);
        self.target.write(request, "")
    }

    fn read(response: &http::Response<Bytes>) -> Result<Reply, Error> {
        response::json(response)
    }
}
