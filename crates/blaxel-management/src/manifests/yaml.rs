//! YAML documents as JSON.

use saphyr::{Scalar, Yaml, YamlLoader};
use saphyr_parser::{Event, Parser, SpannedEventReceiver as _};
use serde_json::{Map, Value};

use super::variables::{Variables, expand};

/// The maximum nesting depth of a document.
const MAX_DEPTH: u32 = 64;

/// The key whose value has members of other mappings, which an own member overrides.
const MERGE: &str = "<<";

/// A problem, and the line with it.
pub(super) struct Problem {
    pub(super) line: usize,
    pub(super) text: String,
}

/// Returns the documents of a text with the lines on which they begin. References in texts are expanded.
pub(super) fn documents(text: &str, variables: &Variables) -> Result<Vec<(usize, Value)>, Problem> {
    let mut loader = YamlLoader::<Yaml<'_>>::default();
    // The types of scalars are found after their references are expanded.
    loader.early_parse(false);
    let (mut depth, mut starts) = (0_u32, Vec::new());
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Problem {
            line: error.marker().line(),
            text: format!("it is not valid YAML: {}", error.info()),
        })?;
        let line = span.start.line();
        match &event {
            Event::DocumentStart(_) => starts.push(line),
            Event::SequenceStart(..) | Event::MappingStart(..) => depth = depth.saturating_add(1),
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            let text = format!("it is nested more than {MAX_DEPTH} levels deep");
            return Err(Problem { line, text });
        }
        loader.on_event(event, span);
        if let Some(error) = loader.error() {
            let text = format!("it is not valid YAML: {}", error.info());
            return Err(Problem { line, text });
        }
    }
    let documents = loader.into_documents().into_iter().zip(starts);
    documents
        .map(|(document, line)| match json(document, variables) {
            Ok(value) => Ok((line, value)),
            Err(text) => Err(Problem { line, text }),
        })
        .collect()
}

/// Converts a node. The depth is limited by now.
fn json(node: Yaml<'_>, variables: &Variables) -> Result<Value, String> {
    Ok(match node {
        Yaml::Representation(text, style, tag) => {
            let text = expand(&text, variables)?.into_owned();
            let number = text.parse::<u64>();
            match Scalar::parse_from_cow_and_metadata(text.into(), style, tag.as_ref()) {
                Some(Scalar::Null) => Value::Null,
                Some(Scalar::Boolean(value)) => value.into(),
                Some(Scalar::Integer(value)) => value.into(),
                // Larger than the integers of the reader.
                Some(Scalar::FloatingPoint(_)) if number.is_ok() => {
                    number.unwrap_or_default().into()
                }
                Some(Scalar::FloatingPoint(value)) => match serde_json::Number::from_f64(*value) {
                    Some(number) => number.into(),
                    None => return Err("a number in it is not finite".to_owned()),
                },
                Some(Scalar::String(text)) => text.into_owned().into(),
                None => return Err("a value in it has a type that JSON does not have".to_owned()),
            }
        }
        Yaml::Sequence(items) => {
            let items = items.into_iter().map(|item| json(item, variables));
            items.collect::<Result<Vec<_>, _>>()?.into()
        }
        Yaml::Mapping(members) => {
            let (mut own, mut merged) = (Map::new(), Map::new());
            for (key, value) in members {
                let Yaml::Representation(key, ..) = key else {
                    return Err("the name of a member in it is not a text".to_owned());
                };
                let value = json(value, variables)?;
                if key == MERGE {
                    merge(&mut merged, value)?;
                } else if own.contains_key(&*key) {
                    // The reader takes `a` and `"a"` for different keys.
                    return Err(format!("its member `{key}` occurs twice in a mapping"));
                } else {
                    own.insert(key.into_owned(), value);
                }
            }
            merged.extend(own);
            merged.into()
        }
        Yaml::Tagged(_, node) => json(*node, variables)?,
        Yaml::Value(_) | Yaml::Alias(_) | Yaml::BadValue => Value::Null,
    })
}

/// Adds the members of the mapping, or of the mappings, behind a merge key. The first one counts.
fn merge(members: &mut Map<String, Value>, value: Value) -> Result<(), String> {
    match value {
        Value::Object(mapping) => {
            for (name, value) in mapping {
                members.entry(name).or_insert(value);
            }
            Ok(())
        }
        Value::Array(mappings) if mappings.iter().all(Value::is_object) => mappings
            .into_iter()
            .try_for_each(|mapping| merge(members, mapping)),
        _ => Err(format!("the value of `{MERGE}` in it is not a mapping")),
    }
}
