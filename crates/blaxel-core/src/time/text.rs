//! The text of a time, without an allocation if it is as short as times are.

use std::fmt;

/// The length of `2026-04-28T12:00:00.123456789Z`, the longest time in UTC.
const SHORT: usize = 30;

/// A text, kept in place up to [`SHORT`] bytes.
#[derive(Clone)]
pub(super) enum Text {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Box<str>),
}

impl Text {
    /// Returns the text.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Short { length, bytes } => {
                let text = bytes.get(..usize::from(*length)).unwrap_or_default();
                // It is UTF-8, as the text was that it is a copy of.
                std::str::from_utf8(text).unwrap_or_default()
            }
            Self::Long(text) => text,
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(start), Ok(length)) => {
                start.copy_from_slice(text.as_bytes());
                Self::Short { length, bytes }
            }
            _ => Self::Long(text.into()),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_in_utc_is_kept_in_place() {
        let text = "2026-04-28T12:00:00.123456789Z";
        assert!(matches!(Text::from(text), Text::Short { .. }));
        assert!(matches!(Text::from("é".repeat(16).as_str()), Text::Long(_)));
        assert_eq!(size_of::<Text>(), 32);
    }

    proptest! {
        #[test]
        fn any_text_is_kept(text in ".{0,40}") {
            let kept = Text::from(text.as_str());
            prop_assert_eq!(kept.as_str(), text);
        }
    }
}
