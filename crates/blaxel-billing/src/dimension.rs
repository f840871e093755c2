//! The dimensions that costs are grouped by, and the kinds of metered usage.

use blaxel_core::open_enum;

use crate::usage::Unit;

open_enum! {
    /// A dimension that costs can be grouped by.
    ///
    /// The set is open: a name that this version does not know is sent as it is, and the values that the
    /// server returns for it are found by [`Labels::get`](crate::Labels::get).
    pub enum Dimension {
        /// The workspace. For administrators of the account only: others get a 403.
        Workspace = "workspace",
        /// The type of resource, such as `sandbox`.
        ResourceType = "resource_type",
        /// The name of the resource.
        ResourceName = "resource_name",
        /// The id of the resource. A resource that is created again under the same name has another id.
        ResourceUuid = "resource_uuid",
        /// The metered usage, such as seconds of compute; see [`BillingDimension`].
        BillingDimension = "billing_dimension",
    }
}

impl Dimension {
    /// Returns the name of the dimension in a response, which is in camel case.
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
        /// Run time of sandboxes, in GB-seconds.
        SandboxCompute = "sandbox_compute_runtime_gbs",
        /// Storage of sandbox images, in GB-seconds.
        SandboxImages = "sandbox_image_storage_gbs",
        /// Storage of sandbox snapshots, in GB-seconds.
        SandboxSnapshots = "sandbox_snapshot_storage_gbs",
        /// Run time of agents, in GB-seconds.
        AgentCompute = "agent_compute_runtime_gbs",
        /// Storage of agent images, in GB-seconds.
        AgentImages = "agent_image_storage_gbs",
        /// Number of asynchronous calls to agents.
        AgentAsyncRequests = "agent_async_requests_count",
        /// Run time of jobs, in GB-seconds.
        JobCompute = "job_compute_runtime_gbs",
        /// Storage of job images, in GB-seconds.
        JobImages = "job_image_storage_gbs",
        /// Run time of MCP servers, in GB-seconds.
        McpServerCompute = "mcp_server_compute_runtime_gbs",
        /// Storage of MCP server images, in GB-seconds.
        McpServerImages = "mcp_server_image_storage_gbs",
        /// Storage of volumes, in GB-seconds.
        VolumeStorage = "volume_storage_gbs",
        /// Time that custom domains were active, in hours.
        CustomDomainTime = "custom_domain_active_time_hours",
    }
}

impl BillingDimension {
    /// Returns the unit of the usage in this dimension: the last word of its name, also for dimensions
    /// that this version does not know.
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
    fn dimensions_have_different_names_in_queries_and_in_responses() {
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
