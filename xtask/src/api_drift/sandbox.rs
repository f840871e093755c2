//! The list of the operations of a sandbox's API, read as a document.
//!
//! The API's document does not name its operations, so here they are named by method and path.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};

use super::model::{Document, Member, Members, Operation, Shape};

/// Reads the list. Its comment explains the notation.
pub(super) fn document(text: &str) -> Result<Document> {
    let mut document = Document::default();
    for (number, line) in (1..).zip(text.lines()) {
        if line.is_empty() || line.starts_with(['#', '[']) {
            continue;
        }
        read(&mut document, line).with_context(|| format!("line {number}: {line}"))?;
    }
    Ok(document)
}

fn read(document: &mut Document, line: &str) -> Result<()> {
    let (name, rest) = line
        .split_once(' ')
        .context("there is nothing after the name")?;
    let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
    if first.chars().all(|char| char.is_ascii_uppercase()) {
        return operation(document, first, after);
    }
    let shape = match rest.strip_prefix("= ") {
        Some(values) => shape(document, values),
        None => Shape::Object(members(document, rest)),
    };
    let earlier = document.schemas.insert(name.to_owned(), shape);
    ensure!(earlier.is_none(), "the object is listed twice");
    Ok(())
}

/// Adds an operation. Several lines with the same method and path are one: each may have a part of it.
fn operation(document: &mut Document, method: &str, rest: &str) -> Result<()> {
    let mut words = rest.split_whitespace();
    let path = words.next().context("there is no path")?.to_owned();
    let (mut query, mut bodies) = (Members::new(), BTreeMap::new());
    while let Some(word) = words.next() {
        if let Some(list) = word.strip_prefix('?') {
            query = members(document, list);
            continue;
        }
        let key = match word {
            "<-" => "request",
            "->" => "200",
            _ => anyhow::bail!("`{word}` is neither a query nor an arrow"),
        };
        let body = words.next().context("there is nothing after the arrow")?;
        bodies.insert(key.to_owned(), shape(document, body));
    }
    let key = format!("{method} {path}");
    let method = method.to_owned();
    let known = document.operations.entry(key).or_insert(Operation {
        method,
        path,
        query: Members::new(),
        bodies: BTreeMap::new(),
    });
    known.query.extend(query);
    known.bodies.extend(bodies);
    Ok(())
}

/// Reads a list of members such as `name*, size:integer`.
fn members(document: &mut Document, list: &str) -> Members {
    let mut found = Members::new();
    for member in list.split(',').map(str::trim) {
        let (name, kind) = member.split_once(':').unwrap_or((member, "string"));
        let shape = shape(document, kind);
        let required = name.ends_with('*');
        let name = name.trim_end_matches('*').to_owned();
        found.insert(name, Member { required, shape });
    }
    found
}

fn shape(document: &mut Document, text: &str) -> Shape {
    let within = |open, close| text.strip_prefix(open)?.strip_suffix(close);
    if let Some(item) = within('[', ']') {
        return Shape::Array(shape(document, item).into());
    }
    if let Some(item) = within('{', '}') {
        return Shape::Map(shape(document, item).into());
    }
    if text.contains('/') {
        let choices = text.split('/').map(|choice| shape(document, choice));
        return Shape::Either(choices.collect());
    }
    if text.contains('|') {
        return Shape::Values(text.split('|').map(str::to_owned).collect());
    }
    let plain = ["anything", "boolean", "integer", "number", "string"];
    if let Some(name) = plain.into_iter().find(|name| *name == text) {
        return Shape::Plain(name);
    }
    document.referred.insert(text.to_owned());
    Shape::Reference(text.to_owned())
}
