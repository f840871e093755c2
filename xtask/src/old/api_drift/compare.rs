//! The comparison of a document with our sources.

mod operations;
mod shapes;

use std::collections::BTreeSet;

use super::document::Document;
use super::finding::{Finding, Key, Kind, Thing};
use super::model::{Members, Shape};
use super::ours::{Ours, Type};

/// All differences in the order of the report.
pub(super) fn compare(document: &Document, ours: &Ours) -> BTreeSet<Finding> {
    let mut comparison = Comparison {
        document,
        ours,
        findings: BTreeSet::new(),
    };
    for (file, problem) in &ours.unreadable {
        comparison.note(Thing::Source, file, Kind::Unknown, problem.clone());
    }
    comparison.operations();
    comparison.schemas();
    comparison.unnamed();
    comparison.aliases();
    comparison.findings
}

struct Comparison<'a> {
    document: &'a Document,
    ours: &'a Ours,
    findings: BTreeSet<Finding>,
}

impl<'a> Comparison<'a> {
    fn note(&mut self, thing: Thing, subject: &str, kind: Kind, detail: String) {
        let subject = subject.to_owned();
        let key = Key {
            thing,
            subject,
            kind,
        };
        self.findings.insert(Finding { key, detail });
    }

    /// Compares each schema with the types that stand for it.
    fn schemas(&mut self) {
        let (document, ours) = (self.document, self.ours);
        for (name, schema) in &document.schemas {
            let bearers = self.bearers(name);
            match schema {
                Shape::Object(members) => {
                    for bearer in &bearers {
                        self.object(name, members, bearer);
                    }
                    if bearers.is_empty() && document.needs_type(name) {
                        let detail = members_of(members);
                        self.note(Thing::Schema, name, Kind::Missing, detail);
                    }
                }
                Shape::Values(texts) => {
                    for bearer in bearers {
                        if let Shape::Values(known) = ours.resolve(&Shape::Named(bearer.clone())) {
                            self.values(name, texts, known, &bearer);
                        }
                    }
                }
                // An object of which the document says nothing: a member of ours is one too many.
                Shape::Map(value) if **value == Shape::Anything => {
                    for bearer in bearers {
                        if let Shape::Object(_) = ours.resolve(&Shape::Named(bearer.clone())) {
                            self.object(name, &Members::new(), &bearer);
                        }
                    }
                }
                // What else has no members or values is compared where it is used.
                _ => {}
            }
        }
    }

    /// The types that stand for a schema: those of that alias, else those of that name. One of the
    /// core goes by its name only if the schema needs a type and there is no other for it: names
    /// there are not the API's.
    fn bearers(&self, schema: &str) -> Vec<String> {
        let types = &self.ours.types;
        let named = |home: bool| -> Vec<String> {
            let is_named =
                |known: &Type| known.home == home && known.name.as_deref() == Some(schema);
            let named = types.iter().filter(|(_, known)| is_named(known));
            named.map(|(name, _)| name.clone()).collect()
        };
        let mut found: Vec<String> = self.ours.aliased(schema).map(str::to_owned).collect();
        if found.is_empty() {
            found = named(true);
        }
        if found.is_empty() && self.document.needs_type(schema) {
            found = named(false);
        }
        found
    }

    /// Compares the objects without a name. The type for one is found by its alias: the operation's
    /// name for the answer, or for a request that has an object for an answer `Name.request`. A
    /// request can do without a type.
    fn unnamed(&mut self) {
        let document = self.document;
        for (operation, members) in &document.answers {
            if self.against_aliased(operation, members) == 0 {
                let detail = members_of(members);
                self.note(Thing::Answer, operation, Kind::Missing, detail);
            }
        }
        for (operation, members) in &document.requests {
            self.against_aliased(&format!("{operation}.request"), members);
            if !document.answers.contains_key(operation) {
                self.against_aliased(operation, members);
            }
        }
    }

    /// Compares members with the types of an alias, and returns how many there were.
    fn against_aliased(&mut self, alias: &str, members: &Members) -> usize {
        let ours = self.ours;
        let bearers = ours.aliased(alias);
        bearers
            .map(|bearer| self.object(alias, members, bearer))
            .count()
    }

    /// Finds aliases that have lost what they were for.
    fn aliases(&mut self) {
        let (document, ours) = (self.document, self.ours);
        let is_vain = |alias: &&String| !document.has_name(alias);
        for (name, known) in ours.types.iter().filter(|(_, known)| known.home) {
            for alias in known.aliases.iter().filter(is_vain) {
                let detail = format!(
                    "{name} has it, but the document has neither a schema nor a member nor an \
                     object without a name that is called so"
                );
                self.note(Thing::Alias, alias, Kind::Unknown, detail);
            }
        }
    }
}

fn members_of(members: &Members) -> String {
    match members.len() {
        1 => "an object of 1 member".to_owned(),
        many => format!("an object of {many} members"),
    }
}

#[cfg(test)]
mod tests;
