//! Deviations of sign-ins, people and secrets.

use super::{Area, assumed, differs, left_out};

pub(super) static SIGN_IN: Area = Area {
    name: "Sign-in",
    deviations: &[
        left_out(
            &["StartDeviceLogin", "CreateToken"],
            "A person approves a device login on a page.",
            "There is no such page: device logins are approved after a time on the clock, or denied if that is set.",
        ),
        left_out(
            &["CreateToken"],
            "There is an authorization code grant, and a discovery document.",
            "The grants are client credentials, device codes and refresh tokens. There is no discovery document.",
        ),
        left_out(
            &[],
            "Credentials have scopes and roles.",
            "Every valid credential may do everything in its workspace. Only the costs by workspace need an account admin, which is a setting.",
        ),
        differs(
            &["CreateToken"],
            "Access tokens are JWTs that are signed with published keys.",
            "Access tokens are JWTs that only the emulator which issued them can verify. A refresh token can be used any number of times.",
        ),
        differs(
            &[],
            "A request with both `Authorization` and `X-Blaxel-Authorization` was seen to be refused for a wrong value of the first.",
            "If both are sent, only `X-Blaxel-Authorization` counts.",
        ),
        differs(
            &["CreateDriveAccessToken", "GetDriveJWKS"],
            "Tokens of drives are accepted by a storage service.",
            "The tokens can be verified by the published key, and there is no storage service to use them with.",
        ),
    ],
};

pub(super) static PEOPLE: Area = Area {
    name: "Workspaces, people and secrets",
    deviations: &[
        left_out(
            &[],
            "A person may have several accounts, each with workspaces.",
            "There is one account. Its credentials give access to one workspace; others can be created and listed, and not entered.",
        ),
        assumed(
            &["DeleteWorkspace", "LeaveWorkspace"],
            "The response for the last workspace is not documented.",
            "Deleting or leaving the emulator's own workspace is refused with 403.",
        ),
        assumed(
            &["InviteWorkspaceUser"],
            "The role and the validity of an invitation are not documented.",
            "An invited user is a `member`, and the invitation is valid for a week; inviting an existing user is refused with 409. No e-mail is sent.",
        ),
        assumed(
            &[
                "ListSecrets",
                "UpsertSecret",
                "DeleteSecret",
                "DeleteSecretByQuery",
            ],
            "Of the workspace's secrets, only the successful responses of one client's operations are known: no statuses of errors, no limits.",
            "Names and sizes are checked by rules of the emulator, and the last 100 values of a secret are kept for tests. The API never returns them.",
        ),
        left_out(
            &["UpsertSecret"],
            "A proxy puts secrets in place of `{{SECRET:name}}` in the requests of sandboxes.",
            "There is no egress proxy: secrets are stored, and nothing replaces them. Routes, domains and firewalls of a sandbox's network are stored too, and do not restrict it.",
        ),
        assumed(
            &[
                "getWorkspaceFeatures",
                "testFeatureFlag",
                "GetAccountQuotas",
            ],
            "The features and quotas of a workspace depend on its contract.",
            "The features and quotas are made up. Only `sandbox-archives` has an effect if it is off; no quota is enforced.",
        ),
    ],
};
