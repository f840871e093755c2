//! Embeddings of the OpenAI API: texts as vectors.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::{Usage, null_as_default};

/// A request for embeddings.
///
/// ```
/// use blaxel_inference::EmbeddingRequest;
///
/// let request = EmbeddingRequest::new(["a cat", "a dog"]).dimensions(256);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[must_use]
pub struct EmbeddingRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    input: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl EmbeddingRequest {
    /// Creates a request for the embeddings of `texts`.
    pub fn new<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self {
            input: texts.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Sets the provider's name of the model for this request. It overrides
    /// [`ModelCall::provider_model`](crate::ModelCall::provider_model).
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.model = Some(name.into());
        self
    }

    /// Sets the length of the vectors, for models that support several. By default it is the
    /// model's own.
    pub fn dimensions(mut self, dimensions: u32) -> Self {
        self.dimensions = Some(dimensions);
        self
    }

    /// Sets any other parameter that the provider supports. None by default.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.other.insert(name.into(), value.into());
        self
    }
}

/// The body of a request.
#[derive(Serialize)]
pub(crate) struct RequestBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(flatten)]
    request: &'a EmbeddingRequest,
}

impl<'a> RequestBody<'a> {
    pub(crate) fn new(model: &'a str, request: &'a EmbeddingRequest) -> Self {
        let is_open = request.model.is_none() && !request.other.contains_key("model");
        Self {
            model: is_open.then_some(model),
            request,
        }
    }
}

/// The embeddings of some texts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Embeddings {
    /// The provider's name of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The embeddings, one for each text.
    #[serde(default, deserialize_with = "null_as_default")]
    pub data: Vec<Embedding>,
    /// The tokens used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Embeddings {
    /// Returns the vectors, in the order of the texts.
    #[must_use]
    pub fn into_vectors(mut self) -> Vec<Vec<f32>> {
        self.data.sort_by_key(|embedding| embedding.index);
        let vector = |embedding: Embedding| embedding.embedding;
        self.data.into_iter().map(vector).collect()
    }
}

/// The embedding of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Embedding {
    /// The index of the text, from 0.
    #[serde(default)]
    pub index: u32,
    /// The vector.
    pub embedding: Vec<f32>,
}
