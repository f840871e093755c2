//! Policies: rules for where workloads run, on what machines, and how many tokens they may spend.
//!
//! A workload is under a policy when it names it in its `spec`.

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
        /// How many resources are under it, as a list tells; see [`usages`](Collection::usages).
        #[server]
        pub usage: Option<PolicyUsageCounts>,
    }
}

record! {
    /// What a policy rules. Which of the members count is a matter of its kind.
    pub struct PolicySpec {
        /// What it is about.
        #[serde(rename = "type")]
        pub kind: Option<PolicyKind>,
        /// The kinds of resources it is for.
        pub resource_types: Option<Vec<PolicyResourceType>>,
        /// Where workloads may run.
        pub locations: Option<Vec<PolicyLocation>>,
        /// The kinds of machine they may run on.
        pub flavors: Option<Vec<Flavor>>,
        /// How many tokens may be spent.
        pub max_tokens: Option<PolicyMaxTokens>,
        /// Whether it belongs to a trial.
        pub sandbox: Option<bool>,
    }

    /// A place where workloads may run.
    pub struct PolicyLocation {
        /// What kind of place it is.
        #[serde(rename = "type")]
        pub kind: Option<PolicyLocationKind>,
        /// Its name, such as `EU`.
        pub name: Option<String>,
    }

    /// How many tokens may be spent in a span of time.
    pub struct PolicyMaxTokens {
        /// The unit of the span, such as `minute`.
        pub granularity: Option<String>,
        /// The length of the span in that unit.
        pub step: Option<u32>,
        /// How many tokens may go in.
        pub input: Option<i64>,
        /// How many may come out.
        pub output: Option<i64>,
        /// How many may do either.
        pub total: Option<i64>,
        /// How many may go in for each that comes out.
        pub ratio_input_over_output: Option<u32>,
    }

    /// How many resources are under a policy.
    pub struct PolicyUsageCounts {
        /// How many agents.
        #[server]
        pub agents: Option<u32>,
        /// How many functions.
        #[server]
        pub functions: Option<u32>,
        /// How many jobs.
        #[server]
        pub jobs: Option<u32>,
        /// How many models.
        #[server]
        pub models: Option<u32>,
        /// How many sandboxes.
        #[server]
        pub sandboxes: Option<u32>,
    }
}

response! {
    /// Which resources are under a policy. They are names; since the API itself is not of one mind
    /// about that, they are kept as they came.
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
    /// What a policy is about.
    pub enum PolicyKind {
        /// Where workloads run.
        Location = "location",
        /// On what machines.
        Flavor = "flavor",
        /// How many tokens they may spend.
        MaxToken = "maxToken",
    }
}

open_enum! {
    /// How large a place is that a policy names.
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
    /// A kind of resource that a policy is for.
    pub enum PolicyResourceType {
        /// Models.
        Model = "model",
        /// Functions.
        Function = "function",
        /// Agents.
        Agent = "agent",
        /// Sandboxes.
        Sandbox = "sandbox",
        /// Applications.
        Application = "application",
    }
}

resource! { Policy { metadata: metadata, labels: metadata.labels } }

impl<S: HttpService> Management<S> {
    /// The policies of the workspace.
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

/// Lists what is under a policy: `GetPolicyUsages`.
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
    /// Which resources are under a policy.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no policy of that name.
    pub async fn usages(&self, policy: &str) -> Result<PolicyUsages, Error> {
        call(&self.service, &Perform::<GetPolicyUsages>::on([policy])).await
    }
}

impl Listed for Policy {
    const LIST: OperationInfo = OperationInfo::new("ListPolicies", Method::GET, "/policies")
        .with_parameters(&["cursor", "limit", "sort", "q", "anchor"]);
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
    fn a_policy_comes_back_as_it_was_with_what_has_no_name_here() {
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
