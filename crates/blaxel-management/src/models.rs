//! Models: language models of any provider, behind the platform's gateway.
//!
//! Operations: `ListModels`, `CreateModel`, `GetModel`, `UpdateModel`, `DeleteModel`.

use blaxel_core::open_enum;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kind::{Kind, Resource};
use crate::metadata::{Event, Generation, Metadata, Status};

/// A model behind the gateway.
///
/// ```
/// use blaxel_management::models::{Model, Provider};
///
/// let model = Model::new("fast", Provider::OpenAi, "gpt-4o-mini").connection("my-openai");
/// assert_eq!(model.spec.runtime.unwrap().model.as_deref(), Some("gpt-4o-mini"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Model {
    /// Its name, and what the platform notes about it.
    pub metadata: Metadata,
    /// What it is to be.
    pub spec: ModelSpec,
    /// Where it stands. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What happened to it. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<Event>>,
}

/// What a model is to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ModelSpec {
    /// Whether it answers. The server takes `true` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The kinds of machine it runs on, as the API has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flavors: Option<Vec<Value>>,
    /// The names of the connections that hold the provider's credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration_connections: Option<Vec<String>>,
    /// The names of the policies it is under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<String>>,
    /// Whose model it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<ModelRuntime>,
    /// Whether it is a trial model of the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<bool>,
}

/// Whose model it is, and which one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ModelRuntime {
    /// Who serves it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// The provider's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The provider's organisation that is billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The provider's endpoint, where a provider has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_name: Option<String>,
    /// The generation of the platform's machinery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
}

open_enum! {
    /// Who serves a model.
    pub enum Provider {
        /// A private endpoint at Hugging Face.
        HuggingFacePrivate = "hf_private_endpoint",
        /// A public endpoint at Hugging Face.
        HuggingFacePublic = "hf_public_endpoint",
        /// Hugging Face.
        HuggingFace = "huggingface",
        /// A model open to everybody.
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

impl Model {
    /// A model of that name, which stands for a provider's model.
    #[must_use]
    pub fn new(name: impl Into<String>, provider: Provider, model: impl Into<String>) -> Self {
        let runtime = ModelRuntime {
            provider: Some(provider),
            model: Some(model.into()),
            ..ModelRuntime::default()
        };
        Self {
            metadata: Metadata::new(name),
            spec: ModelSpec {
                runtime: Some(runtime),
                ..ModelSpec::default()
            },
            ..Self::default()
        }
    }

    /// What people are shown instead of the name.
    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.metadata.display_name = Some(name.into());
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.add_label(name, value);
        self
    }

    /// Adds a connection that holds the provider's credentials.
    #[must_use]
    pub fn connection(mut self, name: impl Into<String>) -> Self {
        self.spec
            .integration_connections
            .get_or_insert_default()
            .push(name.into());
        self
    }
}

impl Resource for Model {
    const KIND: Kind = Kind::new(
        [
            "ListModels",
            "CreateModel",
            "GetModel",
            "UpdateModel",
            "DeleteModel",
        ],
        "/models",
        "/models/{modelName}",
    );

    fn name(&self) -> &str {
        &self.metadata.name
    }
}
