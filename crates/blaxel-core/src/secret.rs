//! Secret text that is never printed.

use std::fmt;

use zeroize::Zeroizing;

/// A secret: an API key, a token or a client secret.
///
/// Its `Display` and `Debug` output is `[redacted]`, and its memory is wiped when it is dropped.
/// The text is read only through [`expose`](Self::expose), so a search for that word finds every
/// use. The type deliberately does not implement `Serialize`. A copy of the text, such as a header
/// on its way to the socket, is not wiped.
///
/// ```
/// use blaxel_core::Secret;
///
/// let key = Secret::from("bl_example");
/// assert_eq!(format!("{key} {key:?}"), "[redacted] Secret([redacted])");
/// assert_eq!(key.expose(), "bl_example");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text as a secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Returns the secret text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns `true` if the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}
