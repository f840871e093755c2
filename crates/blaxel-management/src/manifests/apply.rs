//! Applying manifests.

#[cfg(feature = "sandboxes")]
use blaxel_core::call;
use blaxel_core::{Error, HttpService};

use super::in_collection::in_collection;
use super::report::{ManifestReport, ManifestResult};
use super::stored::StoredManifest;
use super::{Manifest, Manifests};
use crate::Management;
#[cfg(any(
    feature = "workloads",
    feature = "sandboxes",
    feature = "storage",
    feature = "catalog"
))]
use crate::collection::Collection;
use crate::collection::Outcome;
#[cfg(any(
    feature = "workloads",
    feature = "sandboxes",
    feature = "storage",
    feature = "catalog"
))]
use crate::kind::{Applied, Fetched};
#[cfg(feature = "sandboxes")]
use crate::{operations::Create, resource::Resource as _, sandboxes::PreviewToken};

impl<S: HttpService> Management<S> {
    /// Creates or replaces the resources of all manifests, one after the other.
    ///
    /// A manifest that fails does not stop the others; the report has a result for each. Each is applied as
    /// [`Collection::apply`](crate::Collection::apply) does it. A token of a preview is created if there is none of its
    /// name. Code is not uploaded: use the module `upload` for that.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::manifests::Manifests;
    ///
    /// let report = management.apply_manifests(&Manifests::read("resources")?).await;
    /// for result in report.failed() {
    ///     eprintln!("{result}");
    /// }
    /// report.into_result()?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn apply_manifests(&self, manifests: &Manifests) -> ManifestReport {
        let mut results = Vec::with_capacity(manifests.len());
        for manifest in manifests {
            results.push(ManifestResult {
                outcome: self.apply_manifest(manifest).await,
                manifest: manifest.clone(),
            });
        }
        ManifestReport::new(results)
    }

    /// Creates or replaces the resource of a manifest; see [`apply_manifests`](Self::apply_manifests).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::agents::Agent;
    /// use blaxel_management::manifests::Manifests;
    ///
    /// for manifest in &Manifests::read("agent.yaml")? {
    ///     let agent: Agent = management.apply_manifest(manifest).await?.into_resource().decode()?;
    ///     println!("{:?}", agent.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the last request; [`Error::is_input`] for a kind that the crate was compiled without.
    pub async fn apply_manifest(
        &self,
        manifest: &Manifest,
    ) -> Result<Outcome<StoredManifest>, Error> {
        in_collection!(self, manifest, apply, create_token)
    }
}

/// Applies a manifest to the collection of its kind.
#[cfg(any(
    feature = "workloads",
    feature = "sandboxes",
    feature = "storage",
    feature = "catalog"
))]
async fn apply<R: Applied + Fetched, S: HttpService>(
    collection: &Collection<R, S>,
    manifest: &Manifest,
) -> Result<Outcome<StoredManifest>, Error> {
    let outcome = collection
        .apply_document(manifest.name(), manifest.document())
        .await?;
    let stored = StoredManifest::of(outcome.resource())?;
    Ok(outcome.map(|_| stored))
}

/// Creates the token of a preview, unless there is one of its name. The API can neither read one by name nor replace it.
#[cfg(feature = "sandboxes")]
async fn create_token<S: HttpService>(
    tokens: &Collection<PreviewToken, S>,
    manifest: &Manifest,
) -> Result<Outcome<StoredManifest>, Error> {
    let mut existing = tokens.items();
    while let Some(token) = existing.try_next().await? {
        if token.name() == manifest.name() {
            return StoredManifest::of(&token).map(Outcome::Unchanged);
        }
    }
    let create = Create::<PreviewToken, serde_json::Value>::new(manifest.document());
    let token = call(&tokens.service, &create.within(&tokens.parent)).await?;
    StoredManifest::of(&token).map(Outcome::Created)
}
