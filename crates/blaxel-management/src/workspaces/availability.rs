//! Checks if a workspace name is available.

use blaxel_core::{Error, Idempotency, OperationInfo, open_enum, response};
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Deserializer};

use crate::operations::Action;

response! {
    /// The availability of a workspace name.
    pub struct WorkspaceAvailability {
        /// `true` if a workspace with the name can be created; see
        /// [`is_available`](Self::is_available).
        pub available: Option<bool>,
        /// A message about the reason.
        pub message: Option<String>,
        /// The reason why the name is not available.
        #[serde(deserialize_with = "none_if_empty")]
        pub reason: Option<UnavailableReason>,
    }
}

impl WorkspaceAvailability {
    /// Returns `true` if the server confirmed that a workspace with the name can be created.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.available == Some(true)
    }
}

record! {
    /// A request to check a workspace name.
    #[doc(alias = "CheckWorkspaceAvailability.request")]
    pub struct WorkspaceName {
        /// The name.
        pub name: String,
    }
}

open_enum! {
    /// A reason why a workspace name is not available.
    pub enum UnavailableReason {
        /// A workspace with the name exists.
        Taken = "taken",
        /// The name is reserved for the platform.
        Reserved = "forbidden_reserved",
        /// The name could be taken for one of Blaxel's own.
        Blaxel = "forbidden_blaxel",
        /// The name starts like an API version.
        VersionPrefix = "forbidden_v_prefix",
    }
}

/// Reads a reason. The server sends an empty string if there is none.
fn none_if_empty<'de, D>(deserializer: D) -> Result<Option<UnavailableReason>, D::Error>
where
    D: Deserializer<'de>,
{
    let reason = Option::<UnavailableReason>::deserialize(deserializer)?;
    Ok(reason.filter(|reason| !reason.as_str().is_empty()))
}

/// Checks if a workspace name is available: the operation `CheckWorkspaceAvailability`.
#[derive(Clone, Copy, Debug)]
pub struct CheckWorkspaceAvailability;

impl Action for CheckWorkspaceAvailability {
    // Safe in spite of `POST`: the request only reads.
    const INFO: OperationInfo = OperationInfo::new(
        "CheckWorkspaceAvailability",
        Method::POST,
        "/workspaces/availability",
    )
    .with_parameters(&["withReason"])
    .with_idempotency(Idempotency::Safe);
    type Input = WorkspaceName;
    type Output = WorkspaceAvailability;

    /// Reads a response, or a bare boolean: the server sends one without `withReason`, and an old
    /// server always.
    fn read(response: &http::Response<Bytes>) -> Result<WorkspaceAvailability, Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Response {
            Bare(bool),
            Object(WorkspaceAvailability),
        }

        Ok(match response::json(response)? {
            Response::Object(availability) => availability,
            Response::Bare(available) => WorkspaceAvailability {
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
    fn a_bare_boolean_and_an_object_are_read_alike() {
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
            let availability = read(body).unwrap();
            assert_eq!(availability.is_available(), available, "{body}");
            assert_eq!(availability.reason, reason, "{body}");
        }
        assert!(read(r#""yes""#).unwrap_err().is_decode());
    }
}
