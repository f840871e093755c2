//! [`StoredDocument`], a document with its text and what is known of its secrets.

use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use serde_json::value::{RawValue, to_raw_value};

use super::Document;
use super::secret::{self, Secret, Visibility};

/// A document in the store. The text of its members, and whether it has secrets, is kept from the first time that it
/// is shown until the document changes.
#[derive(Debug, Default)]
pub(crate) struct StoredDocument {
    members: Document,
    /// The texts of the members, in their order.
    texts: OnceLock<Vec<Box<RawValue>>>,
    /// Set if secrets of it have to be masked. It is found out when it is first asked for.
    is_secretive: OnceLock<bool>,
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

    /// Returns `true` if some of these secrets have to be masked. They are always those of the document's kind.
    pub(super) fn is_secretive(&self, secrets: &[Secret]) -> bool {
        let look = || secret::are_there(secrets, &self.members, Visibility::Masked, &[]);
        *self.is_secretive.get_or_init(look)
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
            ..Self::default()
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
    /// Discards what is known of the document, since it may change.
    fn deref_mut(&mut self) -> &mut Document {
        self.texts.take();
        self.is_secretive.take();
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
