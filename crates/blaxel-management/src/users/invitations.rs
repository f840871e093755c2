//! Invitations that are not accepted yet.

use blaxel_core::Timestamp;
use serde_json::Value;

use crate::workspaces::{Role, Workspace};

record! {
    /// Whom to invite.
    #[doc(alias = "InviteWorkspaceUser.request")]
    pub struct Invitee {
        /// The e-mail address.
        pub email: Option<String>,
    }
}

response! {
    /// An invitation to a workspace.
    pub struct PendingInvitation {
        /// The e-mail address that is invited.
        pub email: Option<String>,
        /// The name of the workspace.
        pub workspace: Option<String>,
        /// What the person will be allowed.
        pub role: Option<Role>,
        /// The id of the person who invited.
        pub invited_by: Option<String>,
        /// Until when it can be accepted.
        pub expires_at: Option<Timestamp>,
        /// When it was made.
        pub created_at: Option<Timestamp>,
        /// When it was changed last.
        pub updated_at: Option<Timestamp>,
        /// Who made it.
        pub created_by: Option<String>,
        /// Who changed it last.
        pub updated_by: Option<String>,
    }

    /// An invitation that was accepted. No operation of the API gives one out yet.
    pub struct PendingInvitationAccept {
        /// The e-mail address that was invited.
        pub email: Option<String>,
        /// The workspace.
        pub workspace: Option<Workspace>,
    }

    /// An invitation as the invited person is shown it. No operation of the API gives one out yet.
    pub struct PendingInvitationRender {
        /// The id of the invitation.
        pub invitation_id: Option<String>,
        /// What it invites to: `workspace`, or `account_admin` for the account as a whole.
        #[serde(rename = "type")]
        pub kind: Option<String>,
        /// The e-mail address that is invited.
        pub email: Option<String>,
        /// What the person will be allowed.
        pub role: Option<Role>,
        /// Who invited.
        pub invited_by: Option<PendingInvitationRenderInvitedBy>,
        /// When that was.
        pub invited_at: Option<Timestamp>,
        /// Until when it can be accepted.
        pub expires_at: Option<Timestamp>,
        /// The account, if it invites to one.
        pub account: Option<PendingInvitationRenderAccount>,
        /// The workspace, if it invites to one.
        pub workspace: Option<PendingInvitationRenderWorkspace>,
        /// Who is in that workspace.
        pub workspace_details: Option<PendingInvitationWorkspaceDetails>,
    }

    /// The account that an invitation is for.
    pub struct PendingInvitationRenderAccount {
        /// Its id.
        pub id: Option<String>,
        /// What people are shown, or the e-mail address of its owner.
        pub display_name: Option<String>,
    }

    /// Who invited.
    pub struct PendingInvitationRenderInvitedBy {
        /// The id of the person.
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
        /// Its name.
        pub name: Option<String>,
        /// What people are shown instead of the name.
        pub display_name: Option<String>,
    }

    /// Who is in the workspace that an invitation is for.
    pub struct PendingInvitationWorkspaceDetails {
        /// The e-mail addresses. The API does not say of what type they are; strings, as far as known.
        pub emails: Option<Vec<Value>>,
        /// How many people there are.
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
    fn a_workspace_is_a_name_in_one_form_and_an_object_in_the_others() {
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
