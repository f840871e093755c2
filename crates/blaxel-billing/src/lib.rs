#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod account;
mod calendar;
mod decimal;
mod dimension;
mod labels;
mod metrics;
pub mod operations;
mod query;
mod report;
mod several;
mod usage;
mod usd;
mod window;

use std::fmt;
use std::num::NonZeroUsize;

use blaxel_core::{BoxFuture, Error, HttpService, Items, Page, Pages, Source, call};

use self::operations::{
    GetAccountMetrics, GetWorkspace, ListAccountMetricsGroupBy, ListAccountMetricsResourceTypes,
    ListAccounts,
};
use self::report::Collector;

/// The core crate, in the version that this crate uses.
///
/// It keeps its full name: a module called `core` would make the language's own `core` ambiguous in
/// every file that imports this crate by `*`.
pub use blaxel_core;

pub use self::access::AdminOnly;
pub use self::account::{Account, WorkspaceAccount};
pub use self::dimension::{BillingDimension, Dimension};
pub use self::labels::Labels;
pub use self::metrics::{Amount, Group, MetricsPage, Step, Total};
pub use self::query::MetricsQuery;
pub use self::report::{
    Breakdown, Change, Comparison, Detail, Entry, Forecast, Label, Report, Row, Series,
};
pub use self::usage::{Quantity, Unit, Usage};
pub use self::usd::Usd;
pub use self::window::{Resolution, Window};

/// The default number of windows of a long report that are fetched at a time.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// The Billing API, over any service that carries requests.
#[derive(Clone)]
pub struct Billing<S> {
    service: S,
    concurrency: NonZeroUsize,
}

impl<S: HttpService> Billing<S> {
    /// Creates a handle that sends over a service: a `blaxel_transport::Client`, the emulator's
    /// in-memory service, or a stack of your own.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self {
            service,
            concurrency: CONCURRENCY,
        }
    }

    /// Sets the number of windows of a long [`report`](Self::report) that are fetched at a time. The
    /// default is 4. The pages of one window are fetched one after the other in any case.
    #[must_use]
    pub fn with_concurrency(mut self, windows: NonZeroUsize) -> Self {
        self.concurrency = windows;
        self
    }

    /// Collects the accounts that the credential can read. `GET /accounts`.
    ///
    /// # Errors
    ///
    /// The error of any page, or a pagination error; see [`Pages`].
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        self.account_items().into_vec().await
    }

    /// Returns a walk over the accounts that the credential can read. `GET /accounts`.
    pub fn account_items(&self) -> Items<Page<Account>> {
        Pages::of(self.service.clone(), None, ListAccounts::starting_at).items()
    }

    /// Returns the id of the account that a workspace belongs to. `GET /workspaces/{workspaceName}`.
    ///
    /// # Errors
    ///
    /// The error of the call; [`Error::is_decode`] if the server names no account.
    pub async fn account_of(&self, workspace: &str) -> Result<String, Error> {
        let workspace = call(&self.service, &GetWorkspace::new(workspace)).await?;
        let id = workspace.account_id.filter(|id| !id.is_empty());
        id.ok_or_else(|| Error::decode("the workspace is there, but it tells no account"))
    }

    /// Returns the dimensions that costs can be grouped by. They are the same for every account.
    /// `GET /accounts/{accountId}/metrics/enums/group-by`.
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn dimensions(&self, account: &str) -> Result<Vec<Dimension>, Error> {
        call(&self.service, &ListAccountMetricsGroupBy::new(account)).await
    }

    /// Returns the types of resources that were used in a window, such as `sandbox`.
    /// `GET /accounts/{accountId}/metrics/enums/resource-types`.
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn resource_types(
        &self,
        account: &str,
        window: &Window,
    ) -> Result<Vec<String>, Error> {
        let types = ListAccountMetricsResourceTypes::new(account, window.clone());
        call(&self.service, &types).await
    }

    /// Returns a page of an account's metrics. `GET /accounts/{accountId}/metrics`.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a query that the server would refuse; [`Error::is_forbidden`] for one
    /// that the credential does not allow, with [`AdminOnly`] as its cause if the query filters or
    /// groups by workspace.
    pub async fn metrics(&self, account: &str, query: &MetricsQuery) -> Result<MetricsPage, Error> {
        page(&self.service, account, query.clone()).await
    }

    /// Returns a walk over the pages of an account's metrics. `GET /accounts/{accountId}/metrics`.
    ///
    /// Each page repeats the total of all pages: do not add totals up.
    pub fn metrics_pages(&self, account: &str, query: &MetricsQuery) -> Pages<MetricsPage> {
        pages(self.service.clone(), account.to_owned(), query.clone())
    }

    /// Returns a walk over the groups of an account's metrics. `GET /accounts/{accountId}/metrics`.
    pub fn groups(&self, account: &str, query: &MetricsQuery) -> Items<MetricsPage> {
        self.metrics_pages(account, query).items()
    }

    /// Returns the complete result of a query, over all its pages and for a window of any length.
    /// `GET /accounts/{accountId}/metrics`.
    ///
    /// A window longer than the resolution allows is split by [`Window::split`]; the parts are
    /// fetched several [at a time](Self::with_concurrency), and joined. No task is spawned: the returned future
    /// drives all requests.
    ///
    /// # Errors
    ///
    /// The errors of [`metrics`](Self::metrics) for any page; a pagination error, see [`Pages`];
    /// [`Error::is_decode`] if pages disagree about the resolution; [`Error::is_input`] for a query
    /// with a cursor, which would leave out the pages before it.
    pub async fn report(&self, account: &str, query: &MetricsQuery) -> Result<Report, Error> {
        query.check_but_length()?;
        if query.has_cursor() {
            let problem = "a report starts at the first page";
            return Err(Error::input("cursor", &Source::Code, problem));
        }
        let parts = query.split().into_iter().map(|part| {
            let (service, account) = (self.service.clone(), account.to_owned());
            let part: BoxFuture<_> = Box::pin(collect(service, account, part));
            part
        });
        let parts = several::in_order(parts, self.concurrency).await?;
        let mut whole = Collector::new(query);
        for (index, part) in parts.into_iter().enumerate() {
            match index {
                0 => whole = part,
                _ => whole.append(part)?,
            }
        }
        Ok(whole.finish())
    }

    /// Returns the result of a query and that of the same query in the
    /// [window before](Window::previous).
    /// `GET /accounts/{accountId}/metrics`.
    ///
    /// # Errors
    ///
    /// As for [`report`](Self::report).
    pub async fn comparison(
        &self,
        account: &str,
        query: &MetricsQuery,
    ) -> Result<Comparison, Error> {
        let before = query.clone().with_window(query.window().previous()?);
        let now = self.report(account, query).await?;
        Ok(Comparison::new(self.report(account, &before).await?, now))
    }
}

async fn page<S: HttpService>(
    service: &S,
    account: &str,
    query: MetricsQuery,
) -> Result<MetricsPage, Error> {
    let reason = query.admin_only();
    let page = call(service, &GetAccountMetrics::new(account, query)).await;
    page.map_err(|error| AdminOnly::explain(reason, error))
}

fn pages<S: HttpService>(
    service: S,
    account: String,
    mut query: MetricsQuery,
) -> Pages<MetricsPage> {
    let start = query.take_cursor();
    Pages::new(start, move |cursor| {
        let (service, account) = (service.clone(), account.clone());
        let query = query.clone().cursor(cursor);
        Box::pin(async move { page(&service, &account, query).await })
    })
}

/// Walks all pages of one window.
async fn collect<S: HttpService>(
    service: S,
    account: String,
    query: MetricsQuery,
) -> Result<Collector, Error> {
    let mut collector = Collector::new(&query);
    let mut pages = pages(service, account, query);
    while let Some(page) = pages.try_next().await? {
        collector.add(page)?;
    }
    Ok(collector)
}

impl<S> fmt::Debug for Billing<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Billing").finish_non_exhaustive()
    }
}
