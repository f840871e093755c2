//! Operations and their query parameters.

use super::Comparison;
use crate::old::api_drift::finding::{Kind, Thing};
use crate::old::api_drift::model::Operation;

impl Comparison<'_> {
    pub(super) fn operations(&mut self) {
        let (document, ours) = (self.document, self.ours);
        let is_known = |name: &str| document.operations.iter().any(|known| known.name == name);
        let mut extra: Vec<&Operation> = ours.operations.iter().collect();
        extra.retain(|operation| !is_known(&operation.name));
        for theirs in &document.operations {
            let named = ours
                .operations
                .iter()
                .filter(|known| known.name == theirs.name);
            let named: Vec<&Operation> = named.collect();
            for known in &named {
                self.operation(theirs, known);
            }
            if !named.is_empty() {
                continue;
            }
            let same = |known: &&Operation| same_place(known, theirs);
            if let Some(at) = extra.iter().position(same) {
                let known = extra.swap_remove(at);
                let detail = format!("{} in our sources ({theirs})", known.name);
                self.note(Thing::Operation, &theirs.name, Kind::Name, detail);
                self.operation(theirs, known);
            } else {
                let detail = theirs.to_string();
                self.note(Thing::Operation, &theirs.name, Kind::Missing, detail);
            }
        }
        for known in extra {
            let detail = known.to_string();
            self.note(Thing::Operation, &known.name, Kind::Extra, detail);
        }
    }

    /// Compares all but the names.
    fn operation(&mut self, theirs: &Operation, ours: &Operation) {
        let name = &theirs.name;
        let both =
            |theirs: &str, ours: &str| format!("{theirs} in the document, {ours} in our sources");
        if theirs.method != ours.method {
            let detail = both(&theirs.method, &ours.method);
            self.note(Thing::Operation, name, Kind::Method, detail);
        }
        if theirs.path != ours.path {
            let detail = both(&theirs.path, &ours.path);
            self.note(Thing::Operation, name, Kind::Path, detail);
        }
        for (kind, parameters) in [
            (Kind::Missing, theirs.query.difference(&ours.query)),
            (Kind::Extra, ours.query.difference(&theirs.query)),
        ] {
            for parameter in parameters {
                let subject = format!("{name}.{parameter}");
                self.note(Thing::Query, &subject, kind, theirs.to_string());
            }
        }
    }
}

/// Whether method and path are the same but for the names of the parameters.
fn same_place(a: &Operation, b: &Operation) -> bool {
    let is_parameter = |part: &str| part.starts_with('{');
    let (a_parts, b_parts) = (a.path.split('/'), b.path.split('/'));
    a.method == b.method
        && a_parts.clone().count() == b_parts.clone().count()
        && a_parts
            .zip(b_parts)
            .all(|(a, b)| a == b || (is_parameter(a) && is_parameter(b)))
}
