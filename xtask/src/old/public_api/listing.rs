//! A listing of what is public, without what only repeats itself.

/// Traits that say nothing to users: the compiler's own, and two that follow from what a type is made
/// of down to the standard library. `Send`, `Sync` and `Unpin` stay.
const UNTOLD: [&str; 5] = [
    "core::marker::Freeze",
    "core::marker::StructuralPartialEq",
    "core::marker::UnsafeUnpin",
    "core::panic::unwind_safe::RefUnwindSafe",
    "core::panic::unwind_safe::UnwindSafe",
];

/// Leaves out the traits that say nothing, and the functions by which a type has a trait: the trait
/// says which these are.
pub(super) fn condense(listing: &str) -> String {
    let mut text = String::new();
    // The type whose functions come next, if they are those of a trait.
    let mut of = None;
    for line in listing.lines() {
        if line.starts_with("impl") {
            let implementation = implementation(line);
            of = implementation.map(|(_, of)| of);
            if implementation.is_some_and(|(name, _)| UNTOLD.contains(&name)) {
                continue;
            }
        } else if of.is_some_and(|of| is_function_of(of, line)) {
            continue;
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The trait of a line `impl<'a> Trait<X> for Type<Y> where ...`, without its parameters, and the type
/// as it stands there.
fn implementation(line: &str) -> Option<(&str, &str)> {
    let (before, of) = line.split_once(" for ")?;
    let before = before.strip_prefix("impl")?;
    let before = match before.strip_prefix('<') {
        Some(parameters) => &parameters[end_of_parameters(parameters)?..],
        None => before,
    };
    let name = before.trim_start().trim_start_matches('!');
    let name = name.split('<').next().unwrap_or_default();
    let of = of.split(" where ").next().unwrap_or_default();
    Some((name, of))
}

/// Where the text goes on behind the `>` of a `<` that stands before it.
fn end_of_parameters(text: &str) -> Option<usize> {
    let mut depth = 1;
    let mut last = ' ';
    for (at, character) in text.char_indices() {
        match character {
            '<' => depth += 1,
            '>' if last != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
        last = character;
    }
    None
}

/// Whether a line tells of a function whose path begins with this type.
fn is_function_of(of: &str, line: &str) -> bool {
    let path = line.split_once(" fn ").map(|(_, path)| path);
    let path = path.and_then(|path| path.strip_prefix(of));
    path.is_some_and(|rest| rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condensed(lines: &[&str]) -> Vec<String> {
        let text = condense(&lines.join("\n"));
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_trait_is_told_and_its_functions_are_not() {
        let lines = [
            "pub struct kite::Kite",
            "impl kite::Kite",
            "pub const fn kite::Kite::fly(&self)",
            "impl core::clone::Clone for kite::Kite",
            "pub fn kite::Kite::clone(&self) -> kite::Kite",
            "impl core::iter::Iterator for kite::Kite",
            "pub type kite::Kite::Item = u8",
            "pub fn kite::Kite::next(&mut self) -> core::option::Option<u8>",
            "impl<S> core::fmt::Debug for kite::Tail<S> where S: Sized",
            "pub fn kite::Tail<S>::fmt(&self, &mut core::fmt::Formatter<'_>) -> core::fmt::Result",
            "pub fn kite::land()",
        ];
        let told = [0, 1, 2, 3, 5, 6, 8, 10].map(|at: usize| lines[at]);
        assert_eq!(condensed(&lines), told);
    }

    #[test]
    fn threads_are_told_and_the_compiler_s_own_are_not() {
        let lines = [
            "impl core::marker::Send for kite::Kite",
            "impl !core::marker::Sync for kite::Kite",
            "impl core::marker::Freeze for kite::Kite",
            "impl<F> !core::panic::unwind_safe::UnwindSafe for kite::Kite<F>",
            "impl<F> core::marker::Unpin for kite::Kite<F> where F: core::marker::Unpin",
        ];
        assert_eq!(condensed(&lines), [lines[0], lines[1], lines[4]]);
    }

    #[test]
    fn parameters_hide_neither_trait_nor_type() {
        let line = "impl<F: FnMut() -> Option<u8>, T> core::convert::From<T> for kite::Kite<F, T>";
        assert_eq!(
            implementation(line),
            Some(("core::convert::From", "kite::Kite<F, T>"))
        );
        assert_eq!(implementation("impl<T> kite::Kite<T>"), None);
    }
}
