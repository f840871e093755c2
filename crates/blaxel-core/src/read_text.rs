//! Deserialization of a text that is only looked at.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A text in a document: borrowed from it, unless it has escapes.
///
/// A type that is made from a `&str` deserializes by way of it, which saves the allocation of a `String`.
pub struct ReadText<'de>(Cow<'de, str>);

impl Deref for ReadText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ReadText<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = ReadText<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<ReadText<'de>, E> {
        Ok(ReadText(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ReadText<'de>, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<ReadText<'de>, E> {
        Ok(ReadText(Cow::Owned(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_is_borrowed_unless_it_has_escapes() {
        let plain: ReadText<'_> = serde_json::from_str("\"plain\"").unwrap();
        assert!(matches!(plain.0, Cow::Borrowed("plain")));
        for text in ["\"\\u00e9\"", "\"é\""] {
            let read: ReadText<'_> = serde_json::from_str(text).unwrap();
            assert_eq!(&*read, "é");
        }
    }

    #[test]
    fn it_is_read_from_values_and_readers_too() {
        let value = json!("a");
        assert_eq!(&*ReadText::deserialize(&value).unwrap(), "a");
        assert_eq!(&*ReadText::deserialize(value).unwrap(), "a");
        let mut reader = serde_json::Deserializer::from_reader(&b"\"a\""[..]);
        assert_eq!(&*ReadText::deserialize(&mut reader).unwrap(), "a");
    }

    #[test]
    fn other_values_fail_as_they_do_for_a_string() {
        for value in [json!(null), json!(1), json!(true), json!([]), json!({})] {
            let text = value.to_string();
            let read = serde_json::from_str::<ReadText<'_>>(&text).map(|_| ());
            let string = serde_json::from_str::<String>(&text).map(|_| ());
            let message = |problem: serde_json::Error| problem.to_string();
            assert_eq!(read.map_err(message), string.map_err(message));
        }
    }
}
