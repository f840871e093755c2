//! API versions: a date, stable or preview.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::civil;
use crate::parse_error::{ParseError, try_from_str};

/// A version of the Blaxel API, as sent in the `Blaxel-Version` header.
///
/// A version is a calendar date, written `YYYY-MM-DD`, or a preview of that date's version, written
/// `YYYY-MM-DD.preview`. Any date is a valid value; the server decides which versions it supports.
/// It rejects an unknown one with an error for which
/// [`Error::is_unknown_version`](crate::Error::is_unknown_version) returns `true`.
///
/// Versions are ordered by date; the preview of a date comes right before its stable version.
///
/// ```
/// use blaxel_core::ApiVersion;
///
/// let version: ApiVersion = "2026-04-28".parse()?;
/// assert_eq!(version, ApiVersion::DEFAULT);
/// assert!(ApiVersion::V2026_04_16 < version);
/// assert!("2026-04-28.preview".parse::<ApiVersion>()? < version);
/// assert!("2026-99-99".parse::<ApiVersion>().is_err());
/// # Ok::<(), blaxel_core::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    year: u16,
    month: u8,
    day: u8,
    stage: Stage,
}

/// The stage of a version. The variants are in the order of versions of the same date.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Stage {
    Preview,
    Stable,
}

const PREVIEW_SUFFIX: &str = ".preview";

impl ApiVersion {
    /// The first stable version, in which lists are bare arrays. The server uses it for requests
    /// that name no version.
    pub const V2026_04_16: Self = Self::stable(2026, 4, 16);
    /// The first version in which lists are paginated, except images.
    pub const V2026_04_28: Self = Self::stable(2026, 4, 28);
    /// The first version in which images are paginated too.
    pub const V2026_09_22: Self = Self::stable(2026, 9, 22);
    /// The version that this SDK was written for and sends by default.
    pub const DEFAULT: Self = Self::V2026_04_28;

    /// Creates a stable version without checking the date. A test checks the constants above; all
    /// other versions are parsed.
    const fn stable(year: u16, month: u8, day: u8) -> Self {
        Self {
            year,
            month,
            day,
            stage: Stage::Stable,
        }
    }

    /// Returns `true` for a preview version.
    #[must_use]
    pub const fn is_preview(self) -> bool {
        matches!(self.stage, Stage::Preview)
    }

    /// Returns `true` if lists of this version are paginated rather than bare arrays.
    #[must_use]
    pub fn has_pages(self) -> bool {
        self >= Self::V2026_04_28
    }
}

impl Default for ApiVersion {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year, month, day, ..
        } = self;
        let suffix = if self.is_preview() {
            PREVIEW_SUFFIX
        } else {
            ""
        };
        write!(f, "{year:04}-{month:02}-{day:02}{suffix}")
    }
}

impl fmt::Debug for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiVersion({self})")
    }
}

impl FromStr for ApiVersion {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |problem| {
            let default = Self::DEFAULT;
            let expected =
                format_args!("{problem}; expected a date such as {default} or {default}.preview");
            ParseError::quoting("API version", text, expected)
        };
        let (date, stage) = match text.strip_suffix(PREVIEW_SUFFIX) {
            Some(date) => (date, Stage::Preview),
            None => (text, Stage::Stable),
        };
        let (year, month, day) =
            civil::split_date(date).ok_or_else(|| fail("is not YYYY-MM-DD"))?;
        if !civil::is_date(year, month, day) {
            return Err(fail("is not a day of the calendar"));
        }
        Ok(Self {
            year,
            month,
            day,
            stage,
        })
    }
}

try_from_str!(ApiVersion);

impl Serialize for ApiVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ApiVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = ApiVersion;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an API version such as 2026-04-28")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<ApiVersion, E> {
                let parsed = text.parse::<ApiVersion>();
                parsed.map_err(|error| E::custom(error.problem()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_constants_are_valid_stable_versions() {
        for version in [
            ApiVersion::V2026_04_16,
            ApiVersion::V2026_04_28,
            ApiVersion::V2026_09_22,
        ] {
            assert_eq!(version.to_string().parse(), Ok(version));
            assert!(!version.is_preview());
        }
    }

    #[test]
    fn malformed_versions_are_rejected() {
        for text in [
            "",
            "latest",
            "2026-4-28",
            "2026-04-28 ",
            "2026-04-28.beta",
            "2026-99-99",
            "2026-02-29",
            "+026-04-28",
            "2026-04",
            "2026-04-28.preview.preview",
            "２０２６-04-28",
        ] {
            let error = text.parse::<ApiVersion>().unwrap_err().to_string();
            assert!(
                error.contains(text) && error.contains("2026-04-28"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_preview_comes_before_its_stable_version_and_after_the_day_before() {
        let preview: ApiVersion = "2026-04-28.preview".parse().unwrap();
        assert!(preview < ApiVersion::V2026_04_28);
        assert!(preview > "2026-04-27".parse().unwrap());
        assert!(!preview.has_pages());
    }

    #[test]
    fn a_version_serializes_as_its_text() {
        let json = serde_json::to_string(&ApiVersion::DEFAULT).unwrap();
        assert_eq!(json, "\"2026-04-28\"");
        assert_eq!(
            serde_json::from_str::<ApiVersion>(&json).unwrap(),
            ApiVersion::DEFAULT
        );
        assert!(serde_json::from_str::<ApiVersion>("\"soon\"").is_err());
    }

    proptest! {
        #[test]
        fn versions_sort_like_their_texts(days in 0i64..40_000, other in 0i64..40_000) {
            let version = |days| {
                let (year, month, day) = civil::date_from_days(days);
                format!("{year:04}-{month:02}-{day:02}").parse::<ApiVersion>().unwrap()
            };
            let (a, b) = (version(days), version(other));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn parsing_never_panics_and_accepted_texts_display_unchanged(text in ".{0,24}") {
            if let Ok(version) = text.parse::<ApiVersion>() {
                prop_assert_eq!(version.to_string(), text);
            }
        }
    }
}
