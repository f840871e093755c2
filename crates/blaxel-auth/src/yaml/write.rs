//! Writing a tree as a YAML document.

use std::fmt::Write;

use super::{Node, Scalar};

impl Node {
    pub(crate) fn string(text: &str) -> Self {
        Self::Scalar(Scalar::quoted(text))
    }

    pub(crate) fn number(number: u64) -> Self {
        Self::Scalar(Scalar {
            text: number.to_string(),
            plain: true,
        })
    }

    /// Returns the member named `name`, creating it if there is none. If there are several, the last one
    /// counts. A node that is not a map becomes one.
    pub(crate) fn member_mut(&mut self, name: &str) -> &mut Self {
        if !matches!(self, Self::Map(_)) {
            *self = Self::Map(Vec::new());
        }
        let Self::Map(members) = self else {
            return self;
        };
        let found = members.iter().rposition(|(known, _)| known.text == name);
        let index = found.unwrap_or_else(|| {
            members.push((Scalar::plain(name), Self::Null));
            members.len() - 1
        });
        &mut members[index].1
    }

    /// Removes all members named `name`.
    pub(crate) fn remove(&mut self, name: &str) {
        if let Self::Map(members) = self {
            members.retain(|(known, _)| known.text != name);
        }
    }

    /// Returns the items of a list; empty if the node is not a list.
    pub(crate) fn into_items(self) -> Vec<Self> {
        match self {
            Self::List(items) => items,
            _ => Vec::new(),
        }
    }

    /// Writes the document in block style. Comments and layout of the original text are not part of the tree.
    pub(crate) fn write(&self) -> String {
        let mut text = String::new();
        for line in self.lines() {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    fn lines(&self) -> Vec<String> {
        match self {
            Self::Map(members) if !members.is_empty() => members
                .iter()
                .flat_map(|(name, node)| member(name, node))
                .collect(),
            Self::List(items) if !items.is_empty() => items.iter().flat_map(item).collect(),
            leaf => vec![leaf.inline()],
        }
    }

    fn inline(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Scalar(scalar) => scalar.write(),
            Self::List(_) => "[]".to_owned(),
            Self::Map(_) => "{}".to_owned(),
        }
    }

    fn is_leaf(&self) -> bool {
        match self {
            Self::Null | Self::Scalar(_) => true,
            Self::List(items) => items.is_empty(),
            Self::Map(members) => members.is_empty(),
        }
    }
}

fn member(name: &Scalar, node: &Node) -> Vec<String> {
    let name = name.write();
    if node.is_leaf() {
        return vec![format!("{name}: {}", node.inline())];
    }
    let below = node.lines().into_iter().map(|line| format!("  {line}"));
    std::iter::once(format!("{name}:")).chain(below).collect()
}

fn item(node: &Node) -> Vec<String> {
    let mut mark = "- ";
    let lines = node.lines().into_iter();
    lines
        .map(|line| format!("{}{line}", std::mem::replace(&mut mark, "  ")))
        .collect()
}

impl Scalar {
    fn plain(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            plain: true,
        }
    }

    fn quoted(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            plain: false,
        }
    }

    fn write(&self) -> String {
        // Text that was read without quotes can be written without quotes.
        if self.plain {
            return self.text.clone();
        }
        let mut quoted = String::from("\"");
        for character in self.text.chars() {
            // Writing to a string does not fail.
            let _ = match character {
                '"' | '\\' => write!(quoted, "\\{character}"),
                '\n' => write!(quoted, "\\n"),
                '\t' => write!(quoted, "\\t"),
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                    write!(quoted, "\\u{:04x}", u32::from(c))
                }
                c => write!(quoted, "{c}"),
            };
        }
        quoted.push('"');
        quoted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn assert_round_trip(text: &str) -> String {
        let tree = Node::parse_whole(text).unwrap();
        let written = tree.write();
        let again = Node::parse_whole(&written);
        assert!(
            again.as_ref() == Ok(&tree),
            "{text}\n---\n{written}\n{again:?}"
        );
        written
    }

    #[test]
    fn every_document_is_read_back_equal_after_writing() {
        for text in [
            "",
            "text",
            "a: 1\nb: [1, '1', {c: ~}]\n",
            "[]",
            "{}",
            "- - - a\n    - b\n  - []\n- {}\n",
            "a: |\n  two\n  lines\nb: >-\n  folded\n  to one\n",
            "a: plain\n  over lines\n",
            "'key: with': \"\\u0007 \\\" \\\\ \\ttab\"\n'#': '# no comment'\n",
            "123: true\ntrue: 0x1f\n\"true\": '1e3'\n'': ''\n'~': x\n",
            "a: 'null'\nb: null\nc:\nd: ~\n",
            "a: '--- x'\n'---': --- 1\nb: {---x: y, a: ---}\n",
            "a: over\n\n  lines\n",
            "a: &anchor {b: c}\n",
            "a: '  spaced  '\nb: '- no list'\nc: 'x: y'\n",
            "url: https://x/?a#b\nd: a,b\ne: [a b, c d]\n",
            "a: \"\u{2028}\u{feff}\u{85}\"\n",
            "%YAML 1.2\n---\na: b\n...\n",
        ] {
            assert_round_trip(text);
        }
    }

    #[test]
    fn scalars_keep_their_types() {
        let written = assert_round_trip("a: 1\nb: '1'\nc: true\nd: \"true\"\ne: null\nf: 'null'\n");
        assert_eq!(
            written,
            "a: 1\nb: \"1\"\nc: true\nd: \"true\"\ne: null\nf: \"null\"\n"
        );
    }

    #[test]
    fn content_that_would_be_lost_is_an_error() {
        for text in [
            "a: !!str 1\n",
            "a: !own {b: c}\n",
            "? [a, b]\n: c\n",
            "~: c\n",
            "a: b\n---\nc: d\n",
            "a: &x 1\nb: *x\n",
        ] {
            assert!(Node::parse_whole(text).is_err(), "{text}");
            assert!(Node::parse_whole(text).unwrap_err().starts_with("line "));
        }
    }

    fn any_node() -> impl Strategy<Value = Node> {
        let text = prop_oneof![any::<String>(), "[ -~]{0,12}", "[\\PC\n\t ]{0,8}"];
        let leaf = prop_oneof![
            Just(Node::Null),
            any::<u64>().prop_map(Node::number),
            text.prop_map(|text| Node::string(&text)),
        ];
        leaf.prop_recursive(4, 24, 4, |node| {
            prop_oneof![
                prop::collection::vec(node.clone(), 0..4).prop_map(Node::List),
                prop::collection::vec((any::<String>(), node), 0..4).prop_map(|members| {
                    let quoted = |(name, node): (String, _)| (Scalar::quoted(&name), node);
                    Node::Map(members.into_iter().map(quoted).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_tree_is_read_back_equal_after_writing(tree in any_node()) {
            let written = tree.write();
            let again = Node::parse_whole(&written);
            // The parser refuses duplicate names, and nothing else.
            if let Ok(again) = again {
                prop_assert!(again == tree, "{}", written);
            } else {
                prop_assert!(false, "{}\n{:?}", written, again);
            }
        }

        #[test]
        fn parsing_any_text_never_panics(text in any::<String>()) {
            let _ = Node::parse(&text);
        }

        #[test]
        fn parsing_text_like_yaml_never_panics(
            text in "([\\-?:,\\[\\]{}#&*!|>'\"%@` \na0~]|: |\n  |- ){0,60}",
        ) {
            let read = Node::parse(&text);
            if let (Ok(read), Ok(whole)) = (read, Node::parse_whole(&text)) {
                prop_assert!(read == whole);
                let written = whole.write();
                prop_assert!(Node::parse_whole(&written).as_ref() == Ok(&whole), "{}", written);
            }
        }
    }
}
