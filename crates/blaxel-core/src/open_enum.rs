//! Enums that keep values they have no variant for.

/// A value of an open enum that this version of the SDK has no name for.
///
/// It has no constructor: `From<&str>` of its enum creates it for a text that none of the variants
/// has. So one text never has two representations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnknownValue(Box<str>);

impl UnknownValue {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the value as the server wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Declares an enum over text that survives values added by the server later.
///
/// The enum has the listed variants and one more, `Other`, which keeps any other text. It gets
/// `as_str`, `Display`, `From<&str>`, `From<String>` and serde in both directions; a decoded value
/// is encoded as the same text.
///
/// ```
/// blaxel_core::open_enum! {
///     /// The outcome of a job.
///     pub enum Outcome {
///         /// The job succeeded.
///         Succeeded = "succeeded",
///         /// The job failed.
///         Failed = "failed",
///     }
/// }
///
/// let known: Outcome = serde_json::from_str("\"failed\"")?;
/// assert_eq!(known, Outcome::Failed);
/// let unknown: Outcome = serde_json::from_str("\"vanished\"")?;
/// assert_eq!(unknown.as_str(), "vanished");
/// assert_eq!(serde_json::to_string(&unknown)?, "\"vanished\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[macro_export]
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $text:literal ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        $vis enum $name {
            $( $(#[$variant_meta])* $variant, )+
            /// A value that this version of the SDK has no name for. Compare it by `as_str`: a later
            /// version may give it a variant of its own.
            Other($crate::UnknownValue),
        }

        impl $name {
            /// Returns the value as it is on the wire.
            #[must_use]
            $vis fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )+
                    Self::Other(value) => value.as_str(),
                }
            }

            /// All values that have a variant: for tests that compare them with the API's.
            #[doc(hidden)]
            #[must_use]
            $vis fn __values(&self) -> &'static [&'static str] {
                &[$( $text ),+]
            }
        }

        impl ::std::convert::From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $( $text => Self::$variant, )+
                    other => Self::Other($crate::__private::unknown_value(other)),
                }
            }
        }

        impl ::std::convert::From<::std::string::String> for $name {
            fn from(text: ::std::string::String) -> Self {
                Self::from(text.as_str())
            }
        }

        impl ::std::convert::AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::__private::serde::Serialize for $name {
            fn serialize<S>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error>
            where
                S: $crate::__private::serde::Serializer,
            {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::__private::serde::Deserialize<'de> for $name {
            fn deserialize<D>(deserializer: D) -> ::std::result::Result<Self, D::Error>
            where
                D: $crate::__private::serde::Deserializer<'de>,
            {
                <$crate::__private::ReadText<'de> as $crate::__private::serde::Deserialize<
                    'de,
                >>::deserialize(deserializer)
                .map(|text| Self::from(&*text))
            }
        }
    };
}
