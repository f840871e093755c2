//! Volumes: disks that outlive the sandboxes they are attached to.

use blaxel_core::{HttpService, Idempotency, OperationInfo, Timestamp};
use http::Method;

use crate::Management;
use crate::collection::Collection;
use crate::kind::{
    Applied, Created, Deleted, ExternallyNamed, Fetched, Listed, NAMED_PAGE_QUERY, Replaced,
};
use crate::metadata::{Event, Metadata, Status};
use crate::parent_path::ParentPath;
use crate::size::Megabytes;

document! {
    /// A volume.
    ///
    /// ```
    /// use blaxel_management::Megabytes;
    /// use blaxel_management::volumes::Volume;
    ///
    /// let volume = Volume::new("datasets").region("us-pdx-1").size(Megabytes::gigabytes(10));
    /// assert_eq!(volume.metadata.name, "datasets");
    /// ```
    pub struct Volume {
        pub metadata: Metadata,
        pub spec: VolumeSpec,
        pub status: Option<Status>,
        pub events: Option<Vec<Event>>,
        /// The current state: the resource that the volume is attached to.
        #[server]
        pub state: Option<VolumeState>,
        /// The time when its termination was requested.
        #[server]
        pub terminated_at: Option<Timestamp>,
    }
}

record! {
    /// The desired state of a volume. Only the size can be changed, and only increased.
    pub struct VolumeSpec {
        /// The region of the volume. Only sandboxes in the same region can mount it.
        pub region: Option<String>,
        /// The capacity.
        pub size: Option<Megabytes>,
        /// The template that the volume is copied from, optionally with a version: `model:1`,
        /// `model:latest`.
        pub template: Option<String>,
    }

    /// The current state of a volume.
    pub struct VolumeState {
        /// The type and name of the resource that the volume is attached to, such as
        /// `sandbox:my-sandbox`; empty if there is none.
        #[server]
        pub attached_to: Option<String>,
    }
}

response! {
    /// A volume in a list: without events and labels.
    #[doc(alias = "LiteVolume")]
    pub struct VolumeSummary {
        /// The name and other metadata.
        pub metadata: VolumeSummaryMetadata,
        /// The region and the capacity.
        pub spec: VolumeSummarySpec,
        /// The status.
        pub status: Option<Status>,
        /// The current state: the resource that the volume is attached to.
        pub state: Option<VolumeState>,
        /// The time when its termination was requested.
        pub terminated_at: Option<Timestamp>,
    }

    /// The metadata of a volume in a list.
    #[doc(alias = "LiteVolumeMetadata")]
    pub struct VolumeSummaryMetadata {
        /// The name.
        pub name: String,
        /// The display name.
        pub display_name: Option<String>,
        /// The external id: an id in a system of the user's own.
        pub external_id: Option<String>,
        /// The time of creation.
        pub created_at: Option<Timestamp>,
        /// The time of the last change.
        pub updated_at: Option<Timestamp>,
    }

    /// The region and the capacity of a volume in a list.
    #[doc(alias = "LiteVolumeSpec")]
    pub struct VolumeSummarySpec {
        /// The region.
        pub region: Option<String>,
        /// The capacity. The API's description calls the unit gigabytes here and megabytes
        /// everywhere else; the value is the same.
        pub size: Option<Megabytes>,
    }
}

resource! { Volume { metadata: metadata, labels: metadata.labels, status: status } }

resource! { VolumeSummary { metadata: metadata, status: status } }

deep_setters! { Volume:
    spec VolumeSpec { region: String, size: Megabytes, template: String }
}

impl Volume {
    /// Sets the size to 1024 MB, as the platform's other SDKs do, unless the draft has a size.
    ///
    /// ```
    /// use blaxel_management::Megabytes;
    /// use blaxel_management::volumes::Volume;
    ///
    /// let volume = Volume::new("datasets").with_default_size();
    /// assert_eq!(volume.spec.size, Some(Megabytes::gigabytes(1)));
    /// ```
    #[must_use]
    pub fn with_default_size(mut self) -> Self {
        self.spec.size.get_or_insert(Megabytes::gigabytes(1));
        self
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the handle for the volumes of the workspace.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::Megabytes;
    /// use blaxel_management::volumes::Volume;
    ///
    /// let volumes = management.volumes();
    /// let volume = Volume::new("datasets").region("us-pdx-1").size(Megabytes::gigabytes(10));
    /// volumes.create(&volume).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn volumes(&self) -> Collection<Volume, S> {
        Collection::new(self.service.clone(), ParentPath::root()).in_region(self.region.clone())
    }
}

impl Listed for Volume {
    const LIST: OperationInfo = OperationInfo::new("ListVolumes", Method::GET, "/volumes")
        .with_parameters(NAMED_PAGE_QUERY);
    type Item = VolumeSummary;
}

impl Created for Volume {
    const CREATE: OperationInfo = OperationInfo::new("CreateVolume", Method::POST, "/volumes")
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

impl Fetched for Volume {
    const GET: OperationInfo =
        OperationInfo::new("GetVolume", Method::GET, "/volumes/{volumeName}");
}

impl ExternallyNamed for Volume {
    const BY_EXTERNAL_ID: OperationInfo = OperationInfo::new(
        "GetVolumeByExternalId",
        Method::GET,
        "/volumes/by-external-id/{externalId}",
    );
}

impl Replaced for Volume {
    const REPLACE: OperationInfo =
        OperationInfo::new("UpdateVolume", Method::PUT, "/volumes/{volumeName}");
}

impl Applied for Volume {}

/// Deletes a volume. One that is attached cannot be deleted: [`blaxel_core::Error::is_conflict`].
impl Deleted for Volume {
    const DELETE: OperationInfo =
        OperationInfo::new("DeleteVolume", Method::DELETE, "/volumes/{volumeName}");
    type Response = Self;
}

#[cfg(feature = "wait")]
crate::wait::watched! { Volume }

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use blaxel_core::Page;
    use serde_json::json;

    #[test]
    fn a_page_of_summaries_and_an_array_of_volumes_are_read_alike() {
        let summary = json!({
            "metadata": {
                "name": "datasets", "displayName": "Data", "externalId": "x-1",
                "createdAt": "2026-05-01T00:00:00Z",
            },
            "spec": {"region": "us-pdx-1", "size": 1024},
            "state": {"attachedTo": "sandbox:box"},
            "status": "DEPLOYED",
        });
        let mut full = summary.clone();
        full["metadata"]["labels"] = json!({"team": "care"});
        full["spec"]["template"] = json!("model:1");
        full["events"] = json!([{"type": "created"}]);

        let page = json!({"data": [summary], "meta": {"hasMore": false, "nextCursor": ""}});
        let page: Page<VolumeSummary> = serde_json::from_value(page).unwrap();
        let array: Page<VolumeSummary> = serde_json::from_value(json!([full])).unwrap();
        assert_eq!(page.items, array.items);
        let volume = &page.items[0];
        assert_eq!(volume.metadata.name, "datasets");
        assert_eq!(volume.spec.size, Some(Megabytes::new(1024)));
        let state = volume.state.as_ref().unwrap();
        assert_eq!(state.attached_to.as_deref(), Some("sandbox:box"));
    }

    #[test]
    fn a_volume_round_trips_unchanged() {
        let document = json!({
            "metadata": {"name": "datasets", "externalId": "x-1"},
            "spec": {"region": "us-pdx-1", "size": 1024, "template": "model:latest"},
            "status": "TERMINATING",
            "state": {"attachedTo": ""},
            "terminatedAt": "2026-05-01T00:00:00Z",
        });
        let volume: Volume = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(volume.status, Some(Status::Terminating));
        assert_eq!(serde_json::to_value(&volume).unwrap(), document);
    }
}
