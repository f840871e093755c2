//! Documents in YAML.

use std::collections::HashMap;
use std::fmt::Write as _;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

/// Maximum nesting depth.
const DEPTH: usize = 64;

/// Reads a document. An error names the line and the member.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|problem| {
            let line = problem.marker().line();
            format!("line {line}: {}", problem.info())
        })?;
        let line = span.start.line();
        let taken = reader.take(event, line);
        taken.map_err(|problem| format!("line {line}: {problem}"))?;
    }
    let value = reader.root.unwrap_or_else(|| Value::Object(Map::new()));
    serde_path_to_error::deserialize(value).map_err(|problem| {
        let place = problem.path().to_string();
        let problem = problem.into_inner();
        // An unknown member has a line, and a missing one that of its owner.
        let owner = place.rsplit_once('.').map_or("", |(owner, _)| owner);
        let line = reader.lines.get(&place).or_else(|| reader.lines.get(owner));
        match line {
            Some(line) if place != "." => format!("line {line}: {place}: {problem}"),
            _ => format!("{place}: {problem}"),
        }
    })
}

/// A collection whose items are being read.
enum Open {
    List(Vec<Value>),
    Map(Map<String, Value>, Option<String>),
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    root: Option<Value>,
    /// The line of each value, by its path such as `resources[0].name`.
    lines: HashMap<String, usize>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), String> {
        match event {
            Event::Alias(_) => Err("aliases are not supported".to_owned()),
            Event::Scalar(.., Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => Err("tags are not supported".to_owned()),
            Event::DocumentStart(_) if self.root.is_some() => {
                Err("there is a second document".to_owned())
            }
            Event::Scalar(text, style, ..) => {
                if let Some(Open::Map(_, name @ None)) = self.open.last_mut() {
                    *name = Some(text.into_owned());
                    return Ok(());
                }
                self.note(line);
                self.close(scalar(&text, style))
            }
            Event::SequenceStart(..) | Event::MappingStart(..) if self.open.len() == DEPTH => {
                Err("it is nested too deeply".to_owned())
            }
            Event::SequenceStart(..) | Event::MappingStart(..)
                if matches!(self.open.last(), Some(Open::Map(_, None))) =>
            {
                Err("the name of a member is a text".to_owned())
            }
            Event::SequenceStart(..) => {
                self.note(line);
                self.open.push(Open::List(Vec::new()));
                Ok(())
            }
            Event::MappingStart(..) => {
                self.note(line);
                self.open.push(Open::Map(Map::new(), None));
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(items)) => self.close(Value::Array(items)),
                Some(Open::Map(members, _)) => self.close(Value::Object(members)),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Records the line of the value that begins.
    fn note(&mut self, line: usize) {
        let mut path = String::new();
        for open in &self.open {
            match open {
                Open::List(items) => {
                    let _ = write!(path, "[{}]", items.len());
                }
                Open::Map(_, name) => {
                    let dot = if path.is_empty() { "" } else { "." };
                    let _ = write!(path, "{dot}{}", name.as_deref().unwrap_or_default());
                }
            }
        }
        self.lines.insert(path, line);
    }

    /// Adds a whole value to what contains it.
    fn close(&mut self, value: Value) -> Result<(), String> {
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(members, name)) => {
                let name = name.take().unwrap_or_default();
                if members.contains_key(&name) {
                    return Err(format!("{name:?} is there twice"));
                }
                members.insert(name, value);
            }
        }
        Ok(())
    }
}

/// Returns the value of a scalar, by the core schema of YAML 1.2.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return text.into();
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => number(text).map_or_else(|| text.into(), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.trim_start_matches(['-', '+']);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    if let Ok(number) = text.parse::<u64>() {
        return Some(number.into());
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    let is_decimal = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    let number: f64 = text.bytes().all(is_decimal).then(|| text.parse().ok())??;
    Number::from_f64(number)
}
