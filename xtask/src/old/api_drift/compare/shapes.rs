//! Objects, lists of values, and the coarse types of members.

use std::collections::BTreeSet;

use super::Comparison;
use crate::old::api_drift::finding::{Kind, Thing};
use crate::old::api_drift::model::{Members, Shape, listed};

impl Comparison<'_> {
    /// Compares members with those of a type.
    pub(super) fn object(&mut self, at: &str, theirs: &Members, bearer: &str) {
        let (document, ours) = (self.document, self.ours);
        let named = Shape::Named(bearer.to_owned());
        let known = match ours.resolve(&named) {
            Shape::Object(known) => known,
            other => {
                let detail = format!("object in the document, {other} by {bearer}");
                return self.note(Thing::Schema, at, Kind::Type, detail);
            }
        };
        for (name, member) in theirs {
            let at = format!("{at}.{name}");
            let Some(known) = known.get(name) else {
                let shape = document.resolve(&member.shape).unwrap_or(&member.shape);
                let detail = format!("{shape} in the document, not in {bearer}");
                self.note(Thing::Member, &at, Kind::Missing, detail);
                continue;
            };
            if member.required != known.required {
                let (there, here) = match member.required {
                    true => ("required", "optional"),
                    false => ("optional", "required"),
                };
                let detail = format!("{there} in the document, {here} in {bearer}");
                self.note(Thing::Member, &at, Kind::Required, detail);
            }
            self.shape(&at, &member.shape, &known.shape, bearer);
        }
        for (name, member) in known {
            if !theirs.contains_key(name) {
                let detail = format!("{} in {bearer}, not in the document", member.shape);
                let at = format!("{at}.{name}");
                self.note(Thing::Member, &at, Kind::Extra, detail);
            }
        }
    }

    /// Compares what a member is; `bearer` is the type that has it.
    fn shape(&mut self, at: &str, theirs: &Shape, known: &Shape, bearer: &str) {
        let (document, ours) = (self.document, self.ours);
        let theirs = match document.resolve(theirs) {
            Ok(theirs) => theirs,
            Err(problem) => return self.note(Thing::Member, at, Kind::Unknown, problem),
        };
        match (theirs, ours.resolve(known)) {
            (Shape::Unknown(problem), _) => {
                self.note(Thing::Member, at, Kind::Unknown, problem.clone());
            }
            (Shape::Anything, _) => {}
            (_, Shape::Unknown(problem)) => {
                let detail = format!("{theirs} in the document, but in {bearer} {problem}");
                self.note(Thing::Member, at, Kind::Unknown, detail);
            }
            (_, Shape::Anything) => {}
            (Shape::Array(theirs), Shape::Array(known))
            | (Shape::Map(theirs), Shape::Map(known)) => {
                self.shape(at, theirs, known, bearer);
            }
            // An object of which the document says no more.
            (Shape::Map(value), Shape::Object(_)) if **value == Shape::Anything => {}
            (Shape::Object(members), Shape::Object(_)) => {
                if let Shape::Named(name) = known {
                    self.object(at, members, name);
                }
            }
            (Shape::Values(texts), _) => self.closed(at, at, texts, known, bearer),
            (Shape::Named(schema), actual) => match (document.schemas.get(schema), actual) {
                (Some(Shape::Values(texts)), _) => {
                    self.closed(at, schema, texts, known, bearer);
                }
                (_, Shape::Object(_)) => match known {
                    Shape::Named(name) if ours.stands_for(name, schema) => {}
                    _ => {
                        let detail = format!(
                            "{schema} in the document, {known} in {bearer}, which does not stand \
                             for it"
                        );
                        self.note(Thing::Member, at, Kind::Type, detail);
                    }
                },
                _ => self.differs(at, theirs, known, bearer),
            },
            (Shape::Text, Shape::Values(_)) => {}
            (theirs, actual) if theirs == actual => {}
            _ => self.differs(at, theirs, known, bearer),
        }
    }

    fn differs(&mut self, at: &str, theirs: &Shape, known: &Shape, bearer: &str) {
        let detail = format!("{theirs} in the document, {known} in {bearer}");
        self.note(Thing::Member, at, Kind::Type, detail);
    }

    /// Compares a list of values. Its name is that of the schema, or the place if it has none.
    fn closed(
        &mut self,
        at: &str,
        name: &str,
        texts: &BTreeSet<String>,
        known: &Shape,
        bearer: &str,
    ) {
        let ours = self.ours;
        match (ours.resolve(known), known) {
            (Shape::Values(values), Shape::Named(of)) => self.values(name, texts, values, of),
            (Shape::Text, _) => {
                let aliased: Vec<&str> = ours.aliased(at).collect();
                for of in &aliased {
                    let named = Shape::Named((*of).to_owned());
                    if let Shape::Values(values) = ours.resolve(&named) {
                        self.values(name, texts, values, of);
                    }
                }
                if aliased.is_empty() {
                    let texts = listed(texts);
                    let detail = format!("one of {texts} in the document, any text in {bearer}");
                    self.note(Thing::Member, at, Kind::Values, detail);
                }
            }
            _ => {
                let detail = format!("string in the document, {known} in {bearer}");
                self.note(Thing::Member, at, Kind::Type, detail);
            }
        }
    }

    /// Compares two lists of values; ours is that of the type `of`.
    pub(super) fn values(
        &mut self,
        name: &str,
        theirs: &BTreeSet<String>,
        known: &BTreeSet<String>,
        of: &str,
    ) {
        for text in theirs.difference(known) {
            let detail = format!("in the document, not in {of}");
            self.note(
                Thing::Value,
                &format!("{name}.{text}"),
                Kind::Missing,
                detail,
            );
        }
        for text in known.difference(theirs) {
            let detail = format!("in {of}, not in the document");
            self.note(Thing::Value, &format!("{name}.{text}"), Kind::Extra, detail);
        }
    }
}
