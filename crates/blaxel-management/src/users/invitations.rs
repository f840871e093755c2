//! Pending invitations.

use blaxel_core::Timestamp;
use serde_json::Value;

use crate::workspaces::{Role, Workspace};

record! {
    /// A request to invite a person.
    #[doc(alias = "InviteWorkspaceUser.request")]
    pub struct Invitee {
        /// The e-mail address.
        pub email: Option<String>,
    }
}

response! {
    /// An invitation to a workspace.
    pub struct PendingInvitation {
        /// The e-mail address of the invited person.
        pub email: Option<String>,
        /// The name of the workspace.
        pub workspace: Option<String>,
        /// The role that the person gets.
        pub role: Option<Role>,
        /// The id of the user who sent the invitation.
        pub invited_by: Option<String>,
        /// The time when the invitation expires.
        pub expires_at: Option<Timestamp>,
        /// The time of creation.
        pub created_at: Option<Timestamp>,
        /// The time of the last change.
        pub updated_at: Option<Timestamp>,
        /// The user or service account that created it.
        pub created_by: Option<String>,
        /// The user or service account that last changed it.
        pub updated_by: Option<String>,
    }

    /// An invitation that was accepted. No operation of the API returns it yet.
    pub struct PendingInvitationAccept {
        /// The e-mail address of the invited person.
        pub email: Option<String>,
        /// The workspace.
        pub workspace: Option<Workspace>,
    }

    /// An invitation as it is shown to the invited person. No operation of the API returns it yet.
    pub struct PendingInvitationRender {
        /// The id of the invitation.
        pub invitation_id: Option<String>,
        /// The target of the invitation: `workspace`, or `account_admin` for the whole account.
        #[serde(rename = "type")]
        pub kind: Option<String>,
        /// The e-mail address of the invited person.
        pub email: Option<String>,
        /// The role that the person gets.
        pub role: Option<Role>,
        /// The user who sent the invitation.
        pub invited_by: Option<PendingInvitationRenderInvitedBy>,
        /// The time of the invitation.
        pub invited_at: Option<Timestamp>,
        /// The time when the invitation expires.
        pub expires_at: Option<Timestamp>,
        /// The account, for an invitation to an account.
        pub account: Option<PendingInvitationRenderAccount>,
        /// The workspace, for an invitation to a workspace.
        pub workspace: Option<PendingInvitationRenderWorkspace>,
        /// The users of that workspace.
        pub workspace_details: Option<PendingInvitationWorkspaceDetails>,
    }

    /// The account that an invitation is for.
    pub struct PendingInvitationRenderAccount {
        /// The id.
        pub id: Option<String>,
        /// The display name, or the e-mail address of the account's owner.
        pub display_name: Option<String>,
    }

    /// The user who sent an invitation.
    pub struct PendingInvitationRenderInvitedBy {
        /// The id of the user.
        pub sub: Option<String>,
        /// The e-mail address.
        pub email: Option<String>,
        /// The first name.
        #[serde(rename = "given_name")]
        pub given_name: Option<String>,
        /// The last name.
        #[serde(rename = "family_name")]
        pub family_name: Option<String>,
    }

    /// The workspace that an invitation is for.
    pub struct PendingInvitationRenderWorkspace {
        /// The name.
        pub name: Option<String>,
        /// The display name.
        pub display_name: Option<String>,
    }

    /// The users of the workspace that an invitation is for.
    pub struct PendingInvitationWorkspaceDetails {
        /// The e-mail addresses. The API does not document the type of the elements; so far they
        /// have been strings.
        pub emails: Option<Vec<Value>>,
        /// The number of users.
        #[serde(rename = "user_number", serialize_with = "crate::record::number")]
        pub user_number: Option<f64>,
    }
}

resource! { PendingInvitation { name: email, created_at: created_at, updated_at: updated_at } }

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_workspace_is_a_name_or_an_object_depending_on_the_type() {
        let plain: PendingInvitation = serde_json::from_value(json!({
            "email": "ada@example.com", "workspace": "research", "role": "member",
            "invitedBy": "sub-1", "expiresAt": "2026-05-08T10:00:00Z",
        }))
        .unwrap();
        assert_eq!(plain.workspace.as_deref(), Some("research"));

        let accepted: PendingInvitationAccept =
            serde_json::from_value(json!({"workspace": {"name": "research", "status": "ready"}}))
                .unwrap();
        assert_eq!(accepted.workspace.unwrap().name, "research");

        let shown: PendingInvitationRender = serde_json::from_value(json!({
            "type": "workspace", "workspace": {"name": "research", "displayName": "Research"},
            "invitedBy": {"sub": "sub-1", "given_name": "Ada", "family_name": "L."},
            "workspaceDetails": {"emails": ["a@example.com"], "user_number": 3},
        }))
        .unwrap();
        assert_eq!(shown.workspace.unwrap().name.as_deref(), Some("research"));
        assert_eq!(shown.invited_by.unwrap().given_name.as_deref(), Some("Ada"));
        let details = shown.workspace_details.unwrap();
        assert_eq!(details.user_number, Some(3.0));
        assert_eq!(details.emails.unwrap(), [json!("a@example.com")]);
    }
}
