//! Validation of request bodies, and removal of the members that the server does not accept.

use std::fmt;

use serde_json::{Map, Value};

use super::facts::Facts;
use super::shape::{Member, Shape};

/// An invalid value and its path in the body.
struct Problem<'a> {
    what: String,
    /// The path, innermost step first.
    steps: Vec<Step<'a>>,
}

enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

impl<'a> Problem<'a> {
    fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            steps: Vec::new(),
        }
    }

    fn within(mut self, step: Step<'a>) -> Self {
        self.steps.push(step);
        self
    }
}

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            f.write_str("The body")?;
        }
        for (place, step) in self.steps.iter().rev().enumerate() {
            match step {
                Step::Member(name) if place == 0 => f.write_str(name)?,
                Step::Member(name) => write!(f, ".{name}")?,
                Step::Item(index) => write!(f, "[{index}]")?,
            }
        }
        write!(f, " {}", self.what)
    }
}

/// Checks that a value has a shape, as far as a request must.
pub(super) fn check(facts: &Facts, shape: &Shape, value: &Value) -> Result<(), String> {
    Checker(facts)
        .check(shape, value)
        .map_err(|problem| problem.to_string())
}

struct Checker<'f>(&'f Facts);

impl Checker<'_> {
    fn check<'a>(&self, shape: &'a Shape, value: &'a Value) -> Result<(), Problem<'a>>
    where
        Self: 'a,
    {
        match shape {
            Shape::Named(name) => match self.0.schema(name) {
                Some(schema) => self.check(&schema.shape, value),
                None => Ok(()),
            },
            Shape::List(item) => {
                let items = value.as_array().ok_or_else(|| self.wrong(shape))?;
                items.iter().enumerate().try_for_each(|(index, value)| {
                    let checked = self.check(item, value);
                    checked.map_err(|problem| problem.within(Step::Item(index)))
                })
            }
            Shape::Map(item) => {
                let object = value.as_object().ok_or_else(|| self.wrong(shape))?;
                object.iter().try_for_each(|(name, value)| {
                    let checked = self.check(item, value);
                    checked.map_err(|problem| problem.within(Step::Member(name)))
                })
            }
            Shape::Object(members) => {
                let object = value.as_object().ok_or_else(|| self.wrong(shape))?;
                members
                    .iter()
                    .try_for_each(|member| self.check_member(member, object))
            }
            Shape::Either(shapes) => {
                let fits = |shape| self.check(shape, value).is_ok();
                if shapes.iter().any(fits) {
                    Ok(())
                } else {
                    Err(self.wrong(shape))
                }
            }
            plain if is_plain(plain, value) => Ok(()),
            other => Err(self.wrong(other)),
        }
    }

    /// An absent member counts as `null`.
    fn check_member<'a>(
        &self,
        member: &'a Member,
        object: &'a Map<String, Value>,
    ) -> Result<(), Problem<'a>>
    where
        Self: 'a,
    {
        if self.0.is_read_only(member) {
            return Ok(());
        }
        let checked = match object.get(member.name) {
            Some(value) if !value.is_null() => self.check(&member.shape, value),
            _ if member.required => Err(Problem::new("is missing")),
            _ => Ok(()),
        };
        checked.map_err(|problem| problem.within(Step::Member(member.name)))
    }

    fn wrong<'a>(&self, shape: &Shape) -> Problem<'a> {
        Problem::new(format!("must be {}", self.describe(shape)))
    }

    /// Describes the values of a shape in words.
    fn describe(&self, shape: &Shape) -> String {
        match shape {
            Shape::Any => "anything".to_owned(),
            Shape::Boolean => "true or false".to_owned(),
            Shape::Number => "a number".to_owned(),
            Shape::Integer { least, most } => match (least, most) {
                (None, None) => "a whole number".to_owned(),
                (Some(least), None) => format!("a whole number from {least} up"),
                (None, Some(most)) => format!("a whole number up to {most}"),
                (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
            },
            Shape::Text { most: None } => "a string".to_owned(),
            Shape::Text { most: Some(most) } => format!("a string of at most {most} characters"),
            Shape::Pattern(pattern) => format!("a string that matches {pattern}"),
            Shape::Choice(words) => format!("one of {}", words.join(", ")),
            Shape::List(_) => "a list".to_owned(),
            Shape::Map(_) | Shape::Object(_) => "an object".to_owned(),
            Shape::Named(name) => self
                .0
                .schema(name)
                .map_or_else(String::new, |schema| self.describe(&schema.shape)),
            Shape::Either(shapes) => {
                let shapes: Vec<_> = shapes.iter().map(|shape| self.describe(shape)).collect();
                shapes.join(" or ")
            }
        }
    }
}

/// Returns `true` if a value has a shape that has no parts.
fn is_plain(shape: &Shape, value: &Value) -> bool {
    match shape {
        Shape::Any => true,
        Shape::Boolean => value.is_boolean(),
        Shape::Number => value.is_number(),
        Shape::Integer { least, most } => value.as_i64().is_some_and(|number| {
            least.is_none_or(|least| least <= number) && most.is_none_or(|most| number <= most)
        }),
        Shape::Text { most } => value
            .as_str()
            .is_some_and(|text| most.is_none_or(|most| text.chars().count() <= most)),
        Shape::Pattern(pattern) => value.as_str().is_some_and(|text| pattern.fits(text)),
        Shape::Choice(words) => value.as_str().is_some_and(|text| words.contains(&text)),
        _ => false,
    }
}

/// Removes the members that the server does not accept from a client: its own, and those that are
/// `null` unless that clears them.
pub(super) fn strip(facts: &Facts, shape: &Shape, value: &mut Value) {
    match (shape, value) {
        (Shape::Named(name), value) => {
            if let Some(schema) = facts.schema(name) {
                strip(facts, &schema.shape, value);
            }
        }
        (Shape::List(item), Value::Array(items)) => {
            items.iter_mut().for_each(|value| strip(facts, item, value));
        }
        (Shape::Map(item), Value::Object(object)) => {
            object
                .values_mut()
                .for_each(|value| strip(facts, item, value));
        }
        (Shape::Object(members), Value::Object(object)) => {
            for member in members {
                if facts.is_read_only(member) {
                    object.remove(member.name);
                }
                match object.get_mut(member.name) {
                    Some(Value::Null) if !member.clearable => {
                        object.remove(member.name);
                    }
                    Some(value) => strip(facts, &member.shape, value),
                    None => {}
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
