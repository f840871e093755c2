//! The source files, without what is there for tests alone.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The crate that is compared, and those whose types and lists it uses.
const CRATES: [(&str, bool); 2] = [("blaxel-management", true), ("blaxel-core", false)];

/// A source file.
pub(super) struct Source {
    /// Its path from the root of the workspace.
    pub(super) file: String,
    /// The module it is, by the names on the way to it.
    pub(super) module: Vec<String>,
    /// Whether it belongs to the crate that is compared.
    pub(super) home: bool,
    pub(super) tokens: TokenStream,
    pub(super) syntax: syn::File,
}

/// Reads the sources of the workspace at this path.
pub(super) fn read(root: &Path) -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    for (name, home) in CRATES {
        let mut files = Vec::new();
        walk(&root.join("crates").join(name).join("src"), &mut files)?;
        files.sort();
        for path in files {
            let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            let file = path.strip_prefix(root).unwrap_or(&path);
            let file = file.to_string_lossy().replace('\\', "/");
            sources.push(parse(&file, &text, home)?);
        }
    }
    Ok(sources)
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(directory).map_err(|error| unreadable(directory, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(directory, &error))?.path();
        let is_for_tests = path.file_stem().is_some_and(|name| name == "tests");
        if is_for_tests {
            continue;
        }
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be read: {error}", path.display())
}

/// Parses one file.
pub(super) fn parse(file: &str, text: &str, home: bool) -> Result<Source, String> {
    let not_rust = |problem: &dyn std::fmt::Display| format!("{file} is not Rust: {problem}");
    let tokens: TokenStream = text.parse().map_err(|error| not_rust(&error))?;
    let tokens = without_tests(tokens);
    let syntax = syn::parse2(tokens.clone()).map_err(|error| not_rust(&error))?;
    Ok(Source {
        file: file.to_owned(),
        module: module(file, home),
        home,
        tokens,
        syntax,
    })
}

/// The module that a file is. The names of our own crate's modules are not said to be in it.
fn module(file: &str, home: bool) -> Vec<String> {
    let file = file.strip_suffix(".rs").unwrap_or(file);
    let (before, path) = file.split_once("/src/").unwrap_or(("", file));
    let name = before.rsplit('/').next().unwrap_or_default();
    let name = Some(name.replace('-', "_")).filter(|_| !home);
    let path = path.split('/').map(str::to_owned);
    let mut module: Vec<String> = name.into_iter().chain(path).collect();
    if matches!(module.last().map(String::as_str), Some("lib" | "mod")) {
        module.pop();
    }
    module
}

/// The tokens without the items under `#[cfg(test)]`.
fn without_tests(tokens: TokenStream) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut kept = Vec::with_capacity(trees.len());
    let mut rest = trees.as_slice();
    while let [tree, after @ ..] = rest {
        if let Some(behind) = behind_test(rest) {
            // What was said of the item above its condition goes with it.
            while let [.., TokenTree::Punct(hash), TokenTree::Group(_)] = kept.as_slice()
                && hash.as_char() == '#'
            {
                kept.truncate(kept.len() - 2);
            }
            rest = behind;
            continue;
        }
        kept.push(match tree {
            TokenTree::Group(group) => {
                let inner = without_tests(group.stream());
                TokenTree::Group(Group::new(group.delimiter(), inner))
            }
            other => other.clone(),
        });
        rest = after;
    }
    kept.into_iter().collect()
}

/// What follows the item for tests that these tokens begin with, if they do.
fn behind_test(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    let [
        TokenTree::Punct(hash),
        TokenTree::Group(attribute),
        item @ ..,
    ] = tokens
    else {
        return None;
    };
    if hash.as_char() != '#' || !is_item(item) {
        return None;
    }
    let condition = attribute.stream().to_string().replace(' ', "");
    if condition != "cfg(test)" {
        return None;
    }
    // An item ends with its braces or with a semicolon; an import has both.
    let braces = |tree: &TokenTree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    };
    let semicolon = |tree: &TokenTree| match tree {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    };
    let end = item
        .iter()
        .position(|tree| braces(tree) || semicolon(tree))?;
    match item.get(end + 1..)? {
        [next, behind @ ..] if semicolon(next) => Some(behind),
        behind => Some(behind),
    }
}

/// Whether an item begins here, and not a field, a variant or a statement.
fn is_item(tokens: &[TokenTree]) -> bool {
    const ITEMS: [&str; 12] = [
        "async",
        "const",
        "enum",
        "fn",
        "impl",
        "macro_rules",
        "mod",
        "static",
        "struct",
        "trait",
        "type",
        "use",
    ];
    let first = tokens.iter().find_map(|tree| match tree {
        TokenTree::Ident(word) if *word != "pub" => Some(word),
        _ => None,
    });
    first.is_some_and(|word| ITEMS.iter().any(|item| word == item))
}
