//! The links in Markdown.

use std::path::Path;

/// Follows the links of a file, which is named by its path from the root of the repository.
///
/// A file that travels is read far from here, on a registry's page and in the documentation: what its
/// relative links lead to must be in its own directory. `read` gives a file's text by its path, and no
/// text for a directory.
pub(super) fn check(
    file: &str,
    text: &str,
    travels: bool,
    read: &dyn Fn(&str) -> Option<String>,
) -> Vec<String> {
    let mut complaints = Vec::new();
    for (line, link) in links(text) {
        if let Some(problem) = follow(file, text, &link, travels, read) {
            complaints.push(format!("{file}:{line}: {problem}: {link}"));
        }
    }
    complaints
}

/// Why a link leads nowhere.
fn follow(
    file: &str,
    text: &str,
    link: &str,
    travels: bool,
    read: &dyn Fn(&str) -> Option<String>,
) -> Option<&'static str> {
    let (path, heading) = match link.split_once('#') {
        Some((path, heading)) => (path, Some(heading)),
        None => (link, None),
    };
    if is_item(path) {
        return Some("rustdoc alone knows where this leads; name the item without a link");
    }
    if path.contains(':') {
        return None;
    }
    let directory = Path::new(file).parent().and_then(Path::to_str);
    let directory = directory.unwrap_or_default();
    let target = match path {
        "" => text.to_owned(),
        path => {
            let Some(path) = resolve(directory, path) else {
                return Some("leads out of the repository");
            };
            let inside = path.strip_prefix(directory);
            if travels && !inside.is_some_and(|rest| rest.starts_with('/')) {
                return Some("leads out of the crate, where registries and docs.rs cannot follow");
            }
            match read(&path) {
                Some(text) => text,
                None => return Some("leads to no file"),
            }
        }
    };
    let is_there = |heading: &str| headings(&target).iter().any(|it| it == heading);
    let is_missing = heading.is_some_and(|heading| !is_there(heading));
    is_missing.then_some("leads to no heading")
}

/// Whether a link is the path of an item in Rust, and no address.
fn is_item(path: &str) -> bool {
    path.contains("::") && !path.contains("//")
}

/// A relative path from the root, by the directory that it is read in.
fn resolve(directory: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = directory
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The targets of all links, with the numbers of their lines.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in prose(text) {
        let line = without_code(line);
        // `[name]: target` on a line of its own.
        if let Some((_, target)) = line
            .strip_prefix('[')
            .filter(|rest| !rest.starts_with('^'))
            .and_then(|rest| rest.split_once("]: "))
        {
            links.extend(address(target).map(|link| (number, link)));
        }
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            if let Some((target, _)) = rest.split_once(')') {
                links.extend(address(target).map(|link| (number, link)));
            }
        }
    }
    links
}

/// The target of a link without its title and its angle brackets.
fn address(target: &str) -> Option<String> {
    let target = target.trim().split(' ').next()?;
    let target = target.trim_start_matches('<').trim_end_matches('>');
    (!target.is_empty()).then(|| target.to_owned())
}

/// The anchors of all headings, as the sites that show Markdown make them.
fn headings(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for (_, line) in prose(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let anchor = anchor(title);
        let mut unique = anchor.clone();
        let mut count = 0;
        while anchors.contains(&unique) {
            count += 1;
            unique = format!("{anchor}-{count}");
        }
        anchors.push(unique);
    }
    anchors
}

fn anchor(title: &str) -> String {
    let kept = title.trim().to_lowercase();
    let kept = kept.chars().filter_map(|character| match character {
        ' ' => Some('-'),
        '-' | '_' => Some(character),
        other => other.is_alphanumeric().then_some(other),
    });
    kept.collect()
}

/// The lines that are not code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let line = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| line.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => {
                fence = Some(mark);
                false
            }
            (Some(open), Some(mark)) if open == mark => {
                fence = None;
                false
            }
            (open, _) => open.is_none(),
        }
    })
}

/// A line without what stands in backticks. A link's name may stand there, its target never.
fn without_code(line: &str) -> String {
    let mut kept = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('`') {
        kept.push_str(before);
        match after.split_once('`') {
            Some((_, after)) => rest = after,
            None => rest = after,
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: &str = "# Kites\n\n## How `to` fly\n\n## How to fly\n\n```sh\n# no heading\n```\n";

    fn check(file: &str, text: &str, travels: bool) -> Vec<String> {
        super::check(file, text, travels, &|path| match path {
            "docs/guide.md" => Some(GUIDE.to_owned()),
            "README.md" | "docs" | "crates/kite/src/lib.rs" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn a_link_to_a_file_or_a_heading_that_is_not_there_is_found() {
        let text = "See [a](guide.md#how-to-fly-1), [b](../README.md) and\n[c](gone.md), [d](guide.md#gone), \
                    [e](../docs/) [f][f]\n\n[f]: ../../gone.md \"Gone\"\n[g]: <gone.png>\n";
        assert_eq!(
            check("docs/index.md", text, false),
            [
                "docs/index.md:2: leads to no file: gone.md",
                "docs/index.md:2: leads to no heading: guide.md#gone",
                "docs/index.md:4: leads out of the repository: ../../gone.md",
                "docs/index.md:5: leads to no file: gone.png",
            ]
        );
    }

    #[test]
    fn a_heading_of_the_same_file_is_looked_for_there() {
        assert!(check("docs/guide.md", &format!("{GUIDE}[up](#kites)"), false).is_empty());
        assert_eq!(check("docs/guide.md", "# A\n[up](#kites)", false).len(), 1);
        assert_eq!(
            check("docs/guide.md", &format!("{GUIDE}[x](#no-heading)"), false).len(),
            1
        );
    }

    #[test]
    fn a_readme_of_a_crate_may_not_lead_out_of_it() {
        let file = "crates/kite/README.md";
        assert_eq!(check(file, "[up](../../README.md)", false).len(), 0);
        let complaints = check(file, "[up](../../README.md)", true);
        assert!(complaints[0].contains("out of the crate"), "{complaints:?}");
        assert!(check(file, "[in](src/lib.rs) [site](https://kite.example)", true).is_empty());
    }

    #[test]
    fn a_path_that_only_rustdoc_knows_is_no_link() {
        let complaints = check("crates/kite/README.md", "[`fly`](kite::Kite::fly)", true);
        assert!(complaints[0].contains("rustdoc alone"), "{complaints:?}");
    }

    #[test]
    fn code_has_no_links() {
        let text = "`[a](gone.md)` and\n```\n[b](gone.md)\n```\n[`c`](gone.md)\n";
        let complaints = check("README.md", text, false);
        assert_eq!(complaints, ["README.md:5: leads to no file: gone.md"]);
    }

    #[test]
    fn an_anchor_is_in_small_letters_without_punctuation() {
        assert_eq!(
            anchor(" What's `new` in 1.0, & why?"),
            "whats-new-in-10--why"
        );
        assert_eq!(
            anchor(" Snake_case - and Ümlaut"),
            "snake_case---and-ümlaut"
        );
    }
}
