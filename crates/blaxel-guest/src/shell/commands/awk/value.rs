//! The values of `awk` programs.

use std::cmp::Ordering;

use super::lexer::number_length;
use super::syntax::Comparison;
use crate::shell::format::format;

#[derive(Clone, Debug, Default)]
pub(super) enum Value {
    #[default]
    Unset,
    Number(f64),
    Text(String),
    /// A text of the input. It is compared as a number if it looks like one.
    Input(String),
}

impl Value {
    pub(super) fn of(is_true: bool) -> Self {
        Self::Number(f64::from(u8::from(is_true)))
    }

    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Unset => 0.0,
            Self::Number(number) => *number,
            Self::Text(text) | Self::Input(text) => leading_number(text).0,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Unset => String::new(),
            Self::Number(number) => shown(*number),
            Self::Text(text) | Self::Input(text) => text.clone(),
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Unset => false,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Input(text) => match leading_number(text) {
                (number, true) => number != 0.0,
                (_, false) => !text.is_empty(),
            },
        }
    }

    fn is_number(&self) -> bool {
        match self {
            Self::Unset | Self::Number(_) => true,
            Self::Text(_) => false,
            Self::Input(text) => leading_number(text).1,
        }
    }

    pub(super) fn compares(&self, comparison: Comparison, other: &Self) -> bool {
        let order = match self.is_number() && other.is_number() {
            true => self.number().partial_cmp(&other.number()),
            false => Some(self.text().cmp(&other.text())),
        };
        match comparison {
            Comparison::Less => order == Some(Ordering::Less),
            Comparison::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Comparison::Equal => order == Some(Ordering::Equal),
            Comparison::NotEqual => order != Some(Ordering::Equal),
            Comparison::Greater => order == Some(Ordering::Greater),
            Comparison::GreaterOrEqual => {
                matches!(order, Some(Ordering::Greater | Ordering::Equal))
            }
        }
    }
}

/// Returns a number as it is printed: whole ones in full, others with six digits.
fn shown(number: f64) -> String {
    if number == number.trunc() && number.abs() < 1e16 {
        // A negative zero has no sign.
        return format!("{:.0}", number + 0.0);
    }
    let (bytes, _) = format("%.6g", &[number.to_string()]);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns the number at the beginning of a text, and `true` if nothing but blanks is around it.
fn leading_number(text: &str) -> (f64, bool) {
    let trimmed = text.trim_start();
    let (sign, digits) = match trimmed.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let length = number_length(digits);
    let (number, rest) = digits.split_at(length.min(digits.len()));
    match number.parse::<f64>() {
        Ok(number) => (sign * number, rest.trim().is_empty()),
        Err(_) => (0.0, false),
    }
}
