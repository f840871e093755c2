//! Drives: shared file systems that many workloads mount at the same time, with an S3 endpoint.

use std::collections::BTreeMap;
use std::time::Duration;

use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, call, open_enum};
use bytes::Bytes;
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
        /// The current state: the endpoint of the drive.
        #[server]
        pub state: Option<DriveState>,
    }
}

record! {
    /// The desired state of a drive.
    pub struct DriveSpec {
        /// The region of the drive. Only workloads in the same region can mount it.
        pub region: Option<String>,
        /// The access rules, at most three. The first rule that matches a workload applies. Without
        /// rules, all workloads of the workspace have access.
        pub permissions: Option<Vec<DrivePermission>>,
    }

    /// An access rule: allows workloads with certain labels to use a drive.
    pub struct DrivePermission {
        /// The labels that a workload must have, all of them. Without labels, the rule matches
        /// every workload.
        pub labels: Option<BTreeMap<String, String>>,
        /// The allowed operations.
        pub mode: Option<DriveMode>,
        /// The directory that the access is confined to. The default is `/`, the whole drive.
        pub path: Option<String>,
    }

    /// The current state of a drive.
    pub struct DriveState {
        /// The URL of the drive's S3 endpoint.
        #[server]
        pub s3_url: Option<String>,
    }
}

open_enum! {
    /// The operations that a workload may perform on a drive.
    pub enum DriveMode {
        /// Reading only.
        Read = "read",
        /// Reading and writing.
        ReadWrite = "read-write",
    }
}

response! {
    /// The server's response to the deletion of a drive.
    #[doc(alias = "DeleteDrive")]
    pub struct DeletedDrive {
        /// The name.
        pub name: Option<String>,
        /// A message that describes the outcome.
        pub message: Option<String>,
    }

    /// An access token for one drive. The drive's S3 endpoint accepts it as a bearer token.
    #[doc(alias = "CreateDriveAccessToken")]
    pub struct DriveAccessToken {
        /// The token, a JWT.
        #[serde(rename = "access_token")]
        pub access_token: Option<SecretText>,
        /// The lifetime of the token, in seconds.
        #[serde(rename = "expires_in", serialize_with = "crate::record::number")]
        pub expires_in: Option<f64>,
        /// The authentication scheme: `Bearer`.
        #[serde(rename = "token_type")]
        pub token_type: Option<String>,
    }

    /// The public keys that verify access tokens of drives.
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
    /// Adds a label that a workload must have.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels
            .get_or_insert_default()
            .insert(name.into(), value.into());
        self
    }
}

impl DriveAccessToken {
    /// Returns the lifetime of the token, or `None` if the server sent none or not a valid number
    /// of seconds.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.expires_in?).ok()
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the handle for the drives of the workspace.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::drives::Drive;
    ///
    /// let drives = management.drives();
    /// drives.create(&Drive::new("handbook").region("us-pdx-1")).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn drives(&self) -> Collection<Drive, S> {
        Collection::new(self.service.clone(), ParentPath::root()).in_region(self.region.clone())
    }
}

/// Creates an access token for a drive: the operation `CreateDriveAccessToken`. The server stores
/// nothing, so the request may be sent twice.
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

/// Reads the public keys of drives: the operation `GetDriveJWKS`.
#[derive(Debug)]
pub struct GetDriveJwks;

impl Action for GetDriveJwks {
    const INFO: OperationInfo =
        OperationInfo::new("GetDriveJWKS", Method::GET, "/drives/jwks.json");
    type Input = ();
    type Output = DriveKeys;
}

/// Deletes a folder of a drive: the operation `DeleteDriveFolder`.
#[derive(Debug)]
pub struct DeleteDriveFolder;

impl Action for DeleteDriveFolder {
    const INFO: OperationInfo = OperationInfo::new(
        "DeleteDriveFolder",
        Method::DELETE,
        "/drives/{driveName}/folders",
    )
    .with_parameters(&["path"]);
    type Input = ();
    type Output = ();

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

impl<S: HttpService> Collection<Drive, S> {
    /// Creates a short-lived access token for the S3 endpoint of a drive
    /// (`POST /drives/{driveName}/access-token`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let token = management.drives().access_token("handbook").await?;
    /// if let Some(secret) = &token.access_token {
    ///     println!("a token of {} bytes for {:?}", secret.expose().len(), token.lifetime());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the drive does not exist.
    pub async fn access_token(&self, drive: &str) -> Result<DriveAccessToken, Error> {
        let token = Perform::<CreateDriveAccessToken>::on([drive]);
        call(&self.service, &token).await
    }

    /// Deletes a folder of a drive with everything in it (`DELETE /drives/{driveName}/folders`).
    ///
    /// The call ends when the folder is gone, so a large one takes a while. A folder that does not exist is
    /// not an error. The deletion is not atomic: after an error, a part of the folder may be left. Then call
    /// it again with the same path.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// management.drives().delete_folder("handbook", "/drafts/2025").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the drive does not exist; an error with status 400 for the root of the drive
    /// and for the platform's own folders.
    pub async fn delete_folder(&self, drive: &str, path: &str) -> Result<(), Error> {
        let delete = Perform::<DeleteDriveFolder>::on([drive]).query("path", path);
        call(&self.service, &delete).await
    }

    /// Returns the public keys that verify access tokens of drives (`GET /drives/jwks.json`). They
    /// are not secret.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for key in management.drives().keys().await?.keys {
    ///     println!("{}", key["kid"]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
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
    fn a_drive_round_trips_unchanged() {
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
    fn a_token_is_redacted_and_an_invalid_lifetime_is_none() {
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
