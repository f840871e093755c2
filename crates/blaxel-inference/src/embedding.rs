//! Embeddings in the manner of OpenAI: texts as points of a space in which likeness is nearness.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::{Usage, nothing_for_null};

/// What to turn into vectors.
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
    /// Texts, each of which becomes a vector.
    pub fn new<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self {
            input: texts.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// The name that the model has for whoever answers, for this one request. See
    /// [`ModelCall::named`](crate::ModelCall::named).
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.model = Some(name.into());
        self
    }

    /// How long the vectors are to be, where the model leaves a choice.
    pub fn dimensions(mut self, dimensions: u32) -> Self {
        self.dimensions = Some(dimensions);
        self
    }

    /// Any other parameter that the provider understands.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.other.insert(name.into(), value.into());
        self
    }
}

/// A request as it is sent.
#[derive(Serialize)]
pub(crate) struct Wire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(flatten)]
    request: &'a EmbeddingRequest,
}

impl<'a> Wire<'a> {
    pub(crate) fn new(model: &'a str, request: &'a EmbeddingRequest) -> Self {
        let is_open = request.model.is_none() && !request.other.contains_key("model");
        Self {
            model: is_open.then_some(model),
            request,
        }
    }
}

/// The vectors of some texts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Embeddings {
    /// The provider's name of the model that made them.
    #[serde(default)]
    pub model: Option<String>,
    /// One for each text.
    #[serde(default, deserialize_with = "nothing_for_null")]
    pub data: Vec<Embedding>,
    /// What the call used.
    #[serde(default)]
    pub usage: Option<Usage>,
}

impl Embeddings {
    /// The vectors alone, in the order of the texts.
    #[must_use]
    pub fn into_vectors(mut self) -> Vec<Vec<f32>> {
        self.data.sort_by_key(|embedding| embedding.index);
        let vector = |embedding: Embedding| embedding.embedding;
        self.data.into_iter().map(vector).collect()
    }
}

/// The vector of a text.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Embedding {
    /// Which text it is of, from 0.
    #[serde(default)]
    pub index: u32,
    /// The vector.
    pub embedding: Vec<f32>,
}
