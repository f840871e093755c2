//! What to ask of an account's metrics.

use blaxel_core::{Cursor, Error, RequestWriter, Source, open_enum};

use crate::window::{Resolution, Window};

/// The most dimensions that one query groups by.
const MOST_GROUPS: usize = 3;
/// The most groups in a page. The server cuts a higher limit down without a word.
const MOST_ITEMS: u32 = 100;

open_enum! {
    /// What costs can be grouped by.
    pub enum Dimension {
        /// The workspace. For administrators of the account only: others get a 403.
        Workspace = "workspace",
        /// The type of resource, such as `sandbox`.
        ResourceType = "resource_type",
        /// The name of the resource.
        ResourceName = "resource_name",
        /// The resource itself: one of the same name made later is another.
        ResourceUuid = "resource_uuid",
        /// What is metered, such as seconds of computing; see [`BillingDimension`].
        BillingDimension = "billing_dimension",
    }
}

open_enum! {
    /// What is metered. Its unit stands at the end of its name.
    pub enum BillingDimension {
        /// Sandboxes at work, in GB-seconds.
        SandboxCompute = "sandbox_compute_runtime_gbs",
        /// Images of sandboxes, in GB-seconds.
        SandboxImages = "sandbox_image_storage_gbs",
        /// Snapshots of sandboxes, in GB-seconds.
        SandboxSnapshots = "sandbox_snapshot_storage_gbs",
        /// Agents at work, in GB-seconds.
        AgentCompute = "agent_compute_runtime_gbs",
        /// Images of agents, in GB-seconds.
        AgentImages = "agent_image_storage_gbs",
        /// Asynchronous calls of agents, counted.
        AgentAsyncRequests = "agent_async_requests_count",
        /// Jobs at work, in GB-seconds.
        JobCompute = "job_compute_runtime_gbs",
        /// Images of jobs, in GB-seconds.
        JobImages = "job_image_storage_gbs",
        /// MCP servers at work, in GB-seconds.
        McpServerCompute = "mcp_server_compute_runtime_gbs",
        /// Images of MCP servers, in GB-seconds.
        McpServerImages = "mcp_server_image_storage_gbs",
        /// Volumes, in GB-seconds.
        VolumeStorage = "volume_storage_gbs",
        /// Custom domains, in hours.
        CustomDomainTime = "custom_domain_active_time_hours",
    }
}

/// A query for the costs of an account.
///
/// It is checked before it is sent: what the server would refuse, or answer other than asked, is
/// refused here with a reason.
///
/// ```
/// use blaxel_billing::{Dimension, MetricsQuery, Resolution, Window};
///
/// let query = MetricsQuery::new(Window::month(2026, 4)?)
///     .group_by(Dimension::ResourceType)
///     .resolution(Resolution::Daily);
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct MetricsQuery {
    window: Window,
    resolution: Option<Resolution>,
    groups: Vec<Dimension>,
    workspace: Option<String>,
    resource_type: Option<String>,
    resource_name: Option<String>,
    resource_uuid: Option<String>,
    billing_dimension: Option<BillingDimension>,
    limit: Option<u32>,
    cursor: Option<Cursor>,
}

impl MetricsQuery {
    /// The costs of the whole account in a window of time.
    pub fn new(window: Window) -> Self {
        Self {
            window,
            resolution: None,
            groups: Vec::new(),
            workspace: None,
            resource_type: None,
            resource_name: None,
            resource_uuid: None,
            billing_dimension: None,
            limit: None,
            cursor: None,
        }
    }

    /// The window of the query.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// In steps of this length, rather than those of [`Window::automatic_resolution`].
    pub fn resolution(mut self, resolution: Resolution) -> Self {
        self.resolution = Some(resolution);
        self
    }

    /// Split by a dimension; by up to three if called again.
    pub fn group_by(mut self, dimension: Dimension) -> Self {
        self.groups.push(dimension);
        self
    }

    /// Only this workspace. For administrators of the account only: others get a 403.
    pub fn workspace(mut self, name: impl Into<String>) -> Self {
        self.workspace = Some(name.into());
        self
    }

    /// Only resources of this type, such as `sandbox`.
    pub fn resource_type(mut self, kind: impl Into<String>) -> Self {
        self.resource_type = Some(kind.into());
        self
    }

    /// Only resources of this name.
    pub fn resource_name(mut self, name: impl Into<String>) -> Self {
        self.resource_name = Some(name.into());
        self
    }

    /// Only the resource with this id.
    pub fn resource_uuid(mut self, id: impl Into<String>) -> Self {
        self.resource_uuid = Some(id.into());
        self
    }

    /// Only what is metered in this way.
    pub fn billing_dimension(mut self, dimension: BillingDimension) -> Self {
        self.billing_dimension = Some(dimension);
        self
    }

    /// At most so many groups in a page: 1 to 100. The server takes 100 by default.
    pub fn limit(mut self, groups: u32) -> Self {
        self.limit = Some(groups);
        self
    }

    /// Begins at this place, given out for the same query.
    pub fn cursor(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.cursor = cursor.into();
        self
    }

    pub(crate) fn take_cursor(&mut self) -> Option<Cursor> {
        self.cursor.take()
    }

    /// Checks the rules that the server would refuse or bend the query by.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], naming the rule.
    pub fn check(&self) -> Result<(), Error> {
        if self.groups.len() > MOST_GROUPS {
            let count = self.groups.len();
            return Err(bad(
                "grouping",
                &format!("{count} dimensions; at most {MOST_GROUPS} go together"),
            ));
        }
        for (index, group) in self.groups.iter().enumerate() {
            if self
                .groups
                .iter()
                .skip(index + 1)
                .any(|later| later == group)
            {
                return Err(bad("grouping", &format!("`{group}` is named twice")));
            }
        }
        if let Some(limit) = self.limit
            && !(1..=MOST_ITEMS).contains(&limit)
        {
            return Err(bad(
                "limit",
                &format!("{limit} is not within 1 to {MOST_ITEMS}"),
            ));
        }
        let longest = self
            .resolution
            .as_ref()
            .and_then(Resolution::longest_window);
        match (&self.resolution, longest) {
            (Some(resolution), Some(longest)) if self.window.length() > longest => {
                let days = longest.as_secs() / 86_400;
                Err(bad(
                    "resolution",
                    &format!(
                        "{resolution} steps are given for windows of up to {days} days, and {} is \
                     longer; take longer steps, or several windows",
                        self.window
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Writes the query parameters.
    pub(crate) fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.check()?;
        request.query("startTime", self.window.start());
        request.query("endTime", self.window.end());
        request.query_opt("resolution", self.resolution.as_ref());
        if !self.groups.is_empty() {
            let groups: Vec<_> = self.groups.iter().map(Dimension::as_str).collect();
            request.query("groupBy", groups.join(","));
        }
        request.query_opt("workspace", self.workspace.as_ref());
        request.query_opt("resourceType", self.resource_type.as_ref());
        request.query_opt("resourceName", self.resource_name.as_ref());
        request.query_opt("resourceUuid", self.resource_uuid.as_ref());
        request.query_opt("billingDimension", self.billing_dimension.as_ref());
        request.query_opt("limit", self.limit);
        request.query_opt("cursor", self.cursor.as_ref().map(Cursor::as_str));
        Ok(())
    }
}

fn bad(what: &str, problem: &str) -> Error {
    Error::input(what, &Source::Code, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn april() -> MetricsQuery {
        MetricsQuery::new(Window::month(2026, 4).unwrap())
    }

    #[test]
    fn rules_are_checked_before_sending() {
        use Dimension::{BillingDimension, ResourceName, ResourceType, Workspace};
        let four = [Workspace, ResourceType, ResourceName, BillingDimension];
        for (query, part) in [
            (
                four.into_iter().fold(april(), MetricsQuery::group_by),
                "at most 3",
            ),
            (
                april().group_by(ResourceType).group_by(ResourceType),
                "named twice",
            ),
            (april().limit(0), "within 1 to 100"),
            (april().limit(101), "within 1 to 100"),
            (april().resolution(Resolution::Hourly), "up to 7 days"),
        ] {
            let error = query.check().unwrap_err();
            assert!(
                error.is_input() && error.to_string().contains(part),
                "{error}"
            );
        }
        assert!(
            april()
                .resolution(Resolution::Daily)
                .limit(100)
                .check()
                .is_ok()
        );
        // A resolution that this version does not know is the server's to judge.
        assert!(
            april()
                .resolution(Resolution::from("minutely"))
                .check()
                .is_ok()
        );
    }
}
