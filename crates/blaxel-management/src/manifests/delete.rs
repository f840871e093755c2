//! Deleting the resources that manifests describe.

use blaxel_core::{Error, HttpService};

use super::in_collection::in_collection;
use super::report::{ManifestReport, ManifestResult};
use super::{Manifest, ManifestDeletion, Manifests};
use crate::Management;
#[cfg(any(
    feature = "workloads",
    feature = "sandboxes",
    feature = "storage",
    feature = "catalog"
))]
use crate::{collection::Collection, kind::Deleted};

impl<S: HttpService> Management<S> {
    /// Deletes the resources of all manifests, one after the other, in the reverse of the order in which they are
    /// applied: what refers to a resource is deleted before it.
    ///
    /// Only the kinds and names are used. A resource that does not exist is no error, and a manifest that fails does
    /// not stop the others; the report has a result for each.
    ///
    /// It does not wait until a deletion is complete. The server may refuse to delete what a resource still uses that is
    /// being deleted, such as the volume of a sandbox: repeat the call then.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::manifests::Manifests;
    ///
    /// let report = management.delete_manifests(&Manifests::read("resources")?).await;
    /// for result in report.results() {
    ///     println!("{result}"); // Agent support-bot: deleted
    /// }
    /// report.into_result()?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_manifests(
        &self,
        manifests: &Manifests,
    ) -> ManifestReport<ManifestDeletion> {
        let mut results = Vec::with_capacity(manifests.len());
        for manifest in manifests.iter().rev() {
            results.push(ManifestResult {
                outcome: self.delete_manifest(manifest).await,
                manifest: manifest.clone(),
            });
        }
        ManifestReport::new(results)
    }

    /// Deletes the resource of a manifest, if it exists; see [`delete_manifests`](Self::delete_manifests).
    ///
    /// # Errors
    ///
    /// The error of the request, except "not found"; [`Error::is_input`] for a kind that the crate was compiled without.
    pub async fn delete_manifest(&self, manifest: &Manifest) -> Result<ManifestDeletion, Error> {
        in_collection!(self, manifest, delete, delete)
    }
}

/// Deletes the resource of a manifest from the collection of its kind.
#[cfg(any(
    feature = "workloads",
    feature = "sandboxes",
    feature = "storage",
    feature = "catalog"
))]
async fn delete<R: Deleted, S: HttpService>(
    collection: &Collection<R, S>,
    manifest: &Manifest,
) -> Result<ManifestDeletion, Error> {
    let deleted = collection.delete_if_present(manifest.name()).await?;
    Ok(match deleted {
        Some(_) => ManifestDeletion::Deleted,
        None => ManifestDeletion::Absent,
    })
}
