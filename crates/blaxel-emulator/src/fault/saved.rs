//! Faults in saved documents.

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Action, Fault};

/// A fault that waits for requests of an operation.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedFault {
    pub(crate) operation: String,
    pub(crate) times: u32,
    pub(crate) fault: Fault,
    /// The name of the incident that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) incident: Option<String>,
}

/// The form of a fault in a document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    action: Action,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    after_processing: bool,
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = |(name, value): &(HeaderName, HeaderValue)| {
            // Bytes that are not text become the characters of the same numbers.
            let value = value.as_bytes().iter().map(|byte| char::from(*byte));
            (name.to_string(), value.collect())
        };
        let form = Form {
            action: self.action.clone(),
            headers: self.headers.iter().map(text).collect(),
            after_processing: self.after_processing,
        };
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::deserialize(deserializer)?;
        let header = |(name, value): (String, String)| {
            let bytes: Option<Vec<u8>> = value
                .chars()
                .map(|character| u8::try_from(character).ok())
                .collect();
            let value = bytes.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
            let problem = || de::Error::custom(format_args!("the header {name:?} cannot be sent"));
            let value = value.ok_or_else(problem)?;
            Ok((name.parse().map_err(|_| problem())?, value))
        };
        let headers: Result<Vec<_>, D::Error> = form.headers.into_iter().map(header).collect();
        Ok(Self {
            action: form.action,
            headers: headers?,
            after_processing: form.after_processing,
        })
    }
}

/// A status as its number.
pub(super) mod status {
    use http::StatusCode;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<S: Serializer>(
        status: &StatusCode,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(status.as_u16())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<StatusCode, D::Error> {
        StatusCode::from_u16(u16::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Bytes as text, or in Base64 if they are not text.
pub(super) mod text_or_base64 {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Form {
        Text(String),
        Base64(String),
    }

    pub(in super::super) fn serialize<S: Serializer>(
        bytes: &Bytes,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let form = match std::str::from_utf8(bytes) {
            Ok(text) => Form::Text(text.to_owned()),
            Err(_) => Form::Base64(BASE64_STANDARD.encode(bytes)),
        };
        form.serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Bytes, D::Error> {
        match Form::deserialize(deserializer)? {
            Form::Text(text) => Ok(text.into()),
            Form::Base64(text) => {
                let bytes = BASE64_STANDARD.decode(text);
                bytes.map(Bytes::from).map_err(de::Error::custom)
            }
        }
    }
}
