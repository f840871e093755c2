//! The score of a fuzzy match: how well the characters of a pattern are found in a text, in order.
//!
//! It is the alignment score of the program fzf, without its bonuses for the starts of words. The
//! server does not enable them.

const MATCH: i32 = 16;
const CONSECUTIVE: i32 = 4;
const GAP_START: i32 = -3;
const GAP_EXTENSION: i32 = -1;

/// Returns the score of the best alignment; `None` if the text does not have all characters in
/// order. The case does not matter if `pattern` is in lower case.
pub(super) fn score(pattern: &[char], text: &str) -> Option<i32> {
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    // The first place of each character, if those before it are taken as early as possible.
    let mut firsts = Vec::with_capacity(pattern.len());
    let mut from = 0;
    for wanted in pattern {
        let rest = text.get(from..)?;
        let at = from + rest.iter().position(|found| found == wanted)?;
        firsts.push(at);
        from = at + 1;
    }
    // Per place of the text: the best score of an alignment of the characters so far that ends
    // there or before, and the number of consecutive matches that it ends with.
    let mut row = vec![(0, 0); text.len()];
    for (index, (wanted, first)) in pattern.iter().zip(&firsts).enumerate() {
        let mut next = vec![(0, 0); text.len()];
        let (mut left, mut is_in_gap) = (0, false);
        for (place, found) in text.iter().enumerate().skip(*first) {
            let with_gap = left + if is_in_gap { GAP_EXTENSION } else { GAP_START };
            let (mut matched, mut run) = (0, 0);
            if found == wanted {
                let before = place.checked_sub(1).and_then(|before| row.get(before));
                let (score, run_before) = before.copied().unwrap_or_default();
                let is_first = index == 0;
                run = if is_first { 1 } else { run_before + 1 };
                matched = if is_first { MATCH } else { score + MATCH };
                if run > 1 {
                    matched += CONSECUTIVE;
                }
                if matched < with_gap {
                    run = 0;
                }
            }
            is_in_gap = matched < with_gap;
            left = matched.max(with_gap).max(0);
            if let Some(cell) = next.get_mut(place) {
                *cell = (left, run);
            }
        }
        row = next;
    }
    row.iter()
        .map(|(score, _)| *score)
        .max()
        .filter(|_| !pattern.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scores that the server returned for these paths.
    #[test]
    fn scores_are_those_of_the_server() {
        for (pattern, text, expected) in [
            ("fz", "fz", Some(36)),
            ("fz", "fz/main", Some(36)),
            ("fz", "fz/main/fz.go", Some(36)),
            ("fz", "s", None),
            ("f", "abf", Some(16)),
        ] {
            let pattern: Vec<char> = pattern.chars().collect();
            assert_eq!(score(&pattern, text), expected, "{text}");
        }
    }
}
