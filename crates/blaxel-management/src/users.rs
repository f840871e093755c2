//! Users: the people of a workspace, and those who are invited to it.

mod invitations;

use blaxel_core::{Error, HttpService, OperationInfo, call, open_enum};
use bytes::Bytes;
use http::Method;

pub use self::invitations::{
    Invitee, PendingInvitation, PendingInvitationAccept, PendingInvitationRender,
    PendingInvitationRenderAccount, PendingInvitationRenderInvitedBy,
    PendingInvitationRenderWorkspace, PendingInvitationWorkspaceDetails,
};
use crate::Management;
use crate::collection::Collection;
use crate::kind::{Deleted, Listed};
use crate::operations::{Action, Perform};
use crate::parent_path::ParentPath;
use crate::workspaces::Role;

response! {
    /// Somebody who is in a workspace, or is invited to it.
    ///
    /// ```
    /// use blaxel_core::{Error, HttpService};
    /// use blaxel_management::Management;
    /// use blaxel_management::workspaces::Role;
    ///
    /// async fn promote(management: &Management<impl HttpService>) -> Result<(), Error> {
    ///     let users = management.users();
    ///     users.invite("ada@example.com").await?;
    ///     users.set_role("ada@example.com", Role::Admin).await?;
    ///     Ok(())
    /// }
    /// ```
    pub struct WorkspaceUser {
        /// The id of the person.
        pub sub: Option<String>,
        /// The e-mail address.
        pub email: Option<String>,
        /// Whether the address is known to be the person's own.
        #[serde(rename = "email_verified")]
        pub email_verified: Option<bool>,
        /// The first name.
        #[serde(rename = "given_name")]
        pub given_name: Option<String>,
        /// The last name.
        #[serde(rename = "family_name")]
        pub family_name: Option<String>,
        /// What the person may do.
        pub role: Option<Role>,
        /// Whether the invitation was accepted.
        pub accepted: Option<bool>,
        /// Whether the invitation is too old to be accepted.
        pub expired: Option<bool>,
        /// How the person came into the workspace.
        pub source: Option<UserSource>,
    }
}

open_enum! {
    /// How somebody came into a workspace.
    pub enum UserSource {
        /// By the company's directory.
        DirectorySync = "directory_sync",
        /// By an invitation.
        Invitation = "invitation",
        /// By an e-mail address of the company.
        DomainCapture = "domain_capture",
    }
}

record! {
    /// What somebody is to be allowed from now on.
    #[doc(alias = "UpdateWorkspaceUserRole.request")]
    pub struct RoleChange {
        /// What the person may do.
        pub role: Role,
    }
}

resource! { WorkspaceUser { name: email } }

impl<S: HttpService> Management<S> {
    /// The people of the workspace, and those who are invited to it.
    #[must_use]
    pub fn users(&self) -> Collection<WorkspaceUser, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

/// Each is kept under the id of the person, and under the e-mail address too: either is a name for
/// [`delete`](Self::delete), which also takes an invitation back that is not accepted yet.
impl<S: HttpService> Collection<WorkspaceUser, S> {
    /// Invites somebody, who gets an e-mail: `POST /users`.
    ///
    /// # Errors
    ///
    /// What the call failed with.
    pub async fn invite(&self, email: &str) -> Result<PendingInvitation, Error> {
        let invitee = Invitee::new().email(email);
        let invite = Perform::<InviteWorkspaceUser>::new().input(&invitee);
        call(&self.service, &invite).await
    }

    /// Changes what somebody may do: `PUT /users/{subOrEmail}`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is nobody of that id or address.
    pub async fn set_role(
        &self,
        sub_or_email: &str,
        role: impl Into<Role>,
    ) -> Result<WorkspaceUser, Error> {
        let change = RoleChange::new(role);
        let update = Perform::<UpdateWorkspaceUserRole>::on([sub_or_email]).input(&change);
        call(&self.service, &update).await
    }
}

impl Listed for WorkspaceUser {
    const LIST: OperationInfo =
        OperationInfo::new("ListWorkspaceUsers", Method::GET, "/users").with_parameters(&[]);
    type Item = Self;
}

impl Deleted for WorkspaceUser {
    const DELETE: OperationInfo =
        OperationInfo::new("RemoveWorkspaceUser", Method::DELETE, "/users/{subOrEmail}");
    type Response = ();

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Invites somebody: `InviteWorkspaceUser`.
#[derive(Clone, Copy, Debug)]
pub struct InviteWorkspaceUser;

impl Action for InviteWorkspaceUser {
    // A second one would send a second e-mail.
    const INFO: OperationInfo = OperationInfo::new("InviteWorkspaceUser", Method::POST, "/users");
    type Input = Invitee;
    type Output = PendingInvitation;
}

/// Changes what somebody may do: `UpdateWorkspaceUserRole`.
#[derive(Clone, Copy, Debug)]
pub struct UpdateWorkspaceUserRole;

impl Action for UpdateWorkspaceUserRole {
    const INFO: OperationInfo = OperationInfo::new(
        "UpdateWorkspaceUserRole",
        Method::PUT,
        "/users/{subOrEmail}",
    );
    type Input = RoleChange;
    type Output = WorkspaceUser;
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::Operation;
    use serde_json::json;

    #[test]
    fn the_mixed_casing_of_a_user_is_read() {
        let user: WorkspaceUser = serde_json::from_value(json!({
            "sub": "sub-1", "email": "ada@example.com", "email_verified": true,
            "given_name": "Ada", "family_name": "L.", "role": "owner",
            "accepted": true, "expired": false, "source": "domain_capture", "later": {},
        }))
        .unwrap();
        assert_eq!(user.email_verified, Some(true));
        assert_eq!(user.given_name.as_deref(), Some("Ada"));
        assert_eq!(user.family_name.as_deref(), Some("L."));
        assert_eq!(
            user.role.map(|role| role.to_string()).as_deref(),
            Some("owner")
        );
        assert_eq!(user.source, Some(UserSource::DomainCapture));
    }

    #[test]
    fn an_address_is_one_segment_of_the_path() {
        let change = RoleChange::new("admin");
        let update = Perform::<UpdateWorkspaceUserRole>::on(["ada+x@example.com"]).input(&change);
        assert_eq!(
            update.encode().unwrap().uri(),
            "blaxel://control/users/ada%2Bx%40example.com"
        );
        assert_eq!(
            serde_json::to_value(&change).unwrap(),
            json!({"role": "admin"})
        );
    }

    #[test]
    fn an_invitation_is_not_sent_twice_by_itself() {
        assert_eq!(
            InviteWorkspaceUser::INFO.idempotency(),
            blaxel_core::Idempotency::None
        );
        assert_eq!(
            serde_json::to_value(Invitee::new().email("ada@example.com")).unwrap(),
            json!({"email": "ada@example.com"})
        );
    }
}
