//! The operations of the Billing API, as values.

use blaxel_core::{Error, Operation, OperationInfo, Page, RequestWriter, response};
use bytes::Bytes;
use http::Method;

use crate::metrics::{Account, MetricsPage};
use crate::query::MetricsQuery;

/// `GET /accounts`: the accounts that the credential reaches.
#[derive(Clone, Copy, Debug)]
pub struct ListAccounts;

impl Operation for ListAccounts {
    type Output = Page<Account>;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ListAccounts", Method::GET, "/accounts");

    fn write(&self, _: &mut RequestWriter) -> Result<(), Error> {
        Ok(())
    }

    fn read(response: &http::Response<Bytes>) -> Result<Page<Account>, Error> {
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
