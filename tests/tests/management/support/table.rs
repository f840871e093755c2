//! The table of the API's operations, and the requests that are expected by it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;

use super::exchange::Exchange;

static OPERATIONS: LazyLock<Operations> =
    LazyLock::new(|| Operations::read(include_str!("../operations.txt")));

/// All operations of the table.
pub struct Operations(Vec<Row>);

/// A row of the table: an operation, its area, and the shape of its requests.
struct Row {
    area: &'static str,
    name: &'static str,
    method: &'static str,
    path: &'static str,
    query: Vec<&'static str>,
}

impl Operations {
    pub fn get() -> &'static Self {
        &OPERATIONS
    }

    fn read(text: &'static str) -> Self {
        let mut area = "";
        let mut rows = Vec::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('[') {
                area = name.trim_end_matches(']');
            } else if !line.is_empty() && !line.starts_with('#') {
                let mut words = line.split(' ');
                let mut word = || words.next().unwrap_or_else(|| panic!("too short: {line}"));
                let (name, method, path) = (word(), word(), word());
                let query = words.next().map_or(Vec::new(), |query| {
                    query.trim_start_matches('?').split(',').collect()
                });
                rows.push(Row {
                    area,
                    name,
                    method,
                    path,
                    query,
                });
            }
        }
        Self(rows)
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|row| row.name)
    }

    pub fn areas(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|row| row.area)
    }

    pub fn names_of(&self, area: &str) -> impl Iterator<Item = &'static str> {
        self.0
            .iter()
            .filter(move |row| row.area == area)
            .map(|row| row.name)
    }

    /// Returns the query parameters of an operation.
    pub fn query_of(&self, name: &str) -> BTreeSet<&'static str> {
        self.row(name).query.iter().copied().collect()
    }

    /// Returns the method and the path of an operation.
    pub fn method_and_path_of(&self, name: &str) -> (&'static str, &'static str) {
        let row = self.row(name);
        (row.method, row.path)
    }

    fn row(&self, name: &str) -> &Row {
        let mut rows = self.0.iter();
        rows.find(|row| row.name == name)
            .unwrap_or_else(|| panic!("there is no operation {name}"))
    }
}

/// Returns the expected request of an operation, without path parameters, query and body until they
/// are added.
pub fn request(operation: &str) -> Request {
    Request {
        row: Operations::get().row(operation),
        names: Vec::new(),
        query: Vec::new(),
        body: None,
        status: 200,
    }
}

/// An expected request, and the status of its response.
#[must_use]
pub struct Request {
    row: &'static Row,
    names: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    status: u16,
}

impl Request {
    /// Appends path parameters, in their order.
    pub fn path_params<N: ToString>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.names
            .extend(names.into_iter().map(|name| name.to_string()));
        self
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        let operation = self.row.name;
        assert!(
            self.row.query.contains(&name),
            "{operation} takes no {name}"
        );
        self.query.push((name, value.to_string()));
        self
    }

    /// Sets the exact body.
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Sets the status of the response; 200 by default.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Compares a request that was sent with the expected one.
    pub fn compare(&self, sent: &Exchange) {
        let name = self.row.name;
        assert_eq!(sent.operation, name);
        assert_eq!(sent.method, self.row.method, "{name}");
        assert_eq!(sent.info.path(), self.row.path, "{name}");
        assert_eq!(sent.path, self.path(), "{name}");
        let mut query: Vec<_> = self
            .query
            .iter()
            .map(|(name, value)| format!("{name}={}", escaped(value)))
            .collect();
        query.sort();
        assert_eq!(sent.query, query, "{name}");
        assert_eq!(sent.body, self.body, "the body of {name}");
        let response = sent.response.as_ref().map(ToString::to_string);
        assert_eq!(
            sent.status, self.status,
            "the response of {name}: {response:?}"
        );
    }

    fn path(&self) -> String {
        let mut names = self.names.iter();
        let parts = self.row.path.split('/').map(|part| {
            if part.starts_with('{') {
                let missing = || panic!("{} has more parameters", self.row.name);
                escaped(names.next().unwrap_or_else(missing))
            } else {
                part.to_owned()
            }
        });
        let path = parts.collect::<Vec<_>>().join("/");
        assert_eq!(names.next(), None, "{} has fewer parameters", self.row.name);
        path
    }
}

/// Percent-encodes everything except unreserved characters.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}
