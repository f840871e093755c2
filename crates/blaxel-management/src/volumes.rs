//! Volumes: disks that outlive the sandboxes they are mounted in.

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
        /// What it is mounted in.
        #[server]
        pub state: Option<VolumeState>,
        /// When its end was ordered, if it was.
        #[server]
        pub terminated_at: Option<Timestamp>,
    }
}

record! {
    /// What a volume is to be. Only the size can be changed, and only upwards.
    pub struct VolumeSpec {
        /// The region it lies in, which is that of the sandboxes that can mount it.
        pub region: Option<String>,
        /// How much it holds.
        pub size: Option<Megabytes>,
        /// The template it begins as a copy of, with a version if need be: `model:1`, `model:latest`.
        pub template: Option<String>,
    }

    /// What a volume is mounted in.
    pub struct VolumeState {
        /// The kind and the name of the resource, such as `sandbox:my-sandbox`; empty if there is none.
        #[server]
        pub attached_to: Option<String>,
    }
}

response! {
    /// As much of a volume as a list tells: no events, no labels.
    #[doc(alias = "LiteVolume")]
    pub struct VolumeSummary {
        /// What it is called.
        pub metadata: VolumeSummaryMetadata,
        /// Where it lies, and how much it holds.
        pub spec: VolumeSummarySpec,
        /// Where it stands.
        pub status: Option<Status>,
        /// What it is mounted in.
        pub state: Option<VolumeState>,
        /// When its end was ordered, if it was.
        pub terminated_at: Option<Timestamp>,
    }

    /// What a volume in a list is called.
    #[doc(alias = "LiteVolumeMetadata")]
    pub struct VolumeSummaryMetadata {
        /// Its name.
        pub name: String,
        /// What people are shown instead of the name.
        pub display_name: Option<String>,
        /// Its id in a system of the user's own.
        pub external_id: Option<String>,
        /// When it was made.
        pub created_at: Option<Timestamp>,
        /// When it was changed last.
        pub updated_at: Option<Timestamp>,
    }

    /// Where a volume in a list lies, and how much it holds.
    #[doc(alias = "LiteVolumeSpec")]
    pub struct VolumeSummarySpec {
        /// The region it lies in.
        pub region: Option<String>,
        /// How much it holds. The API's description speaks of gigabytes here and of megabytes
        /// everywhere else; it is the same figure.
        pub size: Option<Megabytes>,
    }
}

resource! { Volume { metadata: metadata, labels: metadata.labels, status: status } }

resource! { VolumeSummary { metadata: metadata, status: status } }

deep_setters! { Volume:
    spec VolumeSpec { region: String, size: Megabytes, template: String }
}

impl<S: HttpService> Management<S> {
    /// The volumes of the workspace.
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

/// A volume that is mounted somewhere is not deleted: [`blaxel_core::Error::is_conflict`].
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
    fn a_page_of_summaries_and_a_bare_array_of_volumes_tell_the_same() {
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
    fn a_volume_comes_back_as_it_was() {
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
