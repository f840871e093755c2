//! A value that code displayed, in several formats.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blaxel_core::__private::lenient::{null_as_default, text};
use blaxel_core::Error;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A value that code displayed or ended with, in the formats that it has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RichResult {
    /// `true` for the value of the last expression, `false` for one that the code displayed.
    #[serde(default, deserialize_with = "null_as_default")]
    pub is_main_result: bool,
    /// The value as text. Quotes around it are removed.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text"
    )]
    pub text: Option<String>,
    /// The value as HTML.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text"
    )]
    pub html: Option<String>,
    /// The value as Markdown.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text"
    )]
    pub markdown: Option<String>,
    /// The value as an SVG image.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text"
    )]
    pub svg: Option<String>,
    /// The value as a PNG image in base64; see [`decode_png`](Self::decode_png).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text"
    )]
    pub png: Option<String>,
    /// The value as a JPEG image in base64; see [`decode_jpeg`](Self::decode_jpeg).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text"
    )]
    pub jpeg: Option<String>,
    /// The value as a PDF document in base64; see [`decode_pdf`](Self::decode_pdf).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text"
    )]
    pub pdf: Option<String>,
    /// The value as LaTeX.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text"
    )]
    pub latex: Option<String>,
    /// The value as JavaScript.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text"
    )]
    pub javascript: Option<String>,
    /// The value as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The rows of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// The description of a chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<Value>,
    /// Further formats, by their MIME types.
    #[serde(
        default,
        skip_serializing_if = "Map::is_empty",
        deserialize_with = "blaxel_core::__private::lenient::object"
    )]
    pub extra: Map<String, Value>,
}

impl RichResult {
    /// Returns the bytes of the PNG image, or `None` if the value has none.
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if it is not valid base64.
    pub fn decode_png(&self) -> Result<Option<Bytes>, Error> {
        decode("png", self.png.as_deref())
    }

    /// Returns the bytes of the JPEG image, or `None` if the value has none.
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if it is not valid base64.
    pub fn decode_jpeg(&self) -> Result<Option<Bytes>, Error> {
        decode("jpeg", self.jpeg.as_deref())
    }

    /// Returns the bytes of the PDF document, or `None` if the value has none.
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if it is not valid base64.
    pub fn decode_pdf(&self) -> Result<Option<Bytes>, Error> {
        decode("pdf", self.pdf.as_deref())
    }
}

/// Decodes base64, which kernels break into lines.
fn decode(format: &str, text: Option<&str>) -> Result<Option<Bytes>, Error> {
    let Some(text) = text else {
        return Ok(None);
    };
    let compact: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    match STANDARD.decode(compact) {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(problem) => Err(Error::decode(format!(
            "the {format} of the result is not valid base64: {problem}"
        ))),
    }
}
