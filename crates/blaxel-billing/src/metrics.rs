//! What the metrics of an account are answered with.

use std::collections::BTreeMap;

use blaxel_core::{PageMeta, Paged, Timestamp};
use serde::Deserialize;

use crate::query::BillingDimension;
use crate::usd::Usd;
use crate::window::Resolution;

/// A page of an account's metrics: some of the groups, and the total of all of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MetricsPage {
    /// The start of the window, inclusive.
    pub start_time: Option<Timestamp>,
    /// The end of the window, exclusive.
    pub end_time: Option<Timestamp>,
    /// The length of the steps in the time series.
    pub resolution: Option<Resolution>,
    /// The total of the whole window. It stands on every page of a query and is the same on each:
    /// never add it up.
    #[serde(default)]
    pub summary: Total,
    /// The groups of this page. A query without grouping has one, for the whole account.
    #[serde(default, rename = "data")]
    pub groups: Vec<Group>,
    /// Where the page stands in its list.
    #[serde(default)]
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
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Total {
    /// What it cost.
    #[serde(rename = "totalCost")]
    pub cost: Usd,
    /// What was used, in the unit of the billing dimension; only in queries grouped by that.
    #[serde(rename = "totalUsage")]
    pub usage: Option<f64>,
}

/// The costs of one group. It names the dimensions it was grouped by, and some that follow from them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Group {
    /// The workspace.
    pub workspace: Option<String>,
    /// The type of resource, such as `sandbox`.
    pub resource_type: Option<String>,
    /// The name of the resource.
    pub resource_name: Option<String>,
    /// The resource itself.
    pub resource_uuid: Option<String>,
    /// What is metered.
    pub billing_dimension: Option<BillingDimension>,
    /// The group's share of the total.
    #[serde(default)]
    pub summary: Amount,
    /// The share step by step, empty steps included.
    #[serde(default)]
    pub timeseries: Vec<Step>,
}

/// What a group cost.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Amount {
    /// The cost.
    pub cost: Usd,
    /// What was used, in the unit of the billing dimension; only in queries grouped by that.
    pub usage: Option<f64>,
}

/// What a group cost in one step of the time series.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Step {
    /// The start of the step.
    pub timestamp: Timestamp,
    /// The cost in it.
    #[serde(default)]
    pub cost: Usd,
    /// What was used in it; only in queries grouped by billing dimension.
    pub usage: Option<f64>,
}

/// An account, to which workspaces belong and bills are sent.
///
/// The API does not describe its shape, so only the id is read, from wherever it stands.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Account {
    id: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, serde_json::Value>,
}

impl Account {
    /// The id by which its metrics are asked for.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id
            .as_deref()
            .or_else(|| self.metadata.get("id")?.as_str())
    }
}
