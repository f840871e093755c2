//! Applying manifests, and the report about it.

use std::fmt;

use blaxel_core::__private::ErrorParts;
#[cfg(feature = "sandboxes")]
use blaxel_core::call;
use blaxel_core::{Error, HttpService, Source};
use serde_json::Value;

#[allow(unused_imports, reason = "the features decide which kinds exist")]
use super::ManifestKind;
use super::{Manifest, Manifests, invalid};
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
use crate::resource::Document;
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
        ManifestReport(results)
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
        match manifest.kind() {
            #[cfg(feature = "workloads")]
            ManifestKind::Policy => apply(&self.policies(), manifest).await,
            #[cfg(feature = "workloads")]
            ManifestKind::Model => apply(&self.models(), manifest).await,
            #[cfg(feature = "workloads")]
            ManifestKind::Function => apply(&self.functions(), manifest).await,
            #[cfg(feature = "workloads")]
            ManifestKind::Agent => apply(&self.agents(), manifest).await,
            #[cfg(feature = "workloads")]
            ManifestKind::Application => apply(&self.applications(), manifest).await,
            #[cfg(feature = "workloads")]
            ManifestKind::Job => apply(&self.jobs(), manifest).await,
            #[cfg(feature = "catalog")]
            ManifestKind::IntegrationConnection => {
                apply(&self.integration_connections(), manifest).await
            }
            #[cfg(feature = "storage")]
            ManifestKind::VolumeTemplate => apply(&self.volume_templates(), manifest).await,
            #[cfg(feature = "storage")]
            ManifestKind::Volume => apply(&self.volumes(), manifest).await,
            #[cfg(feature = "storage")]
            ManifestKind::Drive => apply(&self.drives(), manifest).await,
            #[cfg(feature = "sandboxes")]
            ManifestKind::Sandbox => apply(&self.sandboxes(), manifest).await,
            #[cfg(feature = "sandboxes")]
            ManifestKind::Preview => {
                let [sandbox] = parents(manifest)?;
                apply(&self.sandboxes().previews(sandbox), manifest).await
            }
            #[cfg(feature = "sandboxes")]
            ManifestKind::PreviewToken => {
                let [sandbox, preview] = parents(manifest)?;
                let tokens = self.sandboxes().previews(sandbox).tokens(preview);
                create_token(&tokens, manifest).await
            }
            kind => {
                let problem = format!("the feature for the kind `{kind}` is not enabled");
                Err(invalid(&Source::Code, problem))
            }
        }
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
    let create = Create::<PreviewToken, Value>::new(manifest.document());
    let token = call(&tokens.service, &create.within(&tokens.parent)).await?;
    StoredManifest::of(&token).map(Outcome::Created)
}

/// Returns the names of the parents, which the manifest was checked for.
#[cfg(feature = "sandboxes")]
fn parents<const N: usize>(manifest: &Manifest) -> Result<[&str; N], Error> {
    let names: Vec<&str> = manifest.parents.iter().map(String::as_str).collect();
    names
        .try_into()
        .map_err(|_| invalid(&Source::Code, "it has no parent"))
}

/// A resource as the server has stored it.
///
/// The `Debug` output does not contain the members, which may be secrets: the response to the first request of a
/// resource can have some that later ones mask, such as the token of a preview and the secret of a callback.
#[derive(Clone, PartialEq)]
pub struct StoredManifest(Value);

impl StoredManifest {
    #[allow(dead_code, reason = "the features decide which kinds exist")]
    fn of(resource: &impl Document) -> Result<Self, Error> {
        let stored = serde_json::to_value(resource);
        stored.map(Self).map_err(undecodable)
    }

    /// Decodes the resource as the type of its kind, such as [`Agent`](crate::agents::Agent).
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if the resource is of another type.
    pub fn decode<R: Document>(&self) -> Result<R, Error> {
        R::deserialize(&self.0).map_err(undecodable)
    }

    /// Returns the resource as JSON.
    #[must_use]
    pub fn as_json(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for StoredManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredManifest").finish_non_exhaustive()
    }
}

fn undecodable(problem: serde_json::Error) -> Error {
    Error::decode("the resource is not of the expected type").caused_by(problem)
}

/// The results of [`Management::apply_manifests`], one for each manifest, in the order in which they were applied.
#[derive(Clone, Debug)]
#[must_use = "a manifest may have failed"]
pub struct ManifestReport(Vec<ManifestResult>);

impl ManifestReport {
    /// Returns all results.
    #[must_use]
    pub fn results(&self) -> &[ManifestResult] {
        &self.0
    }

    /// Returns an iterator over the results of the manifests that failed.
    pub fn failed(&self) -> impl Iterator<Item = &ManifestResult> {
        self.0.iter().filter(|result| result.outcome.is_err())
    }

    /// Returns `true` if no manifest failed.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failed().next().is_none()
    }

    /// Returns the results.
    ///
    /// # Errors
    ///
    /// The first error, with the name of its manifest and the number of the others that failed.
    pub fn into_result(self) -> Result<Vec<ManifestResult>, Error> {
        let others = self.failed().count().saturating_sub(1);
        let Some(first) = self.failed().next() else {
            return Ok(self.0);
        };
        let subject = match others {
            0 => first.subject(),
            others => format!("{} (and {others} more)", first.subject()),
        };
        match &first.outcome {
            Err(error) => Err(error.clone().with_subject(subject)),
            Ok(_) => Ok(self.0),
        }
    }
}

/// The result of applying a manifest. Its display is a line such as `Agent support-bot: created`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ManifestResult {
    /// The manifest.
    pub manifest: Manifest,
    /// The outcome: created, replaced or left unchanged.
    pub outcome: Result<Outcome<StoredManifest>, Error>,
}

impl ManifestResult {
    fn subject(&self) -> String {
        format!("{} {}", self.manifest.kind(), self.manifest.name())
    }
}

impl fmt::Display for ManifestResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.subject())?;
        match &self.outcome {
            Ok(Outcome::Created(_)) => f.write_str("created"),
            Ok(Outcome::Replaced(_)) => f.write_str("configured"),
            Ok(Outcome::Unchanged(_)) => f.write_str("unchanged"),
            Err(error) => write!(f, "failed: {error}"),
        }
    }
}
