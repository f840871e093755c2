//! Costs over time.

use blaxel_core::Timestamp;
use serde::{Serialize, Serializer};

use crate::usd::Usd;

/// The costs of consecutive steps, in order and without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    steps: Vec<Timestamp>,
    costs: Vec<Usd>,
}

impl Series {
    pub(super) fn new(steps: Vec<Timestamp>, costs: Vec<Usd>) -> Self {
        Self { steps, costs }
    }

    /// Returns the start and the cost of each step, from the earliest to the latest.
    ///
    /// ```no_run
    /// # fn example(report: &blaxel_billing::Report) {
    /// for (start, cost) in report.series().iter() {
    ///     println!("{start}: ${cost}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Timestamp, Usd)> {
        self.steps.iter().zip(self.costs.iter().copied())
    }

    /// Returns the number of steps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.costs.len()
    }

    /// Returns `true` if there are no steps.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.costs.is_empty()
    }

    /// Returns the costs without their times.
    #[must_use]
    pub fn costs(&self) -> &[Usd] {
        &self.costs
    }

    /// Returns the sum of all costs.
    #[must_use]
    pub fn total(&self) -> Usd {
        self.costs.iter().copied().sum()
    }
}

impl Serialize for Series {
    /// Serializes as a list of `{timestamp, cost}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Step<'a> {
            timestamp: &'a Timestamp,
            cost: Usd,
        }
        serializer.collect_seq(
            self.iter()
                .map(|(timestamp, cost)| Step { timestamp, cost }),
        )
    }
}

/// Adds `costs` to `sums`, step by step.
pub(super) fn add(sums: &mut [Usd], costs: &[Usd]) {
    for (sum, cost) in sums.iter_mut().zip(costs) {
        *sum += *cost;
    }
}
