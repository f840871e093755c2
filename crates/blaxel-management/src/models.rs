//! Models: language models of any provider, behind the platform's gateway.
//!
//! [`Model`] names a model of a [`Provider`] in its [`ModelRuntime`], and the connection that holds the
//! credentials in its [`ModelSpec`]. [`Management::models`] returns the collection.

use blaxel_core::{HttpService, Idempotency, OperationInfo, open_enum};
use http::Method;

use crate::Management;
use crate::collection::Collection;
use crate::kind::{
    Applied, Created, Deleted, Fetched, Listed, NAMED_PAGE_QUERY, Replaced, Revised,
};
use crate::metadata::{Event, Flavor, Generation, Metadata, Status};
use crate::parent_path::ParentPath;
use crate::workload::Revision;

document! {
    /// A model behind the gateway.
    ///
    /// ```
    /// use blaxel_management::models::{Model, Provider};
    ///
    /// let model = Model::of("fast", Provider::OpenAi, "gpt-4o-mini").connection("my-openai");
    /// assert_eq!(model.spec.runtime.unwrap().model.as_deref(), Some("gpt-4o-mini"));
    /// ```
    pub struct Model {
        pub metadata: Metadata,
        pub spec: ModelSpec,
        pub status: Option<Status>,
        pub events: Option<Vec<Event>>,
    }
}

record! {
    /// The desired state of a model.
    pub struct ModelSpec {
        /// `true` if the model serves requests. The server's default is `true`.
        pub enabled: Option<bool>,
        /// The machine types that the model runs on.
        pub flavors: Option<Vec<Flavor>>,
        /// The names of the integration connections that hold the provider's credentials.
        pub integration_connections: Option<Vec<String>>,
        /// The names of the policies that apply.
        pub policies: Option<Vec<String>>,
        /// The provider, and its model.
        pub runtime: Option<ModelRuntime>,
        /// `true` if the model is a trial model of the platform.
        pub sandbox: Option<bool>,
    }

    /// The provider of a model, and the provider's name of the model.
    pub struct ModelRuntime {
        /// The provider that serves the model.
        #[serde(rename = "type")]
        pub provider: Option<Provider>,
        /// The provider's name of the model.
        pub model: Option<String>,
        /// The organization at the provider that is billed.
        pub organization: Option<String>,
        /// The name of the provider's endpoint, for providers with several.
        pub endpoint_name: Option<String>,
        /// The generation of the platform's infrastructure.
        pub generation: Option<Generation>,
    }
}

open_enum! {
    /// The provider of a model.
    pub enum Provider {
        /// A private endpoint of Hugging Face.
        HuggingFacePrivate = "hf_private_endpoint",
        /// A public endpoint of Hugging Face.
        HuggingFacePublic = "hf_public_endpoint",
        /// Hugging Face.
        HuggingFace = "huggingface",
        /// A public model.
        PublicModel = "public_model",
        /// An MCP server.
        Mcp = "mcp",
        /// OpenAI.
        OpenAi = "openai",
        /// Anthropic.
        Anthropic = "anthropic",
        /// Google Gemini.
        Gemini = "gemini",
        /// Mistral.
        Mistral = "mistral",
        /// DeepSeek.
        DeepSeek = "deepseek",
        /// Cohere.
        Cohere = "cohere",
        /// Cerebras.
        Cerebras = "cerebras",
        /// xAI.
        Xai = "xai",
        /// Google Vertex AI.
        VertexAi = "vertexai",
        /// Azure OpenAI Service.
        AzureOpenAi = "azure-openai-service",
        /// Azure AI Inference.
        AzureInference = "azure-ai-inference",
        /// Azure Marketplace.
        AzureMarketplace = "azure-marketplace",
        /// Groq.
        Groq = "groq",
    }
}

resource! { Model { metadata: metadata, labels: metadata.labels, status: status } }

deep_setters! { Model:
    spec ModelSpec {
        enabled: bool,
        connection: [String integration_connections],
        policy: [String policies],
        runtime: ModelRuntime,
    }
}

impl Model {
    /// Creates a draft of a model named `name` that routes to a provider's model, in memory only. See [`Model`]
    /// for an example.
    #[must_use]
    pub fn of(name: impl Into<String>, provider: Provider, model: impl Into<String>) -> Self {
        let runtime = ModelRuntime::new().provider(provider).model(model);
        Self::new(name).spec(ModelSpec::new().runtime(runtime))
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the collection of the workspace's models (`/models`).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for model in management.models().all().await? {
    ///     println!("{} is {:?}", model.metadata.name, model.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn models(&self) -> Collection<Model, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl Listed for Model {
    const LIST: OperationInfo =
        OperationInfo::new("ListModels", Method::GET, "/models").with_parameters(NAMED_PAGE_QUERY);
    type Item = Self;
}

impl Created for Model {
    const CREATE: OperationInfo = OperationInfo::new("CreateModel", Method::POST, "/models")
        .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;
}

impl Fetched for Model {
    const GET: OperationInfo = OperationInfo::new("GetModel", Method::GET, "/models/{modelName}");
}

impl Replaced for Model {
    const REPLACE: OperationInfo =
        OperationInfo::new("UpdateModel", Method::PUT, "/models/{modelName}");
}

impl Applied for Model {}

impl Deleted for Model {
    const DELETE: OperationInfo =
        OperationInfo::new("DeleteModel", Method::DELETE, "/models/{modelName}");
    type Response = Self;
}

impl Revised for Model {
    const REVISIONS: OperationInfo = OperationInfo::new(
        "ListModelRevisions",
        Method::GET,
        "/models/{modelName}/revisions",
    );
    type Revision = Revision;
}

#[cfg(feature = "wait")]
crate::wait::watched! { Model }
