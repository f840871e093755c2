//! The complete result of a query, and its evaluations.

mod breakdown;
mod collector;
mod comparison;
mod export;
mod forecast;
mod series;
mod steps;

use blaxel_core::{Error, Source, Timestamp};

use crate::dimension::{BillingDimension, Dimension};
use crate::labels::Labels;
use crate::usage::{Quantity, Tally, Usage};
use crate::usd::Usd;
use crate::window::{Resolution, Window};

pub use self::breakdown::{Breakdown, Entry, Label};
pub(crate) use self::collector::Collector;
pub use self::comparison::{Change, Comparison};
pub use self::export::Detail;
pub use self::forecast::Forecast;
pub use self::series::Series;

/// The costs of an account in a window: all groups of all pages, and the total.
///
/// [`Billing::report`](crate::Billing::report) creates one. It is stored in columns: the steps of time
/// once, and for each group one number per step.
///
/// ```no_run
/// use blaxel_billing::{Billing, Dimension, MetricsQuery, Resolution, Window};
/// use blaxel_core::{Error, HttpService};
///
/// async fn show(client: impl HttpService, account: &str) -> Result<(), Error> {
///     let query = MetricsQuery::new(Window::year(2026)?)
///         .resolution(Resolution::Daily)
///         .group_by(Dimension::ResourceName);
///     let report = Billing::new(client).report(account, &query).await?;
///
///     for entry in report.by(&Dimension::ResourceType)?.top(5).entries() {
///         println!("{}: ${}", entry.label(), entry.cost());
///     }
///     let teams = report.by_label(|labels| {
///         let (team, _) = labels.resource_name.as_deref()?.split_once('-')?;
///         Some(team.to_owned())
///     });
///     println!("{}", serde_json::to_string(&teams).unwrap());
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    window: Window,
    resolution: Resolution,
    grouping: Vec<Dimension>,
    total: Usd,
    steps: Vec<Timestamp>,
    rows: Vec<Row>,
}

/// The costs of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    labels: Labels,
    cost: Usd,
    usage: Option<Quantity>,
    costs: Vec<Usd>,
    /// Empty if usage is not reported.
    usages: Vec<Quantity>,
}

impl Report {
    /// Returns the window of the query.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// Returns the length of the steps.
    #[must_use]
    pub fn resolution(&self) -> &Resolution {
        &self.resolution
    }

    /// Returns the dimensions that the query grouped by.
    #[must_use]
    pub fn grouping(&self) -> &[Dimension] {
        &self.grouping
    }

    /// Returns the total cost of the window, as reported by the server. Every page repeats it, and it
    /// is counted once; the totals of the parts of a split window are added up.
    #[must_use]
    pub fn total(&self) -> Usd {
        self.total
    }

    /// Returns the reported total minus the sum of the groups. It is zero, unless costs arrived while the
    /// pages were read. Costs arrive some minutes late, so a window that ended an hour ago does not
    /// change any more.
    #[must_use]
    pub fn unaccounted(&self) -> Usd {
        self.total - self.rows.iter().map(|row| row.cost).sum()
    }

    /// Returns the start of each step, in order and without gaps. The first one can lie before the window.
    #[must_use]
    pub fn steps(&self) -> &[Timestamp] {
        &self.steps
    }

    /// Returns the groups, the most expensive first.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns the costs of the whole account for each step.
    #[must_use]
    pub fn series(&self) -> Series {
        let mut costs = vec![Usd::ZERO; self.steps.len()];
        for row in &self.rows {
            series::add(&mut costs, &row.costs);
        }
        Series::new(self.steps.clone(), costs)
    }

    /// Returns the usage, one entry per unit. It is empty unless the query grouped by billing dimension.
    #[must_use]
    pub fn usages(&self) -> Vec<Usage> {
        self.tally().units().to_vec()
    }

    /// Returns the usage if it has a single unit.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if there are several units, which do not add up, or if no usage is reported.
    /// GB-seconds of memory and of storage have the same unit, and are added up.
    pub fn usage(&self) -> Result<Usage, Error> {
        self.tally().single().cloned()
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for row in &self.rows {
            row.add_usage_to(&mut tally);
        }
        tally
    }

    /// Returns the costs by a dimension that the query grouped by, or that the server added.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the report does not have the dimension.
    pub fn by(&self, dimension: &Dimension) -> Result<Breakdown, Error> {
        let has_dimension = |row: &Row| row.labels.get(dimension).is_some();
        if !self.grouping.contains(dimension)
            && !self.rows.is_empty()
            && !self.rows.iter().any(has_dimension)
        {
            let problem = format!("the report does not have it; group the query by `{dimension}`");
            return Err(Error::input("dimension", &Source::Code, problem));
        }
        Ok(self.by_label(|labels| labels.get(dimension).map(str::to_owned)))
    }

    /// Returns the costs by a label of your own, such as the tenant that a resource works for. The costs
    /// of rows for which `label` returns `None` are summed as [`Label::Unnamed`].
    ///
    /// ```
    /// # fn tenants(report: &blaxel_billing::Report) {
    /// use std::collections::BTreeMap;
    ///
    /// let tenants = BTreeMap::from([("support-bot", "acme"), ("code-runner", "globex")]);
    /// let costs = report.by_label(|labels| tenants.get(labels.resource_name.as_deref()?).copied());
    /// # }
    /// ```
    pub fn by_label<L: Into<String>>(
        &self,
        mut label: impl FnMut(&Labels) -> Option<L>,
    ) -> Breakdown {
        let mut breakdown = Breakdown::new(self.steps.clone());
        for row in &self.rows {
            let label = match label(&row.labels) {
                Some(label) => Label::Named(label.into()),
                None => Label::Unnamed,
            };
            breakdown.add(label, row);
        }
        breakdown.sort();
        breakdown
    }

    /// Joins the reports of consecutive windows into one report.
    ///
    /// A step that the boundary between two windows cuts is the sum of both parts.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if `reports` is empty, if they differ in grouping or resolution, or if their
    /// windows overlap or leave a gap.
    ///
    /// ```no_run
    /// # use blaxel_billing::{Billing, MetricsQuery, Report, Resolution, Window};
    /// # async fn example(billing: Billing<impl blaxel_core::HttpService>) -> Result<(), blaxel_core::Error> {
    /// let daily = |month| Ok::<_, blaxel_core::Error>(
    ///     MetricsQuery::new(Window::month(2026, month)?).resolution(Resolution::Daily),
    /// );
    /// let march = billing.report("acc-1", &daily(3)?).await?;
    /// let april = billing.report("acc-1", &daily(4)?).await?;
    /// let both = Report::join([march, april])?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn join(reports: impl IntoIterator<Item = Self>) -> Result<Self, Error> {
        let mut reports: Vec<Self> = reports.into_iter().collect();
        reports.sort_by(|a, b| a.window.start().cmp(b.window.start()));
        let mut collectors = reports.into_iter().map(Collector::from);
        let mut whole = collectors
            .next()
            .ok_or_else(|| collector::cannot_join("there are none"))?;
        for next in collectors {
            whole.append(next)?;
        }
        Ok(whole.finish())
    }
}

impl Row {
    /// Returns the labels that identify the group.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Returns the cost in the window.
    #[must_use]
    pub fn cost(&self) -> Usd {
        self.cost
    }

    /// Returns the cost in each of the report's steps.
    #[must_use]
    pub fn costs(&self) -> &[Usd] {
        &self.costs
    }

    /// Returns the usage, if the query grouped by billing dimension.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        Some(Usage {
            quantity: self.usage?,
            unit: self.dimension()?.unit(),
        })
    }

    /// Returns the usage in each of the report's steps, in the unit of [`usage`](Self::usage). It is
    /// empty if usage is not reported.
    #[must_use]
    pub fn usages(&self) -> &[Quantity] {
        &self.usages
    }

    fn dimension(&self) -> Option<&BillingDimension> {
        self.labels.billing_dimension.as_ref()
    }

    /// Adds the usage of this row, if its unit is known.
    fn add_usage_to(&self, tally: &mut Tally) {
        if let (Some(usage), Some(dimension)) = (self.usage, self.dimension()) {
            tally.add(usage, &dimension.unit());
        }
    }
}
