//! Builds a report from pages, and from the reports of consecutive windows.

use std::cmp::Reverse;
use std::collections::HashMap;

use blaxel_core::{Error, Source};

use super::{Report, Row, steps};
use crate::calendar::{Moment, timestamp};
use crate::dimension::Dimension;
use crate::labels::Labels;
use crate::metrics::{Group, MetricsPage};
use crate::query::MetricsQuery;
use crate::usage::Quantity;
use crate::usd::Usd;
use crate::window::{Resolution, Window};

/// Collects the groups of pages. Its rows have one number per reported step, in the order in which the
/// steps arrived; [`finish`](Collector::finish) sorts them by time, once.
pub(crate) struct Collector {
    window: Window,
    requested: Option<Resolution>,
    reported: Option<Resolution>,
    /// The resolution if no page reports one.
    expected: Resolution,
    grouping: Vec<Dimension>,
    total: Usd,
    /// The start of the step in each column.
    moments: Vec<Moment>,
    columns: HashMap<Moment, usize>,
    rows: Vec<Row>,
    row_index: HashMap<Labels, usize>,
}

/// The amounts of a group in one step.
type StepAmount = (Moment, Usd, Option<Quantity>);

impl Collector {
    /// Creates a collector for the result of a query.
    pub(crate) fn new(query: &MetricsQuery) -> Self {
        Self {
            window: query.window().clone(),
            requested: query.requested_resolution().cloned(),
            reported: None,
            expected: query.expected_resolution(),
            grouping: query.grouping().to_vec(),
            total: Usd::ZERO,
            moments: Vec::new(),
            columns: HashMap::new(),
            rows: Vec::new(),
            row_index: HashMap::new(),
        }
    }

    /// Adds a page.
    pub(crate) fn add(&mut self, page: MetricsPage) -> Result<(), Error> {
        // Each page repeats the total. The last one is the newest, if costs arrived in the meantime.
        self.total = page.summary.cost;
        if let Some(resolution) = page.resolution {
            let before = self.reported.as_ref().or(self.requested.as_ref());
            if let Some(before) = before.filter(|before| **before != resolution) {
                return Err(Error::decode(format!(
                    "the resolution should be {before}, and is {resolution} on a page"
                )));
            }
            self.reported = Some(resolution);
        }
        page.groups
            .into_iter()
            .try_for_each(|group| self.add_group(group))
    }

    fn add_group(&mut self, group: Group) -> Result<(), Error> {
        let steps: Result<Vec<StepAmount>, Error> = group
            .timeseries
            .into_iter()
            .map(|step| {
                let moment = step.timestamp.unix().ok_or_else(|| {
                    let time = &step.timestamp;
                    Error::decode(format!("a step begins at `{time}`, which is not a time"))
                })?;
                Ok((moment, step.cost, step.usage))
            })
            .collect();
        let amount = group.summary;
        self.add_row(group.labels, amount.cost, amount.usage, steps?.into_iter());
        Ok(())
    }

    /// Adds amounts to the row with these labels; creates the row if no earlier window had it.
    fn add_row(
        &mut self,
        labels: Labels,
        cost: Usd,
        usage: Option<Quantity>,
        steps: impl Iterator<Item = StepAmount>,
    ) {
        let rows = &mut self.rows;
        let index = *self.row_index.entry(labels).or_insert_with_key(|labels| {
            rows.push(Row {
                labels: labels.clone(),
                cost: Usd::ZERO,
                usage: None,
                costs: Vec::new(),
                usages: Vec::new(),
            });
            rows.len() - 1
        });
        let Some(row) = rows.get_mut(index) else {
            return;
        };
        row.cost += cost;
        add_usage(&mut row.usage, usage);
        // Most groups have the same steps in the same order.
        let mut guess = 0;
        for (moment, cost, usage) in steps {
            let column = match self.moments.get(guess) {
                Some(known) if *known == moment => guess,
                _ => *self.columns.entry(moment).or_insert_with(|| {
                    self.moments.push(moment);
                    self.moments.len() - 1
                }),
            };
            guess = column + 1;
            *column_mut(&mut row.costs, column) += cost;
            if let Some(usage) = usage {
                *column_mut(&mut row.usages, column) += usage;
            }
        }
    }

    /// Appends what was collected for the window that follows.
    pub(crate) fn append(&mut self, next: Self) -> Result<(), Error> {
        if self.window.end() != next.window.start() {
            let (here, there) = (&self.window, &next.window);
            return Err(cannot_join(format_args!("{there} does not follow {here}")));
        }
        if self.grouping != next.grouping {
            return Err(cannot_join("they are grouped by different dimensions"));
        }
        if self.resolution() != next.resolution() {
            let (here, there) = (self.resolution(), next.resolution());
            return Err(cannot_join(format_args!(
                "their resolutions are {here} and {there}"
            )));
        }
        self.window = Window::new(self.window.start().clone(), next.window.end().clone())?;
        self.total += next.total;
        let moments = next.moments;
        for row in next.rows {
            let usages = row.usages;
            let steps = row
                .costs
                .into_iter()
                .enumerate()
                .filter_map(|(column, cost)| {
                    let usage = usages.get(column).copied();
                    Some((*moments.get(column)?, cost, usage))
                });
            self.add_row(row.labels, row.cost, row.usage, steps);
        }
        Ok(())
    }

    fn resolution(&self) -> &Resolution {
        self.reported.as_ref().unwrap_or(&self.expected)
    }

    /// Returns the report, with steps sorted by time and rows sorted by cost, the most expensive first.
    pub(crate) fn finish(mut self) -> Report {
        let resolution = self.resolution().clone();
        let mut reported = self.moments.clone();
        reported.sort_unstable();
        let axis = steps::fill(&reported, &self.window, &resolution);
        let columns: Vec<_> = axis.iter().map(|step| self.columns.get(step)).collect();
        for row in &mut self.rows {
            row.costs = in_order(&row.costs, &columns);
            if !row.usages.is_empty() {
                row.usages = in_order(&row.usages, &columns);
            }
        }
        self.rows.sort_by(|a, b| {
            let by_cost = Reverse(a.cost).cmp(&Reverse(b.cost));
            by_cost.then_with(|| a.labels.iter().cmp(b.labels.iter()))
        });
        Report {
            window: self.window,
            resolution,
            grouping: self.grouping,
            total: self.total,
            steps: axis.into_iter().map(timestamp).collect(),
            rows: self.rows,
        }
    }
}

impl From<Report> for Collector {
    fn from(report: Report) -> Self {
        let moments: Vec<Moment> = report
            .steps
            .iter()
            .map(|step| step.unix().unwrap_or_default())
            .collect();
        let columns = moments.iter().copied().zip(0..).collect();
        let labels = report.rows.iter().map(|row| row.labels.clone());
        let row_index = labels.zip(0..).collect();
        Self {
            window: report.window,
            requested: None,
            reported: Some(report.resolution.clone()),
            expected: report.resolution,
            grouping: report.grouping,
            total: report.total,
            moments,
            columns,
            rows: report.rows,
            row_index,
        }
    }
}

/// Returns the number in a column, extending the row with zeros if it is shorter.
fn column_mut<T: Copy + Default>(numbers: &mut Vec<T>, column: usize) -> &mut T {
    if numbers.len() <= column {
        numbers.resize(column + 1, T::default());
    }
    &mut numbers[column]
}

/// Sorts the numbers of a row by `columns`; a column that is `None` is zero.
fn in_order<T: Copy + Default>(numbers: &[T], columns: &[Option<&usize>]) -> Vec<T> {
    let number = |column: &Option<&usize>| numbers.get(*(*column)?).copied();
    columns
        .iter()
        .map(|column| number(column).unwrap_or_default())
        .collect()
}

fn add_usage(sum: &mut Option<Quantity>, usage: Option<Quantity>) {
    if let Some(usage) = usage {
        *sum = Some(sum.unwrap_or_default() + usage);
    }
}

pub(super) fn cannot_join(problem: impl std::fmt::Display) -> Error {
    Error::input("reports", &Source::Code, problem)
}
