//! Running `awk` programs.

use std::collections::{BTreeMap, HashMap};

use regex_lite::Regex;

use super::fields::{Fields, Separator};
use super::syntax::{Expression, Pattern, Place, Rule, Statement};
use super::value::Value;
use crate::shell::TEXT_LIMIT;
use crate::shell::commands::regex;

/// The steps of a program for one record.
const MAX_STEPS: usize = 1 << 22;

/// The state of a program.
pub(super) struct Machine {
    pub(super) variables: HashMap<String, Value>,
    pub(super) arrays: HashMap<String, BTreeMap<String, Value>>,
    pub(super) fields: Fields,
    pub(super) output: Vec<u8>,
    pub(super) errors: Vec<u8>,
    pub(super) status: i32,
    regexes: HashMap<String, Regex>,
    /// The rules that are between their two patterns.
    open: Vec<usize>,
    steps: usize,
}

/// The reason why statements do not go on to the next one.
pub(super) enum Leave {
    Next,
    Break,
    Continue,
    Exit,
    Failed(String),
}

type Run<T> = Result<T, Leave>;

/// The variables that exist before a program sets them.
const VARIABLES: &[(&str, &str)] = &[
    ("FS", " "),
    ("OFS", " "),
    ("ORS", "\n"),
    ("SUBSEP", "\u{1c}"),
];

impl Machine {
    pub(super) fn new() -> Self {
        let texts = VARIABLES.iter();
        let texts = texts.map(|(name, text)| ((*name).to_owned(), Value::Text((*text).to_owned())));
        let mut variables: HashMap<String, Value> = texts.collect();
        for name in ["NR", "FNR"] {
            variables.insert(name.to_owned(), Value::Number(0.0));
        }
        Self {
            variables,
            arrays: HashMap::new(),
            fields: Fields::default(),
            output: Vec::new(),
            errors: Vec::new(),
            status: 0,
            regexes: HashMap::new(),
            open: Vec::new(),
            steps: 0,
        }
    }

    /// Runs the rules of the beginning, or of the end.
    pub(super) fn run_special(&mut self, rules: &[Rule], is_end: bool) -> Run<()> {
        self.steps = 0;
        for rule in rules {
            let is_wanted = match rule.pattern {
                Pattern::Begin => !is_end,
                Pattern::End => is_end,
                _ => false,
            };
            if is_wanted {
                self.block(rule.action.as_deref().unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// Runs the rules for a record.
    pub(super) fn run_record(&mut self, rules: &[Rule], record: &str) -> Run<()> {
        self.steps = 0;
        let separator = self.separator(&self.text_of("FS"))?;
        self.fields.read(record.to_owned(), &separator);
        for (index, rule) in rules.iter().enumerate() {
            let matches = match &rule.pattern {
                Pattern::Begin | Pattern::End => false,
                Pattern::Always => true,
                Pattern::When(condition) => self.value(condition)?.is_true(),
                Pattern::Between(from, to) => {
                    let is_open = self.open.contains(&index) || self.value(from)?.is_true();
                    self.open.retain(|open| *open != index);
                    if is_open && !self.value(to)?.is_true() {
                        self.open.push(index);
                    }
                    is_open
                }
            };
            if !matches {
                continue;
            }
            match &rule.action {
                None => self.print(self.fields.record().to_owned())?,
                Some(action) => match self.block(action) {
                    Err(Leave::Next) => return Ok(()),
                    end => end?,
                },
            }
        }
        Ok(())
    }

    fn print(&mut self, mut text: String) -> Run<()> {
        text.push_str(&self.text_of("ORS"));
        self.write(&text, false)
    }

    fn write(&mut self, text: &str, to_stderr: bool) -> Run<()> {
        let output = match to_stderr {
            true => &mut self.errors,
            false => &mut self.output,
        };
        output.extend_from_slice(text.as_bytes());
        match output.len() > TEXT_LIMIT {
            true => Err(Leave::Failed("too much output".to_owned())),
            false => Ok(()),
        }
    }

    fn block(&mut self, statements: &[Statement]) -> Run<()> {
        statements
            .iter()
            .try_for_each(|statement| self.statement(statement))
    }

    fn step(&mut self) -> Run<()> {
        self.steps += 1;
        match self.steps > MAX_STEPS {
            true => Err(Leave::Failed("the program does not end".to_owned())),
            false => Ok(()),
        }
    }

    fn statement(&mut self, statement: &Statement) -> Run<()> {
        self.step()?;
        match statement {
            Statement::Expression(expression) => self.value(expression).map(drop),
            Statement::Print {
                values,
                is_formatted,
                to_stderr,
            } => {
                let values = self.values(values)?;
                let text = match (is_formatted, values.split_first()) {
                    (true, Some((format, values))) => {
                        super::printf::sprintf(&format.text(), values)
                    }
                    _ => {
                        let texts: Vec<String> = values.iter().map(Value::text).collect();
                        let text = match texts.is_empty() {
                            true => self.fields.record().to_owned(),
                            false => texts.join(&self.text_of("OFS")),
                        };
                        text + &self.text_of("ORS")
                    }
                };
                self.write(&text, *to_stderr)
            }
            Statement::If(condition, then, otherwise) => {
                match (self.value(condition)?.is_true(), otherwise) {
                    (true, _) => self.statement(then),
                    (false, Some(otherwise)) => self.statement(otherwise),
                    (false, None) => Ok(()),
                }
            }
            Statement::While {
                condition,
                step,
                body,
                checks_first,
            } => {
                let mut is_checked = *checks_first;
                loop {
                    if let (true, Some(condition)) = (is_checked, condition)
                        && !self.value(condition)?.is_true()
                    {
                        return Ok(());
                    }
                    is_checked = true;
                    match self.statement(body) {
                        Err(Leave::Break) => return Ok(()),
                        Ok(()) | Err(Leave::Continue) => {}
                        end => return end,
                    }
                    if let Some(step) = step {
                        self.statement(step)?;
                    }
                }
            }
            Statement::Each {
                variable,
                array,
                body,
            } => {
                let array = self.arrays.get(array);
                let keys: Vec<String> = array
                    .into_iter()
                    .flat_map(BTreeMap::keys)
                    .cloned()
                    .collect();
                for key in keys {
                    self.set_variable(variable, Value::Input(key))?;
                    match self.statement(body) {
                        Err(Leave::Break) => return Ok(()),
                        Ok(()) | Err(Leave::Continue) => {}
                        end => return end,
                    }
                }
                Ok(())
            }
            Statement::Block(statements) => self.block(statements),
            Statement::Delete(name, None) => {
                self.arrays.remove(name);
                Ok(())
            }
            Statement::Delete(name, Some(index)) => {
                let key = self.key(index)?;
                if let Some(array) = self.arrays.get_mut(name) {
                    array.remove(&key);
                }
                Ok(())
            }
            Statement::Next => Err(Leave::Next),
            Statement::Break => Err(Leave::Break),
            Statement::Continue => Err(Leave::Continue),
            Statement::Exit(status) => {
                if let Some(status) = status {
                    // Only the low byte counts.
                    self.status = (self.value(status)?.number() as i64 & 0xff) as i32;
                }
                Err(Leave::Exit)
            }
        }
    }

    pub(super) fn values(&mut self, expressions: &[Expression]) -> Run<Vec<Value>> {
        expressions
            .iter()
            .map(|expression| self.value(expression))
            .collect()
    }

    pub(super) fn value(&mut self, expression: &Expression) -> Run<Value> {
        self.step()?;
        Ok(match expression {
            Expression::Number(number) => Value::Number(*number),
            Expression::Text(text) => Value::Text(text.clone()),
            Expression::Regex(regex) => Value::of(regex.is_match(self.fields.record())),
            Expression::Place(place) => self.get(place)?,
            Expression::Assign(place, operator, value) => {
                let value = self.value(value)?;
                let value = match operator {
                    None => value,
                    Some(operator) => {
                        let before = self.get(place)?.number();
                        Value::Number(calculate(*operator, before, value.number())?)
                    }
                };
                self.set(place, value.clone())?;
                value
            }
            Expression::Step {
                place,
                by,
                is_prefix,
            } => {
                let before = self.get(place)?.number();
                self.set(place, Value::Number(before + by))?;
                Value::Number(if *is_prefix { before + by } else { before })
            }
            Expression::Not(value) => Value::of(!self.value(value)?.is_true()),
            Expression::Negative(value) => Value::Number(-self.value(value)?.number()),
            Expression::Positive(value) => Value::Number(self.value(value)?.number()),
            Expression::Calculate(operator, left, right) => {
                let (left, right) = (self.value(left)?.number(), self.value(right)?.number());
                Value::Number(calculate(*operator, left, right)?)
            }
            Expression::Compare(comparison, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                Value::of(left.compares(*comparison, &right))
            }
            Expression::Match {
                text,
                pattern,
                is_negated,
            } => {
                let text = self.value(text)?.text();
                let regex = self.regex(pattern)?;
                Value::of(regex.is_match(&text) != *is_negated)
            }
            Expression::And(left, right) => {
                Value::of(self.value(left)?.is_true() && self.value(right)?.is_true())
            }
            Expression::Or(left, right) => {
                Value::of(self.value(left)?.is_true() || self.value(right)?.is_true())
            }
            Expression::Choose(condition, yes, no) => match self.value(condition)?.is_true() {
                true => self.value(yes)?,
                false => self.value(no)?,
            },
            Expression::Join(left, right) => {
                let text = self.value(left)?.text() + &self.value(right)?.text();
                if text.len() > TEXT_LIMIT {
                    return Err(Leave::Failed("a text is too long".to_owned()));
                }
                Value::Text(text)
            }
            Expression::Contains(array, index) => {
                let key = self.key(index)?;
                let array = self.arrays.get(array);
                Value::of(array.is_some_and(|array| array.contains_key(&key)))
            }
            Expression::Call(name, arguments) => self.call(name, arguments)?,
            Expression::Group(values) => match values.as_slice() {
                [single] => self.value(single)?,
                _ => return Err(Leave::Failed("a list is not a value".to_owned())),
            },
        })
    }

    /// Returns the expression that a text or a pattern stands for.
    pub(super) fn regex(&mut self, pattern: &Expression) -> Run<Regex> {
        if let Expression::Regex(regex) = pattern {
            return Ok(regex.clone());
        }
        let text = self.value(pattern)?.text();
        self.compiled(&text)
    }

    fn compiled(&mut self, text: &str) -> Run<Regex> {
        if let Some(regex) = self.regexes.get(text) {
            return Ok(regex.clone());
        }
        let malformed = || Leave::Failed(format!("regular expression compile failed: /{text}/"));
        let regex = regex::compile(text, true, false).ok_or_else(malformed)?;
        self.regexes.insert(text.to_owned(), regex.clone());
        Ok(regex)
    }

    /// Returns the separator that a text such as the value of `FS` describes.
    pub(super) fn separator(&mut self, text: &str) -> Run<Separator> {
        Ok(match text {
            " " => Separator::Blanks,
            single if single.chars().count() == 1 && single != "\\" => {
                Separator::Text(single.to_owned())
            }
            text => Separator::Regex(self.compiled(text)?),
        })
    }

    pub(super) fn text_of(&self, variable: &str) -> String {
        self.variables
            .get(variable)
            .map(Value::text)
            .unwrap_or_default()
    }

    fn key(&mut self, index: &[Expression]) -> Run<String> {
        let values = self.values(index)?;
        let texts: Vec<String> = values.iter().map(Value::text).collect();
        Ok(texts.join(&self.text_of("SUBSEP")))
    }

    fn field(&mut self, number: &Expression) -> Run<usize> {
        let number = self.value(number)?.number();
        match number < 0.0 {
            true => Err(Leave::Failed(format!("negative field index ${number}"))),
            // Fields beyond the largest number do not exist.
            false => Ok(number as usize),
        }
    }

    pub(super) fn get(&mut self, place: &Place) -> Run<Value> {
        Ok(match place {
            Place::Field(number) => {
                let number = self.field(number)?;
                self.fields.get(number)
            }
            Place::Variable(name) if name == "NF" => Value::Number(self.fields.count() as f64),
            Place::Variable(name) => self.variables.get(name).cloned().unwrap_or_default(),
            Place::Element(name, index) => {
                let key = self.key(index)?;
                let array = self.arrays.entry(name.clone()).or_default();
                // Looking at an element creates it.
                array.entry(key).or_default().clone()
            }
        })
    }

    pub(super) fn set(&mut self, place: &Place, value: Value) -> Run<()> {
        match place {
            Place::Variable(name) => self.set_variable(name, value),
            Place::Element(name, index) => {
                let key = self.key(index)?;
                self.arrays
                    .entry(name.clone())
                    .or_default()
                    .insert(key, value);
                Ok(())
            }
            Place::Field(number) => match self.field(number)? {
                0 => {
                    let separator = self.separator(&self.text_of("FS"))?;
                    self.fields.read(value.text(), &separator);
                    Ok(())
                }
                number => {
                    let joiner = self.text_of("OFS");
                    self.fields.set(number, value, &joiner);
                    Ok(())
                }
            },
        }
    }

    pub(super) fn set_variable(&mut self, name: &str, value: Value) -> Run<()> {
        if name == "NF" {
            let joiner = self.text_of("OFS");
            self.fields
                .set_count(value.number().max(0.0) as usize, &joiner);
            return Ok(());
        }
        self.variables.insert(name.to_owned(), value);
        Ok(())
    }
}

fn calculate(operator: char, left: f64, right: f64) -> Run<f64> {
    Ok(match operator {
        '+' => left + right,
        '-' => left - right,
        '*' => left * right,
        '/' | '%' if right == 0.0 => {
            return Err(Leave::Failed("division by zero".to_owned()));
        }
        '/' => left / right,
        '%' => left % right,
        _ => left.powf(right),
    })
}
