//! A YAML document as a tree of texts.

#[cfg(feature = "config-write")]
mod write;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// The deepest nesting of a document.
const DEPTH_LIMIT: usize = 32;

/// A node.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Node {
    #[default]
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    /// A member whose name is no scalar is left out.
    Map(Vec<(Scalar, Node)>),
}

/// The text of a scalar, whatever type YAML would see in it: a workspace may be called `123` or
/// `true`.
#[derive(Clone, PartialEq)]
pub(crate) struct Scalar {
    text: String,
    /// Written without quotes, so that it may be of another type than text.
    plain: bool,
}

impl std::fmt::Debug for Scalar {
    /// It may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scalar")
    }
}

impl Node {
    /// Reads the first document of a text. The error says what is wrong and where, but shows none
    /// of the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Self::parse_some(text, false)
    }

    /// As [`parse`](Self::parse), but what the tree cannot hold is an error.
    #[cfg(feature = "config-write")]
    pub(crate) fn parse_whole(text: &str) -> Result<Self, String> {
        Self::parse_some(text, true)
    }

    fn parse_some(text: &str, strict: bool) -> Result<Self, String> {
        let mut open: Vec<Open> = Vec::new();
        let mut root = None;
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|problem| at("not YAML", problem.marker().line()))?;
            if strict {
                let line = span.start.line();
                match &event {
                    Event::Scalar(.., Some(_))
                    | Event::SequenceStart(_, Some(_))
                    | Event::MappingStart(_, Some(_)) => {
                        return Err(at("a tag, which would be lost", line));
                    }
                    Event::DocumentStart(_) if root.is_some() => {
                        return Err(at("a second document, which would be lost", line));
                    }
                    _ => {}
                }
            }
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
                _ => continue,
            };
            match open.last_mut() {
                Some(parent) => {
                    let kept = parent.add(whole);
                    if strict && !kept {
                        let problem = "a member whose name is no text, which would be lost";
                        return Err(at(problem, span.start.line()));
                    }
                }
                None if strict => root = Some(whole),
                None => return Ok(whole),
            }
        }
        Ok(root.unwrap_or_default())
    }

    fn scalar(text: &str, style: ScalarStyle) -> Self {
        let null = matches!(text, "" | "~" | "null" | "Null" | "NULL");
        if null && style == ScalarStyle::Plain {
            Self::Null
        } else {
            // Over several lines it is text at any rate.
            let plain = style == ScalarStyle::Plain && !text.contains(char::is_control);
            Self::Scalar(Scalar {
                text: text.to_owned(),
                plain,
            })
        }
    }

    /// The member of that name; `Null` if there is none. Of several the last counts.
    pub(crate) fn member(&self, name: &str) -> &Self {
        const ABSENT: &Node = &Node::Null;
        match self {
            Self::Map(members) => {
                let found = members.iter().rev().find(|(known, _)| known.text == name);
                found.map_or(ABSENT, |(_, node)| node)
            }
            _ => ABSENT,
        }
    }

    /// The text of a scalar that is not empty.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(scalar) => Some(scalar.text.trim()).filter(|text| !text.is_empty()),
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
        members: Vec<(Scalar, Node)>,
        name: Option<Node>,
    },
}

impl Open {
    /// `false` if the node belongs to a name that is no scalar, and is left out.
    fn add(&mut self, node: Node) -> bool {
        match self {
            Self::List(items) => items.push(node),
            Self::Map { members, name } => match name.take() {
                None => *name = Some(node),
                Some(Node::Scalar(name)) => members.push((name, node)),
                Some(_) => return false,
            },
        }
        true
    }
}
