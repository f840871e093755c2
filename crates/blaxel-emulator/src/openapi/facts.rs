//! The described schemas and operations of the Management API.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::notation::Reader;
use super::shape::{Member, Schema, Schemas, Shape};

/// Schemas that the API describes and no operation uses, without those that they refer to.
pub(super) const UNUSED: [&str; 5] = [
    "Applications",
    "NetworkFirewall",
    "PendingInvitationAccept",
    "PendingInvitationRender",
    "SSODomain",
];

/// An operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) query: Vec<Member>,
    pub(super) body: Option<Shape>,
    /// The statuses of success, each with the shape of its body.
    pub(super) responses: Vec<(u16, Option<Shape>)>,
    /// A header that a success may have.
    pub(super) header: Option<&'static str>,
    /// The statuses of errors, besides those of every operation.
    pub(super) errors: Vec<u16>,
    /// The schema that an error may have instead of the default one.
    pub(super) error: Option<&'static str>,
}

/// All schemas and operations.
#[derive(Debug, Default)]
pub(super) struct Facts {
    schemas: Schemas,
    operations: BTreeMap<&'static str, Operation>,
}

static FACTS: LazyLock<Facts> = LazyLock::new(|| {
    // A test parses the same texts. If parsing failed, no operation would be known.
    Facts::read(include_str!("schemas.txt"), include_str!("operations.txt")).unwrap_or_default()
});

impl Facts {
    /// Returns the schemas and operations that are compiled in.
    pub(super) fn get() -> &'static Self {
        &FACTS
    }

    fn read(schemas: &'static str, operations: &'static str) -> Result<Self, String> {
        let mut facts = Self::default();
        for line in lines(schemas) {
            let (name, schema) = schema(line, &facts.schemas).map_err(|why| within(line, &why))?;
            if facts.schemas.insert(name, schema).is_some() {
                return Err(within(line, "the name is taken"));
            }
        }
        for line in lines(operations) {
            let (name, operation) =
                operation(line, &facts.schemas).map_err(|why| within(line, &why))?;
            if facts.operations.insert(name, operation).is_some() {
                return Err(within(line, "the name is taken"));
            }
        }
        Ok(facts)
    }

    pub(super) fn schema(&self, name: &str) -> Option<&Schema> {
        self.schemas.get(name)
    }

    pub(super) fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.get(name)
    }

    /// Returns the shape of a member of an object.
    pub(super) fn member<'a>(&'a self, shape: &'a Shape, name: &str) -> Option<&'a Shape> {
        match shape {
            Shape::Named(schema) => self.member(&self.schema(schema)?.shape, name),
            Shape::Object(members) => {
                let member = members.iter().find(|member| member.name == name)?;
                Some(&member.shape)
            }
            _ => None,
        }
    }

    /// Returns `true` if only the server sets a member, by its own mark or by that of its schema.
    pub(super) fn is_read_only(&self, member: &Member) -> bool {
        member.read_only
            || matches!(member.shape, Shape::Named(name)
                if self.schema(name).is_some_and(|schema| schema.read_only))
    }
}

/// Returns the names in braces in a path.
pub(super) fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// Returns the lines that are neither empty nor comments.
fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn within(line: &str, why: &str) -> String {
    format!("{why} in the line {line:?}")
}

/// Parses `Name = shape`.
fn schema(line: &'static str, known: &Schemas) -> Result<(&'static str, Schema), String> {
    let mut reader = Reader::new(line, known);
    let name = reader.word()?;
    let read_only = reader.take("~");
    if !reader.take("=") {
        return reader.fail("=");
    }
    let shape = reader.shape()?;
    ended(&reader)?;
    Ok((name, Schema::new(shape, read_only)))
}

/// Parses `Name METHOD /path ?{query} <- body -> response + header ! errors`.
fn operation(line: &'static str, known: &Schemas) -> Result<(&'static str, Operation), String> {
    let mut reader = Reader::new(line, known);
    let (name, method, path) = (reader.field()?, reader.field()?, reader.field()?);
    let query = if reader.take("?") {
        reader.members()?
    } else {
        Vec::new()
    };
    let body = reader.take("<-").then(|| reader.shape()).transpose()?;
    if !reader.take("->") {
        return reader.fail("->");
    }
    let mut responses = vec![response(&mut reader)?];
    while reader.take(",") {
        responses.push(response(&mut reader)?);
    }
    let header = reader.take("+").then(|| reader.word()).transpose()?;
    let (mut errors, mut error) = (Vec::new(), None);
    if reader.take("!") {
        while !reader.is_at_end() {
            match reader.number() {
                Some(status) => errors.push(status),
                None => error = Some(reader.word()?),
            }
        }
    }
    ended(&reader)?;
    let operation = Operation {
        method,
        path,
        query,
        body,
        responses,
        header,
        errors,
        error,
    };
    Ok((name, operation))
}

/// Parses a shape, a status, or both.
fn response(reader: &mut Reader<'_>) -> Result<(u16, Option<Shape>), String> {
    let Some(status) = reader.number() else {
        return Ok((200, Some(reader.shape()?)));
    };
    let is_bare = reader.is_at_end() || [",", "+", "!"].iter().any(|mark| reader.comes(mark));
    let shape = if is_bare { None } else { Some(reader.shape()?) };
    Ok((status, shape))
}

fn ended(reader: &Reader<'_>) -> Result<(), String> {
    if reader.is_at_end() {
        Ok(())
    } else {
        reader.fail("the end")
    }
}

#[cfg(test)]
impl Facts {
    pub(super) fn operations(&self) -> impl Iterator<Item = (&'static str, &Operation)> {
        self.operations
            .iter()
            .map(|(name, operation)| (*name, operation))
    }

    pub(super) fn schemas(&self) -> impl Iterator<Item = (&'static str, &Schema)> {
        self.schemas.iter().map(|(name, schema)| (*name, schema))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn read() -> Facts {
        Facts::read(include_str!("schemas.txt"), include_str!("operations.txt")).unwrap()
    }

    /// Collects the names of the schemas in a shape.
    fn collect(shape: &Shape, names: &mut BTreeSet<&'static str>) {
        match shape {
            Shape::Named(name) => {
                names.insert(name);
            }
            Shape::List(item) | Shape::Map(item) => collect(item, names),
            Shape::Object(members) => {
                members
                    .iter()
                    .for_each(|member| collect(&member.shape, names));
            }
            Shape::Either(shapes) => shapes.iter().for_each(|shape| collect(shape, names)),
            _ => {}
        }
    }

    #[test]
    fn the_compiled_in_texts_can_be_parsed() {
        let facts = read();
        // 159 operations are documented; image tags, quotas, logs, costs, secrets, lists of schedules, and folders of
        // drives are extra, and so are the snapshots of the workspace, restoring and archives.
        assert_eq!(
            facts.operations.len(),
            159 + 1 + 1 + 1 + 4 + 4 + 3 + 1 + 5 + 1 + 2
        );
        assert_eq!(Facts::get().operations.len(), facts.operations.len());
    }

    #[test]
    fn every_schema_is_known_and_used() {
        let facts = read();
        let mut used = BTreeSet::from(["Error", "PaginationMeta", "Sort"]);
        used.extend(UNUSED);
        for operation in facts.operations.values() {
            let responses = operation
                .responses
                .iter()
                .filter_map(|(_, shape)| shape.as_ref());
            for shape in responses.chain(&operation.body) {
                collect(shape, &mut used);
            }
            for parameter in &operation.query {
                collect(&parameter.shape, &mut used);
            }
            used.extend(operation.error);
        }
        loop {
            let before = used.len();
            for name in used.clone() {
                let schema = facts
                    .schema(name)
                    .unwrap_or_else(|| panic!("{name} is not known"));
                collect(&schema.shape, &mut used);
            }
            if used.len() == before {
                break;
            }
        }
        // Schemas whose members are only included in others need not be used otherwise.
        used.extend(["TimeFields", "OwnerFields", "Paging", "Listing"]);
        let unused: Vec<_> = facts
            .schemas
            .keys()
            .filter(|name| !used.contains(*name))
            .collect();
        assert!(unused.is_empty(), "{unused:?}");
    }

    #[test]
    fn an_operation_is_parsed_with_all_its_parts() {
        let known = Schemas::new();
        let line = "Put PUT /a/{b} ?{q: string} <- A -> B, 202 {c: any}, 204 + X-H ! 409 E 410";
        let (name, operation) = operation(line, &known).unwrap();
        assert_eq!(
            (name, operation.method, operation.path),
            ("Put", "PUT", "/a/{b}")
        );
        assert_eq!(operation.query.len(), 1);
        assert_eq!(operation.body, Some(Shape::Named("A")));
        let responses: Vec<_> = operation
            .responses
            .iter()
            .map(|(status, shape)| (*status, shape.is_some()))
            .collect();
        assert_eq!(responses, [(200, true), (202, true), (204, false)]);
        assert_eq!(operation.header, Some("X-H"));
        assert_eq!(
            (operation.errors, operation.error),
            (vec![409, 410], Some("E"))
        );
    }

    #[test]
    fn an_error_quotes_the_invalid_line() {
        for (schemas, operations) in [
            ("A = {", ""),
            ("A = string string", ""),
            ("A = string\nA = string", ""),
            ("A string", ""),
            ("", "Get GET /a"),
            ("", "Get GET /a -> string string"),
            ("", "Get GET /a -> string\nGet GET /a -> string"),
        ] {
            let line = schemas.lines().chain(operations.lines()).last().unwrap();
            let error = Facts::read(schemas, operations).unwrap_err();
            assert!(error.contains(&format!("{line:?}")), "{error}");
        }
    }
}
