//! The syntax tree of `awk` programs.

use regex_lite::Regex;

/// A pattern and what is done for the records that match it.
pub(super) struct Rule {
    pub(super) pattern: Pattern,
    /// `None` prints the record.
    pub(super) action: Option<Vec<Statement>>,
}

pub(super) enum Pattern {
    Begin,
    End,
    Always,
    When(Expression),
    /// All records from one that matches the first expression to one that matches the second.
    Between(Expression, Expression),
}

pub(super) enum Statement {
    Expression(Expression),
    Print {
        values: Vec<Expression>,
        is_formatted: bool,
        to_stderr: bool,
    },
    If(Expression, Box<Statement>, Option<Box<Statement>>),
    /// A loop: the condition is checked before each round, or after it.
    While {
        condition: Option<Expression>,
        step: Option<Box<Statement>>,
        body: Box<Statement>,
        checks_first: bool,
    },
    Each {
        variable: String,
        array: String,
        body: Box<Statement>,
    },
    Block(Vec<Statement>),
    Delete(String, Option<Vec<Expression>>),
    Next,
    Break,
    Continue,
    Exit(Option<Expression>),
}

pub(super) enum Expression {
    Number(f64),
    Text(String),
    Regex(Regex),
    Place(Place),
    Assign(Place, Option<char>, Box<Expression>),
    /// `++` and `--`.
    Step {
        place: Place,
        by: f64,
        is_prefix: bool,
    },
    Not(Box<Expression>),
    Negative(Box<Expression>),
    Positive(Box<Expression>),
    Calculate(char, Box<Expression>, Box<Expression>),
    Compare(Comparison, Box<Expression>, Box<Expression>),
    Match {
        text: Box<Expression>,
        pattern: Box<Expression>,
        is_negated: bool,
    },
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Choose(Box<Expression>, Box<Expression>, Box<Expression>),
    Join(Box<Expression>, Box<Expression>),
    Contains(String, Vec<Expression>),
    Call(String, Vec<Expression>),
    /// Expressions in parentheses.
    Group(Vec<Expression>),
}

/// Something that can be assigned to.
pub(super) enum Place {
    Field(Box<Expression>),
    Variable(String),
    Element(String, Vec<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
}
