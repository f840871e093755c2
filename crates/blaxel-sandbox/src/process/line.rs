//! The lines of the streams of `POST /process` and `GET /process/{identifier}/logs/stream`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blaxel_core::__private::lenient;
use blaxel_core::Error;
use bytes::Bytes;
use serde::Deserialize;

/// A line, which has one of several types.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default, deserialize_with = "lenient::text")]
    data: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    encoding: Option<String>,
}

impl Line {
    /// Returns the data of a line as text.
    pub(super) fn text(&self) -> &str {
        self.data.as_deref().unwrap_or_default()
    }

    /// Returns the data of a line as the bytes that a process has written.
    pub(super) fn into_bytes(self) -> Result<Bytes, Error> {
        let data = self.data.unwrap_or_default();
        match self.encoding.as_deref() {
            None | Some("" | "utf-8" | "utf8" | "text") => Ok(data.into()),
            Some("base64") => {
                let problem = "the output of the process is not the expected base64";
                let bytes = STANDARD.decode(&data);
                bytes.map(Bytes::from).map_err(|_| Error::decode(problem))
            }
            Some(other) => Err(Error::decode(format!(
                "the output of the process has the unknown encoding `{other}`"
            ))),
        }
    }
}
