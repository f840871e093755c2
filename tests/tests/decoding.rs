//! The promise: no document of the API is too odd for its type. Members may be missing, null or new, and
//! enums may have new values: everything is read, and what has a type is written back as it was.
//!
//! The documents are made at random from the schemas that the emulator describes itself by. Each schema
//! has its type in a table here.

use std::collections::{BTreeMap, BTreeSet};

use blaxel_core::{Body, Page, open, response};
use blaxel_emulator::Emulator;
use blaxel_management::*;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Reads a document into its type, and writes it back if the type can be written.
type Reading = fn(&str) -> serde_json::Result<Option<Value>>;

fn both_ways<T: DeserializeOwned + Serialize>(text: &str) -> serde_json::Result<Option<Value>> {
    serde_json::to_value(serde_json::from_str::<T>(text)?).map(Some)
}

fn one_way<T: DeserializeOwned>(text: &str) -> serde_json::Result<Option<Value>> {
    serde_json::from_str::<T>(text).map(|_| None)
}

macro_rules! types {
    ($($way:ident { $($schema:literal => $type:ty,)+ })+) => {
        &[$($(($schema, $way::<$type> as Reading),)+)+]
    };
}

/// The type of each schema, and of each answer that has no schema of its own, by its operation.
const TYPES: &[(&str, Reading)] = types! {
    both_ways {
        "Agent" => agents::Agent,
        "AgentRuntime" => agents::AgentRuntime,
        "AgentSpec" => agents::AgentSpec,
        "AppRevision" => applications::AppRevision,
        "AppRevisionConfiguration" => workload::RevisionRouting,
        "AppRevisions" => Vec<applications::AppRevision>,
        "AppUrl" => applications::AppUrl,
        "AppUrls" => Vec<applications::AppUrl>,
        "Application" => applications::Application,
        "ApplicationExtension" => applications::ApplicationExtension,
        "ApplicationExtensions" => BTreeMap<String, applications::ApplicationExtension>,
        "ApplicationSpec" => applications::ApplicationSpec,
        "CoreEvent" => Event,
        "CoreEvents" => Vec<Event>,
        "CreateJobExecutionRequest" => jobs::JobExecutionDraft,
        "CustomDomain" => custom_domains::CustomDomain,
        "CustomDomainMetadata" => custom_domains::CustomDomainMetadata,
        "CustomDomainSpec" => custom_domains::CustomDomainSpec,
        "Drive" => drives::Drive,
        "DrivePermission" => drives::DrivePermission,
        "DriveSpec" => drives::DriveSpec,
        "DriveState" => drives::DriveState,
        "EgressConfig" => sandboxes::EgressConfig,
        "EgressGateway" => vpcs::EgressGateway,
        "EgressGatewayMetadata" => vpcs::EgressGatewayMetadata,
        "EgressGatewaySpec" => vpcs::EgressGatewaySpec,
        "EgressGatewayUsage" => BTreeMap<String, Vec<String>>,
        "EgressIP" => vpcs::EgressIp,
        "EgressIPMetadata" => vpcs::EgressIpMetadata,
        "EgressIPSpec" => vpcs::EgressIpSpec,
        "EgressPolicy" => sandboxes::EgressPolicy,
        "Env" => workload::EnvVariable,
        "ExpirationPolicy" => sandboxes::ExpirationPolicy,
        "FirewallConfig" => sandboxes::FirewallConfig,
        "Flavor" => Flavor,
        "Flavors" => Vec<Flavor>,
        "Function" => functions::Function,
        "FunctionRuntime" => functions::FunctionRuntime,
        "FunctionSpec" => functions::FunctionSpec,
        "GithubRunnerConfig" => jobs::GithubRunnerConfig,
        "GroupWorkspaceMapping" => workspaces::GroupMapping,
        "IntegrationConnection" => integrations::IntegrationConnection,
        "IntegrationConnectionSpec" => integrations::IntegrationConnectionSpec,
        "IntegrationConnectionsList" => Vec<String>,
        "IntegrationHeaders" => BTreeMap<String, String>,
        "IntegrationQueryParams" => BTreeMap<String, String>,
        "Job" => jobs::Job,
        "JobExecutionStatus" => jobs::JobExecutionStatus,
        "JobExecutionTaskStatus" => jobs::JobExecutionTaskStatus,
        "JobRuntime" => jobs::JobRuntime,
        "JobSpec" => jobs::JobSpec,
        "JobVolume" => workload::VolumeAttachment,
        "JobVolumes" => Vec<workload::VolumeAttachment>,
        "ListAllEgressGateways" => Vec<vpcs::EgressGateway>,
        "ListAllEgressIPs" => Vec<vpcs::EgressIp>,
        "ListApplicationRevisions" => Vec<applications::AppRevision>,
        "ListCustomDomains" => Vec<custom_domains::CustomDomain>,
        "ListEgressGateways" => Vec<vpcs::EgressGateway>,
        "ListEgressIPs" => Vec<vpcs::EgressIp>,
        "ListIntegrationConnections" => Vec<integrations::IntegrationConnection>,
        "ListSandboxPreviewTokens" => Vec<sandboxes::PreviewToken>,
        "ListSandboxPreviews" => Vec<sandboxes::Preview>,
        "ListVPCs" => Vec<vpcs::Vpc>,
        "ListVolumeTemplates" => Vec<volume_templates::VolumeTemplate>,
        "ListWorkspaces" => Vec<workspaces::Workspace>,
        "Metadata" => Metadata,
        "MetadataLabels" => BTreeMap<String, String>,
        "Model" => models::Model,
        "ModelRuntime" => models::ModelRuntime,
        "ModelSpec" => models::ModelSpec,
        "NetworkFirewall" => sandboxes::NetworkFirewall,
        "NewSandbox" => sandboxes::Sandbox,
        "NewSandboxMetadata" => Metadata,
        "PoliciesList" => Vec<String>,
        "Policy" => policies::Policy,
        "PolicyLocation" => policies::PolicyLocation,
        "PolicyLocations" => Vec<policies::PolicyLocation>,
        "PolicyMaxTokens" => policies::PolicyMaxTokens,
        "PolicyResourceType" => policies::PolicyResourceType,
        "PolicyResourceTypes" => Vec<policies::PolicyResourceType>,
        "PolicySpec" => policies::PolicySpec,
        "PolicyUsageCounts" => policies::PolicyUsageCounts,
        "Port" => workload::Port,
        "Ports" => Vec<workload::Port>,
        "Preview" => sandboxes::Preview,
        "PreviewMetadata" => sandboxes::PreviewMetadata,
        "PreviewSpec" => sandboxes::PreviewSpec,
        "PreviewToken" => sandboxes::PreviewToken,
        "PreviewTokenMetadata" => sandboxes::PreviewTokenMetadata,
        "PreviewTokenSpec" => sandboxes::PreviewTokenSpec,
        "ProxyConfig" => sandboxes::ProxyConfig,
        "ProxyTarget" => sandboxes::ProxyTarget,
        "Repository" => workload::Repository,
        "RevisionConfiguration" => workload::RevisionRouting,
        "Sandbox" => sandboxes::Sandbox,
        "SandboxForkRequest" => sandboxes::Fork,
        "SandboxInfrastructureError" => sandboxes::SandboxInfrastructureError,
        "SandboxLifecycle" => sandboxes::SandboxLifecycle,
        "SandboxNetwork" => sandboxes::SandboxNetwork,
        "SandboxRuntime" => sandboxes::SandboxRuntime,
        "SandboxScheduleEntry" => sandboxes::Schedule,
        "SandboxScheduleInput" => sandboxes::ScheduleInput,
        "SandboxSnapshotRequest" => sandboxes::NewSnapshot,
        "SandboxSpec" => sandboxes::SandboxSpec,
        "Sort" => blaxel_core::Sort,
        "Status" => Status,
        "Trigger" => workload::Trigger,
        "TriggerConfiguration" => workload::TriggerConfiguration,
        "TriggerConfigurationTask" => Value,
        "Triggers" => Vec<workload::Trigger>,
        "VPC" => vpcs::Vpc,
        "VPCSpec" => BTreeMap<String, Value>,
        "Volume" => volumes::Volume,
        "VolumeAttachment" => workload::VolumeAttachment,
        "VolumeAttachments" => Vec<workload::VolumeAttachment>,
        "VolumeSpec" => volumes::VolumeSpec,
        "VolumeState" => volumes::VolumeState,
        "VolumeTemplate" => volume_templates::VolumeTemplate,
        "VolumeTemplateSpec" => volume_templates::VolumeTemplateSpec,
        "VolumeTemplateState" => volume_templates::VolumeTemplateState,
        "VolumeTemplateVersion" => volume_templates::VolumeTemplateVersion,
        "Workspace" => workspaces::Workspace,
        "WorkspaceHipaaInfo" => workspaces::HipaaInfo,
        "WorkspaceHipaaUnsafe" => workspaces::HipaaOptOut,
        "WorkspaceRuntime" => workspaces::WorkspaceRuntime,
        "WorkspaceSandboxSettings" => workspaces::SandboxSettings,
    }
    one_way {
        "ApiKey" => service_accounts::ApiKey,
        "ChangelogEntry" => changelog::ChangelogEntry,
        "ChangelogResponse" => changelog::Changelog,
        "CleanupImages" => images::CleanedUpImages,
        "Configuration" => locations::Configuration,
        "Continent" => locations::Continent,
        "Country" => locations::Country,
        "CreateDriveAccessToken" => drives::DriveAccessToken,
        "CreateImage" => images::CreatedImage,
        "CreateJobExecutionOutput" => jobs::StartedJobExecution,
        "CreateWorkspaceServiceAccount" => service_accounts::NewServiceAccount,
        "CustomDomainShareTarget" => custom_domains::CustomDomainShareTarget,
        "DeleteDrive" => drives::DeletedDrive,
        "DeleteSandboxPreviewToken" => sandboxes::PreviewTokenDeletion,
        "DeleteVolumeTemplateVersion" => volume_templates::DeletedVolumeTemplateVersion,
        "Entrypoint" => hubs::Entrypoint,
        "Form" => hubs::Form,
        "GetAccountQuotas" => quotas::Quotas,
        "GetDriveJWKS" => drives::DriveKeys,
        "GetImage" => images::Image,
        "GetLogs" => BTreeMap<String, logs::WorkloadLogs>,
        "GetWorkspaceServiceAccounts" => Vec<service_accounts::ServiceAccount>,
        "Image" => images::Image,
        "ImageMetadata" => images::ImageMetadata,
        "ImageShareTarget" => images::ImageShare,
        "ImageSpec" => images::ImageSpec,
        "ImageSummary" => images::Image,
        "ImageTag" => images::ImageTag,
        "Integration" => integrations::Integration,
        "IntegrationEndpoint" => integrations::IntegrationEndpoint,
        "IntegrationEndpointToken" => integrations::IntegrationEndpointToken,
        "IntegrationEndpoints" => BTreeMap<String, integrations::IntegrationEndpoint>,
        "IntegrationOrganization" => integrations::IntegrationOrganization,
        "IntegrationRepository" => integrations::IntegrationRepository,
        "JobExecution" => jobs::JobExecution,
        "JobExecutionMetadata" => jobs::JobExecutionMetadata,
        "JobExecutionSpec" => jobs::JobExecutionSpec,
        "JobExecutionStats" => jobs::JobExecutionStats,
        "JobExecutionTask" => jobs::JobExecutionTask,
        "JobExecutionTaskCondition" => jobs::JobExecutionTaskCondition,
        "JobExecutionTaskMetadata" => jobs::JobExecutionTaskMetadata,
        "JobExecutionTaskSpec" => jobs::JobExecutionTaskSpec,
        "ListAgentRevisions" => Vec<workload::Revision>,
        "ListAgents" => Page<agents::Agent>,
        "ListApiKeysForServiceAccount" => Vec<service_accounts::ApiKey>,
        "ListApplications" => Page<applications::Application>,
        "ListCustomDomainShares" => Vec<custom_domains::CustomDomainShareTarget>,
        "ListDrives" => Page<drives::Drive>,
        "ListFunctionRevisions" => Vec<workload::Revision>,
        "ListFunctions" => Page<functions::Function>,
        "ListImageShares" => Vec<images::ImageShare>,
        "ListImageTags" => Page<images::ImageTag>,
        "ListImages" => Page<images::Image>,
        "ListJobExecutionTasks" => Page<jobs::JobExecutionTask>,
        "ListJobExecutions" => Page<jobs::JobExecution>,
        "ListJobRevisions" => Vec<workload::Revision>,
        "ListJobs" => Page<jobs::Job>,
        "ListLocations" => Vec<locations::Location>,
        "ListMCPHubDefinitions" => Vec<hubs::McpDefinition>,
        "ListModelRevisions" => Vec<workload::Revision>,
        "ListModels" => Page<models::Model>,
        "ListPendingImageShares" => Vec<images::PendingImageShare>,
        "ListPolicies" => Page<policies::Policy>,
        "ListSandboxHubDefinitions" => Vec<hubs::SandboxDefinition>,
        "ListSandboxScheduleExecutions" => Page<sandboxes::ScheduleExecution>,
        "ListSandboxSchedules" => Page<sandboxes::Schedule>,
        "ListSandboxes" => Page<sandboxes::Sandbox>,
        "ListTemplates" => Vec<templates::Template>,
        "ListVolumes" => Page<volumes::VolumeSummary>,
        "ListWorkspaceUsers" => Vec<users::WorkspaceUser>,
        "LiteVolume" => volumes::VolumeSummary,
        "LiteVolumeMetadata" => volumes::VolumeSummaryMetadata,
        "LiteVolumeSpec" => volumes::VolumeSummarySpec,
        "LocationResponse" => locations::Location,
        "LogEntry" => logs::LogEntry,
        "Logs" => logs::WorkloadLogs,
        "MCPDefinition" => hubs::McpDefinition,
        "OAuth" => hubs::OAuth,
        "PaginationMeta" => blaxel_core::PageMeta,
        "PendingImageShare" => images::PendingImageShare,
        "PendingImageShareRender" => images::PendingImageShare,
        "PendingInvitation" => users::PendingInvitation,
        "PendingInvitationAccept" => users::PendingInvitationAccept,
        "PendingInvitationRender" => users::PendingInvitationRender,
        "PendingInvitationRenderAccount" => users::PendingInvitationRenderAccount,
        "PendingInvitationRenderInvitedBy" => users::PendingInvitationRenderInvitedBy,
        "PendingInvitationRenderWorkspace" => users::PendingInvitationRenderWorkspace,
        "PendingInvitationWorkspaceDetails" => users::PendingInvitationWorkspaceDetails,
        "PolicyUsages" => policies::PolicyUsages,
        "PrivateLocation" => locations::PrivateLocation,
        "PublicIp" => public_ips::PublicIp,
        "PublicIps" => BTreeMap<String, public_ips::PublicIp>,
        "Quota" => quotas::Quota,
        "Region" => locations::Region,
        "RevisionMetadata" => workload::Revision,
        "SSODomain" => workspaces::SsoDomain,
        "SSODomainMetadata" => workspaces::SsoDomainMetadata,
        "SSODomainSpec" => workspaces::SsoDomainSpec,
        "SandboxDefinition" => hubs::SandboxDefinition,
        "SandboxForkResponse" => sandboxes::Forked,
        "SandboxScheduleExecution" => sandboxes::ScheduleExecution,
        "SandboxSnapshot" => sandboxes::Snapshot,
        "SandboxSnapshots" => Vec<sandboxes::Snapshot>,
        "ServiceAccount" => service_accounts::ServiceAccount,
        "Template" => templates::Template,
        "TemplateVariable" => templates::TemplateVariable,
        "WorkspaceAvailability" => workspaces::WorkspaceAvailability,
        "WorkspaceUser" => users::WorkspaceUser,
        "getWorkspaceFeatures" => features::WorkspaceFeatures,
        "testFeatureFlag" => features::FeatureFlag,
    }
};

/// What has no type here: what is not of the Management API, errors, which are read in another way, and an
/// answer that is a mere yes or no in one of its forms.
const WITHOUT_TYPE: &[&str] = &[
    "Account",
    "AccountMetrics",
    "AccountMetricsGroup",
    "CheckWorkspaceAvailability",
    "Error",
    "ListAccountMetricsGroupBy",
    "ListAccountMetricsResourceTypes",
    "ListAccounts",
    "Resolution",
    "SandboxError",
];

/// Members that are said to be objects of any kind, and are maps of texts.
const MAPS_OF_TEXTS: &[(&str, &str)] = &[
    ("DrivePermission", "labels"),
    ("JobExecutionSpec", "envOverride"),
];

/// Schemas that no operation uses, so that the emulator does not describe them.
fn unused_schemas() -> Value {
    let text = || json!({"type": "string"});
    let object = |members: &[(&str, Value)]| {
        let members: Map<_, _> = members
            .iter()
            .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
            .collect();
        json!({"type": "object", "properties": members})
    };
    let texts =
        |names: &[&str]| object(&names.iter().map(|name| (*name, text())).collect::<Vec<_>>());
    let list = |item: Value| json!({"type": "array", "items": item});
    let named = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    json!({
        "NetworkFirewall": object(&[("allowedDomains", list(text()))]),
        "PendingInvitationAccept": object(&[("email", text()), ("workspace", named("Workspace"))]),
        "PendingInvitationRender": object(&[
            ("account", named("PendingInvitationRenderAccount")),
            ("email", text()),
            ("expiresAt", text()),
            ("invitationId", text()),
            ("invitedAt", text()),
            ("invitedBy", named("PendingInvitationRenderInvitedBy")),
            ("role", text()),
            ("type", text()),
            ("workspace", named("PendingInvitationRenderWorkspace")),
            ("workspaceDetails", named("PendingInvitationWorkspaceDetails")),
        ]),
        "PendingInvitationRenderAccount": texts(&["displayName", "id"]),
        "PendingInvitationRenderInvitedBy": texts(&["email", "family_name", "given_name", "sub"]),
        "PendingInvitationRenderWorkspace": texts(&["displayName", "name"]),
        "PendingInvitationWorkspaceDetails": object(&[
            ("emails", list(json!({}))),
            ("user_number", json!({"type": "number"})),
        ]),
        "SSODomain": object(&[("metadata", named("SSODomainMetadata")), ("spec", named("SSODomainSpec"))]),
        "SSODomainMetadata": texts(&[
            "accountId", "createdAt", "createdBy", "displayName", "name", "updatedAt", "updatedBy",
        ]),
        "SSODomainSpec": object(&[
            ("allowedAuthMethods", list(text())),
            ("autoJoinWorkspaces", list(text())),
            ("lastUsedAuthMethod", text()),
            ("lastUsedAuthMethodAt", text()),
            ("lastVerifiedAt", text()),
            ("status", json!({"type": "string", "enum": ["pending", "verified", "failed"]})),
            ("txtRecordName", text()),
            ("txtRecordValue", text()),
            ("verificationError", text()),
        ]),
    })
}

/// All schemas by their names, and the answers that are no schema of a name, by their operations.
struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    async fn read() -> Self {
        let emulator = Emulator::offline();
        let address = emulator.url().replace("/v0", "/openapi.json");
        let request = http::Request::get(address).body(Body::empty()).unwrap();
        let answer = open(&emulator.service(), request).await.unwrap();
        let text = response::collect(answer.into_body(), 1 << 24)
            .await
            .unwrap();
        Self::of(&serde_json::from_slice(&text).unwrap())
    }

    fn of(document: &Value) -> Self {
        let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let mut schemas: BTreeMap<_, _> = members(&document["components"]["schemas"])
            .into_iter()
            .collect();
        schemas.extend(members(&unused_schemas()));
        for (schema, member) in MAPS_OF_TEXTS {
            let schema = schemas.get_mut(*schema).unwrap();
            let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
            schema["properties"][member] = map;
        }
        let paths = members(&document["paths"]);
        for operation in paths
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
        {
            let name = operation["operationId"].as_str().unwrap();
            for (_, response) in members(&operation["responses"]) {
                let schema = &response["content"]["application/json"]["schema"];
                let has_name = schema.get("$ref").is_some();
                if schema.is_object() && !has_name {
                    schemas.insert(name.to_owned(), schema.clone());
                }
            }
        }
        Self(schemas)
    }

    fn named(&self, name: &str) -> &Value {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("there is no schema {name}"))
    }

    /// The schema itself, if this one only refers to it.
    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap();
            return self.resolved(self.named(name));
        }
        match schema["allOf"].as_array().map(Vec::as_slice) {
            Some([only]) => self.resolved(only),
            _ => schema,
        }
    }

    /// Documents of a schema, each of them odd in its own way.
    fn documents(&self, schema: &Value) -> BoxedStrategy<Value> {
        let schema = self.resolved(schema);
        if let Some(choices) = schema["anyOf"].as_array() {
            let choices: Vec<_> = choices
                .iter()
                .map(|choice| self.documents(choice))
                .collect();
            return proptest::strategy::Union::new(choices).boxed();
        }
        match schema["type"].as_str() {
            None => anything(),
            Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
            Some("integer") => (0..=i64::from(u32::MAX)).prop_map(Value::from).boxed(),
            Some("number") => prop_oneof![
                any::<i32>().prop_map(Value::from),
                (-1e9..1e9).prop_map(Value::from),
            ]
            .boxed(),
            Some("string") => match schema["enum"].as_array() {
                None => text(),
                Some(words) => prop_oneof![text(), proptest::sample::select(words.clone())].boxed(),
            },
            Some("array") => vec(self.documents(&schema["items"]), 0..3)
                .prop_map(Value::from)
                .boxed(),
            Some("object") if schema.get("additionalProperties").is_some() => {
                let items = self.documents(&schema["additionalProperties"]);
                btree_map(word(), items, 0..3)
                    .prop_map(|members| Value::Object(members.into_iter().collect()))
                    .boxed()
            }
            Some("object") => self.objects(schema),
            Some(other) => panic!("nobody knows the type {other}"),
        }
    }

    fn objects(&self, schema: &Value) -> BoxedStrategy<Value> {
        let mut known: BoxedStrategy<Vec<(String, Value)>> = Just(Vec::new()).boxed();
        let members = schema["properties"].as_object();
        // What has neither is no page, and taking it for one would hide a list.
        let is_page =
            members.is_some_and(|all| all.contains_key("data") && all.contains_key("meta"));
        for (name, member) in members.into_iter().flatten() {
            let name = name.clone();
            let may_be_absent = !(is_page && name == "data");
            let member = prop_oneof![
                6 => self.documents(member).prop_map(Some),
                u32::from(may_be_absent) => Just(None),
                1 => Just(Some(Value::Null)),
            ];
            known = (known, member)
                .prop_map(move |(mut members, member)| {
                    members.extend(member.map(|member| (name.clone(), member)));
                    members
                })
                .boxed();
        }
        let unknown = btree_map("x[A-Z][a-z]{1,6}", anything(), 0..3);
        (unknown, known)
            .prop_map(|(unknown, known)| Value::Object(unknown.into_iter().chain(known).collect()))
            .boxed()
    }

    /// What is not as it was in the document that was written back, of the members that are known.
    fn lost(
        &self,
        schema: &Value,
        read: &Value,
        written: &Value,
        at: &str,
        lost: &mut Vec<String>,
    ) {
        let schema = self.resolved(schema);
        match (read, written) {
            (Value::Object(read), Value::Object(written)) => {
                let every = schema.get("additionalProperties");
                for (name, value) in read {
                    let Some(schema) = every.or_else(|| schema["properties"].get(name)) else {
                        continue;
                    };
                    match written.get(name) {
                        // What is nothing may be left out, or be the nothing of its type.
                        _ if value.is_null() => {}
                        None if value == "" => {}
                        written => {
                            let written = written.unwrap_or(&Value::Null);
                            self.lost(schema, value, written, &format!("{at}/{name}"), lost);
                        }
                    }
                }
            }
            (Value::Array(read), Value::Array(written)) if read.len() == written.len() => {
                for (index, (read, written)) in read.iter().zip(written).enumerate() {
                    let at = format!("{at}/{index}");
                    self.lost(&schema["items"], read, written, &at, lost);
                }
            }
            _ if read == written => {}
            _ => lost.push(format!("{at}: {read} became {written}")),
        }
    }
}

fn word() -> BoxedStrategy<String> {
    "[a-zA-Z/._-]{1,8}".boxed()
}

fn text() -> BoxedStrategy<Value> {
    prop_oneof![
        "[ -~é\u{1F600}]{0,12}".prop_map(Value::from),
        Just(Value::from("2026-05-01T10:00:00.123456789Z")),
        Just(Value::from("24h")),
    ]
    .boxed()
}

fn anything() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text(),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map(word(), inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
    .boxed()
}

#[tokio::test]
async fn every_document_is_read_and_what_has_a_type_survives() {
    let schemas = Schemas::read().await;
    let mut failures = Vec::new();
    for (name, read) in TYPES {
        // A name that is wrong is told by the test below.
        let Some(schema) = schemas.0.get(*name) else {
            continue;
        };
        let config = Config {
            cases: 48,
            failure_persistence: None,
            ..Config::default()
        };
        let outcome = TestRunner::new(config).run(&schemas.documents(schema), |document| {
            let written = read(&document.to_string())
                .map_err(|problem| TestCaseError::fail(problem.to_string()))?;
            let mut lost = Vec::new();
            if let Some(written) = &written {
                schemas.lost(schema, &document, written, "", &mut lost);
            }
            prop_assert!(lost.is_empty(), "{}", lost.join("; "));
            Ok(())
        });
        if let Err(TestError::Fail(why, document)) = outcome {
            failures.push(format!("{name}: {why}, of {document}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn every_schema_has_its_type() {
    let schemas = Schemas::read().await;
    let all: BTreeSet<&str> = schemas.0.keys().map(String::as_str).collect();
    let typed = TYPES.iter().map(|(name, _)| *name);
    let known: BTreeSet<&str> = typed.chain(WITHOUT_TYPE.iter().copied()).collect();
    assert_eq!(
        (
            all.difference(&known).collect::<Vec<_>>(),
            known.difference(&all).collect::<Vec<_>>()
        ),
        (Vec::new(), Vec::new()),
        "schemas that the tables leave out (left), and names in the tables that are no schema"
    );
}
