//! [`Pattern`], the wildcards of the shell.

/// A text with wildcards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pattern(Vec<Element>);

#[derive(Clone, Debug, PartialEq)]
enum Element {
    Character(char),
    Any,
    Many,
    Class {
        is_negated: bool,
        members: Vec<(char, char)>,
    },
}

impl Pattern {
    /// Creates a pattern from pieces of text; in quoted ones, all characters stand for themselves.
    pub(crate) fn new(pieces: &[(String, bool)]) -> Self {
        let characters: Vec<(char, bool)> = pieces
            .iter()
            .flat_map(|(text, is_quoted)| text.chars().map(|c| (c, *is_quoted)))
            .collect();
        let mut elements = Vec::new();
        let mut rest = characters.as_slice();
        while let Some(((next, is_quoted), after)) = rest.split_first() {
            rest = after;
            elements.push(match next {
                _ if *is_quoted => Element::Character(*next),
                '?' => Element::Any,
                '*' => Element::Many,
                '[' => match class(after) {
                    Some((class, behind)) => {
                        rest = behind;
                        class
                    }
                    None => Element::Character('['),
                },
                '\\' => match after.split_first() {
                    Some(((escaped, _), behind)) => {
                        rest = behind;
                        Element::Character(*escaped)
                    }
                    None => Element::Character('\\'),
                },
                _ => Element::Character(*next),
            });
        }
        elements.dedup_by(|a, b| *a == Element::Many && *b == Element::Many);
        Self(elements)
    }

    /// Creates a pattern from a text without quotes.
    pub(crate) fn unquoted(text: &str) -> Self {
        Self::new(&[(text.to_owned(), false)])
    }

    /// Returns `true` if there is any wildcard.
    pub(crate) fn has_wildcards(&self) -> bool {
        self.0.iter().any(|e| !matches!(e, Element::Character(_)))
    }

    /// Returns `true` if the pattern begins with a dot.
    pub(crate) fn begins_with_dot(&self) -> bool {
        self.0.first() == Some(&Element::Character('.'))
    }

    /// Returns the text of a pattern without wildcards.
    pub(crate) fn text(&self) -> String {
        let characters = self.0.iter().filter_map(|element| match element {
            Element::Character(c) => Some(*c),
            _ => None,
        });
        characters.collect()
    }

    /// Returns `true` if the whole text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        self.matches_characters(&text)
    }

    /// Matches in time proportional to the product of both lengths.
    pub(crate) fn matches_characters(&self, text: &[char]) -> bool {
        let (mut element, mut at) = (0, 0);
        // Where the last `*` was, and how much of the text it covers.
        let mut star: Option<(usize, usize)> = None;
        loop {
            let matched = match (self.0.get(element), text.get(at)) {
                (Some(Element::Many), _) => {
                    star = Some((element, at));
                    element += 1;
                    continue;
                }
                (None, None) => return true,
                (Some(e), Some(c)) => e.matches(*c),
                _ => false,
            };
            if matched {
                element += 1;
                at += 1;
                continue;
            }
            match star {
                Some((many, covered)) if covered < text.len() => {
                    star = Some((many, covered + 1));
                    element = many + 1;
                    at = covered + 1;
                }
                _ => return false,
            }
        }
    }
}

impl Element {
    fn matches(&self, c: char) -> bool {
        match self {
            Self::Character(own) => *own == c,
            Self::Any => true,
            Self::Many => false,
            Self::Class {
                is_negated,
                members,
            } => members.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *is_negated,
        }
    }
}

/// Reads a class behind its bracket. Returns `None` if it has no end.
fn class(mut rest: &[(char, bool)]) -> Option<(Element, &[(char, bool)])> {
    let mut members = Vec::new();
    let is_negated = matches!(rest.first(), Some(('!' | '^', false)));
    if is_negated {
        rest = rest.get(1..)?;
    }
    let mut is_first = true;
    loop {
        let ((next, is_quoted), after) = rest.split_first()?;
        rest = after;
        if *next == ']' && !*is_quoted && !is_first {
            let class = Element::Class {
                is_negated,
                members,
            };
            return Some((class, rest));
        }
        is_first = false;
        if *next == '/' {
            return None;
        }
        if *next == '[' && rest.first().is_some_and(|(c, _)| *c == ':') {
            let text: String = rest.iter().skip(1).map(|(c, _)| *c).collect();
            if let Some((name, _)) = text.split_once(":]") {
                members.extend(named_class(name));
                rest = rest.get(name.chars().count() + 3..)?;
                continue;
            }
        }
        match rest {
            [('-', false), (to, to_quoted), behind @ ..] if *to != ']' || *to_quoted => {
                members.push((*next, *to));
                rest = behind;
            }
            _ => members.push((*next, *next)),
        }
    }
}

/// Returns the ranges of a class such as `alpha`.
pub(crate) fn named_class(name: &str) -> Vec<(char, char)> {
    match name {
        "alpha" => vec![('a', 'z'), ('A', 'Z')],
        "digit" => vec![('0', '9')],
        "alnum" => vec![('a', 'z'), ('A', 'Z'), ('0', '9')],
        "upper" => vec![('A', 'Z')],
        "lower" => vec![('a', 'z')],
        "space" => vec![(' ', ' '), ('\t', '\r')],
        "blank" => vec![(' ', ' '), ('\t', '\t')],
        "punct" => vec![('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "print" => vec![(' ', '~')],
        "graph" => vec![('!', '~')],
        "cntrl" => vec![('\0', '\u{1f}'), ('\u{7f}', '\u{7f}')],
        "xdigit" => vec![('0', '9'), ('a', 'f'), ('A', 'F')],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_in_the_shell() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1b2", false),
            ("?", "\u{e9}", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[[:digit:]x]", "5", true),
            ("[a", "[a", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
        ] {
            assert_eq!(
                Pattern::unquoted(pattern).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
        let many = "*a".repeat(100);
        assert!(!Pattern::unquoted(&many).matches(&"a".repeat(99)));
        let quoted = Pattern::new(&[("*".to_owned(), true), ("*".to_owned(), false)]);
        assert!(quoted.matches("*x") && !quoted.matches("x"));
    }
}
