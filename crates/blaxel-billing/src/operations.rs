//! The operations of the Billing API, as values.

use blaxel_core::{Cursor, Error, Operation, OperationInfo, Page, RequestWriter, response};
use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use crate::account::{Account, WorkspaceAccount};
use crate::dimension::Dimension;
use crate::metrics::MetricsPage;
use crate::query::MetricsQuery;
use crate::window::Window;

/// `GET /accounts`: the accounts that the credential reaches.
#[derive(Clone, Debug, Default)]
pub struct ListAccounts {
    cursor: Option<Cursor>,
}

impl ListAccounts {
    /// Asks for the page that begins at a cursor, or for the first one.
    ///
    /// The API does not say that it cuts this list into pages. Should it, it is walked as others are.
    #[must_use]
    pub fn starting_at(cursor: Option<Cursor>) -> Self {
        Self { cursor }
    }
}

impl Operation for ListAccounts {
    type Output = Page<Account>;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ListAccounts", Method::GET, "/accounts");

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.query_opt("cursor", self.cursor.as_ref().map(Cursor::as_str));
        Ok(())
    }

    fn read(response: &http::Response<Bytes>) -> Result<Page<Account>, Error> {
        response::json(response)
    }
}

/// `GET /workspaces/{workspaceName}`: of what a workspace is, the account it belongs to.
#[derive(Clone, Debug)]
pub struct GetWorkspace {
    name: String,
}

impl GetWorkspace {
    /// Asks about the workspace of this name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

impl Operation for GetWorkspace {
    type Output = WorkspaceAccount;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("GetWorkspace", Method::GET, "/workspaces/{workspaceName}");

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.name.as_str()])
    }

    fn read(response: &http::Response<Bytes>) -> Result<WorkspaceAccount, Error> {
        response::json(response)
    }
}

/// `GET /accounts/{accountId}/metrics`: a page of an account's metrics.
#[derive(Clone, Debug)]
pub struct GetAccountMetrics {
    account: String,
    query: MetricsQuery,
}

impl GetAccountMetrics {
    /// Asks this of that account.
    #[must_use]
    pub fn new(account: impl Into<String>, query: MetricsQuery) -> Self {
        Self {
            account: account.into(),
            query,
        }
    }
}

impl Operation for GetAccountMetrics {
    type Output = MetricsPage;
    const INFO: &'static OperationInfo = &OperationInfo::new(
        "GetAccountMetrics",
        Method::GET,
        "/accounts/{accountId}/metrics",
    );

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.account.as_str()])?;
        self.query.write(request)
    }

    fn read(response: &http::Response<Bytes>) -> Result<MetricsPage, Error> {
        response::json(response)
    }
}

/// `GET /accounts/{accountId}/metrics/enums/group-by`: what costs can be grouped by.
#[derive(Clone, Debug)]
pub struct ListAccountMetricsGroupBy {
    account: String,
}

impl ListAccountMetricsGroupBy {
    /// Asks this of that account.
    #[must_use]
    pub fn new(account: impl Into<String>) -> Self {
        Self {
            account: account.into(),
        }
    }
}

impl Operation for ListAccountMetricsGroupBy {
    type Output = Vec<Dimension>;
    const INFO: &'static OperationInfo = &OperationInfo::new(
        "ListAccountMetricsGroupBy",
        Method::GET,
        "/accounts/{accountId}/metrics/enums/group-by",
    );

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.account.as_str()])
    }

    fn read(response: &http::Response<Bytes>) -> Result<Vec<Dimension>, Error> {
        Ok(response::json::<Values<_>>(response)?.values)
    }
}

/// `GET /accounts/{accountId}/metrics/enums/resource-types`: the types of resources that cost
/// something in a window.
#[derive(Clone, Debug)]
pub struct ListAccountMetricsResourceTypes {
    account: String,
    window: Window,
}

impl ListAccountMetricsResourceTypes {
    /// Asks this of that account.
    #[must_use]
    pub fn new(account: impl Into<String>, window: Window) -> Self {
        Self {
            account: account.into(),
            window,
        }
    }
}

impl Operation for ListAccountMetricsResourceTypes {
    type Output = Vec<String>;
    const INFO: &'static OperationInfo = &OperationInfo::new(
        "ListAccountMetricsResourceTypes",
        Method::GET,
        "/accounts/{accountId}/metrics/enums/resource-types",
    );

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.account.as_str()])?;
        self.window.write(request);
        Ok(())
    }

    fn read(response: &http::Response<Bytes>) -> Result<Vec<String>, Error> {
        Ok(response::json::<Values<_>>(response)?.values)
    }
}

/// The response of an enum endpoint. An object without the member is not an empty list.
#[derive(Deserialize)]
struct Values<T> {
    values: Vec<T>,
}
