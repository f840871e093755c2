#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod metrics;
pub mod operations;
mod query;
mod usd;
mod window;

use std::fmt;

use blaxel_core::{Error, HttpService, Items, Page, Pages, call};

use self::operations::{GetAccountMetrics, ListAccounts};

pub use self::metrics::{Account, Amount, Group, MetricsPage, Step, Total};
pub use self::query::{BillingDimension, Dimension, MetricsQuery};
pub use self::usd::{ParseUsdError, Usd};
pub use self::window::{Resolution, Window};

/// The Billing API, over any service that carries requests.
#[derive(Clone)]
pub struct Billing<S> {
    service: S,
}

impl<S: HttpService> Billing<S> {
    /// The Billing API as reached over a service: a `blaxel_transport::Client`, the emulator's
    /// socketless service, or a stack of your own.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self { service }
    }

    /// The accounts that the credential reaches. `GET /accounts`.
    ///
    /// # Errors
    ///
    /// What the call failed with.
    pub async fn accounts(&self) -> Result<Page<Account>, Error> {
        call(&self.service, &ListAccounts).await
    }

    /// One page of an account's metrics. `GET /accounts/{accountId}/metrics`.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a query that the server would refuse; [`Error::is_forbidden`] for one
    /// that only administrators of the account may ask.
    pub async fn metrics(&self, account: &str, query: &MetricsQuery) -> Result<MetricsPage, Error> {
        call(
            &self.service,
            &GetAccountMetrics::new(account, query.clone()),
        )
        .await
    }

    /// All pages of an account's metrics, fetched one after the other as they are asked for.
    pub fn metrics_pages(&self, account: &str, mut query: MetricsQuery) -> Pages<MetricsPage> {
        let account = account.to_owned();
        let start = query.take_cursor();
        Pages::of(self.service.clone(), start, move |cursor| {
            GetAccountMetrics::new(&account, query.clone().cursor(cursor))
        })
    }

    /// All groups of an account's metrics, one after the other.
    pub fn groups(&self, account: &str, query: MetricsQuery) -> Items<MetricsPage> {
        self.metrics_pages(account, query).items()
    }
}

impl<S> fmt::Debug for Billing<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Billing").finish_non_exhaustive()
    }
}
