//! How a report comes together from pages, and from parts.

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

/// Takes in groups. Its rows have one number per step that was told so far, in the order in which
/// the steps came; the order of time is put in at the end, once.
pub(crate) struct Collector {
    window: Window,
    asked: Option<Resolution>,
    told: Option<Resolution>,
    expected: Resolution,
    grouping: Vec<Dimension>,
    total: Usd,
    moments: Vec<Moment>,
    places: HashMap<Moment, usize>,
    rows: Vec<Row>,
    known: HashMap<Labels, usize>,
}

/// One step of a group.
type Told = (Moment, Usd, Option<Quantity>);

impl Collector {
    /// Before the first page of a query.
    pub(crate) fn new(query: &MetricsQuery) -> Self {
        Self {
            window: query.window().clone(),
            asked: query.asked_resolution().cloned(),
            told: None,
            expected: query.expected_resolution(),
            grouping: query.grouping().to_vec(),
            total: Usd::ZERO,
            moments: Vec::new(),
            places: HashMap::new(),
            rows: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// Takes in a page.
    pub(crate) fn add(&mut self, page: MetricsPage) -> Result<(), Error> {
        // Each page repeats it. The last one knows best, if costs came in meanwhile.
        self.total = page.summary.cost;
        if let Some(resolution) = page.resolution {
            let before = self.told.as_ref().or(self.asked.as_ref());
            if let Some(before) = before.filter(|before| **before != resolution) {
                return Err(Error::decode(format!(
                    "the steps should be {before}, and are {resolution} on a page"
                )));
            }
            self.told = Some(resolution);
        }
        page.groups
            .into_iter()
            .try_for_each(|group| self.add_group(group))
    }

    fn add_group(&mut self, group: Group) -> Result<(), Error> {
        let steps: Result<Vec<Told>, Error> = group
            .timeseries
            .into_iter()
            .map(|step| {
                let moment = step.timestamp.unix().ok_or_else(|| {
                    let time = &step.timestamp;
                    Error::decode(format!("a step begins at `{time}`, which is no time"))
                })?;
                Ok((moment, step.cost, step.usage))
            })
            .collect();
        let amount = group.summary;
        self.add_row(group.labels, amount.cost, amount.usage, steps?.into_iter());
        Ok(())
    }

    /// Adds to the row with these labels, which is a new one or one of an earlier window.
    fn add_row(
        &mut self,
        labels: Labels,
        cost: Usd,
        usage: Option<Quantity>,
        steps: impl Iterator<Item = Told>,
    ) {
        let rows = &mut self.rows;
        let index = *self.known.entry(labels).or_insert_with_key(|labels| {
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
            let place = match self.moments.get(guess) {
                Some(known) if *known == moment => guess,
                _ => *self.places.entry(moment).or_insert_with(|| {
                    self.moments.push(moment);
                    self.moments.len() - 1
                }),
            };
            guess = place + 1;
            *at(&mut row.costs, place) += cost;
            if let Some(usage) = usage {
                *at(&mut row.usages, place) += usage;
            }
        }
    }

    /// Takes in what was collected for the window just after.
    pub(crate) fn append(&mut self, next: Self) -> Result<(), Error> {
        if self.window.end() != next.window.start() {
            let (here, there) = (&self.window, &next.window);
            return Err(unfit(format_args!("{there} does not follow on {here}")));
        }
        if self.grouping != next.grouping {
            return Err(unfit("they are not grouped by the same"));
        }
        if self.resolution() != next.resolution() {
            let (here, there) = (self.resolution(), next.resolution());
            return Err(unfit(format_args!("one is {here} and one {there}")));
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
                .filter_map(|(place, cost)| {
                    let usage = usages.get(place).copied();
                    Some((*moments.get(place)?, cost, usage))
                });
            self.add_row(row.labels, row.cost, row.usage, steps);
        }
        Ok(())
    }

    fn resolution(&self) -> &Resolution {
        self.told.as_ref().unwrap_or(&self.expected)
    }

    /// The report, with steps in the order of time and rows from the dearest to the cheapest.
    pub(crate) fn finish(mut self) -> Report {
        let resolution = self.resolution().clone();
        let mut told = self.moments.clone();
        told.sort_unstable();
        let axis = steps::fill(&told, &self.window, &resolution);
        let places: Vec<_> = axis.iter().map(|step| self.places.get(step)).collect();
        for row in &mut self.rows {
            row.costs = in_order(&row.costs, &places);
            if !row.usages.is_empty() {
                row.usages = in_order(&row.usages, &places);
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
        let places = moments.iter().copied().zip(0..).collect();
        let labels = report.rows.iter().map(|row| row.labels.clone());
        let known = labels.zip(0..).collect();
        Self {
            window: report.window,
            asked: None,
            told: Some(report.resolution.clone()),
            expected: report.resolution,
            grouping: report.grouping,
            total: report.total,
            moments,
            places,
            rows: report.rows,
            known,
        }
    }
}

/// The place of a step, made if need be.
fn at<T: Copy + Default>(numbers: &mut Vec<T>, place: usize) -> &mut T {
    if numbers.len() <= place {
        numbers.resize(place + 1, T::default());
    }
    &mut numbers[place]
}

fn in_order<T: Copy + Default>(numbers: &[T], places: &[Option<&usize>]) -> Vec<T> {
    let number = |place: &Option<&usize>| numbers.get(*(*place)?).copied();
    places
        .iter()
        .map(|place| number(place).unwrap_or_default())
        .collect()
}

fn add_usage(sum: &mut Option<Quantity>, usage: Option<Quantity>) {
    if let Some(usage) = usage {
        *sum = Some(sum.unwrap_or_default() + usage);
    }
}

pub(super) fn unfit(problem: impl std::fmt::Display) -> Error {
    Error::input("reports", &Source::Code, problem)
}
