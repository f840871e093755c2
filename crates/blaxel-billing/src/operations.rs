//! The operations of the Billing Explorer API, as values.
//!
//! [`Billing`](crate::Billing) sends these. Use one directly with [`blaxel_core::call`] to send it over a
//! service of your own:
//!
//! ```no_run
//! use blaxel_billing::operations::ListAccounts;
//! use blaxel_core::{Error, HttpService, call};
//!
//! # async fn example(service: impl HttpService) -> Result<(), Error> {
//! let page = call(&service, &ListAccounts::starting_at(None)).await?;
//! println!("{} accounts", page.len());
//! # Ok(())
//! # }
//! ```

use blaxel_core::{Cursor, Error, Operation, OperationInfo, Page, RequestWriter, response};
use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use crate::account::{Account, WorkspaceAccount};
use crate::dimension::Dimension;
use crate::metrics::MetricsPage;
use crate::query::MetricsQuery;
use crate::window::Window;

/// Lists the accounts that the credential can read (`GET /accounts`).
#[derive(Clone, Debug, Default)]
pub struct ListAccounts {
    cursor: Option<Cursor>,
}

impl ListAccounts {
    /// Creates the operation for the page that starts at `cursor`, or for the first page.
    ///
    /// The API does not document pages for this list. If the server sends them, they are walked like those of
    /// any other list.
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

/// Reads a workspace, of which only the account is decoded (`GET /workspaces/{workspaceName}`).
#[derive(Clone, Debug)]
pub struct GetWorkspace {
    name: String,
}

impl GetWorkspace {
    /// Creates the operation for the workspace named `name`.
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

/// Reads a page of an account's metrics (`GET /accounts/{accountId}/metrics`).
#[derive(Clone, Debug)]
pub struct GetAccountMetrics {
    account: String,
    query: MetricsQuery,
}

impl GetAccountMetrics {
    /// Creates the operation for the account with the id `account`.
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

/// Lists the dimensions that costs can be grouped by (`GET /accounts/{accountId}/metrics/enums/group-by`).
#[derive(Clone, Debug)]
pub struct ListAccountMetricsGroupBy {
    account: String,
}

impl ListAccountMetricsGroupBy {
    /// Creates the operation for the account with the id `account`.
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

/// Lists the resource types that caused costs in a window
/// (`GET /accounts/{accountId}/metrics/enums/resource-types`).
#[derive(Clone, Debug)]
pub struct ListAccountMetricsResourceTypes {
    account: String,
    window: Window,
}

impl ListAccountMetricsResourceTypes {
    /// Creates the operation for the account with the id `account`.
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

/// The response of an enum endpoint. An object without the member is an error, not an empty list.
#[derive(Deserialize)]
struct Values<T> {
    values: Vec<T>,
}
