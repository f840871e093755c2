//! [`Fields`], a record and its fields.

use regex_lite::Regex;

use super::value::Value;

/// The largest number of a field.
const MAX_FIELDS: usize = 10_000;

/// A record and its fields, each of which follows from the other.
#[derive(Default)]
pub(super) struct Fields {
    record: String,
    fields: Vec<Value>,
}

/// The separator of the fields.
pub(super) enum Separator {
    /// Blanks; those around the record do not count.
    Blanks,
    Text(String),
    Regex(Regex),
}

impl Separator {
    /// Returns the parts of a text.
    pub(super) fn split<'a>(&self, text: &'a str) -> Vec<&'a str> {
        if text.is_empty() {
            return Vec::new();
        }
        match self {
            Self::Blanks => text.split_ascii_whitespace().collect(),
            Self::Text(separator) => text.split(separator.as_str()).collect(),
            Self::Regex(regex) => regex.split(text).collect(),
        }
    }
}

impl Fields {
    /// Replaces the record.
    pub(super) fn read(&mut self, record: String, separator: &Separator) {
        let parts = separator.split(&record).into_iter();
        self.fields = parts.map(|part| Value::Input(part.to_owned())).collect();
        self.record = record;
    }

    pub(super) fn record(&self) -> &str {
        &self.record
    }

    pub(super) fn count(&self) -> usize {
        self.fields.len()
    }

    /// Returns a field; 0 is the record.
    pub(super) fn get(&self, number: usize) -> Value {
        match number.checked_sub(1) {
            None => Value::Input(self.record.clone()),
            Some(index) => self.fields.get(index).cloned().unwrap_or_default(),
        }
    }

    /// Changes the number of fields, and makes the record of them.
    pub(super) fn set_count(&mut self, count: usize, joiner: &str) {
        self.fields.resize(count.min(MAX_FIELDS), Value::Unset);
        self.join(joiner);
    }

    /// Changes a field from 1 on, and makes the record of all of them.
    pub(super) fn set(&mut self, number: usize, value: Value, joiner: &str) {
        let number = number.min(MAX_FIELDS);
        if number > self.fields.len() {
            self.fields.resize(number, Value::Unset);
        }
        if let Some(field) = number.checked_sub(1).and_then(|at| self.fields.get_mut(at)) {
            *field = value;
        }
        self.join(joiner);
    }

    fn join(&mut self, joiner: &str) {
        let texts: Vec<String> = self.fields.iter().map(Value::text).collect();
        self.record = texts.join(joiner);
    }
}
