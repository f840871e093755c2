//! Arithmetic of the shell: whole numbers of 64 bits.

use super::parser::is_name;

/// The depth of nested expressions.
const MAX_DEPTH: usize = 64;

/// The variables of an expression.
pub(crate) trait Variables {
    /// Returns the value of a variable; empty if it is not set.
    fn get(&self, name: &str) -> String;
    fn set(&mut self, name: &str, value: i64);
}

/// Evaluates an expression. The error is the message of the shell.
pub(crate) fn evaluate(text: &str, variables: &mut impl Variables) -> Result<i64, String> {
    let mut evaluator = Evaluator {
        text,
        rest: text,
        variables,
        depth: 0,
        skipped: 0,
    };
    if text.trim().is_empty() {
        return Ok(0);
    }
    let value = evaluator.comma()?;
    match evaluator.next() {
        "" => Ok(value),
        _ => Err(evaluator.expecting("EOF")),
    }
}

struct Evaluator<'a, V> {
    text: &'a str,
    rest: &'a str,
    variables: &'a mut V,
    depth: usize,
    /// The number of operators around whose operand does not count, as in `0 && (x = 1)`.
    skipped: usize,
}

/// The binary operators by their precedence, the weakest first.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];
const ASSIGNMENTS: [&str; 11] = [
    "<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "=",
];

impl<'a, V: Variables> Evaluator<'a, V> {
    fn next(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    fn accept(&mut self, text: &str) -> bool {
        match self.next().strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expecting(&self, what: &str) -> String {
        format!("arithmetic expression: expecting {what}: \"{}\"", self.text)
    }

    fn comma(&mut self) -> Result<i64, String> {
        let mut value = self.assignment()?;
        while self.accept(",") {
            value = self.assignment()?;
        }
        Ok(value)
    }

    fn assignment(&mut self) -> Result<i64, String> {
        if self.depth >= MAX_DEPTH {
            return Err(self.expecting("fewer parentheses"));
        }
        self.depth += 1;
        let value = self.assignment_unchecked();
        self.depth -= 1;
        value
    }

    fn assignment_unchecked(&mut self) -> Result<i64, String> {
        let start = self.next();
        if let Some(name) = self.name() {
            let after = self.next();
            let operator = ASSIGNMENTS.iter().find(|op| after.starts_with(**op));
            if let Some(operator) = operator
                && !after.starts_with("==")
            {
                self.accept(operator);
                let right = self.assignment()?;
                let value = match operator.strip_suffix('=') {
                    Some("") | None => right,
                    Some(operator) => self.binary(operator, self.value(name)?, right)?,
                };
                if self.skipped == 0 {
                    self.variables.set(name, value);
                }
                return Ok(value);
            }
            self.rest = start;
        }
        self.conditional()
    }

    fn conditional(&mut self) -> Result<i64, String> {
        let condition = self.level(0)?;
        if !self.accept("?") {
            return Ok(condition);
        }
        let yes = self.skipping(condition == 0, Self::assignment)?;
        if !self.accept(":") {
            return Err(self.expecting("':'"));
        }
        let no = self.skipping(condition != 0, Self::assignment)?;
        Ok(if condition == 0 { no } else { yes })
    }

    fn skipping(
        &mut self,
        is_skipped: bool,
        evaluate: impl FnOnce(&mut Self) -> Result<i64, String>,
    ) -> Result<i64, String> {
        self.skipped += usize::from(is_skipped);
        let value = evaluate(self);
        self.skipped -= usize::from(is_skipped);
        value
    }

    fn level(&mut self, level: usize) -> Result<i64, String> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.level(level + 1)?;
        loop {
            let rest = self.next();
            let found = operators.iter().find(|op| {
                let Some(after) = rest.strip_prefix(**op) else {
                    return false;
                };
                // `a & b` is not `a && b`, and `a < b` neither `a << b` nor `a <= b`.
                let is_longer = match **op {
                    "|" => after.starts_with('|'),
                    "&" => after.starts_with('&'),
                    "<" => after.starts_with('<'),
                    ">" => after.starts_with('>'),
                    _ => false,
                };
                let is_assignment =
                    after.starts_with('=') && !matches!(**op, "==" | "!=" | "<=" | ">=");
                !is_longer && !is_assignment
            });
            let Some(operator) = found else {
                return Ok(left);
            };
            self.accept(operator);
            let is_skipped = match *operator {
                "||" => left != 0,
                "&&" => left == 0,
                _ => false,
            };
            let right = self.skipping(is_skipped, |this| this.level(level + 1))?;
            left = self.binary(operator, left, right)?;
        }
    }

    fn binary(&self, operator: &str, left: i64, right: i64) -> Result<i64, String> {
        let shift = u32::try_from(right & 63).unwrap_or(0);
        Ok(match operator {
            "||" => i64::from(left != 0 || right != 0),
            "&&" => i64::from(left != 0 && right != 0),
            "|" => left | right,
            "^" => left ^ right,
            "&" => left & right,
            "==" => i64::from(left == right),
            "!=" => i64::from(left != right),
            "<=" => i64::from(left <= right),
            ">=" => i64::from(left >= right),
            "<" => i64::from(left < right),
            ">" => i64::from(left > right),
            "<<" => left.wrapping_shl(shift),
            ">>" => left.wrapping_shr(shift),
            "+" => left.wrapping_add(right),
            "-" => left.wrapping_sub(right),
            "*" => left.wrapping_mul(right),
            _ if right == 0 && self.skipped > 0 => 0,
            _ if right == 0 => {
                return Err(format!(
                    "arithmetic expression: division by zero: \"{}\"",
                    self.text
                ));
            }
            "/" => left.wrapping_div(right),
            _ => left.wrapping_rem(right),
        })
    }

    fn unary(&mut self) -> Result<i64, String> {
        let mut operators = Vec::new();
        loop {
            let rest = self.next();
            match rest.bytes().next() {
                Some(operator @ (b'-' | b'+' | b'~')) => {
                    operators.push(operator);
                    self.rest = rest.get(1..).unwrap_or_default();
                }
                Some(b'!') if !rest.starts_with("!=") => {
                    operators.push(b'!');
                    self.rest = rest.get(1..).unwrap_or_default();
                }
                _ => break,
            }
        }
        let value = self.primary()?;
        Ok(operators.iter().rev().fold(value, |value, op| match op {
            b'-' => value.wrapping_neg(),
            b'~' => !value,
            b'!' => i64::from(value == 0),
            _ => value,
        }))
    }

    fn primary(&mut self) -> Result<i64, String> {
        if self.accept("(") {
            let value = self.comma()?;
            if !self.accept(")") {
                return Err(self.expecting("')'"));
            }
            return Ok(value);
        }
        if let Some(name) = self.name() {
            let value = self.value(name)?;
            for (operator, change) in [("++", 1), ("--", -1)] {
                if self.accept(operator) {
                    if self.skipped == 0 {
                        self.variables.set(name, value.wrapping_add(change));
                    }
                    return Ok(value);
                }
            }
            return Ok(value);
        }
        let rest = self.next();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let (digits, after) = rest.split_at(end);
        let value = number(digits).ok_or_else(|| self.expecting("primary"))?;
        self.rest = after;
        Ok(value)
    }

    fn name(&mut self) -> Option<&'a str> {
        let rest = self.next();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let name = rest.get(..end).filter(|name| is_name(name))?;
        self.rest = rest.get(end..).unwrap_or_default();
        Some(name)
    }

    fn value(&self, name: &str) -> Result<i64, String> {
        let text = self.variables.get(name);
        let text = text.trim();
        if text.is_empty() {
            return Ok(0);
        }
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let value = number(digits).ok_or_else(|| format!("Illegal number: {text}"))?;
        Ok(value.wrapping_mul(sign))
    }
}

/// Reads a decimal, octal or hexadecimal number.
fn number(digits: &str) -> Option<i64> {
    let lower = digits.to_ascii_lowercase();
    let (digits, radix) = match lower.strip_prefix("0x") {
        Some(hexadecimal) => (hexadecimal, 16),
        None if lower.len() > 1 && lower.starts_with('0') => (lower.get(1..)?, 8),
        None => (lower.as_str(), 10),
    };
    i64::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    impl Variables for BTreeMap<String, String> {
        fn get(&self, name: &str) -> String {
            BTreeMap::get(self, name).cloned().unwrap_or_default()
        }

        fn set(&mut self, name: &str, value: i64) {
            self.insert(name.to_owned(), value.to_string());
        }
    }

    #[test]
    fn expressions_have_the_values_of_c() {
        let mut variables = BTreeMap::from([("x".to_owned(), "5".to_owned())]);
        for (text, expected) in [
            ("", Ok(0)),
            ("1+2*3", Ok(7)),
            ("(1+2)*3", Ok(9)),
            ("10-2-3", Ok(5)),
            ("7/2, 7%3", Ok(1)),
            ("-x + +3", Ok(-2)),
            ("!0 + ~0", Ok(0)),
            ("1<<4 | 1", Ok(17)),
            ("3 > 2 && 2 >= 2", Ok(1)),
            ("0 && (x = 9)", Ok(0)),
            ("x == 5 ? 1 : 2", Ok(1)),
            ("y = x += 2", Ok(7)),
            ("x", Ok(7)),
            ("x++ + x", Ok(15)),
            ("0x1f + 010", Ok(39)),
            ("9223372036854775807 + 1", Ok(i64::MIN)),
            (
                "1/0",
                Err("arithmetic expression: division by zero: \"1/0\""),
            ),
            ("0 && 1/0", Ok(0)),
            (
                "1 +",
                Err("arithmetic expression: expecting primary: \"1 +\""),
            ),
            ("1 2", Err("arithmetic expression: expecting EOF: \"1 2\"")),
        ] {
            let value = evaluate(text, &mut variables);
            assert_eq!(value, expected.map_err(str::to_owned), "{text}");
        }
        let deep = "(".repeat(10_000);
        assert!(evaluate(&deep, &mut variables).is_err());
    }
}
