//! Models: language models of any provider, behind the platform's gateway.
//!
//! Operations: `ListModels`, `CreateModel`, `GetModel`, `UpdateModel`, `DeleteModel`.

use blaxel_core::open_enum;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::{Document, Spec};
use crate::kind::Kind;
use crate::metadata::Generation;

/// A model behind the gateway.
///
/// ```
/// use blaxel_management::models::{Model, Provider};
///
/// let model = Model::of("fast", Provider::OpenAi, "gpt-4o-mini").connection("my-openai");
/// assert_eq!(model.spec.runtime.unwrap().model.as_deref(), Some("gpt-4o-mini"));
/// ```
pub type Model = Document<ModelSpec>;

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
    pub fn of(name: impl Into<String>, provider: Provider, model: impl Into<String>) -> Self {
        let mut new = Self::new(name);
        new.spec.runtime = Some(ModelRuntime {
            provider: Some(provider),
            model: Some(model.into()),
            ..ModelRuntime::default()
        });
        new
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

impl Spec for ModelSpec {
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
}
