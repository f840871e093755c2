//! Embeddings of the OpenAI API: texts as vectors.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blaxel_core::__private::lenient;
use blaxel_core::Error;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::chat::Usage;
use crate::report::says_something;

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

impl EmbeddingRequest {
    /// Returns the number of texts, unless a parameter replaces them.
    pub(crate) fn texts(&self) -> Option<usize> {
        (!self.other.contains_key("input")).then_some(self.input.len())
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
///
/// The list of embeddings is read strictly: a document without `data`, or with an error in it, does not deserialize.
/// Other members may be missing or odd.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Received")]
#[non_exhaustive]
pub struct Embeddings {
    /// The provider's name of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The embeddings, one for each text, in order of their index.
    pub data: Vec<Embedding>,
    /// The tokens used.
    #[serde(skip_serializing_if = "Option::is_none")]
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

    /// Returns the embeddings if there is one for each of `texts` texts.
    pub(crate) fn in_order(self, texts: Option<usize>) -> Result<Self, Error> {
        let found = self.data.len();
        let expected = texts.unwrap_or(found);
        if found != expected {
            let message = format!(
                "the response has the wrong number of embeddings: {found} for {expected} texts"
            );
            return Err(Error::decode(message));
        }
        let mut indices = (0_u32..).zip(&self.data);
        match indices.find(|(index, embedding)| *index != embedding.index) {
            Some((missing, _)) => Err(Error::decode(format!(
                "the response has no embedding of the text with index {missing}"
            ))),
            None => Ok(self),
        }
    }
}

/// Embeddings as received.
#[derive(Deserialize)]
struct Received {
    #[serde(default, deserialize_with = "lenient::text")]
    model: Option<String>,
    data: Option<List>,
    #[serde(default, deserialize_with = "lenient::optional_object")]
    usage: Option<Usage>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct List(#[serde(deserialize_with = "lenient::list")] Vec<ReceivedEmbedding>);

#[derive(Deserialize)]
struct ReceivedEmbedding {
    #[serde(default, deserialize_with = "lenient::index")]
    index: Option<u32>,
    #[serde(deserialize_with = "vector")]
    embedding: Vec<f32>,
}

impl TryFrom<Received> for Embeddings {
    type Error = &'static str;

    fn try_from(received: Received) -> Result<Self, Self::Error> {
        let List(embeddings) = received.data.ok_or("missing field `data`")?;
        if received.other.get("error").is_some_and(says_something) {
            return Err("the response contains an error");
        }
        let only = embeddings.len() == 1;
        let place = |embedding: ReceivedEmbedding| {
            let index = embedding.index.or(only.then_some(0))?;
            let embedding = embedding.embedding;
            Some(Embedding { index, embedding })
        };
        let placed: Option<Vec<Embedding>> = embeddings.into_iter().map(place).collect();
        let mut data = placed.ok_or("an embedding of several has no index")?;
        data.sort_by_key(|embedding| embedding.index);
        if data.windows(2).any(|pair| pair[0].index == pair[1].index) {
            return Err("several embeddings have the same index");
        }
        Ok(Self {
            model: received.model,
            data,
            usage: received.usage,
            other: received.other,
        })
    }
}

/// The embedding of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Embedding {
    /// The index of the text, from 0.
    pub index: u32,
    /// The vector.
    #[serde(deserialize_with = "vector")]
    pub embedding: Vec<f32>,
}

/// Deserializes a vector: a list of numbers or, with the parameter `encoding_format`, their little-endian bytes in
/// base64.
fn vector<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
    deserializer.deserialize_any(VectorVisitor)
}

struct VectorVisitor;

impl<'de> Visitor<'de> for VectorVisitor {
    type Value = Vec<f32>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers or their bytes in base64")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, numbers: A) -> Result<Vec<f32>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(numbers))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<f32>, E> {
        let bytes = STANDARD.decode(text).map_err(E::custom)?;
        let (numbers, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err(E::invalid_length(bytes.len(), &"a multiple of 4 bytes"));
        }
        Ok(numbers.iter().copied().map(f32::from_le_bytes).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(data: Value) -> Result<Vec<Vec<f32>>, String> {
        let embeddings = serde_json::from_value::<Embeddings>(json!({"data": data}));
        embeddings
            .map(Embeddings::into_vectors)
            .map_err(|problem| problem.to_string())
    }

    #[test]
    fn embeddings_are_placed_by_their_index() {
        for data in [
            json!([{"index": 1, "embedding": [1]}, {"index": 0, "embedding": [0]}]),
            json!([{"index": "1", "embedding": [1.0]}, {"index": 0, "embedding": [0], "object": 7}]),
            json!([{"index": 1, "embedding": [1]}, null, {"index": 0.0, "embedding": [0]}]),
            json!([{"index": 0, "embedding": "AAAAAA=="}, {"index": 1, "embedding": "AACAPw=="}]),
        ] {
            assert_eq!(read(data.clone()).unwrap(), [[0.0], [1.0]], "{data}");
        }
        for only in [
            json!({"embedding": [1]}),
            json!([{"embedding": [1], "index": null}]),
        ] {
            assert_eq!(read(only).unwrap(), [[1.0]]);
        }
    }

    #[test]
    fn embeddings_that_cannot_be_placed_or_read_are_errors() {
        for (data, part) in [
            (json!([{"embedding": [1]}, {"embedding": [0]}]), "no index"),
            (
                json!([{"index": 1, "embedding": [1]}, {"embedding": [0]}]),
                "no index",
            ),
            (
                json!([{"index": 1, "embedding": [1]}, {"index": 1, "embedding": [0]}]),
                "same index",
            ),
            (json!([{"index": -1, "embedding": [1]}]), "not an index"),
            (json!([{"index": 0, "embedding": [null]}]), "null"),
            (json!([{"index": 0, "embedding": null}]), "list of numbers"),
            (json!([{"index": 0}]), "missing field `embedding`"),
            (json!([{"index": 0, "embedding": "AAAA"}]), "multiple of 4"),
            (json!([{"index": 0, "embedding": "?"}]), "symbol"),
            (json!(null), "missing field `data`"),
        ] {
            let problem = read(data.clone()).unwrap_err();
            assert!(problem.contains(part), "{data}: {problem}");
        }
    }

    #[test]
    fn there_is_one_embedding_for_each_text() {
        let of = |indices: &[u32]| Embeddings {
            data: indices
                .iter()
                .map(|index| Embedding {
                    index: *index,
                    embedding: vec![],
                })
                .collect(),
            ..Embeddings::default()
        };
        assert!(of(&[0, 1]).in_order(Some(2)).is_ok());
        assert!(of(&[0, 1]).in_order(None).is_ok());
        for (indices, texts, problem) in [
            (
                &[1][..],
                Some(2),
                "the response has the wrong number of embeddings: 1 for 2 texts",
            ),
            (
                &[],
                Some(1),
                "the response has the wrong number of embeddings: 0 for 1 texts",
            ),
            (
                &[0, 1],
                Some(1),
                "the response has the wrong number of embeddings: 2 for 1 texts",
            ),
            (
                &[1, 2],
                Some(2),
                "the response has no embedding of the text with index 0",
            ),
            (
                &[0, 2],
                None,
                "the response has no embedding of the text with index 1",
            ),
        ] {
            let error = of(indices).in_order(texts).unwrap_err();
            assert_eq!(error.to_string(), problem);
        }
    }
}
