//! [`StoredDocument`], a document with its text.

use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use serde_json::value::{RawValue, to_raw_value};

use super::Document;

/// A document in the store. The text of its members is kept from the first time that it is shown until the
/// document changes.
#[derive(Debug, Default)]
pub(crate) struct StoredDocument {
    members: Document,
    /// The texts of the members, in their order.
    texts: OnceLock<Vec<Box<RawValue>>>,
}

impl StoredDocument {
    /// Returns the members with their texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&String, &RawValue)> {
        let texts = self.texts.get_or_init(|| {
            // A value has always a text.
            let texts = self.members.values().map(to_raw_value);
            texts.map(Result::unwrap_or_default).collect()
        });
        let texts = texts.iter().map(|text| &**text);
        self.members.keys().zip(texts)
    }
}

impl Clone for StoredDocument {
    /// Copies the members only: most copies are made to be changed.
    fn clone(&self) -> Self {
        Self::from(self.members.clone())
    }
}

impl From<Document> for StoredDocument {
    fn from(members: Document) -> Self {
        Self {
            members,
            texts: OnceLock::new(),
        }
    }
}

impl Deref for StoredDocument {
    type Target = Document;

    fn deref(&self) -> &Document {
        &self.members
    }
}

impl DerefMut for StoredDocument {
    /// Discards the texts, since the document may change.
    fn deref_mut(&mut self) -> &mut Document {
        self.texts.take();
        &mut self.members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_discards_the_texts() {
        let mut document = StoredDocument::default();
        let text = |document: &StoredDocument| {
            let texts = document
                .texts()
                .map(|(name, text)| format!("{name}:{text}"));
            texts.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(text(&document), "");
        document.insert("a".to_owned(), "x".into());
        assert_eq!(text(&document), "a:\"x\"");
        document.insert("b".to_owned(), 1.into());
        assert_eq!(text(&document), "a:\"x\" b:1");
        document.remove("a");
        assert_eq!(text(&document), "b:1");
    }
}
