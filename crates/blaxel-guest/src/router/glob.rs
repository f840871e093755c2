//! Patterns for names, such as `*.rs`.
//!
//! The dialect is that of the server's language, which common crates for globs do not have: `\`
//! escapes, `[^a]` negates, `**` is the same as `*`, and a malformed pattern matches nothing.

/// Returns `true` if the pattern matches the whole name.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut pattern, mut name) = (pattern.as_slice(), name.as_slice());
    // The places to go on from if the current way fails: after the last `*`, one character later.
    let mut retry: Option<(&[char], &[char])> = None;
    loop {
        if let [first, rest @ ..] = pattern
            && *first == '*'
        {
            retry = Some((rest, name));
            pattern = rest;
            continue;
        }
        if pattern.is_empty() && name.is_empty() {
            return true;
        }
        match step(pattern, name) {
            Step::Next(next_pattern, next_name) => (pattern, name) = (next_pattern, next_name),
            Step::Malformed => return false,
            Step::Mismatch => match retry {
                // `*` takes anything but a slash.
                Some((after, [skipped, later @ ..])) if *skipped != '/' => {
                    retry = Some((after, later));
                    (pattern, name) = (after, later);
                }
                _ => return false,
            },
        }
    }
}

enum Step<'a> {
    Next(&'a [char], &'a [char]),
    Mismatch,
    Malformed,
}

/// Compares the first unit of a pattern, which is no `*`, with the first character of a name.
fn step<'a>(pattern: &'a [char], name: &'a [char]) -> Step<'a> {
    let (is_match, rest) = match pattern {
        [] => return Step::Mismatch,
        ['?', rest @ ..] => (name.first().is_some_and(|first| *first != '/'), rest),
        ['[', class @ ..] => match in_class(class, name.first().copied()) {
            Some(found) => found,
            None => return Step::Malformed,
        },
        ['\\', escaped, rest @ ..] => (name.first() == Some(escaped), rest),
        ['\\'] => return Step::Malformed,
        [plain, rest @ ..] => (name.first() == Some(plain), rest),
    };
    match name {
        [_, later @ ..] if is_match => Step::Next(rest, later),
        _ => Step::Mismatch,
    }
}

/// Reads a class after its `[`. Returns whether it has the character, and the rest of the pattern.
fn in_class(class: &[char], character: Option<char>) -> Option<(bool, &[char])> {
    let (is_negated, mut class) = match class {
        ['^', rest @ ..] => (true, rest),
        class => (false, class),
    };
    let (mut is_in, mut is_empty) = (false, true);
    loop {
        if let [']', rest @ ..] = class
            && !is_empty
        {
            return Some((character.is_some() && is_in != is_negated, rest));
        }
        let (low, rest) = class_character(class)?;
        let (high, rest) = match rest {
            ['-', rest @ ..] => class_character(rest)?,
            rest => (low, rest),
        };
        is_in |= character.is_some_and(|character| low <= character && character <= high);
        is_empty = false;
        class = rest;
    }
}

fn class_character(class: &[char]) -> Option<(char, &[char])> {
    match class {
        [] | ['-' | ']', ..] => None,
        ['\\', escaped, rest @ ..] => Some((*escaped, rest)),
        ['\\'] => None,
        [plain, rest @ ..] => Some((*plain, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names() {
        for (pattern, name, expected) in [
            ("*.rs", "a.rs", true),
            ("*.rs", "a.rss", false),
            ("*", "", true),
            ("**.rs", "b.rs", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?b", "ab", true),
            ("?b", "b", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
            ("[a", "a", false),
            ("[]a]", "a", false),
            ("", "", true),
            ("", "a", false),
            ("*[", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
