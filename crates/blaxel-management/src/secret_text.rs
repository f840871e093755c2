//! Secrets that are part of a request or a response.

use std::fmt;

use blaxel_core::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A secret in a document of the API: the value of a secret variable, a provider's key, a token.
///
/// Unlike [`Secret`], it can be serialized and deserialized. Like [`Secret`], its `Debug` output is
/// redacted, and its memory is wiped on drop. Where the server masks a secret, it holds the mask.
///
/// # Serialization
///
/// `Serialize` writes the plain text, for requests and responses alike: a request needs it, `modify` sends
/// back the values that it read, and a program that prints a new API key as JSON cannot read the key again,
/// since the server shows it once. So the JSON of a document is as secret as the document. In logs, print
/// documents with `Debug`. A secret that the server has masked is serialized as its mask.
///
/// ```
/// use blaxel_management::SecretText;
///
/// let key = SecretText::from("sk-example");
/// assert_eq!(format!("{key:?}"), "SecretText([redacted])");
/// assert_eq!(key.expose(), "sk-example");
/// assert_eq!(serde_json::to_string(&key)?, "\"sk-example\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct SecretText(Secret);

impl SecretText {
    /// Returns the plain text.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl Default for SecretText {
    fn default() -> Self {
        Self::from("")
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Secret::from(text))
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self(Secret::from(text))
    }
}

impl From<Secret> for SecretText {
    fn from(secret: Secret) -> Self {
        Self(secret)
    }
}

impl From<SecretText> for Secret {
    fn from(text: SecretText) -> Self {
        text.0
    }
}

impl PartialEq for SecretText {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for SecretText {}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText([redacted])")
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
