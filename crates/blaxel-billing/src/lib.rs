#![doc = include_str!("../README.md")]
//!
//! ## Main types
//!
//! - **Client**: [`Billing`] lists accounts, reads metrics page by page, and reads whole reports.
//! - **Query**: [`MetricsQuery`] selects a [`Window`] of time, the [`Dimension`]s to group by, filters, and the
//!   [`Resolution`] of the time series. It is checked before it is sent: dimensions, limits, and the
//!   maximum window of its resolution.
//! - **Report**: [`Billing::report`] reads all pages, splits a window that is too long for its resolution, and
//!   joins the parts to one [`Report`]. The report has costs by any dimension or by a label of your own
//!   ([`Breakdown`]) and over time ([`Series`]), and writes itself as CSV and JSON ([`Detail`]).
//! - **Comparison and forecast**: [`Billing::comparison`] reads a report and that of the window before it
//!   ([`Comparison`]); [`Report::forecast`] extrapolates the cost of a month ([`Forecast`]).
//! - **Pages**: [`Billing::metrics_pages`] and [`Billing::groups`] walk the pages of the API themselves
//!   ([`MetricsPage`], [`Group`]), by `try_next` or as a `futures_core::Stream`.
//! - **Numbers**: [`Usd`] and [`Quantity`] are exact decimals, read digit by digit. The total that each page
//!   repeats is never summed, and usage in different [`Unit`]s is never added up.
//! - **Operations**: [`operations`] has each API call as a value, to be sent over a service of your own.
//!
//! Dimensions, resolutions and units are open enums: values that the platform adds later are passed on under
//! their names.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::future_not_send))]

mod access;
mod account;
mod calendar;
mod concurrent;
mod decimal;
mod dimension;
mod labels;
mod metrics;
pub mod operations;
mod query;
mod report;
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

/// Re-export of [`blaxel_core`], in the version that this crate uses.
///
/// It keeps its full name because a module called `core` would shadow the language's own `core` in every
/// file that imports this crate by `*`.
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

/// The Billing Explorer API, over any service that carries HTTP requests.
///
/// A handle is cheap to clone if its service is. Every method sends its requests when its future is polled, or
/// when the returned walk is read.
///
/// ```no_run
/// use blaxel_billing::{Billing, Dimension, MetricsQuery, Window};
/// use blaxel_core::{Error, HttpService};
///
/// # async fn example(client: impl HttpService) -> Result<(), Error> {
/// let billing = Billing::new(client);
/// for account in billing.accounts().await? {
///     println!("{}: {}", account.id().unwrap_or("?"), account.name().unwrap_or("?"));
/// }
///
/// let account = billing.account_of("my-workspace").await?;
/// let april = Window::month(2026, 4)?;
/// println!("used: {:?}", billing.resource_types(&account, &april).await?);
/// println!("group by: {:?}", billing.dimensions(&account).await?);
///
/// let query = MetricsQuery::new(april).group_by(Dimension::ResourceName);
/// println!("${}", billing.report(&account, &query).await?.total());
/// let change = billing.comparison(&account, &query).await?.total();
/// println!("${} more than in the month before", change.difference());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Billing<S> {
    service: S,
    concurrency: NonZeroUsize,
}

impl<S: HttpService> Billing<S> {
    /// Creates a handle that sends its requests over `service`: a `blaxel_transport::Client`, the
    /// emulator's in-memory service, or a stack of your own.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self {
            service,
            concurrency: CONCURRENCY,
        }
    }

    /// Sets the maximum number of windows of a long [`report`](Self::report) that are fetched
    /// concurrently. The default is 4. The pages of one window are always fetched one after the other.
    #[must_use]
    pub fn with_concurrency(mut self, windows: NonZeroUsize) -> Self {
        self.concurrency = windows;
        self
    }

    /// Returns all accounts that the credential can read (`GET /accounts`).
    ///
    /// See [`Billing`] for an example.
    ///
    /// # Errors
    ///
    /// The error of any page, or a pagination error; see [`Pages`].
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        self.account_items().into_vec().await
    }

    /// Returns a walk over the accounts that the credential can read (`GET /accounts`).
    ///
    /// ```no_run
    /// # async fn example(billing: blaxel_billing::Billing<impl blaxel_core::HttpService>) -> Result<(), blaxel_core::Error> {
    /// let mut accounts = billing.account_items();
    /// while let Some(account) = accounts.try_next().await? {
    ///     println!("{:?}", account.id());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn account_items(&self) -> Items<Page<Account>> {
        Pages::of(self.service.clone(), None, ListAccounts::starting_at).items()
    }

    /// Returns the id of the account that the workspace belongs to (`GET /workspaces/{workspaceName}`).
    ///
    /// See [`Billing`] for an example.
    ///
    /// # Errors
    ///
    /// The error of the call; [`Error::is_decode`] if the response names no account.
    pub async fn account_of(&self, workspace: &str) -> Result<String, Error> {
        let workspace = call(&self.service, &GetWorkspace::new(workspace)).await?;
        let id = workspace.account_id.filter(|id| !id.is_empty());
        id.ok_or_else(|| Error::decode("the response has the workspace, but no account id"))
    }

    /// Returns the dimensions that costs can be grouped by
    /// (`GET /accounts/{accountId}/metrics/enums/group-by`). They are the same for every account.
    ///
    /// See [`Billing`] for an example.
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn dimensions(&self, account: &str) -> Result<Vec<Dimension>, Error> {
        call(&self.service, &ListAccountMetricsGroupBy::new(account)).await
    }

    /// Returns the resource types that were used in a window, such as `sandbox`
    /// (`GET /accounts/{accountId}/metrics/enums/resource-types`).
    ///
    /// See [`Billing`] for an example.
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

    /// Returns one page of an account's metrics (`GET /accounts/{accountId}/metrics`).
    ///
    /// Use [`report`](Self::report) for the complete result.
    ///
    /// ```no_run
    /// # use blaxel_billing::{Billing, MetricsQuery, Window};
    /// # async fn example(billing: Billing<impl blaxel_core::HttpService>) -> Result<(), blaxel_core::Error> {
    /// let query = MetricsQuery::new(Window::month(2026, 4)?).limit(20);
    /// let page = billing.metrics("acc-1", &query).await?;
    /// println!("{} groups of ${}", page.groups.len(), page.summary.cost);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a query that the server would refuse; [`Error::is_forbidden`] for one
    /// that the credential does not permit, with [`AdminOnly`] as its cause if the query filters or
    /// groups by workspace.
    pub async fn metrics(&self, account: &str, query: &MetricsQuery) -> Result<MetricsPage, Error> {
        page(&self.service, account, query.clone()).await
    }

    /// Returns a walk over the pages of an account's metrics (`GET /accounts/{accountId}/metrics`).
    ///
    /// Each page repeats the total of the whole query: do not add these totals up.
    ///
    /// ```no_run
    /// # use blaxel_billing::{Billing, Dimension, MetricsQuery, Window};
    /// # async fn example(billing: Billing<impl blaxel_core::HttpService>) -> Result<(), blaxel_core::Error> {
    /// let query = MetricsQuery::new(Window::month(2026, 4)?).group_by(Dimension::ResourceName);
    /// let mut pages = billing.metrics_pages("acc-1", &query);
    /// while let Some(page) = pages.try_next().await? {
    ///     println!("{} groups", page.groups.len());
    /// }
    ///
    /// // The same, group by group.
    /// let mut groups = billing.groups("acc-1", &query);
    /// while let Some(group) = groups.try_next().await? {
    ///     println!("{:?}: ${}", group.labels.resource_name, group.summary.cost);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn metrics_pages(&self, account: &str, query: &MetricsQuery) -> Pages<MetricsPage> {
        pages(self.service.clone(), account.to_owned(), query.clone())
    }

    /// Returns a walk over the groups of an account's metrics (`GET /accounts/{accountId}/metrics`).
    ///
    /// See [`metrics_pages`](Self::metrics_pages) for an example.
    pub fn groups(&self, account: &str, query: &MetricsQuery) -> Items<MetricsPage> {
        self.metrics_pages(account, query).items()
    }

    /// Returns the complete result of a query: all its pages, for a window of any length
    /// (`GET /accounts/{accountId}/metrics`).
    ///
    /// A window longer than the resolution allows is split by [`Window::split`]. The parts are fetched
    /// [concurrently](Self::with_concurrency), and joined. No task is spawned: the returned future
    /// drives all requests. See [`Report`] for an example.
    ///
    /// # Errors
    ///
    /// The errors of [`metrics`](Self::metrics) for any page; a pagination error, see [`Pages`];
    /// [`Error::is_decode`] if the pages differ in resolution; [`Error::is_input`] for a query with a
    /// cursor, which would leave out the pages before it.
    pub async fn report(&self, account: &str, query: &MetricsQuery) -> Result<Report, Error> {
        query.check_except_length()?;
        if query.has_cursor() {
            let problem = "a report starts at the first page";
            return Err(Error::input("cursor", &Source::Code, problem));
        }
        let parts = query.split().into_iter().map(|part| {
            let (service, account) = (self.service.clone(), account.to_owned());
            let part: BoxFuture<_> = Box::pin(collect(service, account, part));
            part
        });
        let parts = concurrent::in_order(parts, self.concurrency).await?;
        let mut whole = Collector::new(query);
        for (index, part) in parts.into_iter().enumerate() {
            match index {
                0 => whole = part,
                _ => whole.append(part)?,
            }
        }
        Ok(whole.finish())
    }

    /// Returns the report of a query and that of the same query in the
    /// [previous window](Window::previous) (`GET /accounts/{accountId}/metrics`). See [`Comparison`] for an
    /// example.
    ///
    /// # Errors
    ///
    /// Those of [`report`](Self::report).
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

/// Fetches one page, and explains a 403 that the query itself accounts for.
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

/// Fetches all pages of one window.
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
