//! Deviations of the API as a whole: connections, requests, lists and documents.

use super::{Area, assumed, differs, left_out};

pub(super) static TRANSPORT: Area = Area {
    name: "Connections",
    deviations: &[
        differs(
            &[],
            "It is reached by TLS only, with HTTP/1.1 and HTTP/2.",
            "It serves HTTP/1.1 and HTTP/2 on 127.0.0.1, without TLS unless it is asked for, with an authority of its own.",
        ),
        differs(
            &[],
            "The control plane, the workloads, the sandboxes and the previews have host names of their own.",
            "Documents name paths of one origin: `/v0`, `/run` and `/preview`. The platform's host names are answered too, by the `Host` of a request or through the proxy.",
        ),
        differs(
            &[],
            "An edge in front of the platform ends calls after about a minute, and adds headers of its own.",
            "There is no edge. Faults and incidents imitate its failures on request; of its limits only the size of a body to a sandbox is kept.",
        ),
        differs(
            &[],
            "Responses take the time of a network and of several services.",
            "Responses are immediate. The times of deployments, deletions, snapshots and archives are zero, unless they are set.",
        ),
        left_out(
            &[],
            "A workload that says nothing for too long is cut off by the gateway.",
            "Calls of workloads and of sandboxes may be silent for any time.",
        ),
        assumed(
            &[],
            "Limits on the rate of requests are not documented.",
            "No request is refused because there are too many of them, except executions of jobs at their capacity.",
        ),
    ],
};

pub(super) static REQUESTS: Area = Area {
    name: "Requests and errors",
    deviations: &[
        assumed(
            &[],
            "The order in which version, credential and workspace are checked is not documented.",
            "The version is checked first, then the credential, then the workspace. Calls of workloads and sandboxes ignore the version.",
        ),
        assumed(
            &[],
            "The size of request bodies is not documented.",
            "A body of more than 8 MiB is refused with 413, except that of an archive (64 MiB) or of a call that is forwarded without a script or trigger.",
        ),
        assumed(
            &[],
            "The messages of most errors are not documented; 84 operations document no error at all.",
            "The statuses and shapes are those that clients were seen to meet. The messages are the emulator's own.",
        ),
        assumed(
            &[],
            "It is not documented how strictly bodies are checked.",
            "Bodies are checked by the documented schemas. Unknown members are kept, members of the server are ignored, and `null` counts as absent except where it clears a member.",
        ),
        differs(
            &[],
            "Request ids are those of the edge, in `x-cf-request-id` or `x-amz-cf-id`.",
            "Request ids count up, such as `emu-00000042`, and are in `x-request-id`.",
        ),
        assumed(
            &["CreateSandbox"],
            "The codes of some refusals are not known.",
            "Refusals of a creation without a known code have `BAD_REQUEST`, `UNAUTHORIZED`, `FORBIDDEN` or `REQUEST_ENTITY_TOO_LARGE`. An unknown version is refused in the usual format.",
        ),
        differs(
            &["GetOpenApiDocument"],
            "There is no document of the API at this address.",
            "It serves a document of exactly the operations that it has, without a credential.",
        ),
    ],
};

pub(super) static LISTS: Area = Area {
    name: "Lists",
    deviations: &[
        assumed(
            &["List*"],
            "The response to a `limit` below 1 is not documented.",
            "A `limit` below 1 is refused with 400; one above the maximum is lowered to it, as documented.",
        ),
        assumed(
            &["List*", "GetAccountMetrics"],
            "The response to a cursor that is forged, of another query or older than 24 hours is not documented.",
            "Such a cursor is refused with 400 and the error `invalid_cursor`; the message says which of the three it is.",
        ),
        assumed(
            &["List*"],
            "The names that `status` knows in each version are not documented in full.",
            "The names are the same in every version: those of the first versions, and `ARCHIVING`, `ARCHIVED` and `UNARCHIVING`. An unknown name is refused in the first version too, although only sandboxes are filtered there.",
        ),
        assumed(
            &["List*"],
            "It is not documented whether `total` counts resources that have ended.",
            "`total` does not count resources that are `TERMINATED`.",
        ),
        differs(
            &["List*"],
            "The total of a long list is a lower bound; from which length on is not documented.",
            "Totals are exact, unless a limit is set.",
        ),
        assumed(
            &["ListImages", "GetImage", "ListImageTags"],
            "The version 2026-09-22 is known from one of the platform's clients only.",
            "Since that version, lists and single images are in short form, and other operations show all tags. Images of one type and name are one image, whoever shared them.",
        ),
    ],
};

pub(super) static RESOURCES: Area = Area {
    name: "Resources",
    deviations: &[
        differs(
            &[],
            "A deployment has an outcome of its own.",
            "Each deployment succeeds after the set time, unless it was asked to fail.",
        ),
        assumed(
            &["Update*"],
            "Members that a `PUT` leaves out are documented for a few only.",
            "A `PUT` without `metadata.externalId` keeps it, and one with `null` removes it; the same applies to `spec.lifecycle` and `spec.runtime.ttl` of a sandbox. A service account keeps a missing name or description. All else is replaced as a whole.",
        ),
        assumed(
            &[],
            "The mask of secret values is not documented for all members.",
            "The mask is `****`, and `***` for the environment of an execution. A `PUT` with the mask keeps the secret. A variable that is not secret any more and is sent with the mask gets the mask as its value.",
        ),
        assumed(
            &["Create*", "Update*", "Delete*"],
            "The responses for resources that are being deleted are not documented.",
            "A name is free when its resource is removed or `TERMINATED`. A `PUT` is refused with 409 while a resource is being deleted, and with 404 when it is `TERMINATED`. A second deletion changes nothing; one of a `TERMINATED` sandbox removes it at once.",
        ),
        differs(
            &[],
            "Ids, generated names and the types and messages of events follow rules of the platform.",
            "They are made up, and the same in each run with the same requests.",
        ),
        assumed(
            &[],
            "The values of `createdBy` and `updatedBy` are not documented.",
            "`createdBy` is an e-mail address for the emulator's own API key; otherwise it is the id of the client or service account, or the name of the person who signed in.",
        ),
        assumed(
            &[
                "ListAgentRevisions",
                "ListFunctionRevisions",
                "ListJobRevisions",
                "ListModelRevisions",
                "ListApplicationRevisions",
            ],
            "The number of revisions that are kept, and their ids, are not documented.",
            "Every new spec is a revision, and the last five are kept. Calls get the newest deployed one; a share for a canary is shown, and does not divide the calls.",
        ),
        assumed(
            &["DeletePolicy", "DeleteVPC", "DeleteVolumeTemplateVersion"],
            "It is not documented whether these are refused while they are in use.",
            "A policy in use can be deleted, and so can a VPC with gateways, which are deleted with it, and a version of a volume template.",
        ),
        differs(
            &["DeleteVolume"],
            "The deletion of an attached volume is refused with 409 by the documents, and with 400 by the texts of one client.",
            "It is refused with 409.",
        ),
        left_out(
            &["DeleteVolumeTemplateVersion"],
            "The last version of a volume template cannot be deleted.",
            "The last version can be deleted.",
        ),
        assumed(
            &["UpdateVolumeTemplate"],
            "The response to a `PUT` of a volume template that does not exist is not documented.",
            "Such a `PUT` creates it. An upload without `version` creates a version with a generated name.",
        ),
        left_out(
            &[
                "GetApplication",
                "GetDrive",
                "ListApplications",
                "ListDrives",
            ],
            "Applications have `metadata.url`, and drives `state.s3Url`.",
            "These members are not set.",
        ),
    ],
};
