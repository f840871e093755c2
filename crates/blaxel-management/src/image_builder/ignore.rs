//! The files that a copy leaves out, by the rules of `.dockerignore`.

use blaxel_core::{Error, Source};
use regex_lite::Regex;

/// Patterns of files that are left out of an image, as in a `.dockerignore` file.
///
/// Each line is a pattern, which is relative to the copied directory. A file is left out if the last pattern that
/// matches it, or one of the directories above it, does not begin with `!`. `*` and `?` match within a name, `**`
/// matches any number of directories, `[a-z]` matches one character, and `\` takes the next character literally.
/// Empty lines and lines that begin with `#` are skipped.
///
/// ```
/// use blaxel_management::image_builder::IgnoreRules;
///
/// let rules = IgnoreRules::parse("**/*.log\ntarget\n!target/keep.txt")?;
/// assert!(rules.ignores("a/b/debug.log"));
/// assert!(rules.ignores("target/debug/app"));
/// assert!(!rules.ignores("target/keep.txt"));
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct IgnoreRules {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    regex: Regex,
    /// `true` for a pattern that includes files again.
    includes: bool,
}

impl IgnoreRules {
    /// Reads patterns, one a line.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if a pattern is not valid, such as one with an open bracket.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::read(text, &Source::Code)
    }

    /// Reads patterns from a source that errors name.
    pub(super) fn read(text: &str, source: &Source) -> Result<Self, Error> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut rules = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let line = line.trim();
            let (includes, pattern) = match line.strip_prefix('!') {
                Some(pattern) => (true, pattern.trim()),
                None => (false, line),
            };
            if pattern.is_empty() && !includes {
                continue;
            }
            let pattern = clean(pattern);
            let regex = translate(&pattern).and_then(|regex| Regex::new(&regex).ok());
            let Some(regex) = regex.filter(|_| !pattern.is_empty()) else {
                let problem = format!("`{line}` is not a pattern");
                return Err(Error::input("ignore rules", source, problem));
            };
            rules.patterns.push(Pattern { regex, includes });
        }
        Ok(rules)
    }

    /// Appends rules, which then take precedence over the earlier ones.
    pub(super) fn append(&mut self, other: &Self) {
        self.patterns.extend(other.patterns.iter().cloned());
    }

    /// Returns `true` if a file is left out. The path has `/` between its parts and does not begin with one.
    #[must_use]
    pub fn ignores(&self, path: &str) -> bool {
        let mut is_ignored = false;
        for pattern in &self.patterns {
            // A pattern that would not change the outcome need not be matched.
            if pattern.includes == is_ignored && matches_within(&pattern.regex, path) {
                is_ignored = !pattern.includes;
            }
        }
        is_ignored
    }

    /// Returns `true` if a pattern includes files again, so that an ignored directory can contain files that are
    /// not ignored.
    pub(super) fn includes_again(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.includes)
    }
}

/// Returns `true` if an expression matches a path or a directory above it.
fn matches_within(regex: &Regex, path: &str) -> bool {
    let ends = path.match_indices('/').map(|(end, _)| end);
    ends.chain([path.len()])
        .filter_map(|end| path.get(..end))
        .any(|part| regex.is_match(part))
}

/// Removes what does not change the meaning of a path: empty parts, `.`, `..` after a name, and slashes around it.
fn clean(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." if !pattern.starts_with('/') && parts.last().is_none_or(|last| *last == "..") => {
                parts.push(part);
            }
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    match parts.as_slice() {
        [] if pattern.is_empty() => String::new(),
        [] if pattern.starts_with('/') => "/".to_owned(),
        [] => ".".to_owned(),
        parts => parts.join("/"),
    }
}

/// Translates a pattern into an expression, or returns `None` if the pattern is malformed.
fn translate(pattern: &str) -> Option<String> {
    let mut regex = String::from("(?s)^");
    // `**` before a plain text matches within a name too, unlike before other patterns.
    if let Some(end) = pattern.strip_prefix("**")
        && !end.starts_with('/')
        && !end.contains(['*', '?', '[', ']', '\\'])
    {
        regex.push_str(".*");
        end.chars()
            .for_each(|character| push_literal(&mut regex, character));
        regex.push('$');
        return Some(regex);
    }
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' if characters.next_if_eq(&'*').is_some() => {
                // `**/` matches no directory too.
                characters.next_if_eq(&'/');
                match characters.peek() {
                    None => regex.push_str(".*"),
                    Some(_) => regex.push_str("(?:.*/)?"),
                }
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '\\' => push_literal(&mut regex, characters.next()?),
            '[' => push_class(&mut regex, &mut characters)?,
            other => push_literal(&mut regex, other),
        }
    }
    regex.push('$');
    Some(regex)
}

/// Appends a class of characters such as `a-z]` or `^a-z]`, after its opening bracket.
fn push_class(
    regex: &mut String,
    characters: &mut std::iter::Peekable<std::str::Chars<'_>>,
) -> Option<()> {
    regex.push('[');
    if characters.next_if_eq(&'^').is_some() {
        regex.push('^');
    }
    let mut is_first = true;
    loop {
        match characters.next()? {
            ']' if !is_first => break,
            ']' => return None,
            // A range has a hyphen between two characters.
            '-' if !is_first && !matches!(characters.peek(), None | Some(']')) => regex.push('-'),
            '-' => return None,
            '\\' => push_literal(regex, characters.next()?),
            other => push_literal(regex, other),
        }
        is_first = false;
    }
    regex.push(']');
    Some(())
}

/// Appends a character that stands for itself.
fn push_literal(regex: &mut String, character: char) {
    if character.is_ascii_punctuation() {
        regex.push('\\');
    }
    regex.push(character);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_patterns_are_refused() {
        for pattern in ["[", "[a", "[]", "a\\", "[z-a]", "!", "! "] {
            assert!(
                IgnoreRules::parse(pattern).unwrap_err().is_input(),
                "{pattern}"
            );
        }
    }

    #[test]
    fn comments_and_empty_lines_are_skipped() {
        let rules = IgnoreRules::parse("\u{feff}# *\n\n  \r\n a.txt \r\n ! a.txt\n").unwrap();
        assert_eq!(rules.patterns.len(), 2);
        assert!(!rules.ignores("a.txt"));
    }
}
