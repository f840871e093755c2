//! Calls to models.

use std::fmt;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService};
use http::Method;

use crate::address;
use crate::calls::{Call, Calls};
use crate::chat::{ChatCompletion, ChatRequest, ChatStream, Wire};
use crate::embedding::{self, EmbeddingRequest, Embeddings};
use crate::request::WorkloadRequest;
use crate::target::{Address, Target, target_setters};

const PATH: &str = "/models/{modelName}";

static CALLS: Calls = Calls::new("CallModel", "StreamModel", PATH);
static CHAT: Call = Call::post("CreateChatCompletion", "StreamChatCompletion", PATH);
static EMBEDDINGS: Call = Call::post("CreateEmbeddings", "StreamEmbeddings", PATH);

/// Under which path most providers have the operations of OpenAI.
const OPENAI_BASE: &str = "v1";

/// A model to be called. It is got from [`Inference::model`](crate::Inference::model).
///
/// The platform knows two generations of models. Those of `mk3` speak the manner of OpenAI whoever
/// provides them, and are asked for by their name at Blaxel. Those before are a passage to their
/// provider: path and body reach it as they are, so a chat is understood where the provider has it
/// under `v1/chat/completions`, and whoever answers is asked for by the provider's name.
/// [`located`](Self::located) finds out which it is.
#[derive(Clone)]
pub struct ModelCall<S> {
    service: S,
    target: Target,
    named: Option<String>,
    openai_base: String,
}

impl<S: HttpService> ModelCall<S> {
    pub(crate) fn new(service: S, name: &str, forced: Option<Address>) -> Self {
        let mut target = Target::new(name);
        target.set_address(forced);
        Self {
            service,
            target,
            named: None,
            openai_base: OPENAI_BASE.to_owned(),
        }
    }

    target_setters!();

    /// Looks up where the model is and by which name it wants to be asked for, and keeps both in the
    /// handle and its clones. `GET /models/{modelName}`.
    ///
    /// The address is the model's `metadata.url`; a model that has none yet is called under the origin of
    /// the run plane as before. The name is the model's at Blaxel for the generation `mk3`, and that in
    /// `spec.runtime.model` for those before. Nothing is looked up where an address is given already,
    /// and a name set by [`named`](Self::named) stays.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such model; [`Error::is_failed`] if it is of the
    /// generation `mk3` and has no address, without which it cannot be reached; and the other errors of
    /// a read.
    pub async fn located(mut self) -> Result<Self, Error> {
        if self.target.has_address() {
            return Ok(self);
        }
        let model = address::model(&self.service, self.target.name()).await?;
        let address = model.address();
        let runtime = model.runtime();
        let generation = runtime.and_then(|runtime| runtime.generation.as_deref());
        if generation == Some("mk3") {
            if address.is_none() {
                let name = self.target.name();
                let message = format!("the model `{name}` of generation mk3 has no address yet");
                return Err(Error::failed(message));
            }
        } else if self.named.is_none() {
            let named = runtime.and_then(|runtime| runtime.model.clone());
            self.named = named.filter(|name| !name.is_empty());
        }
        self.target.set_address(address);
        Ok(self)
    }

    /// The name that the model has for whoever answers, sent as `model` in chats and embeddings. Unless
    /// it is set or [looked up](Self::located), it is the model's name at Blaxel, as models of
    /// generation `mk3` want it; those before want the provider's name, which stands in
    /// `spec.runtime.model`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.named = Some(name.into());
        self
    }

    /// The path under which the provider has `chat/completions` and `embeddings`: `v1` unless it is
    /// set.
    #[must_use]
    pub fn openai_base(mut self, path: impl Into<String>) -> Self {
        self.openai_base = path.into();
        self
    }

    /// A request to any path of the provider, by any method, in the provider's own manner:
    /// `POST /{workspace}/models/{modelName}/{path}` for instance.
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
    /// Where the common providers have their chats:
    ///
    /// | provider | path | streamed |
    /// | --- | --- | --- |
    /// | Anthropic | `v1/messages` | `"stream": true` in the body |
    /// | Gemini | `v1beta/models/{model}:generateContent` | `v1beta/models/{model}:streamGenerateContent`, with the query `alt=sse` |
    /// | Cohere | `v2/chat` | `"stream": true` in the body |
    pub fn request(&self, method: Method, path: impl Into<String>) -> WorkloadRequest<S> {
        let call = CALLS.by(&method);
        self.by(call, method, path)
    }

    /// Asks the model and waits for its whole answer.
    /// `POST /{workspace}/models/{modelName}/v1/chat/completions`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such model, [`Error::is_unavailable`] if it cannot answer
    /// now; [`Error::is_rate_limited`] if the provider's limit or a token policy of the workspace is
    /// used up; the provider's own error, told apart by its [origin](blaxel_core::ApiError::origin).
    pub async fn chat(&self, request: &ChatRequest) -> Result<ChatCompletion, Error> {
        let wire = Wire::new(self.asked_for(), request, false);
        let request = self.openai(&CHAT, "chat/completions").json(&wire);
        request.send().await?.json().await
    }

    /// Asks the model and reads its answer piece by piece.
    /// `POST /{workspace}/models/{modelName}/v1/chat/completions` with `stream: true`; usage is asked
    /// for too.
    ///
    /// # Errors
    ///
    /// As for [`chat`](Self::chat), up to the head of the response.
    pub async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let wire = Wire::new(self.asked_for(), request, true);
        let request = self.openai(&CHAT, "chat/completions").json(&wire);
        Ok(ChatStream::of(request.events().await?))
    }

    /// Turns texts into vectors. `POST /{workspace}/models/{modelName}/v1/embeddings`.
    ///
    /// # Errors
    ///
    /// As for [`chat`](Self::chat).
    pub async fn embed(&self, request: &EmbeddingRequest) -> Result<Embeddings, Error> {
        let wire = embedding::Wire::new(self.asked_for(), request);
        let request = self.openai(&EMBEDDINGS, "embeddings").json(&wire);
        request.send().await?.json().await
    }

    /// The name of whoever answers.
    fn asked_for(&self) -> &str {
        self.named.as_deref().unwrap_or(self.target.name())
    }

    fn openai(&self, call: &'static Call, operation: &str) -> WorkloadRequest<S> {
        let path = format!("{}/{operation}", self.openai_base);
        self.by(call, Method::POST, path)
    }

    fn by(
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
