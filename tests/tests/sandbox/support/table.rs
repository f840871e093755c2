//! The list of the operations of a sandbox's API, which is that of `blaxel-sandbox`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use blaxel_emulator::blaxel_guest;
use http::Method;

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    read(include_str!(
        "../../../../crates/blaxel-sandbox/tests/operations.txt"
    ))
});

/// An operation and its area.
pub struct Row {
    pub area: &'static str,
    pub name: &'static str,
    pub method: Method,
    /// The template of the path.
    pub path: &'static str,
    /// The names of the query parameters.
    pub query: BTreeSet<&'static str>,
}

fn read(text: &'static str) -> Vec<Row> {
    let (mut area, mut rows) = ("", Vec::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            area = name.trim_end_matches(']');
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, method, path, rest @ ..] = words.as_slice() else {
            continue;
        };
        if line.starts_with('#') || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            continue;
        }
        let query = rest.iter().find_map(|word| word.strip_prefix('?'));
        let query = query.into_iter().flat_map(|query| query.split(','));
        rows.push(Row {
            area,
            name,
            method: method.parse().unwrap(),
            path,
            query: query
                .map(|parameter| parameter.split(['*', ':']).next().unwrap())
                .collect(),
        });
    }
    rows
}

pub fn rows() -> &'static [Row] {
    &ROWS
}

pub fn row(name: &str) -> &'static Row {
    let row = rows().iter().find(|row| row.name == name);
    row.unwrap_or_else(|| panic!("there is no operation {name}"))
}

impl Row {
    /// Returns `true` if a path is one of this operation. A parameter at the end has any number of segments.
    pub fn has_path(&self, path: &str) -> bool {
        let (mut names, mut parts) = (self.path.split('/').peekable(), path.split('/'));
        while let Some(name) = names.next() {
            match parts.next() {
                Some("") | None if name.starts_with('{') => return false,
                Some(_) if name.starts_with('{') && names.peek().is_none() => return true,
                Some(_) if name.starts_with('{') => {}
                part if part == Some(name) => {}
                _ => return false,
            }
        }
        parts.next().is_none()
    }

    /// Returns the name that the server of the emulator has for the operation.
    pub fn served_as(&self) -> Option<&'static str> {
        let segments = self.path.split('/');
        let path: Vec<_> = segments
            .map(|segment| match segment.starts_with('{') {
                true => "1",
                false => segment,
            })
            .collect();
        blaxel_guest::operation(&self.method, &path.join("/"))
    }
}
