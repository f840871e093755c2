//! Volume templates: file systems that new volumes are copied from.
//!
//! A template has versions. Each is an uploaded archive.

use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, Timestamp, call, open_enum};
use http::Method;

use crate::Management;
use crate::collection::Collection;
use crate::kind::{Applied, Created, Deleted, Fetched, Listed, Replaced};
use crate::metadata::Metadata;
use crate::operations::{Action, Perform};
use crate::parent_path::ParentPath;
use crate::size::{ByteSize, Megabytes};

document! {
    /// A volume template.
    ///
    /// ```
    /// use blaxel_management::Megabytes;
    /// use blaxel_management::volume_templates::VolumeTemplate;
    ///
    /// let template = VolumeTemplate::new("corpus").default_size(Megabytes::gigabytes(2));
    /// assert_eq!(template.metadata.name, "corpus");
    /// ```
    pub struct VolumeTemplate {
        pub metadata: Metadata,
        pub spec: VolumeTemplateSpec,
        /// The current state: the status and the latest version.
        #[server]
        pub state: Option<VolumeTemplateState>,
        /// The versions.
        #[server]
        pub versions: Option<Vec<VolumeTemplateVersion>>,
    }
}

record! {
    /// The desired state of a volume template.
    pub struct VolumeTemplateSpec {
        /// The size of a volume created from the template, unless the volume sets one.
        pub default_size: Option<Megabytes>,
        /// The description.
        pub description: Option<String>,
    }

    /// The current state of a volume template.
    pub struct VolumeTemplateState {
        /// The status.
        #[server]
        pub status: Option<VolumeTemplateStatus>,
        /// The storage id of the latest version.
        #[server]
        pub latest_version: Option<String>,
        /// The time of the last upload.
        #[server]
        pub last_version_uploaded_at: Option<Timestamp>,
        /// The number of versions.
        #[server]
        pub version_count: Option<u32>,
    }

    /// A version of a volume template.
    pub struct VolumeTemplateVersion {
        /// The name.
        #[server]
        pub name: Option<String>,
        /// The status.
        #[server]
        pub status: Option<VolumeTemplateVersionStatus>,
        /// The size of the content.
        #[server]
        pub content_size: Option<ByteSize>,
        /// The name of the template.
        #[server]
        pub template_name: Option<String>,
        /// The storage id of the version.
        #[server]
        pub version_id: Option<String>,
        /// The storage bucket.
        #[server]
        pub bucket: Option<String>,
        /// The region of the bucket.
        #[server]
        pub region: Option<String>,
        /// The workspace that it belongs to.
        #[server]
        pub workspace: Option<String>,
    }
}

open_enum! {
    /// The status of a volume template.
    pub enum VolumeTemplateStatus {
        /// The template exists, but nothing was uploaded yet.
        Created = "created",
        /// Volumes can be created from the template.
        Ready = "ready",
        /// The template is in an error state.
        Error = "error",
    }
}

open_enum! {
    /// The status of a version of a volume template.
    pub enum VolumeTemplateVersionStatus {
        /// The version exists, but its content was not uploaded yet.
        Created = "CREATED",
        /// Volumes can be created from the version.
        Ready = "READY",
        /// The content could not be processed.
        Failed = "FAILED",
    }
}

response! {
    /// The server's response to the deletion of a version.
    #[doc(alias = "DeleteVolumeTemplateVersion")]
    pub struct DeletedVolumeTemplateVersion {
        /// A message that describes the outcome.
        pub message: Option<String>,
        /// The template without the version.
        pub template: Option<VolumeTemplate>,
    }
}

resource! {
    VolumeTemplate { metadata: metadata, labels: metadata.labels }

    fn status(&self) -> Option<&str> {
        Some(self.state.as_ref()?.status.as_ref()?.as_str())
    }
}

deep_setters! { VolumeTemplate:
    spec VolumeTemplateSpec { default_size: Megabytes, description: String }
}

impl<S: HttpService> Management<S> {
    /// Returns the handle for the volume templates of the workspace.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::Megabytes;
    /// use blaxel_management::volume_templates::VolumeTemplate;
    ///
    /// let templates = management.volume_templates();
    /// let template = VolumeTemplate::new("corpus").default_size(Megabytes::gigabytes(2));
    /// templates.create(&template).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn volume_templates(&self) -> Collection<VolumeTemplate, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

/// Deletes a version of a volume template: the operation `DeleteVolumeTemplateVersion`.
#[derive(Debug)]
pub struct DeleteVolumeTemplateVersion;

impl Action for DeleteVolumeTemplateVersion {
    const INFO: OperationInfo = OperationInfo::new(
        "DeleteVolumeTemplateVersion",
        Method::DELETE,
        "/volume_templates/{volumeTemplateName}/versions/{versionName}",
    );
    type Input = ();
    type Output = DeletedVolumeTemplateVersion;
}

impl<S: HttpService> Collection<VolumeTemplate, S> {
    /// Deletes a version of a template
    /// (`DELETE /volume_templates/{volumeTemplateName}/versions/{versionName}`). The last version
    /// of a template cannot be deleted.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let deleted = management.volume_templates().delete_version("corpus", "v1").await?;
    /// println!("{:?}", deleted.message);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the template or the version does not exist; an error with status
    /// 400 if it is the only version.
    pub async fn delete_version(
        &self,
        template: &str,
        version: &str,
    ) -> Result<DeletedVolumeTemplateVersion, Error> {
        let delete = Perform::<DeleteVolumeTemplateVersion>::on([template, version]);
        call(&self.service, &delete).await
    }
}

/// The query parameters for uploading a version while creating or replacing a template.
const UPLOAD_QUERY: &[&str] = &["upload", "version"];

impl Listed for VolumeTemplate {
    const LIST: OperationInfo =
        OperationInfo::new("ListVolumeTemplates", Method::GET, "/volume_templates")
            .with_parameters(&[]);
    type Item = Self;
}

impl Created for VolumeTemplate {
    const CREATE: OperationInfo =
        OperationInfo::new("CreateVolumeTemplate", Method::POST, "/volume_templates")
            .with_parameters(UPLOAD_QUERY)
            .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;
}

impl Fetched for VolumeTemplate {
    const GET: OperationInfo = OperationInfo::new(
        "GetVolumeTemplate",
        Method::GET,
        "/volume_templates/{volumeTemplateName}",
    );
}

/// Replaces a template, or creates it if it does not exist.
impl Replaced for VolumeTemplate {
    const REPLACE: OperationInfo = OperationInfo::new(
        "UpdateVolumeTemplate",
        Method::PUT,
        "/volume_templates/{volumeTemplateName}",
    )
    .with_parameters(UPLOAD_QUERY);
}

impl Applied for VolumeTemplate {}

impl Deleted for VolumeTemplate {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteVolumeTemplate",
        Method::DELETE,
        "/volume_templates/{volumeTemplateName}",
    );
    type Response = Self;
}

#[cfg(feature = "upload")]
impl crate::upload::Uploadable for VolumeTemplate {
    const ARCHIVE: crate::upload::Archive = crate::upload::Archive::Tar;
}

#[cfg(feature = "upload")]
impl<S: HttpService> Collection<VolumeTemplate, S> {
    /// Creates or replaces a template, and uploads its content as the version with this name.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::upload::{Archive, UploadSource};
    /// use blaxel_management::volume_templates::VolumeTemplate;
    ///
    /// let archive = UploadSource::bytes(Archive::Tar, std::fs::read("corpus.tar").unwrap_or_default());
    /// let template = VolumeTemplate::new("corpus");
    /// management.volume_templates().deploy_version(&template, "v2", &archive).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`deploy`](Self::deploy), which lets the server choose the name of the version.
    pub async fn deploy_version(
        &self,
        template: &VolumeTemplate,
        version: &str,
        source: &crate::upload::UploadSource,
    ) -> Result<crate::Outcome<VolumeTemplate>, Error> {
        self.deploy_as(template, Some(version), source).await
    }
}

#[cfg(feature = "wait")]
impl crate::wait::Watched for VolumeTemplate {
    fn stage(&self) -> String {
        format!("{:?} {:?}", self.state, self.versions)
    }

    fn failure(&self) -> Option<String> {
        let status = self.state.as_ref()?.status.as_ref()?;
        (*status == VolumeTemplateStatus::Error).then(|| format!("is in the state `{status}`"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_template_and_its_versions_round_trip_unchanged() {
        let document = json!({
            "metadata": {"name": "corpus"},
            "spec": {"defaultSize": 2048, "description": "All of it"},
            "state": {
                "status": "ready", "latestVersion": "v-2", "versionCount": 2,
                "lastVersionUploadedAt": "2026-05-01T00:00:00Z",
            },
            "versions": [
                {
                    "name": "one", "status": "READY", "contentSize": 5_000_000_000_u64,
                    "templateName": "corpus", "versionId": "v-1", "bucket": "b",
                    "region": "us-west-2", "workspace": "team",
                },
                {"name": "two", "status": "MELTED"},
            ],
        });
        let template: VolumeTemplate = serde_json::from_value(document.clone()).unwrap();
        let state = template.state.as_ref().unwrap();
        assert_eq!(state.status, Some(VolumeTemplateStatus::Ready));
        let versions = template.versions.as_ref().unwrap();
        assert_eq!(versions[0].status, Some(VolumeTemplateVersionStatus::Ready));
        assert_eq!(versions[0].content_size, Some(ByteSize::new(5_000_000_000)));
        assert_eq!(versions[1].status.as_ref().unwrap().as_str(), "MELTED");
        assert_eq!(serde_json::to_value(&template).unwrap(), document);
    }

    #[test]
    fn the_response_to_a_deleted_version_is_read() {
        let response = json!({"message": "gone", "template": {"metadata": {"name": "corpus"}}});
        let deleted: DeletedVolumeTemplateVersion = serde_json::from_value(response).unwrap();
        assert_eq!(deleted.template.unwrap().metadata.name, "corpus");
    }
}
