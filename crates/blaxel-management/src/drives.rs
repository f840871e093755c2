//! Drives: stores of files that many workloads mount at once, and that speak S3.

use std::collections::BTreeMap;
use std::time::Duration;

use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, call, open_enum};
use http::Method;
use serde_json::Value;

use crate::Management;
use crate::collection::Collection;
use crate::kind::{
    Applied, Created, Deleted, ExternallyNamed, Fetched, Listed, NAMED_PAGE_QUERY, Replaced,
};
use crate::metadata::{Event, Metadata, Status};
use crate::operations::{Action, Perform};
use crate::parent_path::ParentPath;
use crate::secret_text::SecretText;

document! {
    /// A drive.
    ///
    /// ```
    /// use blaxel_management::drives::{Drive, DriveMode, DrivePermission};
    ///
    /// let readers = DrivePermission::new().label("team", "care").mode(DriveMode::Read);
    /// let drive = Drive::new("handbook").region("us-pdx-1").permission(readers);
    /// assert_eq!(drive.metadata.name, "handbook");
    /// ```
    pub struct Drive {
        pub metadata: Metadata,
        pub spec: DriveSpec,
        pub status: Option<Status>,
        pub events: Option<Vec<Event>>,
        /// Where it is reached.
        #[server]
        pub state: Option<DriveState>,
    }
}

record! {
    /// What a drive is to be.
    pub struct DriveSpec {
        /// The region it lies in, which is that of the workloads that can mount it.
        pub region: Option<String>,
        /// Which workloads may use it, at most three rules, of which the first that fits decides.
        /// Without any, all of the workspace may.
        pub permissions: Option<Vec<DrivePermission>>,
    }

    /// Lets workloads with certain labels use a drive.
    pub struct DrivePermission {
        /// The labels that a workload has to have, all of them; without any, each workload fits.
        pub labels: Option<BTreeMap<String, String>>,
        /// What they may do.
        pub mode: Option<DriveMode>,
        /// The folder they are confined to; `/` by default, the whole drive.
        pub path: Option<String>,
    }

    /// Where a drive is reached.
    pub struct DriveState {
        /// Its address for those who speak S3.
        #[server]
        pub s3_url: Option<String>,
    }
}

open_enum! {
    /// What a workload may do with a drive.
    pub enum DriveMode {
        /// Read.
        Read = "read",
        /// Read and write.
        ReadWrite = "read-write",
    }
}

response! {
    /// What the server says of a drive that it deleted.
    #[doc(alias = "DeleteDrive")]
    pub struct DeletedDrive {
        /// Its name.
        pub name: Option<String>,
        /// The outcome in words.
        pub message: Option<String>,
    }

    /// A token for one drive, which its S3 address takes as a bearer token.
    #[doc(alias = "CreateDriveAccessToken")]
    pub struct DriveAccessToken {
        /// The token, a JWT.
        #[serde(rename = "access_token")]
        pub access_token: Option<SecretText>,
        /// How long it is good for, in seconds.
        #[serde(rename = "expires_in", serialize_with = "crate::record::number")]
        pub expires_in: Option<f64>,
        /// How it is presented: `Bearer`.
        #[serde(rename = "token_type")]
        pub token_type: Option<String>,
    }

    /// The public keys by which anybody can check the tokens of drives.
    #[doc(alias = "GetDriveJWKS")]
    pub struct DriveKeys {
        /// The keys, each a JSON Web Key.
        pub keys: Vec<Value>,
    }
}

resource! { Drive { metadata: metadata, labels: metadata.labels, status: status } }

deep_setters! { Drive:
    spec DriveSpec { region: String, permission: [DrivePermission permissions] }
}

impl DrivePermission {
    /// Adds a label that a workload has to have.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels
            .get_or_insert_default()
            .insert(name.into(), value.into());
        self
    }
}

impl DriveAccessToken {
    /// How long it is good for, if the server says so in a number of seconds that can be one.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.expires_in?).ok()
    }
}

impl<S: HttpService> Management<S> {
    /// The drives of the workspace.
    #[must_use]
    pub fn drives(&self) -> Collection<Drive, S> {
        Collection::new(self.service.clone(), ParentPath::root()).in_region(self.region.clone())
    }
}

/// Gives out a token for a drive: `CreateDriveAccessToken`. It makes nothing that is kept, so it may
/// well be sent twice.
#[derive(Debug)]
pub struct CreateDriveAccessToken;

impl Action for CreateDriveAccessToken {
    const INFO: OperationInfo = OperationInfo::new(
        "CreateDriveAccessToken",
        Method::POST,
        "/drives/{driveName}/access-token",
    )
    .with_idempotency(Idempotency::Idempotent);
    type Input = ();
    type Output = DriveAccessToken;
}

/// Reads the public keys of drives: `GetDriveJWKS`.
#[derive(Debug)]
pub struct GetDriveJwks;

impl Action for GetDriveJwks {
    const INFO: OperationInfo =
        OperationInfo::new("GetDriveJWKS", Method::GET, "/drives/jwks.json");
    type Input = ();
    type Output = DriveKeys;
}

impl<S: HttpService> Collection<Drive, S> {
    /// A short-lived token for the S3 address of a drive.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no drive of that name.
    pub async fn access_token(&self, drive: &str) -> Result<DriveAccessToken, Error> {
        let token = Perform::<CreateDriveAccessToken>::on([drive]);
        call(&self.service, &token).await
    }

    /// The public keys by which anybody can check the tokens of drives. They are no secret.
    ///
    /// # Errors
    ///
    /// What the call failed with.
    pub async fn keys(&self) -> Result<DriveKeys, Error> {
        call(&self.service, &Perform::<GetDriveJwks>::new()).await
    }
}

impl Listed for Drive {
    const LIST: OperationInfo =
        OperationInfo::new("ListDrives", Method::GET, "/drives").with_parameters(NAMED_PAGE_QUERY);
    type Item = Self;
}

impl Created for Drive {
    const CREATE: OperationInfo = OperationInfo::new("CreateDrive", Method::POST, "/drives")
        .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;

    fn with_region(draft: &Self, region: &str) -> Option<Self> {
        draft
            .spec
            .region
            .is_none()
            .then(|| draft.clone().region(region))
    }
}

impl Fetched for Drive {
    const GET: OperationInfo = OperationInfo::new("GetDrive", Method::GET, "/drives/{driveName}");
}

impl ExternallyNamed for Drive {
    const BY_EXTERNAL_ID: OperationInfo = OperationInfo::new(
        "GetDriveByExternalId",
        Method::GET,
        "/drives/by-external-id/{externalId}",
    );
}

impl Replaced for Drive {
    const REPLACE: OperationInfo =
        OperationInfo::new("UpdateDrive", Method::PUT, "/drives/{driveName}");
}

impl Applied for Drive {}

impl Deleted for Drive {
    const DELETE: OperationInfo =
        OperationInfo::new("DeleteDrive", Method::DELETE, "/drives/{driveName}");
    type Response = DeletedDrive;
}

#[cfg(feature = "wait")]
crate::wait::watched! { Drive }

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_drive_comes_back_as_it_was() {
        let document = json!({
            "metadata": {"name": "handbook"},
            "spec": {
                "region": "us-pdx-1",
                "permissions": [{"labels": {"team": "care"}, "mode": "read-write", "path": "/a"}],
            },
            "state": {"s3Url": "https://s3.example.com/handbook"},
            "status": "DEPLOYED",
        });
        let drive: Drive = serde_json::from_value(document.clone()).unwrap();
        let permission = &drive.spec.permissions.as_ref().unwrap()[0];
        assert_eq!(permission.mode, Some(DriveMode::ReadWrite));
        assert_eq!(serde_json::to_value(&drive).unwrap(), document);
    }

    #[test]
    fn a_token_is_hidden_and_its_lifetime_may_be_any_number() {
        for (seconds, lifetime) in [
            (json!(3600), Some(Duration::from_secs(3600))),
            (json!(0.5), Some(Duration::from_millis(500))),
            (json!(-1), None),
            (json!(1e300), None),
            (json!(null), None),
        ] {
            let token = json!({
                "access_token": "hush", "expires_in": seconds, "token_type": "Bearer",
            });
            let token: DriveAccessToken = serde_json::from_value(token).unwrap();
            assert!(!format!("{token:?}").contains("hush"));
            assert_eq!(token.access_token.as_ref().unwrap().expose(), "hush");
            assert_eq!(token.lifetime(), lifetime);
        }
    }
}
