//! Volume templates: file systems that new volumes begin as copies of.
//!
//! A template has versions, each of them an archive that was uploaded.

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
        /// Where it stands, and which version is the newest.
        #[server]
        pub state: Option<VolumeTemplateState>,
        /// Its versions.
        #[server]
        pub versions: Option<Vec<VolumeTemplateVersion>>,
    }
}

record! {
    /// What a volume template is to be.
    pub struct VolumeTemplateSpec {
        /// How much a volume made from it holds, unless it says so itself.
        pub default_size: Option<Megabytes>,
        /// What it is for.
        pub description: Option<String>,
    }

    /// Where a volume template stands, and which version is the newest.
    pub struct VolumeTemplateState {
        /// Where it stands.
        #[server]
        pub status: Option<VolumeTemplateStatus>,
        /// The id that the store of files gave the newest version.
        #[server]
        pub latest_version: Option<String>,
        /// When the newest version was uploaded.
        #[server]
        pub last_version_uploaded_at: Option<Timestamp>,
        /// How many versions there are.
        #[server]
        pub version_count: Option<u32>,
    }

    /// A version of a volume template.
    pub struct VolumeTemplateVersion {
        /// Its name.
        #[server]
        pub name: Option<String>,
        /// Where it stands.
        #[server]
        pub status: Option<VolumeTemplateVersionStatus>,
        /// How large its content is.
        #[server]
        pub content_size: Option<ByteSize>,
        /// The template it is a version of.
        #[server]
        pub template_name: Option<String>,
        /// The id that the store of files gave it.
        #[server]
        pub version_id: Option<String>,
        /// The bucket it lies in.
        #[server]
        pub bucket: Option<String>,
        /// The region of the bucket.
        #[server]
        pub region: Option<String>,
        /// The workspace it belongs to.
        #[server]
        pub workspace: Option<String>,
    }
}

open_enum! {
    /// Where a volume template stands.
    pub enum VolumeTemplateStatus {
        /// It is there, and nothing was uploaded yet.
        Created = "created",
        /// Volumes can be made from it.
        Ready = "ready",
        /// Something went wrong with it.
        Error = "error",
    }
}

open_enum! {
    /// Where a version of a volume template stands.
    pub enum VolumeTemplateVersionStatus {
        /// It is there, and its content is not.
        Created = "CREATED",
        /// Volumes can be made from it.
        Ready = "READY",
        /// Its content could not be taken in.
        Failed = "FAILED",
    }
}

response! {
    /// What the server says of a version that it deleted.
    #[doc(alias = "DeleteVolumeTemplateVersion")]
    pub struct DeletedVolumeTemplateVersion {
        /// The outcome in words.
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
    /// The volume templates of the workspace.
    #[must_use]
    pub fn volume_templates(&self) -> Collection<VolumeTemplate, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

/// Deletes a version of a volume template: `DeleteVolumeTemplateVersion`.
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
    /// Deletes a version of a template. The only one of a template cannot be deleted.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such template or version; an error with status 400 if it
    /// is the only version.
    pub async fn delete_version(
        &self,
        template: &str,
        version: &str,
    ) -> Result<DeletedVolumeTemplateVersion, Error> {
        let delete = Perform::<DeleteVolumeTemplateVersion>::on([template, version]);
        call(&self.service, &delete).await
    }
}

/// The query parameters by which a version is uploaded along with a template.
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

/// A replacement makes the template if there is none.
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
    /// Makes or replaces a template, and uploads its content as the version of this name.
    ///
    /// # Errors
    ///
    /// As for [`deploy`](Self::deploy), which leaves the name of the version to the server.
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
    fn a_template_and_its_versions_have_statuses_of_their_own() {
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
    fn what_comes_back_for_a_deleted_version_is_read() {
        let answer = json!({"message": "gone", "template": {"metadata": {"name": "corpus"}}});
        let answer: DeletedVolumeTemplateVersion = serde_json::from_value(answer).unwrap();
        assert_eq!(answer.template.unwrap().metadata.name, "corpus");
    }
}
