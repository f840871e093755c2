//! The response to a query for metrics.

use std::fmt;

use blaxel_core::__private::lenient::null_as_default;
use blaxel_core::{PageMeta, Paged, Timestamp};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::decimal;
use crate::labels::Labels;
use crate::usage::Quantity;
use crate::usd::Usd;
use crate::window::Resolution;

/// A page of an account's metrics: some of the groups, and the total of all groups.
///
/// The page and the types in it deserialize from JSON with the members in any order; numbers are read digit by
/// digit. They serialize under the API's names, with amounts as strings, which no reader rounds. What is read
/// back is equal.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MetricsPage {
    /// The start of the window, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// The end of the window, exclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
    /// The length of the steps of the time series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// The total of the whole window. Every page of a query repeats it with the same value: never add it
    /// up.
    #[serde(default, deserialize_with = "null_as_default")]
    pub summary: Total,
    /// The groups of this page. A query without grouping has one, for the whole account.
    #[serde(default, rename = "data", deserialize_with = "null_as_default")]
    pub groups: Vec<Group>,
    /// The position of the page in the list.
    #[serde(default, deserialize_with = "null_as_default")]
    pub meta: PageMeta,
}

impl Paged for MetricsPage {
    type Item = Group;

    fn meta(&self) -> &PageMeta {
        &self.meta
    }

    fn into_items(self) -> Vec<Group> {
        self.groups
    }

    fn count(&self) -> usize {
        self.groups.len()
    }
}

/// The total of a window.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Total {
    /// The cost.
    #[serde(default, rename = "totalCost", deserialize_with = "decimal::from_json")]
    pub cost: Usd,
    /// The usage; only in queries grouped by billing dimension. The server adds up all dimensions of the
    /// query, whatever their units: the number is meaningful only if a filter leaves one dimension.
    #[serde(
        default,
        rename = "totalUsage",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "decimal::optional_from_json"
    )]
    pub usage: Option<Quantity>,
}

/// The costs of one group.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Group {
    /// The labels that identify the group.
    #[serde(flatten)]
    pub labels: Labels,
    /// The group's share of the total.
    pub summary: Amount,
    /// The amounts of each step, including empty steps.
    pub timeseries: Vec<Step>,
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(GroupVisitor)
    }
}

/// Reads a group, whose labels, including unknown ones, are siblings of its numbers in the JSON object.
struct GroupVisitor;

impl<'de> Visitor<'de> for GroupVisitor {
    type Value = Group;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a group of costs")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Group, A::Error> {
        let mut group = Group::default();
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "summary" => group.summary = members.next_value::<Option<_>>()?.unwrap_or_default(),
                "timeseries" => {
                    group.timeseries = members.next_value::<Option<_>>()?.unwrap_or_default();
                }
                _ => {
                    // Members that are not strings are not labels.
                    let value = members.next_value::<Box<RawValue>>()?;
                    if let Ok(label) = serde_json::from_str::<String>(value.get()) {
                        group.labels.set(name, label);
                    }
                }
            }
        }
        Ok(group)
    }
}

/// The cost and usage of a group.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Amount {
    /// The cost.
    #[serde(default, deserialize_with = "decimal::from_json")]
    pub cost: Usd,
    /// The usage, in the unit of the billing dimension; only in queries grouped by billing dimension.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "decimal::optional_from_json"
    )]
    pub usage: Option<Quantity>,
}

/// The cost and usage of a group in one step of the time series.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Step {
    /// The start of the step.
    pub timestamp: Timestamp,
    /// The cost in the step.
    #[serde(default, deserialize_with = "decimal::from_json")]
    pub cost: Usd,
    /// The usage in the step; only in queries grouped by billing dimension.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "decimal::optional_from_json"
    )]
    pub usage: Option<Quantity>,
}
