//! A YAML document as a tree of texts.

use saphyr_parser::{Event, Parser, ScalarStyle};

/// How deep a document may be nested.
const DEPTH_LIMIT: usize = 32;

/// A node. A scalar is the text as it is written, whatever type YAML would see in it: a workspace
/// may be called `123` or `true`.
#[derive(Default)]
pub(crate) enum Node {
    #[default]
    Null,
    Scalar(String),
    List(Vec<Node>),
    /// A member whose name is no scalar is left out.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Reads the first document of a text. The error says what is wrong and where, but shows none
    /// of the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut open: Vec<Open> = Vec::new();
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|problem| at("not YAML", problem.marker().line()))?;
            let whole = match event {
                Event::Scalar(text, style, ..) => Self::scalar(&text, style),
                Event::SequenceStart(..) | Event::MappingStart(..) if open.len() == DEPTH_LIMIT => {
                    return Err(at("nested too deeply", span.start.line()));
                }
                Event::SequenceStart(..) => {
                    open.push(Open::List(Vec::new()));
                    continue;
                }
                Event::MappingStart(..) => {
                    open.push(Open::Map {
                        members: Vec::new(),
                        name: None,
                    });
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                    Some(Open::List(items)) => Self::List(items),
                    Some(Open::Map { members, .. }) => Self::Map(members),
                    None => return Err(at("not YAML", span.start.line())),
                },
                Event::Alias(_) => {
                    return Err(at("an alias, which is not read", span.start.line()));
                }
                Event::DocumentEnd => break,
                _ => continue,
            };
            match open.last_mut() {
                Some(parent) => parent.add(whole),
                None => return Ok(whole),
            }
        }
        Ok(Self::Null)
    }

    fn scalar(text: &str, style: ScalarStyle) -> Self {
        let null = matches!(text, "" | "~" | "null" | "Null" | "NULL");
        if null && style == ScalarStyle::Plain {
            Self::Null
        } else {
            Self::Scalar(text.to_owned())
        }
    }

    /// The member of that name; `Null` if there is none. Of several the last counts.
    pub(crate) fn member(&self, name: &str) -> &Self {
        const ABSENT: &Node = &Node::Null;
        match self {
            Self::Map(members) => {
                let found = members.iter().rev().find(|(known, _)| known == name);
                found.map_or(ABSENT, |(_, node)| node)
            }
            _ => ABSENT,
        }
    }

    /// The text of a scalar that is not empty.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(text) if !text.trim().is_empty() => Some(text.trim()),
            _ => None,
        }
    }
}

fn at(problem: &str, line: usize) -> String {
    format!("line {line}: {problem}")
}

/// A collection whose end has not been seen.
enum Open {
    List(Vec<Node>),
    Map {
        members: Vec<(String, Node)>,
        name: Option<Node>,
    },
}

impl Open {
    fn add(&mut self, node: Node) {
        match self {
            Self::List(items) => items.push(node),
            Self::Map { members, name } => match name.take() {
                None => *name = Some(node),
                Some(Node::Scalar(name)) => members.push((name, node)),
                Some(_) => {}
            },
        }
    }
}
