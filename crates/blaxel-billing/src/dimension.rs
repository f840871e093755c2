//! What costs are split by, and what is metered.

use blaxel_core::open_enum;

use crate::usage::Unit;

open_enum! {
    /// A dimension that costs can be grouped by.
    ///
    /// The names are open: one that this version does not know is sent as it stands, and what the
    /// server tells about it is found in [`Labels::get`](crate::Labels::get).
    pub enum Dimension {
        /// The workspace. For administrators of the account only: others get a 403.
        Workspace = "workspace",
        /// The type of resource, such as `sandbox`.
        ResourceType = "resource_type",
        /// The name of the resource.
        ResourceName = "resource_name",
        /// The resource itself: one of the same name made later is another.
        ResourceUuid = "resource_uuid",
        /// The metered usage, such as seconds of compute; see [`BillingDimension`].
        BillingDimension = "billing_dimension",
    }
}

impl Dimension {
    /// Returns the dimension's name in a response, which is in camel case.
    pub(crate) fn member(&self) -> String {
        let mut words = self.as_str().split('_');
        let mut member = words.next().unwrap_or_default().to_owned();
        for word in words {
            let mut letters = word.chars();
            member.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            member.push_str(letters.as_str());
        }
        member
    }
}

open_enum! {
    /// A kind of metered usage. Its name ends in its unit.
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

impl BillingDimension {
    /// The unit that usage in this dimension is counted in: the last word of its name, for
    /// dimensions that this version does not know too.
    ///
    /// ```
    /// use blaxel_billing::{BillingDimension, Unit};
    ///
    /// assert_eq!(BillingDimension::CustomDomainTime.unit(), Unit::Hours);
    /// assert_eq!(BillingDimension::from("drive_storage_gbs").unit(), Unit::GbSeconds);
    /// assert_eq!(BillingDimension::from("model_tokens").unit().as_str(), "tokens");
    /// ```
    #[must_use]
    pub fn unit(&self) -> Unit {
        let name = self.as_str();
        Unit::from(name.rsplit('_').next().unwrap_or(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_called_differently_in_questions_and_in_answers() {
        for (dimension, member) in [
            (Dimension::Workspace, "workspace"),
            (Dimension::ResourceUuid, "resourceUuid"),
            (Dimension::BillingDimension, "billingDimension"),
            (Dimension::from("cloud_region_id"), "cloudRegionId"),
            (Dimension::from(""), ""),
        ] {
            assert_eq!(dimension.member(), member);
        }
    }

    #[test]
    fn every_dimension_has_the_unit_of_its_name() {
        use BillingDimension::{
            AgentAsyncRequests, AgentCompute, AgentImages, CustomDomainTime, JobCompute, JobImages,
            McpServerCompute, McpServerImages, SandboxCompute, SandboxImages, SandboxSnapshots,
            VolumeStorage,
        };
        for dimension in [
            SandboxCompute,
            SandboxImages,
            SandboxSnapshots,
            AgentCompute,
            AgentImages,
            JobCompute,
            JobImages,
            McpServerCompute,
            McpServerImages,
            VolumeStorage,
        ] {
            assert_eq!(dimension.unit(), Unit::GbSeconds, "{dimension}");
        }
        assert_eq!(AgentAsyncRequests.unit(), Unit::Count);
        assert_eq!(CustomDomainTime.unit(), Unit::Hours);
    }
}
