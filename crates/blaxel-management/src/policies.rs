//! Policies: rules for the locations and machine types of workloads, and for the tokens that they
//! may spend.
//!
//! A policy applies to the workloads that name it in their `spec`.

use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, call, open_enum};
use http::Method;
use serde_json::Value;

use crate::Management;
use crate::collection::Collection;
use crate::kind::{Applied, Created, Deleted, Fetched, Listed, Replaced};
use crate::metadata::{Flavor, Metadata};
use crate::operations::{Action, Perform};
use crate::parent_path::ParentPath;

document! {
    /// A policy.
    ///
    /// ```
    /// use blaxel_management::policies::{Policy, PolicyKind, PolicyLocation, PolicyLocationKind};
    ///
    /// let europe = PolicyLocation::new().kind(PolicyLocationKind::Continent).name("EU");
    /// let policy = Policy::new("only-europe").kind(PolicyKind::Location).location(europe);
    /// assert_eq!(policy.metadata.name, "only-europe");
    /// ```
    pub struct Policy {
        pub metadata: Metadata,
        pub spec: PolicySpec,
        /// The number of resources that the policy applies to, as reported in a list; see
        /// [`usages`](Collection::usages).
        #[server]
        pub usage: Option<PolicyUsageCounts>,
    }
}

record! {
    /// The rules of a policy. The kind determines which of the members apply.
    pub struct PolicySpec {
        /// The kind of rule.
        #[serde(rename = "type")]
        pub kind: Option<PolicyKind>,
        /// The types of resources that the policy applies to.
        pub resource_types: Option<Vec<PolicyResourceType>>,
        /// The locations where workloads may run.
        pub locations: Option<Vec<PolicyLocation>>,
        /// The machine types on which workloads may run.
        pub flavors: Option<Vec<Flavor>>,
        /// The maximum number of tokens that may be spent.
        pub max_tokens: Option<PolicyMaxTokens>,
        /// `true` if the policy belongs to a trial.
        pub sandbox: Option<bool>,
    }

    /// A location where workloads may run.
    pub struct PolicyLocation {
        /// The kind of location.
        #[serde(rename = "type")]
        pub kind: Option<PolicyLocationKind>,
        /// The name, such as `EU`.
        pub name: Option<String>,
    }

    /// The maximum number of tokens that may be spent per time window.
    pub struct PolicyMaxTokens {
        /// The unit of the time window, such as `minute`.
        pub granularity: Option<String>,
        /// The length of the time window, in that unit.
        pub step: Option<u32>,
        /// The maximum number of input tokens.
        pub input: Option<i64>,
        /// The maximum number of output tokens.
        pub output: Option<i64>,
        /// The maximum number of input and output tokens together.
        pub total: Option<i64>,
        /// The maximum number of input tokens per output token.
        pub ratio_input_over_output: Option<u32>,
    }

    /// The number of resources that a policy applies to.
    pub struct PolicyUsageCounts {
        /// The number of agents.
        #[server]
        pub agents: Option<u32>,
        /// The number of functions.
        #[server]
        pub functions: Option<u32>,
        /// The number of jobs.
        #[server]
        pub jobs: Option<u32>,
        /// The number of models.
        #[server]
        pub models: Option<u32>,
        /// The number of sandboxes.
        #[server]
        pub sandboxes: Option<u32>,
    }
}

response! {
    /// The resources that a policy applies to. The elements are names; as the API is inconsistent
    /// about their type, they are kept as received.
    pub struct PolicyUsages {
        /// The agents.
        pub agents: Option<Vec<Value>>,
        /// The functions.
        pub functions: Option<Vec<Value>>,
        /// The jobs.
        pub jobs: Option<Vec<Value>>,
        /// The models.
        pub models: Option<Vec<Value>>,
        /// The sandboxes.
        pub sandboxes: Option<Vec<Value>>,
    }
}

open_enum! {
    /// The kind of rule that a policy has.
    pub enum PolicyKind {
        /// The locations of workloads.
        Location = "location",
        /// The machine types of workloads.
        Flavor = "flavor",
        /// The number of tokens that workloads may spend.
        MaxToken = "maxToken",
    }
}

open_enum! {
    /// The kind of location that a policy names.
    pub enum PolicyLocationKind {
        /// A single location.
        Location = "location",
        /// A country.
        Country = "country",
        /// A continent.
        Continent = "continent",
    }
}

open_enum! {
    /// A type of resource that a policy can apply to.
    pub enum PolicyResourceType {
        /// A model.
        Model = "model",
        /// A function.
        Function = "function",
        /// An agent.
        Agent = "agent",
        /// A sandbox.
        Sandbox = "sandbox",
        /// An application.
        Application = "application",
    }
}

resource! { Policy { metadata: metadata, labels: metadata.labels } }

impl<S: HttpService> Management<S> {
    /// Returns the handle for the policies of the workspace.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::policies::{Policy, PolicyKind, PolicyLocation, PolicyLocationKind};
    ///
    /// let europe = PolicyLocation::new().kind(PolicyLocationKind::Continent).name("EU");
    /// let policy = Policy::new("only-europe").kind(PolicyKind::Location).location(europe);
    /// let policies = management.policies();
    /// policies.create(&policy).await?;
    /// println!("{:?}", policies.usages("only-europe").await?.agents);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn policies(&self) -> Collection<Policy, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

deep_setters! { Policy:
    spec PolicySpec {
        kind: PolicyKind,
        resource_type: [PolicyResourceType resource_types],
        location: [PolicyLocation locations],
        flavor: [Flavor flavors],
        max_tokens: PolicyMaxTokens,
    }
}

/// Lists the resources that a policy applies to: the operation `GetPolicyUsages`.
#[derive(Debug)]
pub struct GetPolicyUsages;

impl Action for GetPolicyUsages {
    const INFO: OperationInfo = OperationInfo::new(
        "GetPolicyUsages",
        Method::GET,
        "/policies/{policyName}/usages",
    );
    type Input = ();
    type Output = PolicyUsages;
}

impl<S: HttpService> Collection<Policy, S> {
    /// Returns the resources that a policy applies to (`GET /policies/{policyName}/usages`).
    ///
    /// See [`policies`](Management::policies) for an example.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the policy does not exist.
    pub async fn usages(&self, policy: &str) -> Result<PolicyUsages, Error> {
        call(&self.service, &Perform::<GetPolicyUsages>::on([policy])).await
    }
}

impl Listed for Policy {
    const LIST: OperationInfo = OperationInfo::new("ListPolicies", Method::GET, "/policies")
        .with_parameters(&["cursor", "limit", "sort", "q", "anchor", "externalId"]);
    type Item = Self;
}

impl Created for Policy {
    const CREATE: OperationInfo = OperationInfo::new("CreatePolicy", Method::POST, "/policies")
        .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;
}

impl Fetched for Policy {
    const GET: OperationInfo =
        OperationInfo::new("GetPolicy", Method::GET, "/policies/{policyName}");
}

impl Replaced for Policy {
    const REPLACE: OperationInfo =
        OperationInfo::new("UpdatePolicy", Method::PUT, "/policies/{policyName}");
}

impl Applied for Policy {}

impl Deleted for Policy {
    const DELETE: OperationInfo =
        OperationInfo::new("DeletePolicy", Method::DELETE, "/policies/{policyName}");
    type Response = Self;
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_policy_round_trips_unchanged_with_unknown_values() {
        let document = json!({
            "metadata": {"name": "frugal"},
            "spec": {
                "type": "maxToken",
                "resourceTypes": ["model", "oracle"],
                "locations": [{"type": "continent", "name": "EU"}],
                "flavors": [{"name": "t4", "type": "gpu"}],
                "maxTokens": {
                    "granularity": "minute", "step": 1, "input": 10_000_000_000_i64,
                    "output": 5000, "total": 15000, "ratioInputOverOutput": 2,
                },
            },
            "usage": {"agents": 2, "jobs": 0},
        });
        let policy: Policy = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(policy.spec.kind, Some(PolicyKind::MaxToken));
        assert_eq!(policy.usage.as_ref().unwrap().agents, Some(2));
        assert_eq!(serde_json::to_value(&policy).unwrap(), document);
    }

    #[test]
    fn usages_may_be_names_or_objects() {
        let usages = json!({"agents": ["bot"], "jobs": [{"name": "nightly"}], "models": []});
        let usages: PolicyUsages = serde_json::from_value(usages).unwrap();
        assert_eq!(usages.agents.unwrap(), [json!("bot")]);
        assert_eq!(usages.jobs.unwrap(), [json!({"name": "nightly"})]);
        assert_eq!(usages.sandboxes, None);
    }
}
