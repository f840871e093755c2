//! The links in built documentation.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::old::files;

/// Follows every relative link of every page in this directory.
pub(super) fn check(directory: &Path) -> Result<Vec<String>, String> {
    let files = files::below(directory, &|_| true)
        .map_err(|error| format!("{}: {error}", directory.display()))?;
    let files: BTreeSet<PathBuf> = files.into_iter().map(PathBuf::from).collect();
    let mut complaints = Vec::new();
    // Those at the top, such as the settings, are rustdoc's own, and know of no root page.
    let is_ours = |file: &&PathBuf| {
        let in_a_crate = file.components().count() > 1;
        in_a_crate
            && file
                .extension()
                .is_some_and(|extension| extension == "html")
    };
    let pages = files.iter().filter(is_ours);
    for page in pages {
        let path = directory.join(page);
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let is_there = |file: &Path| files.contains(file);
        let links = broken(page, &text, is_there);
        complaints.extend(links.map(|link| {
            format!(
                "documentation: {}: leads to no file: {link}",
                page.display()
            )
        }));
    }
    if files.is_empty() {
        return Err(format!("no documentation in {}", directory.display()));
    }
    Ok(complaints)
}

/// The links of a page that lead to no file, each once.
fn broken<'a>(
    page: &'a Path,
    text: &'a str,
    is_there: impl Fn(&Path) -> bool + 'a,
) -> impl Iterator<Item = &'a str> {
    let links: BTreeSet<&str> = links(ours(text)).collect();
    links
        .into_iter()
        .filter(move |link| match target(page, link) {
            Target::Elsewhere => false,
            Target::File(file) => !is_there(&file) && !is_there(&file.join("index.html")),
            Target::Outside => true,
        })
}

/// What a link leads to.
#[derive(Debug, PartialEq)]
enum Target {
    /// Another site, or this page.
    Elsewhere,
    /// A file or a directory, by its path from the root of the documentation.
    File(PathBuf),
    /// Out of the documentation.
    Outside,
}

fn target(page: &Path, link: &str) -> Target {
    let path = link.split(['#', '?']).next().unwrap_or_default();
    let start = path.split('/').next().unwrap_or_default();
    // Two colons make no scheme, but the path of an item that rustdoc did not find.
    let has_scheme = start.contains(':') && !start.contains("::");
    if path.is_empty() || has_scheme || path.starts_with("//") {
        return Target::Elsewhere;
    }
    let mut file = page.parent().map(Path::to_path_buf).unwrap_or_default();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if !file.pop() {
                    return Target::Outside;
                }
            }
            part => file.push(part),
        }
    }
    Target::File(file)
}

/// The page without what others say of every type, in links that lead from their own pages.
fn ours(text: &str) -> &str {
    let ours = text.split("<h2 id=\"blanket-implementations\"").next();
    ours.unwrap_or_default()
}

/// The values of all attributes `href`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split(" href=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"').map(|(link, _)| link))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r##"<a href="struct.Kite.html#method.fly">Kite</a> <a class="mod" href="../vane/index.html">
        <a href="https://kite.example/a">site</a> <a href="#wind">here</a> <a href="../vane">dir</a>
        <a href="../../CONTRIBUTING.md">out</a> <a href="gone.html?x#y">gone</a>"##;

    #[test]
    fn a_link_to_a_page_that_was_not_built_is_found() {
        let files = [
            "kite/index.html",
            "kite/struct.Kite.html",
            "vane/index.html",
        ];
        let is_there = |file: &Path| files.iter().any(|name| file == Path::new(name));
        let found: Vec<&str> = broken(Path::new("kite/index.html"), PAGE, is_there).collect();
        assert_eq!(found, ["../../CONTRIBUTING.md", "gone.html?x#y"]);
    }

    #[test]
    fn what_others_say_of_every_type_is_left_to_them() {
        let text = "<a href=\"gone.html\"><h2 id=\"blanket-implementations\" class=\"a\"><a href=\"lost.html\">";
        let found: Vec<&str> = broken(Path::new("kite/index.html"), text, |_| false).collect();
        assert_eq!(found, ["gone.html"]);
    }

    #[test]
    fn a_link_is_read_from_where_its_page_is() {
        let from = |page: &str, link| target(Path::new(page), link);
        let file = |path: &str| Target::File(PathBuf::from(path));
        assert_eq!(from("kite/a/b.html", "../c.html"), file("kite/c.html"));
        assert_eq!(from("kite/a.html", "b::Kite"), file("kite/b::Kite"));
        assert_eq!(from("index.html", "../a.html"), Target::Outside);
        assert_eq!(
            from("kite/a.html", "mailto:ada@kite.example"),
            Target::Elsewhere
        );
        assert_eq!(from("kite/a.html", "b/a:c.html"), file("kite/b/a:c.html"));
    }
}
