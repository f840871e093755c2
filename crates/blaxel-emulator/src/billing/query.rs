//! Queries of costs.

use serde_json::json;

use super::calendar::{Resolution, Window};
use super::history::{METERED, Series};
use crate::errors::ErrorResponse;
use crate::params::Params;

/// Maximum and default number of groups per page.
const MAX_LIMIT: usize = 100;
/// Maximum number of dimensions to group by.
const MAX_GROUP_BY: usize = 3;

/// A dimension that costs can be grouped by. The order is the canonical one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dimension {
    Workspace,
    ResourceType,
    ResourceName,
    ResourceUuid,
    /// The billed dimension.
    Metered,
}

impl Dimension {
    pub(crate) const ALL: [Self; 5] = [
        Self::Workspace,
        Self::ResourceType,
        Self::ResourceName,
        Self::ResourceUuid,
        Self::Metered,
    ];

    /// Returns the name of the dimension in `groupBy`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::ResourceType => "resource_type",
            Self::ResourceName => "resource_name",
            Self::ResourceUuid => "resource_uuid",
            Self::Metered => "billing_dimension",
        }
    }

    /// Returns the name of the dimension as a filter and in the response.
    pub(crate) fn member(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::ResourceType => "resourceType",
            Self::ResourceName => "resourceName",
            Self::ResourceUuid => "resourceUuid",
            Self::Metered => "billingDimension",
        }
    }

    /// Returns the value of a series in this dimension.
    pub(crate) fn of<'a>(self, series: &Series<'a>) -> &'a str {
        match self {
            Self::Workspace => &series.resource.workspace,
            Self::ResourceType => series.resource.resource_type,
            Self::ResourceName => series.resource.name,
            Self::ResourceUuid => &series.resource.uuid,
            Self::Metered => series.metered.name,
        }
    }

    /// Returns the dimensions that are added to the groups of this one.
    pub(crate) fn enrichment(self) -> &'static [Self] {
        match self {
            Self::Workspace | Self::ResourceType => &[],
            Self::ResourceName => &[Self::Workspace, Self::ResourceType],
            Self::ResourceUuid => &[Self::Workspace, Self::ResourceName, Self::ResourceType],
            Self::Metered => &[Self::ResourceType],
        }
    }
}

/// A query of costs.
pub(crate) struct MetricsQuery {
    pub(crate) window: Window,
    pub(crate) resolution: Resolution,
    /// In canonical order.
    pub(crate) group_by: Vec<Dimension>,
    filters: Vec<(Dimension, String)>,
    pub(crate) limit: usize,
}

impl MetricsQuery {
    pub(crate) fn read(params: &Params) -> Result<Self, ErrorResponse> {
        for unsupported in ["label", "unit"] {
            if params.get(unsupported).is_some() {
                return Err(ErrorResponse::bad_request(format!(
                    "{unsupported} is not supported."
                )));
            }
        }
        let window = Window::read(params)?;
        let resolution = Resolution::read(params, &window)?;
        let filters = Dimension::ALL.into_iter().filter_map(|dimension| {
            let value = params
                .get(dimension.member())
                .filter(|value| !value.is_empty())?;
            Some((dimension, value.to_owned()))
        });
        let filters: Vec<_> = filters.collect();
        for (dimension, value) in &filters {
            let known = || METERED.iter().any(|metered| metered.name == value);
            if *dimension == Dimension::Metered && !known() {
                return Err(ErrorResponse::bad_request(format!(
                    "billingDimension {value:?} is not known."
                )));
            }
        }
        let group_by = group_by(params.get("groupBy"))?;
        let limit = params.limit(MAX_LIMIT, MAX_LIMIT)?;
        Ok(Self {
            window,
            resolution,
            group_by,
            filters,
            limit,
        })
    }

    /// Returns `true` if the query separates workspaces, which only account admins may do.
    pub(crate) fn concerns_workspaces(&self) -> bool {
        self.group_by.contains(&Dimension::Workspace)
            || self
                .filters
                .iter()
                .any(|(dimension, _)| *dimension == Dimension::Workspace)
    }

    /// Returns `true` if the response includes usage, which only amounts of one dimension have a
    /// common unit for.
    pub(crate) fn reports_usage(&self) -> bool {
        self.group_by.contains(&Dimension::Metered)
    }

    pub(crate) fn matches(&self, series: &Series<'_>) -> bool {
        self.filters
            .iter()
            .all(|(dimension, value)| dimension.of(series) == value)
    }

    /// Returns the text that cursors are bound to: everything but the number of groups per page.
    pub(crate) fn fingerprint(&self, account: &str) -> String {
        let group_by: Vec<_> = self
            .group_by
            .iter()
            .map(|dimension| dimension.name())
            .collect();
        let filters: Vec<_> = self
            .filters
            .iter()
            .map(|(dimension, value)| (dimension.name(), value))
            .collect();
        let (start, end) = (self.window.start.as_str(), self.window.end.as_str());
        json!([
            account,
            start,
            end,
            self.resolution.name(),
            group_by,
            filters
        ])
        .to_string()
    }
}

fn group_by(text: Option<&str>) -> Result<Vec<Dimension>, ErrorResponse> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let mut dimensions = Vec::new();
    for name in text.split(',') {
        let known = Dimension::ALL
            .into_iter()
            .find(|dimension| dimension.name() == name);
        let dimension = known.ok_or_else(|| {
            ErrorResponse::bad_request(format!("groupBy {name:?} is not a dimension."))
        })?;
        if dimensions.contains(&dimension) {
            return Err(ErrorResponse::bad_request(format!(
                "groupBy names {name} twice."
            )));
        }
        dimensions.push(dimension);
    }
    if dimensions.len() > MAX_GROUP_BY {
        return Err(ErrorResponse::bad_request(
            "groupBy takes at most 3 dimensions.",
        ));
    }
    dimensions.sort();
    Ok(dimensions)
}
