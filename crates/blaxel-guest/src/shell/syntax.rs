//! The syntax tree of a shell program.

use std::sync::{Arc, OnceLock};

/// The dialect of a shell: what it understands, and the words of its messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The POSIX shell of Debian.
    #[default]
    Dash,
    Bash,
}

/// Commands that run one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct List(pub(crate) Vec<Item>);

/// An element of a list.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) command: Arc<AndOr>,
    pub(crate) is_background: bool,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Clone, Debug)]
pub(crate) struct AndOr {
    pub(crate) first: Pipeline,
    pub(crate) rest: Vec<(Connector, Pipeline)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connector {
    And,
    Or,
}

/// Commands that run at the same time, each with the output of the one before as its input.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub(crate) is_negated: bool,
    pub(crate) commands: Vec<Command>,
}

#[derive(Clone, Debug)]
pub(crate) enum Command {
    Simple(Simple),
    Compound(Compound, Vec<Redirect>),
    Function(String, Arc<Command>),
}

/// A command with words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Simple {
    pub(crate) line: usize,
    pub(crate) assignments: Vec<(String, Word)>,
    pub(crate) words: Vec<Word>,
    pub(crate) redirects: Vec<Redirect>,
}

#[derive(Clone, Debug)]
pub(crate) enum Compound {
    Group(List),
    Subshell(List),
    If {
        branches: Vec<(List, List)>,
        otherwise: Option<List>,
    },
    While {
        is_until: bool,
        condition: List,
        body: List,
    },
    For {
        name: String,
        /// `None` stands for the positional parameters.
        words: Option<Vec<Word>>,
        body: List,
    },
    Case {
        subject: Word,
        arms: Vec<(Vec<Word>, List)>,
    },
    /// `[[ … ]]`
    Test {
        line: usize,
        words: Vec<Word>,
    },
    /// `(( … ))`
    Arithmetic {
        line: usize,
        expression: Word,
    },
}

/// A redirection of a file descriptor.
#[derive(Clone, Debug)]
pub(crate) struct Redirect {
    pub(crate) descriptor: Option<u32>,
    pub(crate) action: Action,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// `<`
    Read(Word),
    /// `>` and `>|`
    Write(Word),
    /// `>>`
    Append(Word),
    /// `<>`
    ReadWrite(Word),
    /// `>&` and `<&`
    Duplicate(Word),
    /// `&>` and `&>>`: standard output and standard error.
    Both(Word, bool),
    /// The body of a here-document, which is read after the line.
    Document(Arc<OnceLock<Word>>),
    /// `<<<`
    Text(Word),
}

/// A word before its expansion.
#[derive(Clone, Debug, Default)]
pub(crate) struct Word(pub(crate) Vec<Part>);

#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Unquoted text.
    Literal(String),
    /// Text in single quotes or after a backslash.
    Quoted(String),
    /// Parts in double quotes.
    Double(Vec<Part>),
    Parameter(Parameter),
    /// `$( … )` and backquotes.
    Substitution(Arc<List>),
    Arithmetic(Word),
    /// `~` and the name after it.
    Tilde(String),
}

/// `$name` and `${ … }`.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) operation: Operation,
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Value,
    /// `${#name}`
    Length,
    /// `-`, `=`, `?` or `+`, and whether an empty value counts as missing.
    Default {
        operator: char,
        or_empty: bool,
        word: Word,
    },
    /// `#`, `##`, `%`, `%%`
    Trim {
        is_suffix: bool,
        is_longest: bool,
        pattern: Word,
    },
    /// `${name:offset:length}`
    Slice {
        offset: Word,
        length: Option<Word>,
    },
    /// `${name/pattern/text}`
    Replace {
        is_global: bool,
        pattern: Word,
        text: Word,
    },
    /// `^`, `^^`, `,`, `,,`
    Case {
        is_upper: bool,
        is_global: bool,
    },
    /// An operation that the dialect does not have.
    Bad,
}

impl Word {
    pub(crate) fn literal(text: impl Into<String>) -> Self {
        Self(vec![Part::Literal(text.into())])
    }

    /// Returns the text of a word without quotes and expansions.
    pub(crate) fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }
}
