//! Users of a workspace, and invitations to it.

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
    /// A user of a workspace, or an invited person.
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
        /// The id of the user.
        pub sub: Option<String>,
        /// The e-mail address.
        pub email: Option<String>,
        /// `true` if the user has confirmed the e-mail address.
        #[serde(rename = "email_verified")]
        pub email_verified: Option<bool>,
        /// The first name.
        #[serde(rename = "given_name")]
        pub given_name: Option<String>,
        /// The last name.
        #[serde(rename = "family_name")]
        pub family_name: Option<String>,
        /// `true` if the user has a verified second factor. Absent if the caller may not see it, and for
        /// invited persons.
        #[serde(rename = "mfa_enabled")]
        pub mfa_enabled: Option<bool>,
        /// The role.
        pub role: Option<Role>,
        /// `true` if the user has accepted the invitation.
        pub accepted: Option<bool>,
        /// `true` if the invitation has expired.
        pub expired: Option<bool>,
        /// The way in which the user joined.
        pub source: Option<UserSource>,
    }
}

open_enum! {
    /// The way in which a user joined a workspace.
    pub enum UserSource {
        /// Through the company's directory.
        DirectorySync = "directory_sync",
        /// By invitation.
        Invitation = "invitation",
        /// Through an e-mail address in a domain of the company.
        DomainCapture = "domain_capture",
    }
}

record! {
    /// A change of a user's role.
    #[doc(alias = "UpdateWorkspaceUserRole.request")]
    pub struct RoleChange {
        /// The new role.
        pub role: Role,
    }
}

resource! { WorkspaceUser { name: email } }

impl<S: HttpService> Management<S> {
    /// Returns the handle for the users of the workspace, with those who are invited.
    ///
    /// See [`WorkspaceUser`] for an example.
    #[must_use]
    pub fn users(&self) -> Collection<WorkspaceUser, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

/// Operations on users. A user is identified by id or by e-mail address; [`delete`](Self::delete)
/// accepts both, and also withdraws an invitation that is still pending.
impl<S: HttpService> Collection<WorkspaceUser, S> {
    /// Invites a person, who receives an e-mail (`POST /users`).
    ///
    /// See [`WorkspaceUser`] for an example.
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn invite(&self, email: &str) -> Result<PendingInvitation, Error> {
        let invitee = Invitee::new().email(email);
        let invite = Perform::<InviteWorkspaceUser>::new().input(&invitee);
        call(&self.service, &invite).await
    }

    /// Sets the role of a user (`PUT /users/{subOrEmail}`).
    ///
    /// See [`WorkspaceUser`] for an example.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no user with this id or address.
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

/// Invites a person: the operation `InviteWorkspaceUser`.
#[derive(Clone, Copy, Debug)]
pub struct InviteWorkspaceUser;

impl Action for InviteWorkspaceUser {
    // Not idempotent: a repeated request would send a second e-mail.
    const INFO: OperationInfo = OperationInfo::new("InviteWorkspaceUser", Method::POST, "/users");
    type Input = Invitee;
    type Output = PendingInvitation;
}

/// Sets the role of a user: the operation `UpdateWorkspaceUserRole`.
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
    fn a_user_is_read_with_mixed_casing() {
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
    fn an_e_mail_address_is_one_path_segment() {
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
    fn an_invitation_is_not_idempotent() {
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
