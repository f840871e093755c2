//! The table of the type of each schema.

use std::collections::BTreeMap;

use blaxel_core::Page;
use blaxel_management::*;
use serde::Serialize;
use serde_json::Value;

use super::members::members_of;
use crate::support::decoded::{Decoded, lost_members};

/// A schema, or a response without a named schema, and the functions of its type.
pub struct Typed {
    /// The name of the schema, or of the operation.
    pub name: &'static str,
    /// Decodes a document and encodes it again. Fails if the result decodes to another value.
    pub read: fn(&str) -> serde_json::Result<Value>,
    /// Returns the members of a document that do not affect the decoded value.
    pub lost_members: fn(&Value) -> Vec<String>,
    /// The JSON names of its members, if it is a struct.
    pub members: fn() -> &'static [&'static str],
    /// Decodes a document and formats the value with `Debug`.
    pub debug: fn(&Value) -> serde_json::Result<String>,
    /// The path of the type.
    pub path: fn() -> &'static str,
}

/// A type that a program can print, store and decode again. The tables below check at compile time
/// that every response type is one.
pub trait Kept: Decoded + Serialize {}

impl<T: Decoded + Serialize> Kept for T {}

impl Typed {
    const fn schemas<T: Kept>(name: &'static str) -> Self {
        Self {
            name,
            read: round_trip::<T>,
            lost_members: lost_by::<T>,
            members: members_of::<T>,
            debug: |document| T::deserialize(document).map(|read| format!("{read:?}")),
            path: std::any::type_name::<T>,
        }
    }

    /// Returns the entry of a list in pages, which is a bare array in older versions of the API.
    const fn pages<T: Kept>(name: &'static str) -> Self {
        Self {
            name,
            read: round_trip::<Page<T>>,
            // Its items have schemas of their own.
            lost_members: |_| Vec::new(),
            members: || &[],
            debug: |_| Ok(String::new()),
            path: std::any::type_name::<Page<T>>,
        }
    }
}

fn round_trip<T: Kept>(document: &str) -> serde_json::Result<Value> {
    let read: T = serde_json::from_str(document)?;
    let written = serde_json::to_string(&read)?;
    let again: T = serde_json::from_str(&written)?;
    if again != read {
        let problem = format!("{read:?} was written as {written}, which is {again:?}");
        return Err(serde::de::Error::custom(problem));
    }
    serde_json::from_str(&written)
}

fn lost_by<T: Decoded>(document: &Value) -> Vec<String> {
    lost_members(
        &T::deserialize(document).expect("the document can be decoded"),
        document,
    )
}

macro_rules! types {
    ($($way:ident { $($schema:literal => $type:ty,)+ })+) => {
        &[$($(Typed::$way::<$type>($schema),)+)+]
    };
}

/// All schemas and responses that have a type.
pub const TYPES: &[Typed] = types! {
    schemas {
        "Agent" => agents::Agent,
        "AgentRuntime" => agents::AgentRuntime,
        "AgentSpec" => agents::AgentSpec,
        "ApiKey" => service_accounts::ApiKey,
        "AppRevision" => applications::AppRevision,
        "AppRevisionConfiguration" => workload::RevisionRouting,
        "AppRevisions" => Vec<applications::AppRevision>,
        "AppUrl" => applications::AppUrl,
        "AppUrls" => Vec<applications::AppUrl>,
        "Application" => applications::Application,
        "ApplicationExtension" => applications::ApplicationExtension,
        "ApplicationExtensions" => BTreeMap<String, applications::ApplicationExtension>,
        "ApplicationSpec" => applications::ApplicationSpec,
        "Applications" => Vec<applications::Application>,
        "ChangelogEntry" => changelog::ChangelogEntry,
        "ChangelogResponse" => changelog::Changelog,
        "CheckWorkspaceAvailability.request" => workspaces::WorkspaceName,
        "CleanupImages" => images::CleanedUpImages,
        "Configuration" => locations::Configuration,
        "Continent" => locations::Continent,
        "CoreEvent" => Event,
        "CoreEvents" => Vec<Event>,
        "Country" => locations::Country,
        "CreateApiKeyForServiceAccount.request" => service_accounts::ApiKeyDraft,
        "CreateDriveAccessToken" => drives::DriveAccessToken,
        "CreateImage" => images::CreatedImage,
        "CreateImage.request" => images::ImageDraft,
        "CreateJobExecutionOutput" => jobs::StartedJobExecution,
        "CreateJobExecutionRequest" => jobs::JobExecutionDraft,
        "CreateWorkspaceServiceAccount" => service_accounts::NewServiceAccount,
        "CreateWorkspaceServiceAccount.request" => service_accounts::ServiceAccountDraft,
        "CustomDomain" => custom_domains::CustomDomain,
        "CustomDomainMetadata" => custom_domains::CustomDomainMetadata,
        "CustomDomainShareTarget" => custom_domains::CustomDomainShareTarget,
        "CustomDomainSpec" => custom_domains::CustomDomainSpec,
        "DeleteDrive" => drives::DeletedDrive,
        "DeleteSandboxPreviewToken" => sandboxes::PreviewTokenDeletion,
        "DeleteVolumeTemplateVersion" => volume_templates::DeletedVolumeTemplateVersion,
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
        "Entrypoint" => hubs::Entrypoint,
        "Env" => workload::EnvVariable,
        "ExpirationPolicy" => sandboxes::ExpirationPolicy,
        "FirewallConfig" => sandboxes::FirewallConfig,
        "Flavor" => Flavor,
        "Flavors" => Vec<Flavor>,
        "Form" => hubs::Form,
        "Function" => functions::Function,
        "FunctionRuntime" => functions::FunctionRuntime,
        "FunctionSpec" => functions::FunctionSpec,
        "GetAccountQuotas" => quotas::Quotas,
        "GetDriveJWKS" => drives::DriveKeys,
        "GetImage" => images::Image,
        "GetLogs" => BTreeMap<String, logs::WorkloadLogs>,
        "GetWorkspaceServiceAccounts" => Vec<service_accounts::ServiceAccount>,
        "GithubRunnerConfig" => jobs::GithubRunnerConfig,
        "GroupWorkspaceMapping" => workspaces::GroupMapping,
        "Image" => images::Image,
        "ImageMetadata" => images::ImageMetadata,
        "ImageShareTarget" => images::ImageShare,
        "ImageSpec" => images::ImageSpec,
        "ImageSummary" => images::Image,
        "ImageTag" => images::ImageTag,
        "Integration" => integrations::Integration,
        "IntegrationConnection" => integrations::IntegrationConnection,
        "IntegrationConnectionSpec" => integrations::IntegrationConnectionSpec,
        "IntegrationConnectionsList" => Vec<String>,
        "IntegrationEndpoint" => integrations::IntegrationEndpoint,
        "IntegrationEndpointToken" => integrations::IntegrationEndpointToken,
        "IntegrationEndpoints" => BTreeMap<String, integrations::IntegrationEndpoint>,
        "IntegrationHeaders" => BTreeMap<String, String>,
        "IntegrationOrganization" => integrations::IntegrationOrganization,
        "IntegrationQueryParams" => BTreeMap<String, String>,
        "IntegrationRepository" => integrations::IntegrationRepository,
        "InviteWorkspaceUser.request" => users::Invitee,
        "Job" => jobs::Job,
        "JobExecution" => jobs::JobExecution,
        "JobExecutionMetadata" => jobs::JobExecutionMetadata,
        "JobExecutionSpec" => jobs::JobExecutionSpec,
        "JobExecutionStats" => jobs::JobExecutionStats,
        "JobExecutionStatus" => jobs::JobExecutionStatus,
        "JobExecutionTask" => jobs::JobExecutionTask,
        "JobExecutionTaskCondition" => jobs::JobExecutionTaskCondition,
        "JobExecutionTaskMetadata" => jobs::JobExecutionTaskMetadata,
        "JobExecutionTaskSpec" => jobs::JobExecutionTaskSpec,
        "JobExecutionTaskStatus" => jobs::JobExecutionTaskStatus,
        "JobRuntime" => jobs::JobRuntime,
        "JobSpec" => jobs::JobSpec,
        "JobVolume" => workload::VolumeAttachment,
        "JobVolumes" => Vec<workload::VolumeAttachment>,
        "ListAgentRevisions" => Vec<workload::Revision>,
        "ListAllEgressGateways" => Vec<vpcs::EgressGateway>,
        "ListAllEgressIPs" => Vec<vpcs::EgressIp>,
        "ListApiKeysForServiceAccount" => Vec<service_accounts::ApiKey>,
        "ListApplicationRevisions" => Vec<applications::AppRevision>,
        "ListCustomDomainShares" => Vec<custom_domains::CustomDomainShareTarget>,
        "ListCustomDomains" => Vec<custom_domains::CustomDomain>,
        "ListEgressGateways" => Vec<vpcs::EgressGateway>,
        "ListEgressIPs" => Vec<vpcs::EgressIp>,
        "ListFunctionRevisions" => Vec<workload::Revision>,
        "ListImageShares" => Vec<images::ImageShare>,
        "ListIntegrationConnections" => Vec<integrations::IntegrationConnection>,
        "ListJobRevisions" => Vec<workload::Revision>,
        "ListLocations" => Vec<locations::Location>,
        "ListMCPHubDefinitions" => Vec<hubs::McpDefinition>,
        "ListModelRevisions" => Vec<workload::Revision>,
        "ListPendingImageShares" => Vec<images::PendingImageShare>,
        "ListSandboxHubDefinitions" => Vec<hubs::SandboxDefinition>,
        "ListSandboxPreviewTokens" => Vec<sandboxes::PreviewToken>,
        "ListSandboxPreviews" => Vec<sandboxes::Preview>,
        "ListSecrets" => Vec<secrets::WorkspaceSecret>,
        "ListTemplates" => Vec<templates::Template>,
        "ListVPCs" => Vec<vpcs::Vpc>,
        "ListVolumeTemplates" => Vec<volume_templates::VolumeTemplate>,
        "ListWorkspaceUsers" => Vec<users::WorkspaceUser>,
        "ListWorkspaces" => Vec<workspaces::Workspace>,
        "LiteVolume" => volumes::VolumeSummary,
        "LiteVolumeMetadata" => volumes::VolumeSummaryMetadata,
        "LiteVolumeSpec" => volumes::VolumeSummarySpec,
        "LocationResponse" => locations::Location,
        "LogEntry" => logs::LogEntry,
        "Logs" => logs::WorkloadLogs,
        "MCPDefinition" => hubs::McpDefinition,
        "Metadata" => Metadata,
        "MetadataLabels" => BTreeMap<String, String>,
        "Model" => models::Model,
        "ModelRuntime" => models::ModelRuntime,
        "ModelSpec" => models::ModelSpec,
        "NetworkFirewall" => sandboxes::NetworkFirewall,
        "NewSandbox" => sandboxes::Sandbox,
        "NewSandboxMetadata" => Metadata,
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
        "PoliciesList" => Vec<String>,
        "Policy" => policies::Policy,
        "PolicyLocation" => policies::PolicyLocation,
        "PolicyLocations" => Vec<policies::PolicyLocation>,
        "PolicyMaxTokens" => policies::PolicyMaxTokens,
        "PolicyResourceType" => policies::PolicyResourceType,
        "PolicyResourceTypes" => Vec<policies::PolicyResourceType>,
        "PolicySpec" => policies::PolicySpec,
        "PolicyUsageCounts" => policies::PolicyUsageCounts,
        "PolicyUsages" => policies::PolicyUsages,
        "Port" => workload::Port,
        "Ports" => Vec<workload::Port>,
        "Preview" => sandboxes::Preview,
        "PreviewMetadata" => sandboxes::PreviewMetadata,
        "PreviewSpec" => sandboxes::PreviewSpec,
        "PreviewToken" => sandboxes::PreviewToken,
        "PreviewTokenMetadata" => sandboxes::PreviewTokenMetadata,
        "PreviewTokenSpec" => sandboxes::PreviewTokenSpec,
        "PrivateLocation" => locations::PrivateLocation,
        "ProxyConfig" => sandboxes::ProxyConfig,
        "ProxyTarget" => sandboxes::ProxyTarget,
        "PublicIp" => public_ips::PublicIp,
        "PublicIps" => BTreeMap<String, public_ips::PublicIp>,
        "Quota" => quotas::Quota,
        "Region" => locations::Region,
        "Repository" => workload::Repository,
        "RevisionConfiguration" => workload::RevisionRouting,
        "RevisionMetadata" => workload::Revision,
        "SSODomain" => workspaces::SsoDomain,
        "SSODomainMetadata" => workspaces::SsoDomainMetadata,
        "SSODomainSpec" => workspaces::SsoDomainSpec,
        "Sandbox" => sandboxes::Sandbox,
        "SandboxArchive" => sandboxes::SandboxArchive,
        "SandboxArchiveRestore" => sandboxes::ArchiveRestore,
        "SandboxCreationOptions" => hubs::SandboxCreationOptions,
        "SandboxDefinition" => hubs::SandboxDefinition,
        "SandboxForkRequest" => sandboxes::Fork,
        "SandboxForkResponse" => sandboxes::Forked,
        "SandboxInfrastructureError" => sandboxes::SandboxInfrastructureError,
        "SandboxLifecycle" => sandboxes::SandboxLifecycle,
        "SandboxNetwork" => sandboxes::SandboxNetwork,
        "SandboxRestoreResponse" => sandboxes::RestoredSandbox,
        "SandboxRuntime" => sandboxes::SandboxRuntime,
        "SandboxScheduleEntry" => sandboxes::Schedule,
        "SandboxScheduleExecution" => sandboxes::ScheduleExecution,
        "SandboxScheduleExecutionStatusMetrics" => sandboxes::ScheduleExecutionCounts,
        "SandboxScheduleInput" => sandboxes::ScheduleInput,
        "SandboxScheduleMetrics" => sandboxes::ScheduleMetrics,
        "SandboxSnapshot" => sandboxes::Snapshot,
        "SandboxSnapshotRequest" => sandboxes::NewSnapshot,
        "SandboxSnapshotSource" => sandboxes::SnapshotSource,
        "SandboxSnapshotSpec" => sandboxes::SnapshotSpec,
        "SandboxSnapshots" => Vec<sandboxes::Snapshot>,
        "SandboxSpec" => sandboxes::SandboxSpec,
        "Secret" => secrets::WorkspaceSecret,
        "ServiceAccount" => service_accounts::ServiceAccount,
        "ShareCustomDomain.request" => custom_domains::CustomDomainShare,
        "ShareImage.request" => images::ImageShareDraft,
        "Sort" => blaxel_core::Sort,
        "Status" => Status,
        "Template" => templates::Template,
        "TemplateVariable" => templates::TemplateVariable,
        "Trigger" => workload::Trigger,
        "TriggerConfiguration" => workload::TriggerConfiguration,
        "TriggerConfigurationTask" => Value,
        "Triggers" => Vec<workload::Trigger>,
        "UpdateWorkspaceServiceAccount.request" => service_accounts::ServiceAccountChange,
        "UpdateWorkspaceUserRole.request" => users::RoleChange,
        "UpsertSecret.request" => secrets::WorkspaceSecretDraft,
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
        "WorkspaceAvailability" => workspaces::WorkspaceAvailability,
        "WorkspaceHipaaInfo" => workspaces::HipaaInfo,
        "WorkspaceHipaaUnsafe" => workspaces::HipaaOptOut,
        "WorkspaceRuntime" => workspaces::WorkspaceRuntime,
        "WorkspaceSandboxSettings" => workspaces::SandboxSettings,
        "WorkspaceUser" => users::WorkspaceUser,
        "getWorkspaceFeatures" => features::WorkspaceFeatures,
        "testFeatureFlag" => features::FeatureFlag,
    }
    pages {
        "ListAgents" => agents::Agent,
        "ListApplications" => applications::Application,
        "ListDrives" => drives::Drive,
        "ListFunctions" => functions::Function,
        "ListImageTags" => images::ImageTag,
        "ListImages" => images::Image,
        "ListJobExecutionTasks" => jobs::JobExecutionTask,
        "ListJobExecutions" => jobs::JobExecution,
        "ListJobs" => jobs::Job,
        "ListModels" => models::Model,
        "ListPolicies" => policies::Policy,
        "ListSandboxScheduleExecutions" => sandboxes::ScheduleExecution,
        "ListSandboxSchedules" => sandboxes::Schedule,
        "ListSandboxes" => sandboxes::Sandbox,
        "ListScheduleExecutions" => sandboxes::ScheduleExecution,
        "ListSchedules" => sandboxes::Schedule,
        "ListSnapshots" => sandboxes::Snapshot,
        "ListVolumes" => volumes::VolumeSummary,
    }
};

/// Schemas without a type here: those that do not belong to the Management API, errors, which are
/// decoded separately, and a response that is a boolean in one of its forms.
pub const WITHOUT_TYPE: &[&str] = &[
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
