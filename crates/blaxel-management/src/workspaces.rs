//! Workspaces: the owners of all other resources, with their users and settings.

mod availability;
mod sso;

use std::collections::BTreeMap;

use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, Timestamp, call, open_enum};
use http::Method;

pub use self::availability::{
    CheckWorkspaceAvailability, UnavailableReason, WorkspaceAvailability, WorkspaceName,
};
pub use self::sso::{SsoDomain, SsoDomainMetadata, SsoDomainSpec};
use crate::Management;
use crate::collection::Collection;
use crate::kind::{Applied, Created, Deleted, Fetched, Listed, Replaced};
use crate::operations::{Action, Perform};
use crate::parent_path::ParentPath;

record! {
    /// A workspace.
    ///
    /// ```
    /// use blaxel_core::{Error, HttpService};
    /// use blaxel_management::Management;
    /// use blaxel_management::workspaces::Workspace;
    ///
    /// async fn open(management: &Management<impl HttpService>) -> Result<Workspace, Error> {
    ///     let workspaces = management.workspaces();
    ///     let draft = Workspace::new("research").display_name("Research");
    ///     workspaces.create(&draft).await
    /// }
    /// ```
    pub struct Workspace {
        /// The name, which is part of URLs. It cannot be changed.
        pub name: String,
        /// The display name.
        pub display_name: Option<String>,
        /// The labels; see [`label`](Self::label).
        #[adder]
        pub labels: Option<BTreeMap<String, String>>,
        /// The id of the account that pays for the workspace.
        pub account_id: Option<String>,
        /// The id of the team of Baseten that the workspace was created for; absent from all others.
        #[server]
        pub baseten_team_id: Option<String>,
        /// The region where the workspace's data is written.
        pub region: Option<String>,
        /// The runtime settings.
        pub runtime: Option<WorkspaceRuntime>,
        /// The roles of groups of the company's directory.
        pub group_mappings: Option<Vec<GroupMapping>>,
        /// The HIPAA settings. HIPAA is the US law on health data.
        pub hipaa_info: Option<HipaaInfo>,
        /// The id.
        #[server]
        pub id: Option<String>,
        pub status: Option<WorkspaceStatus>,
        /// The reason for a failed setup.
        #[server]
        pub status_reason: Option<String>,
        /// The number of resources of each kind, if requested; see
        /// [`get_with_counts`](Collection::get_with_counts).
        #[server]
        pub resource_counts: Option<BTreeMap<String, u32>>,
        pub created_at: Option<Timestamp>,
        pub updated_at: Option<Timestamp>,
        pub created_by: Option<String>,
        pub updated_by: Option<String>,
    }

    /// The runtime settings of a workspace.
    pub struct WorkspaceRuntime {
        /// The platform generation, such as `mk3`.
        pub generation: Option<String>,
        /// The settings of all sandboxes.
        pub sandbox: Option<SandboxSettings>,
    }

    /// The settings of all sandboxes of a workspace.
    #[doc(alias = "WorkspaceSandboxSettings")]
    pub struct SandboxSettings {
        /// `true` to not log the output of processes.
        pub disable_process_logging: Option<bool>,
    }

    /// The role of a group of the company's directory in a workspace.
    #[doc(alias = "GroupWorkspaceMapping")]
    pub struct GroupMapping {
        /// The name of the group.
        pub group_name: Option<String>,
        /// The role of its members.
        pub role: Option<Role>,
    }

    /// The HIPAA settings of a workspace. HIPAA is the US law on health data.
    #[doc(alias = "WorkspaceHipaaInfo")]
    pub struct HipaaInfo {
        /// `true` if the account has subscribed to HIPAA compliance.
        #[server]
        pub account_enabled: Option<bool>,
        /// The opt-out of this workspace.
        #[serde(rename = "unsafe")]
        pub opt_out: Option<HipaaOptOut>,
    }

    /// The opt-out of one workspace from the HIPAA compliance of its account.
    #[doc(alias = "WorkspaceHipaaUnsafe")]
    pub struct HipaaOptOut {
        /// `true` if the workspace is opted out, and is therefore not suitable for health data.
        pub enabled: Option<bool>,
        /// The time of the last change of the opt-out.
        #[server]
        pub updated_at: Option<Timestamp>,
        /// The user who last changed the opt-out.
        #[server]
        pub updated_by: Option<String>,
    }
}

open_enum! {
    /// The progress of a workspace's setup.
    pub enum WorkspaceStatus {
        /// The workspace exists.
        Created = "created",
        /// The workspace belongs to an account.
        AccountBound = "account_binded",
        /// The account is configured.
        AccountConfigured = "account_configured",
        /// The workspace is configured.
        WorkspaceConfigured = "workspace_configured",
        /// The workspace can be used.
        Ready = "ready",
        /// The setup failed.
        Error = "error",
    }
}

open_enum! {
    /// The permissions of a user in a workspace.
    #[derive(Default)]
    pub enum Role {
        /// May do everything.
        Admin = "admin",
        /// May use existing resources.
        #[default]
        Member = "member",
    }
}

resource! {
    Workspace {
        name: name,
        labels: labels,
        created_at: created_at,
        updated_at: updated_at,
        status: status,
    }
}

impl Workspace {
    /// Adds a label.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let labels = self.labels.get_or_insert_default();
        labels.insert(name.into(), value.into());
        self
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the handle for the workspaces that the caller has access to.
    ///
    /// See [`Workspace`] for an example.
    #[must_use]
    pub fn workspaces(&self) -> Collection<Workspace, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl<S: HttpService> Collection<Workspace, S> {
    /// Returns the workspace with the number of its resources (`GET /workspaces/{workspaceName}`
    /// with `countResources`). The server takes longer than for a plain [`get`](Self::get).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let workspace = management.workspaces().get_with_counts("research").await?;
    /// println!("{:?}", workspace.resource_counts);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the workspace does not exist.
    pub async fn get_with_counts(&self, name: &str) -> Result<Workspace, Error> {
        let get = Perform::<GetWorkspaceCounting>::on([name]).flag("countResources", true);
        call(&self.service, &get).await
    }

    /// Checks if a workspace with this name can be created, and returns the reason if not
    /// (`POST /workspaces/availability`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let availability = management.workspaces().availability("research").await?;
    /// if !availability.is_available() {
    ///     println!("{:?}: {:?}", availability.reason, availability.message);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn availability(&self, name: &str) -> Result<WorkspaceAvailability, Error> {
        let name = WorkspaceName::new(name);
        let check = Perform::<CheckWorkspaceAvailability>::new()
            .flag("withReason", true)
            .input(&name);
        call(&self.service, &check).await
    }

    /// Removes the caller from a workspace (`DELETE /workspaces/{workspaceName}/leave`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// management.workspaces().leave("research").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the caller is not a user of the workspace.
    pub async fn leave(&self, name: &str) -> Result<Workspace, Error> {
        call(&self.service, &Perform::<LeaveWorkspace>::on([name])).await
    }
}

impl Listed for Workspace {
    const LIST: OperationInfo =
        OperationInfo::new("ListWorkspaces", Method::GET, "/workspaces").with_parameters(&[]);
    type Item = Self;
}

impl Created for Workspace {
    const CREATE: OperationInfo =
        OperationInfo::new("CreateWorkspace", Method::POST, "/workspaces")
            .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;
}

impl Fetched for Workspace {
    const GET: OperationInfo =
        OperationInfo::new("GetWorkspace", Method::GET, "/workspaces/{workspaceName}")
            .with_parameters(&["countResources"]);
}

impl Replaced for Workspace {
    const REPLACE: OperationInfo = OperationInfo::new(
        "UpdateWorkspace",
        Method::PUT,
        "/workspaces/{workspaceName}",
    );
}

impl Applied for Workspace {}

impl Deleted for Workspace {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteWorkspace",
        Method::DELETE,
        "/workspaces/{workspaceName}",
    );
    type Response = Self;
}

#[cfg(feature = "wait")]
impl crate::wait::Watched for Workspace {
    fn stage(&self) -> String {
        format!("{:?} {:?}", self.status, self.status_reason)
    }

    fn failure(&self) -> Option<String> {
        let failed = self.status == Some(WorkspaceStatus::Error);
        failed.then(|| match &self.status_reason {
            Some(reason) => format!("could not be set up: {reason}"),
            None => "could not be set up".to_owned(),
        })
    }
}

/// Reads a workspace and counts its resources: the operation `GetWorkspace` with `countResources`.
#[derive(Clone, Copy, Debug)]
pub struct GetWorkspaceCounting;

impl Action for GetWorkspaceCounting {
    const INFO: OperationInfo = Workspace::GET;
    type Input = ();
    type Output = Workspace;
}

/// Removes the caller from a workspace: the operation `LeaveWorkspace`.
#[derive(Clone, Copy, Debug)]
pub struct LeaveWorkspace;

impl Action for LeaveWorkspace {
    const INFO: OperationInfo = OperationInfo::new(
        "LeaveWorkspace",
        Method::DELETE,
        "/workspaces/{workspaceName}/leave",
    );
    type Input = ();
    type Output = Workspace;
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::Operation;
    use serde_json::json;

    #[test]
    fn a_workspace_with_all_members_round_trips_unchanged() {
        let document = json!({
            "name": "research", "displayName": "Research", "labels": {"a": "b"},
            "accountId": "acc-1", "region": "us-west-2",
            "runtime": {"generation": "mk3", "sandbox": {"disableProcessLogging": true}},
            "groupMappings": [{"groupName": "Staff", "role": "admin"}, {"groupName": "All", "role": "guest"}],
            "hipaaInfo": {
                "accountEnabled": true,
                "unsafe": {"enabled": false, "updatedAt": "2026-05-01T10:00:00Z", "updatedBy": "sub-1"},
            },
            "id": "ws-1", "status": "account_binded", "statusReason": "",
            "resourceCounts": {"agents": 3, "sandboxes": 0},
            "createdAt": "2026-05-01T10:00:00Z", "updatedAt": "2026-05-01T10:00:00Z",
            "createdBy": "sub-1", "updatedBy": "sub-1",
        });
        let workspace: Workspace = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(workspace.status, Some(WorkspaceStatus::AccountBound));
        assert_eq!(serde_json::to_value(workspace).unwrap(), document);
    }

    #[test]
    fn a_draft_omits_absent_members() {
        let draft = Workspace::new("research").label("team", "care");
        assert_eq!(
            serde_json::to_value(draft).unwrap(),
            json!({"name": "research", "labels": {"team": "care"}})
        );
    }

    #[test]
    fn counting_resources_adds_a_flag_to_the_same_operation() {
        let get = Perform::<GetWorkspaceCounting>::on(["research"]).flag("countResources", true);
        let request = get.encode().unwrap();
        assert_eq!(
            request.uri(),
            "blaxel://control/workspaces/research?countResources=true"
        );
        assert_eq!(
            blaxel_core::operation(&request).unwrap().name(),
            "GetWorkspace"
        );
    }
}
