//! A report beside that of the previous window.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use blaxel_core::Error;
use serde::Serialize;

use super::{Breakdown, Label, Report};
use crate::dimension::Dimension;
use crate::labels::Labels;
use crate::usd::Usd;

/// A report and that of an earlier window, to compare their costs. It serializes as both reports.
///
/// [`Billing::comparison`](crate::Billing::comparison) creates one with the previous window.
///
/// ```no_run
/// use blaxel_billing::{Billing, Dimension, MetricsQuery, Window};
/// # async fn example(billing: Billing<impl blaxel_core::HttpService>) -> Result<(), blaxel_core::Error> {
/// let query = MetricsQuery::new(Window::month(2026, 4)?).group_by(Dimension::ResourceType);
/// let comparison = billing.comparison("acc-1", &query).await?;
/// println!("${} after ${}", comparison.now().total(), comparison.before().total());
/// for change in comparison.by(&Dimension::ResourceType)? {
///     println!("{}: ${} ({:?} %)", change.label, change.difference(), change.percent());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    before: Report,
    now: Report,
}

/// The change of the cost of one label.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The label.
    pub label: Label,
    /// The cost in the earlier window.
    pub before: Usd,
    /// The cost in the later window.
    pub now: Usd,
}

impl Comparison {
    /// Creates a comparison of two reports, of any windows. Windows of different lengths are compared as
    /// they are: nothing is scaled.
    #[must_use]
    pub fn new(before: Report, now: Report) -> Self {
        Self { before, now }
    }

    /// Returns the report of the earlier window.
    #[must_use]
    pub fn before(&self) -> &Report {
        &self.before
    }

    /// Returns the report of the later window.
    #[must_use]
    pub fn now(&self) -> &Report {
        &self.now
    }

    /// Returns the change of the total cost. Its label is [`Label::Unnamed`].
    #[must_use]
    pub fn total(&self) -> Change {
        Change {
            label: Label::Unnamed,
            before: self.before.total(),
            now: self.now.total(),
        }
    }

    /// Returns the change of each value of a dimension, the greatest change first. A value that is in one
    /// window only cost nothing in the other.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if a report does not have the dimension.
    pub fn by(&self, dimension: &Dimension) -> Result<Vec<Change>, Error> {
        let (before, now) = (self.before.by(dimension)?, self.now.by(dimension)?);
        Ok(changes(&before, &now))
    }

    /// Returns the change of each label of your own, the greatest change first; see
    /// [`Report::by_label`].
    pub fn by_label<L: Into<String>>(
        &self,
        mut label: impl FnMut(&Labels) -> Option<L>,
    ) -> Vec<Change> {
        let before = self.before.by_label(&mut label);
        changes(&before, &self.now.by_label(label))
    }
}

fn changes(before: &Breakdown, now: &Breakdown) -> Vec<Change> {
    let mut pairs: BTreeMap<&Label, (Usd, Usd)> = BTreeMap::new();
    for entry in before.entries() {
        pairs.entry(entry.label()).or_default().0 = entry.cost();
    }
    for entry in now.entries() {
        pairs.entry(entry.label()).or_default().1 = entry.cost();
    }
    let changes = pairs.into_iter().map(|(label, (before, now))| Change {
        label: label.clone(),
        before,
        now,
    });
    let mut changes: Vec<_> = changes.collect();
    changes.sort_by_key(|change| Reverse(change.difference().billionths().unsigned_abs()));
    changes
}

impl Change {
    /// Returns the increase of the cost; negative if it fell.
    #[must_use]
    pub fn difference(&self) -> Usd {
        self.now - self.before
    }

    /// Returns the increase as a percentage of the earlier cost, or `None` if that was zero.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        self.difference().percent_of(self.before)
    }
}
