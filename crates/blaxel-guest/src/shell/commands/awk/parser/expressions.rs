//! The parser of expressions, from the operators that bind least to those that bind most.

use super::{Parsed, Parser};
use crate::shell::commands::awk::lexer::Token;
use crate::shell::commands::awk::syntax::{Comparison, Expression, Place};
use crate::shell::commands::regex;

/// The functions, all of them built in.
const FUNCTIONS: &[&str] = &[
    "gsub", "index", "int", "length", "match", "split", "sprintf", "sqrt", "sub", "substr",
    "tolower", "toupper",
];

impl Parser {
    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        self.descend()?;
        let expression = self.assignment();
        self.depth -= 1;
        expression
    }

    fn assignment(&mut self) -> Parsed<Expression> {
        let left = self.choice()?;
        let operator = match self.peek() {
            Some(Token::Sign("=")) => None,
            Some(Token::Sign("+=")) => Some('+'),
            Some(Token::Sign("-=")) => Some('-'),
            Some(Token::Sign("*=")) => Some('*'),
            Some(Token::Sign("/=")) => Some('/'),
            Some(Token::Sign("%=")) => Some('%'),
            Some(Token::Sign("^=" | "**=")) => Some('^'),
            _ => return Ok(left),
        };
        let Expression::Place(place) = left else {
            return Err(self.error());
        };
        self.at += 1;
        self.skip_newlines();
        let value = self.expression()?;
        Ok(Expression::Assign(place, operator, Box::new(value)))
    }

    fn choice(&mut self) -> Parsed<Expression> {
        let condition = self.or()?;
        if !self.accept("?") {
            return Ok(condition);
        }
        self.skip_newlines();
        let yes = self.expression()?;
        self.skip_newlines();
        self.expect(":")?;
        self.skip_newlines();
        let no = self.expression()?;
        Ok(Expression::Choose(
            Box::new(condition),
            Box::new(yes),
            Box::new(no),
        ))
    }

    fn or(&mut self) -> Parsed<Expression> {
        let mut left = self.and()?;
        while self.accept("||") {
            self.skip_newlines();
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expression> {
        let mut left = self.membership()?;
        while self.accept("&&") {
            self.skip_newlines();
            left = Expression::And(Box::new(left), Box::new(self.membership()?));
        }
        Ok(left)
    }

    fn membership(&mut self) -> Parsed<Expression> {
        let mut left = self.matching()?;
        while self.accept_word("in") {
            let index = match left {
                Expression::Group(values) => values,
                single => vec![single],
            };
            left = Expression::Contains(self.name()?, index);
        }
        Ok(left)
    }

    fn matching(&mut self) -> Parsed<Expression> {
        let mut left = self.comparison()?;
        loop {
            let is_negated = self.is_at("!~");
            if !is_negated && !self.is_at("~") {
                return Ok(left);
            }
            self.at += 1;
            left = Expression::Match {
                text: Box::new(left),
                pattern: Box::new(self.comparison()?),
                is_negated,
            };
        }
    }

    fn comparison(&mut self) -> Parsed<Expression> {
        let left = self.joined()?;
        let comparison = match self.peek() {
            Some(Token::Sign("<")) => Comparison::Less,
            Some(Token::Sign("<=")) => Comparison::LessOrEqual,
            Some(Token::Sign("==")) => Comparison::Equal,
            Some(Token::Sign("!=")) => Comparison::NotEqual,
            Some(Token::Sign(">")) if !self.is_printing => Comparison::Greater,
            Some(Token::Sign(">=")) => Comparison::GreaterOrEqual,
            _ => return Ok(left),
        };
        self.at += 1;
        let right = self.joined()?;
        Ok(Expression::Compare(
            comparison,
            Box::new(left),
            Box::new(right),
        ))
    }

    /// Parses operands that stand next to each other, which are joined.
    fn joined(&mut self) -> Parsed<Expression> {
        let mut left = self.sum()?;
        while self.starts_operand() {
            left = Expression::Join(Box::new(left), Box::new(self.sum()?));
        }
        Ok(left)
    }

    fn starts_operand(&self) -> bool {
        match self.peek() {
            Some(Token::Number(_) | Token::Text(_) | Token::Regex(_) | Token::Call(_)) => true,
            Some(Token::Name(name)) => name != "in",
            Some(Token::Sign(sign)) => matches!(*sign, "$" | "!" | "(" | "-" | "+" | "++" | "--"),
            _ => false,
        }
    }

    fn sum(&mut self) -> Parsed<Expression> {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Some(Token::Sign("+")) => '+',
                Some(Token::Sign("-")) => '-',
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expression::Calculate(operator, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Parsed<Expression> {
        let mut left = self.sign()?;
        loop {
            let operator = match self.peek() {
                Some(Token::Sign("*")) => '*',
                Some(Token::Sign("/")) => '/',
                Some(Token::Sign("%")) => '%',
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expression::Calculate(operator, Box::new(left), Box::new(self.sign()?));
        }
    }

    fn sign(&mut self) -> Parsed<Expression> {
        self.descend()?;
        let signed = if self.accept("!") {
            self.sign().map(|value| Expression::Not(Box::new(value)))
        } else if self.accept("-") {
            self.sign()
                .map(|value| Expression::Negative(Box::new(value)))
        } else if self.accept("+") {
            self.sign()
                .map(|value| Expression::Positive(Box::new(value)))
        } else {
            self.power()
        };
        self.depth -= 1;
        signed
    }

    fn power(&mut self) -> Parsed<Expression> {
        let base = self.stepped()?;
        if !self.accept("^") && !self.accept("**") {
            return Ok(base);
        }
        let exponent = self.sign()?;
        Ok(Expression::Calculate(
            '^',
            Box::new(base),
            Box::new(exponent),
        ))
    }

    fn stepped(&mut self) -> Parsed<Expression> {
        for (sign, by) in [("++", 1.0), ("--", -1.0)] {
            if self.accept(sign) {
                let Expression::Place(place) = self.primary()? else {
                    return Err(self.error());
                };
                return Ok(Expression::Step {
                    place,
                    by,
                    is_prefix: true,
                });
            }
        }
        let value = self.primary()?;
        let by = match self.peek() {
            Some(Token::Sign("++")) => 1.0,
            Some(Token::Sign("--")) => -1.0,
            _ => return Ok(value),
        };
        match value {
            Expression::Place(place) => {
                self.at += 1;
                Ok(Expression::Step {
                    place,
                    by,
                    is_prefix: false,
                })
            }
            other => Ok(other),
        }
    }

    fn primary(&mut self) -> Parsed<Expression> {
        let Some(token) = self.peek().cloned() else {
            return Err(self.error());
        };
        match token {
            Token::Number(number) => {
                self.at += 1;
                Ok(Expression::Number(number))
            }
            Token::Text(text) => {
                self.at += 1;
                Ok(Expression::Text(text))
            }
            Token::Regex(text) => {
                self.at += 1;
                let regex = regex::compile(&text, true, false);
                let malformed = || format!("regular expression compile failed: /{text}/");
                Ok(Expression::Regex(regex.ok_or_else(malformed)?))
            }
            Token::Sign("$") => {
                self.at += 1;
                self.descend()?;
                let field = match self.accept("-") {
                    true => Expression::Negative(Box::new(self.primary()?)),
                    false => self.stepped_field()?,
                };
                self.depth -= 1;
                Ok(Expression::Place(Place::Field(Box::new(field))))
            }
            Token::Sign("(") => {
                self.at += 1;
                let values = self.list(")")?;
                match values.is_empty() {
                    true => Err(self.error()),
                    false => Ok(Expression::Group(values)),
                }
            }
            Token::Call(name) => self.call(name),
            Token::Name(name) if name == "length" => {
                self.at += 1;
                Ok(Expression::Call(name, Vec::new()))
            }
            Token::Name(name) if name == "getline" => self.missing("getline"),
            Token::Name(name) => {
                self.at += 1;
                let place = match self.peek() == Some(&Token::Sign("[")) {
                    true => {
                        self.at += 1;
                        Place::Element(name, self.list("]")?)
                    }
                    false => Place::Variable(name),
                };
                Ok(Expression::Place(place))
            }
            _ => Err(self.error()),
        }
    }

    /// Parses the number of a field: `$i++` changes the field, `$++i` the number.
    fn stepped_field(&mut self) -> Parsed<Expression> {
        match self.is_at("++") || self.is_at("--") {
            true => self.stepped(),
            false => self.primary(),
        }
    }

    fn call(&mut self, name: String) -> Parsed<Expression> {
        if self.peek_second() != Some(&Token::Sign("(")) || !FUNCTIONS.contains(&name.as_str()) {
            return self.missing(&format!("the function {name}"));
        }
        self.at += 2;
        let arguments = self.list(")")?;
        let count = arguments.len();
        let is_right = match name.as_str() {
            "length" => count <= 1,
            "int" | "sqrt" | "tolower" | "toupper" => count == 1,
            "index" | "match" => count == 2,
            "substr" | "split" | "sub" | "gsub" => count == 2 || count == 3,
            _ => count >= 1,
        };
        match is_right {
            true => Ok(Expression::Call(name, arguments)),
            false => Err(format!("wrong number of arguments in call to {name}")),
        }
    }
}
