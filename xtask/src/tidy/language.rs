//! Rules of language: the starts of doc comments, the words of public names, and commit subjects.

/// Starts of sentences that are only a clause, and do not name what they describe.
const CLAUSES: [&str; 8] = [
    "What ", "How ", "Whether ", "Who ", "Where ", "When ", "By what ", "For how ",
];

/// Words for which the field has its own: transport, origin, permit, collection, chunk, decision.
const UNUSUAL: &str = "leaf road seat shelf departure landing piece pieces verdict keyed furnish";

/// The areas of commits besides the crates. A release has a commit without an area.
const AREAS: [&str; 4] = ["xtask", "tests", "docs", "ci"];
const RELEASE: &str = "Release ";

/// Returns the problem of a line that starts a doc comment, given the line before it.
pub(super) fn doc_start(before: &str, line: &str) -> Option<String> {
    let text = |line| doc(line).map(str::trim_start);
    let text = text(line).filter(|_| doc(before).is_none())?;
    let clause = CLAUSES.iter().find(|clause| text.starts_with(*clause))?;
    let clause = clause.trim_end();
    Some(format!(
        "a doc comment starts with `{clause}`; name the item, or what it does"
    ))
}

fn doc(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("///").or(line.strip_prefix("//!"))
}

/// Returns the problem of a line of a snapshot of the public API.
pub(super) fn public_name(line: &str) -> Option<String> {
    let is_unusual = |word: &&str| UNUSUAL.split(' ').any(|it| it.eq_ignore_ascii_case(word));
    // `MaxInFlight` and `max_in_flight` have the same words.
    let starts = |(at, c): (usize, char)| (c.is_uppercase() || !c.is_alphanumeric()).then_some(at);
    let mut starts: Vec<usize> = line.char_indices().filter_map(starts).collect();
    starts.push(line.len());
    let words = starts.windows(2).map(|range| &line[range[0]..range[1]]);
    let mut words = words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let word = words.find(is_unusual)?;
    Some(format!(
        "a public name has the word `{word}`; take the field's"
    ))
}

/// Returns the problem of a commit's subject, which is `area: summary` or `area, area: summary`.
pub(super) fn subject(subject: &str, crates: &[&str]) -> Option<String> {
    let crates = crates.iter().map(|name| name.trim_start_matches("blaxel-"));
    let areas: Vec<&str> = crates.chain(AREAS).collect();
    let is_marked = subject.split_once(": ").is_some_and(|(area, _)| {
        let mut parts = area.trim_end_matches('!').split(", ");
        parts.all(|area| areas.contains(&area))
    });
    let is_known = is_marked || subject.starts_with(RELEASE);
    (!is_known).then(|| {
        format!(
            "the subject `{subject}` has no area of {}",
            areas.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doc_comment_does_not_start_with_a_clause() {
        for (before, line, is_found) in [
            ("", "/// What a kite is.", true),
            ("struct A;", "    //! How high it flies.", true),
            ("#[test]", "/// For how long it flies.", true),
            ("/// A kite.", "/// When it flies, it is high.", false),
            ("", "/// Whatever flies.", false),
            ("", "// What follows is a comment.", false),
        ] {
            assert_eq!(doc_start(before, line).is_some(), is_found, "{line}");
        }
    }

    #[test]
    fn a_public_name_has_the_words_of_the_field() {
        for (line, is_found) in [
            ("pub struct kite::HyperLeaf", true),
            ("pub fn kite::Kite::pieces(&self) -> usize", true),
            ("pub kite::Idempotency::Keyed", true),
            ("pub fn kite::Kite::max_in_flight(&self)", false),
            ("pub fn kite::broadcast(&self)", false),
        ] {
            assert_eq!(public_name(line).is_some(), is_found, "{line}");
        }
    }

    #[test]
    fn a_subject_has_an_area() {
        for (text, is_found) in [
            ("core: fly higher", false),
            ("core!: fly no more", false),
            ("tests, docs: describe kites", false),
            ("Release kite 0.1.0", false),
            ("Fly higher", true),
            ("kite: fly higher", true),
        ] {
            let problem = subject(text, &["blaxel", "blaxel-core"]);
            assert_eq!(problem.is_some(), is_found, "{text}");
        }
    }
}
