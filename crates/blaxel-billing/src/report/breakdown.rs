//! Costs grouped by label.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;

use blaxel_core::{Error, Timestamp};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::{Row, Series, series};
use crate::usage::{Tally, Usage};
use crate::usd::{self, Usd};

/// The label of an entry of a breakdown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Label {
    /// A name: a value of the dimension, or a label that the caller gave.
    Named(String),
    /// No name: the server returned no value for the dimension, or the caller gave no label.
    Unnamed,
    /// The sum of this many less expensive entries; see [`Breakdown::top`].
    Others(usize),
}

impl Label {
    /// Returns the name, if the label is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.pad(name),
            Self::Unnamed => f.pad("(none)"),
            Self::Others(1) => f.pad("(1 other)"),
            Self::Others(count) => f.pad(&format!("({count} others)")),
        }
    }
}

/// Costs by label, the most expensive first. The entries add up to all costs of the report.
///
/// [`Report::by`](super::Report::by) and [`Report::by_label`](super::Report::by_label) create one.
///
/// ```
/// use blaxel_billing::{Breakdown, Dimension, Report};
///
/// # fn example(report: &Report) -> Result<(), blaxel_core::Error> {
/// let types: Breakdown = report.by(&Dimension::ResourceType)?;
/// println!("${} in {} steps", types.total(), types.steps().len());
/// for (entry, cents) in types.entries().iter().zip(types.cents()) {
///     println!("{}: ${cents}, {:?}", entry.label(), entry.usages());
/// }
/// if let Some(sandboxes) = types.get("sandbox") {
///     println!("{:?}", types.series(sandboxes));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Breakdown {
    steps: Vec<Timestamp>,
    entries: Vec<Entry>,
    positions: HashMap<Label, usize>,
}

/// The costs of one label.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    label: Label,
    cost: Usd,
    costs: Vec<Usd>,
    usage: Tally,
}

impl Breakdown {
    pub(super) fn new(steps: Vec<Timestamp>) -> Self {
        Self {
            steps,
            entries: Vec::new(),
            positions: HashMap::new(),
        }
    }

    fn entry(&mut self, label: Label) -> Option<&mut Entry> {
        let entries = &mut self.entries;
        let position = *self.positions.entry(label).or_insert_with_key(|label| {
            entries.push(Entry {
                label: label.clone(),
                cost: Usd::ZERO,
                costs: vec![Usd::ZERO; self.steps.len()],
                usage: Tally::default(),
            });
            entries.len() - 1
        });
        entries.get_mut(position)
    }

    pub(super) fn add(&mut self, label: Label, row: &Row) {
        let Some(entry) = self.entry(label) else {
            return;
        };
        entry.cost += row.cost;
        series::add(&mut entry.costs, &row.costs);
        row.add_usage_to(&mut entry.usage);
    }

    pub(super) fn sort(&mut self) {
        self.entries
            .sort_by(|a, b| (Reverse(a.cost), &a.label).cmp(&(Reverse(b.cost), &b.label)));
        let labels = self.entries.iter().map(|entry| entry.label.clone());
        self.positions = labels.zip(0..).collect();
    }

    /// Returns the entries, the most expensive first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the entry named `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Entry> {
        let position = self.positions.get(&Label::Named(name.to_owned()))?;
        self.entries.get(*position)
    }

    /// Returns the start of each step of the entries' costs.
    #[must_use]
    pub fn steps(&self) -> &[Timestamp] {
        &self.steps
    }

    /// Returns the sum of all entries.
    #[must_use]
    pub fn total(&self) -> Usd {
        self.entries.iter().map(|entry| entry.cost).sum()
    }

    /// Returns each entry's cost in whole cents, in the order of the entries, such that they add up to
    /// the total in whole cents. Use it to bill costs on to others.
    ///
    /// Each result is less than a cent off. If each entry were rounded by itself, a hundred of them could be
    /// fifty cents off in sum.
    #[must_use]
    pub fn cents(&self) -> Vec<Usd> {
        let costs: Vec<Usd> = self.entries.iter().map(|entry| entry.cost).collect();
        usd::share_cents(&costs)
    }

    /// Returns the `count` most expensive entries; the rest are summed into one more, which stands last.
    /// The total stays the same.
    #[must_use]
    pub fn top(&self, count: usize) -> Self {
        let mut top = Self::new(self.steps.clone());
        let (expensive, others) = self.entries.split_at(count.min(self.entries.len()));
        top.entries = expensive.to_vec();
        top.sort();
        if others.is_empty() {
            return top;
        }
        let hidden = others.iter().map(Entry::entry_count).sum();
        if let Some(rest) = top.entry(Label::Others(hidden)) {
            for other in others {
                rest.cost += other.cost;
                series::add(&mut rest.costs, &other.costs);
                rest.usage.add_all(&other.usage);
            }
        }
        top
    }

    /// Returns the costs of one entry for each step.
    #[must_use]
    pub fn series(&self, entry: &Entry) -> Series {
        Series::new(self.steps.clone(), entry.costs.clone())
    }
}

impl Entry {
    /// Returns the label.
    #[must_use]
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// Returns the cost in the window.
    #[must_use]
    pub fn cost(&self) -> Usd {
        self.cost
    }

    /// Returns the cost in each step of the breakdown.
    #[must_use]
    pub fn costs(&self) -> &[Usd] {
        &self.costs
    }

    /// Returns the usage, one entry per unit. It is empty unless the query grouped by billing dimension.
    #[must_use]
    pub fn usages(&self) -> &[Usage] {
        self.usage.units()
    }

    /// Returns the usage if it has a single unit.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if there are several units, which do not add up, or if no usage is reported.
    pub fn usage(&self) -> Result<&Usage, Error> {
        self.usage.single()
    }

    fn entry_count(&self) -> usize {
        match self.label {
            Label::Others(count) => count,
            _ => 1,
        }
    }
}

impl Serialize for Breakdown {
    /// Serializes as `{total, steps, entries: [{label, cost, usages, costs}]}`. The label of
    /// [`Label::Unnamed`] is `null`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Breakdown", 3)?;
        object.serialize_field("total", &self.total())?;
        object.serialize_field("steps", &self.steps)?;
        object.serialize_field("entries", &self.entries)?;
        object.end()
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Entry", 4)?;
        object.serialize_field("label", &self.label)?;
        object.serialize_field("cost", &self.cost)?;
        object.serialize_field("usages", self.usages())?;
        object.serialize_field("costs", &self.costs)?;
        object.end()
    }
}

impl Serialize for Label {
    /// Serializes the name as a string, [`Label::Unnamed`] as `null`, and [`Label::Others`] as a string in
    /// parentheses.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Named(name) => serializer.serialize_str(name),
            Self::Unnamed => serializer.serialize_none(),
            Self::Others(_) => serializer.collect_str(self),
        }
    }
}
