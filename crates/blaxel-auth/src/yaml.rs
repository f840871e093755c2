//! YAML documents as trees of strings.

#[cfg(feature = "config-write")]
mod write;

use blaxel_core::__private::trim_setting;
use saphyr_parser::{Event, Parser, ScalarStyle};

/// The maximum nesting depth of a document.
const DEPTH_LIMIT: usize = 32;

/// A node of the tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Node {
    #[default]
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    /// Members whose name is not a scalar are omitted.
    Map(Vec<(Scalar, Node)>),
}

/// The text of a scalar, whatever type YAML infers for it: a workspace may be called `123` or `true`.
#[derive(Clone, PartialEq)]
pub(crate) struct Scalar {
    text: String,
    /// `true` if it was written without quotes, so that YAML may infer another type than string.
    plain: bool,
}

impl std::fmt::Debug for Scalar {
    /// Hides the text, which may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scalar")
    }
}

impl Node {
    /// Parses the first document of a text. The error has the problem and the line, but none of the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Self::parse_some(text, false)
    }

    /// Parses a text as [`parse`](Self::parse) does, but returns an error for what the tree cannot represent.
    #[cfg(feature = "config-write")]
    pub(crate) fn parse_whole(text: &str) -> Result<Self, String> {
        Self::parse_some(text, true)
    }

    fn parse_some(text: &str, strict: bool) -> Result<Self, String> {
        let mut open: Vec<Open> = Vec::new();
        let mut root = None;
        for event in Parser::new_from_str(text) {
            let (event, span) =
                event.map_err(|problem| error_at("not YAML", problem.marker().line()))?;
            if strict {
                let line = span.start.line();
                match &event {
                    Event::Scalar(.., Some(_))
                    | Event::SequenceStart(_, Some(_))
                    | Event::MappingStart(_, Some(_)) => {
                        return Err(error_at("a tag, which would be lost", line));
                    }
                    Event::DocumentStart(_) if root.is_some() => {
                        return Err(error_at("a second document, which would be lost", line));
                    }
                    _ => {}
                }
            }
            let whole = match event {
                Event::Scalar(text, style, ..) => Self::scalar(&text, style),
                Event::SequenceStart(..) | Event::MappingStart(..) if open.len() == DEPTH_LIMIT => {
                    return Err(error_at("nested too deeply", span.start.line()));
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
                    None => return Err(error_at("not YAML", span.start.line())),
                },
                Event::Alias(_) => {
                    return Err(error_at(
                        "an alias, which is not supported",
                        span.start.line(),
                    ));
                }
                _ => continue,
            };
            match open.last_mut() {
                Some(parent) => {
                    let kept = parent.add(whole);
                    if strict && !kept {
                        let problem = "a member whose name is not a string, which would be lost";
                        return Err(error_at(problem, span.start.line()));
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
            // Text over several lines is always a string.
            let plain = style == ScalarStyle::Plain && !text.contains(char::is_control);
            Self::Scalar(Scalar {
                text: text.to_owned(),
                plain,
            })
        }
    }

    /// Returns the member named `name`, or `Null` if there is none. If there are several, the last one counts.
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

    /// Returns the text of a scalar without surrounding whitespace, if it is not empty.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(scalar) => {
                Some(trim_setting(&scalar.text)).filter(|text| !text.is_empty())
            }
            _ => None,
        }
    }
}

fn error_at(problem: &str, line: usize) -> String {
    format!("line {line}: {problem}")
}

/// A collection whose end has not been reached.
enum Open {
    List(Vec<Node>),
    Map {
        members: Vec<(Scalar, Node)>,
        name: Option<Node>,
    },
}

impl Open {
    /// Adds a node. Returns `false` if it was omitted, because the name that it belongs to is not a scalar.
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
