//! Workspaces: what everything else belongs to, with the people who may use it.

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
        /// What it is called, which is part of addresses. It cannot be changed.
        pub name: String,
        /// What people are shown instead of the name.
        pub display_name: Option<String>,
        /// Labels of the user's own; see [`label`](Self::label).
        #[adder]
        pub labels: Option<BTreeMap<String, String>>,
        /// The account that pays for it.
        pub account_id: Option<String>,
        /// The region in which its data is written.
        pub region: Option<String>,
        /// What it runs on.
        pub runtime: Option<WorkspaceRuntime>,
        /// Which groups of the company's directory may do what in it.
        pub group_mappings: Option<Vec<GroupMapping>>,
        /// Whether it is held to HIPAA, the American law on health data.
        pub hipaa_info: Option<HipaaInfo>,
        /// Its id.
        #[server]
        pub id: Option<String>,
        pub status: Option<WorkspaceStatus>,
        /// Why it could not be set up.
        #[server]
        pub status_reason: Option<String>,
        /// How many resources of each kind it has, if that was asked for; see
        /// [`get_counting`](Collection::get_counting).
        #[server]
        pub resource_counts: Option<BTreeMap<String, u32>>,
        pub created_at: Option<Timestamp>,
        pub updated_at: Option<Timestamp>,
        pub created_by: Option<String>,
        pub updated_by: Option<String>,
    }

    /// What a workspace runs on.
    pub struct WorkspaceRuntime {
        /// The generation of the platform's machinery, such as `mk3`.
        pub generation: Option<String>,
        /// What holds for all of its sandboxes.
        pub sandbox: Option<SandboxSettings>,
    }

    /// What holds for all sandboxes of a workspace.
    #[doc(alias = "WorkspaceSandboxSettings")]
    pub struct SandboxSettings {
        /// Whether what processes print is not logged.
        pub disable_process_logging: Option<bool>,
    }

    /// What a group of the company's directory may do in a workspace.
    #[doc(alias = "GroupWorkspaceMapping")]
    pub struct GroupMapping {
        /// The name of the group.
        pub group_name: Option<String>,
        /// What its people may do.
        pub role: Option<Role>,
    }

    /// Whether a workspace is held to HIPAA, the American law on health data.
    #[doc(alias = "WorkspaceHipaaInfo")]
    pub struct HipaaInfo {
        /// Whether the account has booked it.
        #[server]
        pub account_enabled: Option<bool>,
        /// How this workspace departs from that.
        #[serde(rename = "unsafe")]
        pub opt_out: Option<HipaaOptOut>,
    }

    /// Whether one workspace is left out where its account is held to HIPAA.
    #[doc(alias = "WorkspaceHipaaUnsafe")]
    pub struct HipaaOptOut {
        /// Whether it is left out, and so is not fit for health data.
        pub enabled: Option<bool>,
        /// When that was decided last.
        #[server]
        pub updated_at: Option<Timestamp>,
        /// Who decided it.
        #[server]
        pub updated_by: Option<String>,
    }
}

open_enum! {
    /// How far a workspace is set up.
    pub enum WorkspaceStatus {
        /// It is there.
        Created = "created",
        /// It belongs to an account.
        AccountBound = "account_binded",
        /// The account is set up.
        AccountConfigured = "account_configured",
        /// The workspace is set up.
        WorkspaceConfigured = "workspace_configured",
        /// It can be used.
        Ready = "ready",
        /// It could not be set up.
        Error = "error",
    }
}

open_enum! {
    /// What somebody may do in a workspace.
    #[derive(Default)]
    pub enum Role {
        /// Everything.
        Admin = "admin",
        /// Use what is there.
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
    /// The workspaces that the caller may see.
    #[must_use]
    pub fn workspaces(&self) -> Collection<Workspace, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl<S: HttpService> Collection<Workspace, S> {
    /// The workspace of that name with the number of its resources, which takes the server longer than
    /// a plain [`get`](Self::get): `GET /workspaces/{workspaceName}` with `countResources`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none.
    pub async fn get_counting(&self, name: &str) -> Result<Workspace, Error> {
        let get = Perform::<GetWorkspaceCounting>::on([name]).flag("countResources", true);
        call(&self.service, &get).await
    }

    /// Whether a workspace of that name could be made, and why not: `POST /workspaces/availability`.
    ///
    /// # Errors
    ///
    /// What the call failed with.
    pub async fn availability(&self, name: &str) -> Result<WorkspaceAvailability, Error> {
        let name = WorkspaceName::new(name);
        let check = Perform::<CheckWorkspaceAvailability>::new()
            .flag("withReason", true)
            .input(&name);
        call(&self.service, &check).await
    }

    /// Takes the caller out of a workspace: `DELETE /workspaces/{workspaceName}/leave`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the caller is not in it.
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

/// Reads a workspace and counts its resources: `GetWorkspace` with `countResources`.
#[derive(Clone, Copy, Debug)]
pub struct GetWorkspaceCounting;

impl Action for GetWorkspaceCounting {
    const INFO: OperationInfo = Workspace::GET;
    type Input = ();
    type Output = Workspace;
}

/// Takes the caller out of a workspace: `LeaveWorkspace`.
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
    fn a_full_workspace_goes_through_unchanged() {
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
    fn a_draft_holds_what_was_given_and_nothing_else() {
        let draft = Workspace::new("research").label("team", "care");
        assert_eq!(
            serde_json::to_value(draft).unwrap(),
            json!({"name": "research", "labels": {"team": "care"}})
        );
    }

    #[test]
    fn counting_asks_for_the_same_operation_with_a_flag() {
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
