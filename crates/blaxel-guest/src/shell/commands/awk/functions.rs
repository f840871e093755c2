//! The functions of `awk` programs.

use std::collections::BTreeMap;

use super::run::{Leave, Machine};
use super::syntax::{Expression, Place};
use super::value::Value;

type Run<T> = Result<T, Leave>;

impl Machine {
    /// Calls a function, whose arguments the parser has counted.
    pub(super) fn call(&mut self, name: &str, arguments: &[Expression]) -> Run<Value> {
        match (name, arguments) {
            ("length", []) => Ok(count(self.fields.record())),
            ("length", [Expression::Place(Place::Variable(name))])
                if self.arrays.contains_key(name) =>
            {
                let length = self.arrays.get(name).map_or(0, BTreeMap::len);
                Ok(Value::Number(length as f64))
            }
            ("sub" | "gsub", [pattern, text, rest @ ..]) => {
                self.replace(pattern, text, rest.first(), name == "gsub")
            }
            ("split", [text, Expression::Place(Place::Variable(array)), rest @ ..]) => {
                self.split(text, array, rest.first())
            }
            ("match", [text, pattern]) => {
                let text = self.value(text)?.text();
                let found = self.regex(pattern)?.find(&text).map(|found| {
                    let before = text.get(..found.start()).unwrap_or_default();
                    (before.chars().count() + 1, found.as_str().chars().count())
                });
                let (start, length) =
                    found.map_or((0.0, -1.0), |(start, length)| (start as f64, length as f64));
                self.set_variable("RSTART", Value::Number(start))?;
                self.set_variable("RLENGTH", Value::Number(length))?;
                Ok(Value::Number(start))
            }
            _ => {
                let values = self.values(arguments)?;
                simple(name, &values)
            }
        }
    }

    /// Replaces the first match, or all of them. Returns the number of replacements.
    fn replace(
        &mut self,
        pattern: &Expression,
        text: &Expression,
        target: Option<&Expression>,
        all: bool,
    ) -> Run<Value> {
        let regex = self.regex(pattern)?;
        let text = self.value(text)?.text();
        let record = Place::Field(Box::new(Expression::Number(0.0)));
        let place = match target {
            None => &record,
            Some(Expression::Place(place)) => place,
            Some(_) => return Err(Leave::Failed("sub needs a variable or a field".to_owned())),
        };
        let before = self.get(place)?.text();
        let mut replaced = String::new();
        let (mut last, mut count) = (0, 0_u32);
        for found in regex.find_iter(&before) {
            replaced.push_str(before.get(last..found.start()).unwrap_or_default());
            replaced.push_str(&expand(&text, found.as_str()));
            last = found.end();
            count += 1;
            if !all {
                break;
            }
        }
        if count > 0 {
            replaced.push_str(before.get(last..).unwrap_or_default());
            self.set(place, Value::Input(replaced))?;
        }
        Ok(Value::Number(f64::from(count)))
    }

    fn split(
        &mut self,
        text: &Expression,
        array: &str,
        separator: Option<&Expression>,
    ) -> Run<Value> {
        let text = self.value(text)?.text();
        let separator = match separator {
            None => self.separator(&self.text_of("FS"))?,
            Some(Expression::Regex(regex)) => super::fields::Separator::Regex(regex.clone()),
            Some(other) => {
                let other = self.value(other)?.text();
                self.separator(&other)?
            }
        };
        let parts = separator.split(&text);
        let count = parts.len();
        let numbered = parts.into_iter().zip(1_usize..);
        let elements =
            numbered.map(|(part, number)| (number.to_string(), Value::Input(part.to_owned())));
        self.arrays.insert(array.to_owned(), elements.collect());
        Ok(Value::Number(count as f64))
    }
}

fn count(text: &str) -> Value {
    Value::Number(text.chars().count() as f64)
}

/// Returns the replacement of a match, which `&` stands for.
fn expand(text: &str, found: &str) -> String {
    let mut expanded = String::new();
    let mut characters = text.chars().peekable();
    while let Some(next) = characters.next() {
        match next {
            '&' => expanded.push_str(found),
            '\\' if matches!(characters.peek(), Some('&' | '\\')) => {
                expanded.extend(characters.next());
            }
            other => expanded.push(other),
        }
    }
    expanded
}

/// Calls a function that only needs values.
fn simple(name: &str, values: &[Value]) -> Run<Value> {
    let text = |index: usize| values.get(index).map(Value::text).unwrap_or_default();
    let number = |index: usize| values.get(index).map(Value::number);
    Ok(match name {
        "length" => count(&text(0)),
        "int" => Value::Number(number(0).unwrap_or_default().trunc()),
        "sqrt" => Value::Number(number(0).unwrap_or_default().sqrt()),
        "tolower" => Value::Text(text(0).to_lowercase()),
        "toupper" => Value::Text(text(0).to_uppercase()),
        "index" => {
            let whole = text(0);
            let found = whole.find(&text(1)).and_then(|at| whole.get(..at));
            Value::Number(found.map_or(0.0, |before| before.chars().count() as f64 + 1.0))
        }
        "substr" => {
            // The positions are rounded, and those outside of the text do not count.
            let start = number(1).unwrap_or_default().round();
            let end = number(2).map_or(f64::INFINITY, |length| start + length.round());
            let positions = text(0).chars().zip(1_u32..).collect::<Vec<_>>();
            let is_in = |at: u32| f64::from(at) >= start && f64::from(at) < end;
            let kept = positions.iter().filter(|(_, at)| is_in(*at));
            Value::Text(kept.map(|(c, _)| c).collect())
        }
        "sprintf" => {
            let (_, rest) = values.split_at(values.len().min(1));
            Value::Text(super::printf::sprintf(&text(0), rest))
        }
        _ => return Err(Leave::Failed(format!("wrong arguments of {name}"))),
    })
}
