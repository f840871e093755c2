//! Parameters of a list request.

use crate::description::OperationInfo;
use crate::error::Error;
use crate::open_enum;
use crate::page::Cursor;
use crate::request::RequestWriter;
use crate::source::Source;
use crate::time::Timestamp;

open_enum! {
    /// The order of a list.
    pub enum Sort {
        /// Newest first. The server's default.
        CreatedDescending = "createdAt:desc",
        /// Oldest first.
        CreatedAscending = "createdAt:asc",
        /// By name, ascending.
        NameAscending = "name:asc",
        /// By name, descending.
        NameDescending = "name:desc",
    }
}

/// Filters, order and page size of a list.
///
/// Each list supports some of them. A request with a filter that its list does not support is
/// rejected before it is sent.
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
    sandbox: Option<String>,
    schedule: Option<String>,
    created_since: Option<Timestamp>,
    created_until: Option<Timestamp>,
}

impl ListParams {
    /// Creates parameters without filters, with the server's order and page size.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the maximum number of items per page. The server's default is 50, and it reduces a
    /// limit above its maximum, usually 200. A limit of 0 is rejected when the request is written.
    pub fn limit(mut self, items: u32) -> Self {
        self.limit = Some(items);
        self
    }

    /// Sets the cursor at which the list starts. By default it starts at the beginning.
    pub fn cursor(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.cursor = cursor.into();
        self
    }

    /// Sets the order. The server's default is [`Sort::CreatedDescending`].
    pub fn sort(mut self, sort: Sort) -> Self {
        self.sort = Some(sort);
        self
    }

    /// Sets a text to search for in names, display names and labels, ignoring case. The server
    /// ignores texts of fewer than two characters. No filter by default.
    pub fn search(mut self, text: impl Into<String>) -> Self {
        self.search = Some(text.into());
        self
    }

    /// Adds a status to filter by. No filter by default.
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.statuses.push(status.into());
        self
    }

    /// Starts with the last page instead of the first. Supported for the orders by creation only.
    pub fn from_end(mut self) -> Self {
        self.from_end = true;
        self
    }

    /// Sets the external id to filter by: an id from a system of the user's own, which need not be
    /// unique. No filter by default.
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// Includes terminated sandboxes, which a list of sandboxes omits by default. It has no effect
    /// together with a [`status`](Self::status) filter.
    pub fn include_terminated(mut self) -> Self {
        self.terminated = true;
        self
    }

    /// Sets the type to filter by, for lists with items of several types, such as schedules. No
    /// filter by default.
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Sets the exact name to filter by, for lists that support it, such as image tags. No filter
    /// by default.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the sharing workspace to filter by, for lists that support it, such as image tags. No
    /// filter by default.
    pub fn source_workspace(mut self, workspace: impl Into<String>) -> Self {
        self.source_workspace = Some(workspace.into());
        self
    }

    /// Sets the name of the sandbox to filter by, for lists across sandboxes, such as schedules. No filter by
    /// default.
    pub fn sandbox(mut self, name: impl Into<String>) -> Self {
        self.sandbox = Some(name.into());
        self
    }

    /// Sets the id of the schedule to filter by, for executions of schedules. No filter by default.
    pub fn schedule(mut self, id: impl Into<String>) -> Self {
        self.schedule = Some(id.into());
        self
    }

    /// Sets the first time of creation, inclusive, for lists that support it, such as executions of schedules. No
    /// filter by default.
    pub fn created_since(mut self, moment: impl Into<Timestamp>) -> Self {
        self.created_since = Some(moment.into());
        self
    }

    /// Sets the last time of creation, inclusive, for lists that support it, such as executions of schedules. No
    /// filter by default.
    pub fn created_until(mut self, moment: impl Into<Timestamp>) -> Self {
        self.created_until = Some(moment.into());
        self
    }

    /// Removes and returns the cursor.
    pub fn take_cursor(&mut self) -> Option<Cursor> {
        self.cursor.take()
    }

    /// Writes the query parameters into a request.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a limit of 0, and for a parameter that the operation does not
    /// support: the server would ignore it and return more than was requested.
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
            ("sandbox", self.sandbox.as_deref()),
            ("schedule", self.schedule.as_deref()),
            ("since", self.created_since.as_ref().map(Timestamp::as_str)),
            ("until", self.created_until.as_ref().map(Timestamp::as_str)),
        ] {
            let Some(value) = value else { continue };
            if !request.operation().takes(name) {
                return Err(unsupported_parameter(name, request.operation()));
            }
            request.query(name, value);
        }
        Ok(())
    }
}

/// Creates the error of a parameter that the operation does not support.
fn unsupported_parameter(name: &str, operation: &OperationInfo) -> Error {
    let known = operation.parameters().unwrap_or_default().join(", ");
    let problem = match known.as_str() {
        "" => "this list supports no parameters".to_owned(),
        known => format!("this list does not support it; it supports {known}"),
    };
    Error::input(name, &Source::Code, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    static LIST: OperationInfo = OperationInfo::new("ListThings", http::Method::GET, "/things");

    #[test]
    fn parameters_become_the_query() {
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
    fn a_filter_that_the_list_does_not_support_is_rejected() {
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
    fn a_limit_of_zero_is_rejected() {
        let mut writer = RequestWriter::new(&LIST);
        let error = ListParams::new().limit(0).write(&mut writer).unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains("limit"),
            "{error}"
        );
    }
}
