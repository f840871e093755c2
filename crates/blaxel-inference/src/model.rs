//! Calls to models.

use std::fmt;

use blaxel_core::__private::workload::{Call, Calls, Target, WorkloadAddress, get_model};
use blaxel_core::__private::{DecodedParts, ErrorParts, WithOptions};
use blaxel_core::{Error, HttpService};
use http::Method;

use crate::chat::{ChatCompletion, ChatRequest, ChatStream, RequestBody};
use crate::embedding::{self, EmbeddingRequest, Embeddings};
use crate::request::WorkloadRequest;
use crate::setters::target_setters;
use crate::whole_answer;

const PATH: &str = "/models/{modelName}";

static CALLS: Calls = Calls::new("CallModel", "StreamModel", PATH);
static CHAT: Call = Call::post("CreateChatCompletion", "StreamChatCompletion", PATH);
static EMBEDDINGS: Call = Call::post("CreateEmbeddings", "StreamEmbeddings", PATH);

/// The path of the OpenAI operations at most providers.
const OPENAI_BASE: &str = "v1";

/// A handle on a deployed model. It is obtained from [`Inference::model`](crate::Inference::model).
///
/// There are two generations of models. Models of the generation `mk3` have the OpenAI API, whatever their
/// provider, and take their name at Blaxel as `model`. Older ones are a proxy to their provider: path and
/// body are forwarded unchanged, so a chat works if the provider serves `v1/chat/completions`, and `model`
/// is the provider's name for the model. [`resolve`](Self::resolve) determines the generation.
///
/// The setters apply to all requests of the handle. Clones are cheap, so use one for other settings.
#[derive(Clone)]
pub struct ModelCall<S> {
    service: S,
    target: Target,
    provider_model: Option<String>,
    openai_base: String,
}

impl<S: HttpService> ModelCall<S> {
    pub(crate) fn new(service: S, name: String, override_address: Option<WorkloadAddress>) -> Self {
        Self {
            service,
            target: Target::new(name, override_address),
            provider_model: None,
            openai_base: OPENAI_BASE.to_owned(),
        }
    }

    target_setters!();

    /// Looks up the model's own address and the value of `model` in requests, and returns the handle with both
    /// (`GET /models/{modelName}`).
    ///
    /// The address is the model's `metadata.url`; a model that has none yet is called under the origin of
    /// the run plane. The value of `model` is the model's name at Blaxel for the generation `mk3`, and
    /// `spec.runtime.model` for older ones. Nothing is sent if an address is already known, and a name set
    /// with [`provider_model`](Self::provider_model) is kept.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(inference: blaxel_inference::Inference<impl HttpService>) -> Result<(), Error> {
    /// let model = inference.model("fast").resolve().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such model; [`Error::is_failed`] if it is of the
    /// generation `mk3` and has no address, without which it cannot be reached; and the other errors of
    /// a read.
    pub async fn resolve(mut self) -> Result<Self, Error> {
        if self.target.has_address() {
            return Ok(self);
        }
        let service = WithOptions::new(self.service.clone(), self.target.options());
        let model = get_model(&service, self.target.name()).await?;
        let address = model.address();
        let runtime = model.runtime();
        let generation = runtime.and_then(|runtime| runtime.generation.as_deref());
        if generation == Some("mk3") {
            if address.is_none() {
                let name = self.target.name();
                let message = format!("the model `{name}` of generation mk3 has no address yet");
                return Err(Error::failed(message));
            }
        } else if self.provider_model.is_none() {
            let name = runtime.and_then(|runtime| runtime.model.clone());
            self.provider_model = name.filter(|name| !name.is_empty());
        }
        self.target.set_address(address);
        Ok(self)
    }

    /// Sets the provider's name of the model, which is sent as `model` in chats and embeddings.
    ///
    /// By default, and unless it was [looked up](Self::resolve), the model's name at Blaxel is sent. That
    /// is correct for models of the generation `mk3`; older ones require the provider's name, which is in
    /// `spec.runtime.model`.
    #[must_use]
    pub fn provider_model(mut self, name: impl Into<String>) -> Self {
        self.provider_model = Some(name.into());
        self
    }

    /// Sets the path of `chat/completions` and `embeddings` at the provider. The default is `v1`.
    ///
    /// ```
    /// # use blaxel_core::{Error, HttpService};
    /// # fn example(inference: blaxel_inference::Inference<impl HttpService>) {
    /// let model = inference.model("fast").provider_model("gpt-4o-mini").openai_base("openai/v1");
    /// # }
    /// ```
    #[must_use]
    pub fn openai_base(mut self, path: impl Into<String>) -> Self {
        self.openai_base = path.into();
        self
    }

    /// Creates a request of any method to any path of the provider, for the provider's own API, such as
    /// `POST /{workspace}/models/{modelName}/{path}`.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(inference: blaxel_inference::Inference<impl HttpService>) -> Result<(), Error> {
    /// use http::Method;
    ///
    /// let body = serde_json::json!({
    ///     "model": "claude-sonnet-4-0", "max_tokens": 100, "stream": true,
    ///     "messages": [{"role": "user", "content": "Hello"}],
    /// });
    /// let claude = inference.model("claude");
    /// let mut events = claude.request(Method::POST, "v1/messages").json(&body).events().await?;
    /// while let Some(event) = events.try_next().await? {
    ///     println!("{}", event.data());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The paths of chats at common providers:
    ///
    /// | provider | path | streamed |
    /// | --- | --- | --- |
    /// | Anthropic | `v1/messages` | `"stream": true` in the body |
    /// | Gemini | `v1beta/models/{model}:generateContent` | `v1beta/models/{model}:streamGenerateContent`, with the query `alt=sse` |
    /// | Cohere | `v2/chat` | `"stream": true` in the body |
    pub fn request(&self, method: Method, path: impl Into<String>) -> WorkloadRequest<S> {
        let call = CALLS.for_method(&method);
        self.request_by(call, method, path)
    }

    /// Sends a chat and waits for the whole answer
    /// (`POST /{workspace}/models/{modelName}/v1/chat/completions`).
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(inference: blaxel_inference::Inference<impl HttpService>) -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// use blaxel_core::CallOptions;
    /// use blaxel_inference::{ChatRequest, Message};
    ///
    /// let model = inference.model("fast");
    /// let request = ChatRequest::new([Message::user("Why is the sky blue?")]).max_tokens(200);
    /// let options = CallOptions::new().with_deadline(Duration::from_secs(30));
    /// let answer = model.options(options).chat(&request).await?;
    /// println!("{}", answer.text().unwrap_or_default());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such model, [`Error::is_unavailable`] if it cannot respond
    /// now; [`Error::is_rate_limited`] if the provider's limit or a token policy of the workspace is
    /// exhausted; the provider's own error, which is distinguished by its
    /// [origin](blaxel_core::ApiError::origin); [`Error::is_failed`] if the provider reports an error inside of a
    /// successful response, and [`Error::is_decode`] if the response has no choice, or several that cannot be told
    /// apart.
    pub async fn chat(&self, request: &ChatRequest) -> Result<ChatCompletion, Error> {
        let body = RequestBody::new(self.model_name(), request, false);
        let request = self.openai(&CHAT, "chat/completions").json(&body);
        request.send().await?.answer(ChatCompletion::answered).await
    }

    /// Sends a chat and streams the answer (`POST /{workspace}/models/{modelName}/v1/chat/completions` with
    /// `stream: true`). The usage is requested too.
    ///
    /// The whole answer of a server that does not stream is returned as one chunk.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(inference: blaxel_inference::Inference<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_inference::{ChatRequest, Message};
    ///
    /// let request = ChatRequest::new([Message::user("Why is the sky blue?")]);
    /// let mut answer = inference.model("fast").stream(&request).await?;
    /// while let Some(chunk) = answer.try_next().await? {
    ///     print!("{}", chunk.text());
    /// }
    /// println!("{:?}", answer.usage());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`chat`](Self::chat), up to the response headers.
    pub async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let body = RequestBody::new(self.model_name(), request, true);
        let request = self.openai(&CHAT, "chat/completions").json(&body);
        // Boxed, so that whoever holds the stream does not hold the room that a request takes.
        let events = Box::pin(request.events()).await?;
        let events = events.or_whole(whole_answer::decoder);
        Ok(ChatStream::of(events))
    }

    /// Computes the embeddings of texts (`POST /{workspace}/models/{modelName}/v1/embeddings`).
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(inference: blaxel_inference::Inference<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_inference::EmbeddingRequest;
    ///
    /// let request = EmbeddingRequest::new(["a cat", "a dog"]);
    /// let vectors = inference.model("embed").embed(&request).await?.into_vectors();
    /// assert_eq!(vectors.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`chat`](Self::chat), and [`Error::is_decode`] unless there is exactly one embedding for each text.
    pub async fn embed(&self, request: &EmbeddingRequest) -> Result<Embeddings, Error> {
        let body = embedding::RequestBody::new(self.model_name(), request);
        let call = self.openai(&EMBEDDINGS, "embeddings").json(&body);
        let in_order = |embeddings: Embeddings| embeddings.in_order(request.texts());
        call.send().await?.answer(in_order).await
    }

    /// Returns the value of `model` in requests.
    fn model_name(&self) -> &str {
        self.provider_model.as_deref().unwrap_or(self.target.name())
    }

    fn openai(&self, call: &'static Call, operation: &str) -> WorkloadRequest<S> {
        let path = format!("{}/{operation}", self.openai_base);
        self.request_by(call, Method::POST, path)
    }

    fn request_by(
        &self,
        call: &'static Call,
        method: Method,
        path: impl Into<String>,
    ) -> WorkloadRequest<S> {
        let (service, target) = (self.service.clone(), self.target.clone());
        WorkloadRequest::new(service, call, method, target, path)
    }
}

impl<S> fmt::Debug for ModelCall<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ModelCall")
            .field(&self.target.name())
            .finish()
    }
}
