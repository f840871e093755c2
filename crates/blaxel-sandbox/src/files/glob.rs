//! Patterns of file names, as the server matches them: `*`, `?`, `[a-z]` and `\`.

/// Returns `true` if the whole name matches the pattern. `*` and `?` do not match a `/`. A malformed pattern
/// matches nothing.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // The last `*` and the start of the name that is tried after it.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match (pattern.get(p), name.get(n)) {
            (None, None) => return true,
            (Some('*'), _) => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            (Some(_), Some(found)) => one(&pattern, p, *found),
            _ => None,
        };
        if let Some(next) = step {
            p = next;
            n += 1;
            continue;
        }
        // Let the last star match one more character.
        let Some((at, taken)) = star else {
            return false;
        };
        match name.get(taken) {
            Some(found) if *found != '/' => {
                star = Some((at, taken + 1));
                p = at + 1;
                n = taken + 1;
            }
            _ => return false,
        }
    }
}

/// Matches one character. Returns the position after the matched element of the pattern.
fn one(pattern: &[char], at: usize, found: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => (found != '/').then_some(at + 1),
        '\\' => (*pattern.get(at + 1)? == found).then_some(at + 2),
        '[' => class(pattern, at + 1, found),
        other => (*other == found).then_some(at + 1),
    }
}

/// Matches a class of characters such as `[a-z]` or `[^a-z]`.
fn class(pattern: &[char], mut at: usize, found: char) -> Option<usize> {
    let negated = matches!(pattern.get(at), Some('^' | '!'));
    at += usize::from(negated);
    let mut matched = false;
    let mut is_first = true;
    loop {
        let low = match pattern.get(at)? {
            ']' if !is_first => break,
            '\\' => {
                at += 1;
                *pattern.get(at)?
            }
            other => *other,
        };
        is_first = false;
        at += 1;
        let mut high = low;
        if pattern.get(at) == Some(&'-') && pattern.get(at + 1) != Some(&']') {
            at += 1;
            if pattern.get(at) == Some(&'\\') {
                at += 1;
            }
            high = *pattern.get(at)?;
            at += 1;
        }
        matched |= (low..=high).contains(&found);
    }
    (matched != negated && found != '/').then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_match_patterns() {
        for (pattern, name) in [
            ("*.rs", "main.rs"),
            ("*", ""),
            ("a?c", "abc"),
            ("a*b*c", "aXXbYYbc"),
            ("[a-c]*", "bar"),
            ("[^a-c]*", "xar"),
            ("\\*", "*"),
            ("[]x]", "]"),
            ("**", "abc"),
            ("ü*", "über"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*.rs", "main.rst"),
            ("*", "a/b"),
            ("a?c", "a/c"),
            ("[a-c", "a"),
            ("\\", "\\"),
            ("", "a"),
            ("[^a]", "a"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn any_pattern_ends(pattern in "[a-c*?\\[\\]^\\\\-]{0,12}", name in "[a-c/]{0,12}") {
            let _ = matches(&pattern, &name);
        }

        #[test]
        fn a_name_matches_itself(name in "[a-z./]{0,12}") {
            prop_assert!(matches(&name, &name));
        }
    }
}
