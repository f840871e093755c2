//! The comparison of the platform's document with the emulator's ("here").

use std::collections::BTreeSet;

use super::model::Shape::{self, Array, Either, Map, Object, Plain, Reference, Unknown, Values};
use super::model::{Document, Finding, Members, Operation};

/// Returns all differences.
pub(super) fn compare(theirs: &Document, ours: &Document) -> BTreeSet<Finding> {
    let mut comparison = Comparison::new(theirs, ours);
    comparison
        .findings
        .extend(theirs.unknown.iter().chain(&ours.unknown).cloned());
    comparison.differ("document servers", "path", &theirs.base, &ours.base);
    comparison.operations();
    for (name, shape) in &theirs.schemas {
        if let Some(known) = ours.schemas.get(name) {
            comparison.shape(&format!("schema {name}"), shape, known);
        }
    }
    for (name, shape) in &theirs.schemas {
        let is_met = comparison.met.contains(name.as_str()) || theirs.parts.contains(name);
        if !ours.schemas.contains_key(name) && !is_met {
            comparison.note(&format!("schema {name}"), "missing", shape);
        }
    }
    // One that something refers to belongs to what was found to be extra.
    for (name, shape) in &ours.schemas {
        if !theirs.schemas.contains_key(name) && !ours.referred.contains(name) {
            comparison.note(&format!("schema {name}"), "extra", shape);
        }
    }
    comparison.findings
}

/// A comparison. The places in it are such as `member Region.allowed`.
struct Comparison<'a> {
    theirs: &'a Document,
    ours: &'a Document,
    findings: BTreeSet<Finding>,
    /// Schemas of theirs that were compared where they are used.
    met: BTreeSet<&'a str>,
    /// References of two names that were compared.
    pairs: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Comparison<'a> {
    fn new(theirs: &'a Document, ours: &'a Document) -> Self {
        let (findings, met, pairs) = Default::default();
        Self {
            theirs,
            ours,
            findings,
            met,
            pairs,
        }
    }

    fn note(&mut self, at: &str, kind: &str, detail: impl ToString) {
        let (key, detail) = (format!("{at} {kind}"), detail.to_string());
        self.findings.insert(Finding { key, detail });
    }

    fn differ<T: PartialEq + ToString + ?Sized>(
        &mut self,
        at: &str,
        kind: &str,
        theirs: &T,
        ours: &T,
    ) {
        if theirs != ours {
            let (theirs, ours) = (theirs.to_string(), ours.to_string());
            self.note(at, kind, format!("{theirs} in the document, {ours} here"));
        }
    }

    fn operations(&mut self) {
        let (theirs, ours) = (&self.theirs.operations, &self.ours.operations);
        for (name, operation) in theirs {
            match ours.get(name) {
                Some(known) => self.operation(name, operation, known),
                None => {
                    let detail = format!("{} {}", operation.method, operation.path);
                    self.note(&format!("operation {name}"), "missing", detail);
                }
            }
        }
        for (name, operation) in ours.iter().filter(|(name, _)| !theirs.contains_key(*name)) {
            let detail = format!("{} {}", operation.method, operation.path);
            self.note(&format!("operation {name}"), "extra", detail);
        }
    }

    fn operation(&mut self, name: &str, theirs: &'a Operation, ours: &'a Operation) {
        let at = format!("operation {name}");
        self.differ(&at, "method", &theirs.method, &ours.method);
        self.differ(&at, "path", &theirs.path, &ours.path);
        self.members(&format!("query {name}"), &theirs.query, &ours.query);
        for (key, shape) in &theirs.bodies {
            let at = format!("body {name}.{key}");
            match ours.bodies.get(key) {
                Some(known) => self.shape(&at, shape, known),
                None => self.note(&at, "missing", shape),
            }
        }
        for (key, shape) in ours
            .bodies
            .iter()
            .filter(|(key, _)| !theirs.bodies.contains_key(*key))
        {
            self.note(&format!("body {name}.{key}"), "extra", shape);
        }
    }

    /// Compares the members of an object, or the parameters of a query.
    fn members(&mut self, at: &str, theirs: &'a Members, ours: &'a Members) {
        for (name, member) in theirs {
            let at = format!("{at}.{name}");
            let Some(known) = ours.get(name) else {
                self.note(&at, "missing", &member.shape);
                continue;
            };
            let word = |required| if required { "required" } else { "optional" };
            self.differ(&at, "required", word(member.required), word(known.required));
            self.shape(&at, &member.shape, &known.shape);
        }
        for (name, member) in ours.iter().filter(|(name, _)| !theirs.contains_key(*name)) {
            self.note(&format!("{at}.{name}"), "extra", &member.shape);
        }
    }

    fn shape(&mut self, at: &str, theirs: &'a Shape, ours: &'a Shape) {
        let path = at.split_once(' ').map_or(at, |(_, path)| path);
        match (theirs, ours) {
            (Unknown, _) | (_, Unknown) => {}
            (Reference(name), Reference(known))
                if self.ours.schemas.contains_key(name)
                    && self.theirs.schemas.contains_key(known) =>
            {
                self.differ(at, "type", name, known);
            }
            (Reference(name), Reference(known)) if !self.pairs.insert((name, known)) => {}
            (Reference(name), _) => {
                self.met.insert(name);
                if let Some(theirs) = self.theirs.schemas.get(name) {
                    self.shape(at, theirs, ours);
                }
            }
            (_, Reference(known)) => {
                if let Some(ours) = self.ours.schemas.get(known) {
                    self.shape(at, theirs, ours);
                }
            }
            (Either(_), _) | (_, Either(_)) => self.choices(at, theirs, ours),
            (Array(item), Array(known)) => self.shape(&format!("member {path}[]"), item, known),
            (Map(item), Map(known)) => self.shape(&format!("member {path}.*"), item, known),
            (Object(members), Object(known)) => {
                self.members(&format!("member {path}"), members, known);
            }
            (Values(values), Values(known)) => {
                for value in values.symmetric_difference(known) {
                    let kind = if values.contains(value) {
                        "missing"
                    } else {
                        "extra"
                    };
                    self.differ(&format!("value {path}.{value}"), kind, theirs, ours);
                }
            }
            // Of a value of which nothing is known the document says that it is an object.
            (Map(item), Plain("anything")) if **item == Plain("anything") => {}
            _ => self.differ(at, "type", theirs, ours),
        }
    }

    /// Compares each choice of theirs with the one of ours that is the most like it. The rest of ours are
    /// too many, but for the bare array that older versions of the API have for a page.
    fn choices(&mut self, at: &str, theirs: &'a Shape, ours: &'a Shape) {
        let known = choices(ours);
        let mut chosen = BTreeSet::new();
        for choice in choices(theirs) {
            let unlike = |index: &usize| self.unlikeness(at, choice, &known[*index]);
            let best = (0..known.len()).min_by_key(unlike).unwrap_or_default();
            self.shape(at, choice, &known[best]);
            chosen.insert(best);
        }
        for (index, choice) in known.iter().enumerate() {
            let is_paged = |page: &Shape| {
                let data = if let Shape::Object(members) = page {
                    members.get("data")
                } else {
                    None
                };
                data.is_some_and(|data| data.shape == *choice)
            };
            if !chosen.contains(&index) && !known.iter().any(is_paged) {
                self.note(
                    at,
                    "choice",
                    format!("{choice} is no choice in the document"),
                );
            }
        }
    }

    /// Returns by how much two shapes differ. Another type is more than any number of members.
    fn unlikeness(&self, at: &str, theirs: &'a Shape, ours: &'a Shape) -> (bool, usize) {
        let mut trial = Comparison::new(self.theirs, self.ours);
        trial.pairs.clone_from(&self.pairs);
        trial.shape(at, theirs, ours);
        let is_other = |finding: &Finding| finding.key == format!("{at} type");
        (trial.findings.iter().any(is_other), trial.findings.len())
    }
}

fn choices(shape: &Shape) -> &[Shape] {
    match shape {
        Shape::Either(shapes) => shapes,
        other => std::slice::from_ref(other),
    }
}
