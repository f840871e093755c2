//! Whether the name of a workspace is still to be had.

use blaxel_core::{Error, Idempotency, OperationInfo, open_enum, response};
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Deserializer};

use crate::operations::Action;

response! {
    /// Whether a workspace of a certain name could be made.
    pub struct WorkspaceAvailability {
        /// Whether it could; see [`is_available`](Self::is_available).
        pub available: Option<bool>,
        /// Why it could not, in words.
        pub message: Option<String>,
        /// Why it could not.
        #[serde(deserialize_with = "none_if_empty")]
        pub reason: Option<UnavailableReason>,
    }
}

impl WorkspaceAvailability {
    /// Whether the server said that a workspace of that name could be made.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.available == Some(true)
    }
}

record! {
    /// The name of a workspace that is asked about.
    #[doc(alias = "CheckWorkspaceAvailability.request")]
    pub struct WorkspaceName {
        /// The name.
        pub name: String,
    }
}

open_enum! {
    /// Why no workspace of a certain name can be made.
    pub enum UnavailableReason {
        /// There is one.
        Taken = "taken",
        /// The platform needs the name itself.
        Reserved = "forbidden_reserved",
        /// It would look like the platform's own.
        Blaxel = "forbidden_blaxel",
        /// It begins like the version of an API.
        VersionPrefix = "forbidden_v_prefix",
    }
}

/// The server writes an empty text where there is no reason.
fn none_if_empty<'de, D>(deserializer: D) -> Result<Option<UnavailableReason>, D::Error>
where
    D: Deserializer<'de>,
{
    let reason = Option::<UnavailableReason>::deserialize(deserializer)?;
    Ok(reason.filter(|reason| !reason.as_str().is_empty()))
}

/// Tells whether the name of a workspace is to be had: `CheckWorkspaceAvailability`.
#[derive(Clone, Copy, Debug)]
pub struct CheckWorkspaceAvailability;

impl Action for CheckWorkspaceAvailability {
    // It only asks, though by POST.
    const INFO: OperationInfo = OperationInfo::new(
        "CheckWorkspaceAvailability",
        Method::POST,
        "/workspaces/availability",
    )
    .with_parameters(&["withReason"])
    .with_idempotency(Idempotency::Safe);
    type Input = WorkspaceName;
    type Output = WorkspaceAvailability;

    /// Without `withReason`, and from a server that does not know it, a bare yes or no comes.
    fn read(response: &http::Response<Bytes>) -> Result<WorkspaceAvailability, Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Answer {
            Bare(bool),
            Reasoned(WorkspaceAvailability),
        }

        Ok(match response::json(response)? {
            Answer::Reasoned(availability) => availability,
            Answer::Bare(available) => WorkspaceAvailability {
                available: Some(available),
                ..WorkspaceAvailability::default()
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &'static str) -> Result<WorkspaceAvailability, Error> {
        CheckWorkspaceAvailability::read(&http::Response::new(Bytes::from_static(body.as_bytes())))
    }

    #[test]
    fn a_bare_answer_and_a_reasoned_one_are_read_alike() {
        for (body, available, reason) in [
            ("true", true, None),
            ("false", false, None),
            (
                r#"{"available": true, "reason": "", "message": ""}"#,
                true,
                None,
            ),
            (
                r#"{"available": false, "reason": "taken", "message": "It is taken."}"#,
                false,
                Some(UnavailableReason::Taken),
            ),
            (
                r#"{"available": false, "reason": "too_long"}"#,
                false,
                Some(UnavailableReason::from("too_long")),
            ),
            (r#"{"reason": null}"#, false, None),
        ] {
            let answer = read(body).unwrap();
            assert_eq!(answer.is_available(), available, "{body}");
            assert_eq!(answer.reason, reason, "{body}");
        }
        assert!(read(r#""yes""#).unwrap_err().is_decode());
    }
}
