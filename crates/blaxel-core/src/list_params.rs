//! Parameters of a list request.

use crate::description::OperationInfo;
use crate::error::Error;
use crate::open_enum;
use crate::page::Cursor;
use crate::request::RequestWriter;
use crate::source::Source;

open_enum! {
    /// The order of a list.
    pub enum Sort {
        /// Newest first. The server's default.
        CreatedDescending = "createdAt:desc",
        /// Oldest first.
        CreatedAscending = "createdAt:asc",
        /// By name, from A to Z.
        NameAscending = "name:asc",
        /// By name, from Z to A.
        NameDescending = "name:desc",
    }
}

/// Filters, order and page size of a list.
///
/// Each list takes some of them. A request with a filter that its list does not take is refused
/// before it is sent.
///
/// ```
/// use blaxel_core::{ListParams, Sort};
///
/// let params = ListParams::new().limit(20).sort(Sort::NameAscending).search("support");
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ListParams {
    limit: Option<u32>,
    cursor: Option<Cursor>,
    sort: Option<Sort>,
    search: Option<String>,
    statuses: Vec<String>,
    from_end: bool,
    external_id: Option<String>,
    terminated: bool,
    kind: Option<String>,
    name: Option<String>,
    source_workspace: Option<String>,
}

impl ListParams {
    /// Creates parameters without a filter, with the server's order and page size.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the maximum number of items in a page. The server's default is 50, and it lowers a limit
    /// above its maximum, mostly 200. 0 is refused when the request is written.
    pub fn limit(mut self, items: u32) -> Self {
        self.limit = Some(items);
        self
    }

    /// Starts the list at a cursor rather than at the beginning.
    pub fn cursor(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.cursor = cursor.into();
        self
    }

    /// Sets the order.
    pub fn sort(mut self, sort: Sort) -> Self {
        self.sort = Some(sort);
        self
    }

    /// Filters by a text in the name, display name or labels, ignoring case. The server ignores texts
    /// of fewer than two characters.
    pub fn search(mut self, text: impl Into<String>) -> Self {
        self.search = Some(text.into());
        self
    }

    /// Filters by status. Further calls add further statuses.
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.statuses.push(status.into());
        self
    }

    /// Starts with the last page instead of the first. Only for the orders by creation.
    pub fn from_end(mut self) -> Self {
        self.from_end = true;
        self
    }

    /// Filters by external id: an id in a system of the user's own, which need not be unique.
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// Includes terminated sandboxes, which a list of sandboxes leaves out by default. It has no effect
    /// beside a [`status`](Self::status) filter.
    pub fn include_terminated(mut self) -> Self {
        self.terminated = true;
        self
    }

    /// Filters by type, where a list has items of several types, such as schedules.
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Filters by exact name. Only for lists that take it, such as image tags.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Filters by the workspace that shares the item. Only for lists that take it, such as image tags.
    pub fn source_workspace(mut self, workspace: impl Into<String>) -> Self {
        self.source_workspace = Some(workspace.into());
        self
    }

    /// Removes the cursor and returns it.
    pub fn take_cursor(&mut self) -> Option<Cursor> {
        self.cursor.take()
    }

    /// Writes the query parameters.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a limit of 0, and for a parameter that the operation does not take: the
    /// server would ignore it and return more than was asked for.
    pub fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        if self.limit == Some(0) {
            let problem = "a page needs at least 1 item; raise the limit or leave it out";
            return Err(Error::input("limit", &Source::Code, problem));
        }
        let limit = self.limit.map(|limit| limit.to_string());
        let statuses = self.statuses.join(",");
        for (name, value) in [
            ("limit", limit.as_deref()),
            ("cursor", self.cursor.as_ref().map(Cursor::as_str)),
            ("sort", self.sort.as_ref().map(Sort::as_str)),
            ("q", self.search.as_deref()),
            ("status", (!statuses.is_empty()).then_some(&statuses)),
            ("anchor", self.from_end.then_some("end")),
            ("externalId", self.external_id.as_deref()),
            ("showTerminated", self.terminated.then_some("true")),
            ("type", self.kind.as_deref()),
            ("name", self.name.as_deref()),
            ("sourceWorkspace", self.source_workspace.as_deref()),
        ] {
            let Some(value) = value else { continue };
            if !request.operation().takes(name) {
                return Err(not_taken(name, request.operation()));
            }
            request.query(name, value);
        }
        Ok(())
    }
}

fn not_taken(name: &str, operation: &OperationInfo) -> Error {
    let known = operation.parameters().unwrap_or_default().join(", ");
    let problem = match known.as_str() {
        "" => "this list takes no parameters at all".to_owned(),
        known => format!("this list does not take it; it takes {known}"),
    };
    Error::input(name, &Source::Code, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    static LIST: OperationInfo = OperationInfo::new("ListThings", http::Method::GET, "/things");

    #[test]
    fn parameters_are_written() {
        let params = ListParams::new()
            .limit(5)
            .cursor(Cursor::from("a+b/="))
            .sort(Sort::NameAscending)
            .search("x y")
            .status("DEPLOYED")
            .status("FAILED")
            .from_end();
        let mut writer = RequestWriter::new(&LIST);
        params.write(&mut writer).unwrap();
        let expected = "/things?limit=5&cursor=a%2Bb%2F%3D&sort=name%3Aasc&q=x%20y\
                        &status=DEPLOYED%2CFAILED&anchor=end";
        let request = writer.finish().unwrap();
        assert_eq!(request.uri().path_and_query().unwrap(), expected);
    }

    #[test]
    fn a_filter_that_the_list_would_ignore_is_refused() {
        static FEW: OperationInfo = OperationInfo::new("ListFew", http::Method::GET, "/few")
            .with_parameters(&["limit", "cursor"]);
        let mut writer = RequestWriter::new(&FEW);
        ListParams::new().limit(1).write(&mut writer).unwrap();
        let error = ListParams::new()
            .status("FAILED")
            .write(&mut writer)
            .unwrap_err();
        assert!(error.is_input(), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("status") && text.contains("limit, cursor"),
            "{text}"
        );
    }

    #[test]
    fn a_limit_of_nothing_is_refused() {
        let mut writer = RequestWriter::new(&LIST);
        let error = ListParams::new().limit(0).write(&mut writer).unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains("limit"),
            "{error}"
        );
    }
}
