//! The braces of bash.

/// Expands `{a,b}` and `{1..5}` in a text.
pub(super) fn braces(text: &str) -> Vec<String> {
    let unchanged = || vec![text.to_owned()];
    let Some(start) = text.find('{') else {
        return unchanged();
    };
    let mut depth = 0_usize;
    let mut commas = Vec::new();
    let mut end = None;
    for (index, c) in text.char_indices().skip_while(|(index, _)| *index < start) {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    end = Some(index);
                    break;
                }
            }
            ',' if depth == 1 => commas.push(index),
            _ => {}
        }
    }
    let Some(end) = end else { return unchanged() };
    let (before, after) = (&text[..start], &text[end + 1..]);
    let inner = &text[start + 1..end];
    let middle: Vec<String> = if commas.is_empty() {
        match range(inner) {
            Some(range) => range,
            None => return unchanged(),
        }
    } else {
        let mut parts = Vec::new();
        let mut from = start + 1;
        for comma in commas.into_iter().chain([end]) {
            parts.extend(braces(&text[from..comma]));
            from = comma + 1;
        }
        parts
    };
    let after = braces(after);
    let joined = middle
        .iter()
        .flat_map(|m| after.iter().map(move |a| format!("{before}{m}{a}")));
    joined.take(100_000).collect()
}

/// Returns the members of `1..5`, `5..1`, `1..9..2` or `a..e`.
fn range(text: &str) -> Option<Vec<String>> {
    let mut ends = text.split("..");
    let (from, to, step) = (ends.next()?, ends.next()?, ends.next());
    let step: i64 = step.map_or(Some(1), |step| step.parse().ok())?;
    let step = usize::try_from(step.unsigned_abs().max(1)).ok()?;
    if let (Ok(from), Ok(to)) = (from.parse::<i64>(), to.parse::<i64>()) {
        let (low, high) = (from.min(to), from.max(to));
        if high.checked_sub(low)? > 100_000 {
            return None;
        }
        let text = |n: i64| n.to_string();
        return Some(match from <= to {
            true => (low..=high).step_by(step).map(text).collect(),
            false => (low..=high).rev().step_by(step).map(text).collect(),
        });
    }
    let single = |text: &str| {
        text.chars()
            .next()
            .filter(|c| c.is_ascii() && text.len() == 1)
    };
    let (from, to) = (single(from)?, single(to)?);
    let (low, high) = (from.min(to), from.max(to));
    let text = |c: char| c.to_string();
    Some(match from <= to {
        true => (low..=high).step_by(step).map(text).collect(),
        false => (low..=high).rev().step_by(step).map(text).collect(),
    })
}
