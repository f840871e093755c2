//! The report about manifests that were applied or deleted.

use std::fmt;

use blaxel_core::__private::ErrorParts;
use blaxel_core::Error;

use super::stored::StoredManifest;
use super::{Manifest, ManifestDeletion};
use crate::collection::Outcome;

/// The results of [`Management::apply_manifests`](crate::Management::apply_manifests) or
/// [`Management::delete_manifests`](crate::Management::delete_manifests), one for each manifest, in the order in which
/// they were processed.
#[derive(Clone, Debug)]
#[must_use = "a manifest may have failed"]
pub struct ManifestReport<T = Outcome<StoredManifest>>(Vec<ManifestResult<T>>);

impl<T> ManifestReport<T> {
    pub(super) fn new(results: Vec<ManifestResult<T>>) -> Self {
        Self(results)
    }

    /// Returns all results.
    #[must_use]
    pub fn results(&self) -> &[ManifestResult<T>] {
        &self.0
    }

    /// Returns an iterator over the results of the manifests that failed.
    pub fn failed(&self) -> impl Iterator<Item = &ManifestResult<T>> {
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
    pub fn into_result(self) -> Result<Vec<ManifestResult<T>>, Error> {
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

/// The result of applying or deleting a manifest. Its display is a line such as `Agent support-bot: created` or
/// `Agent support-bot: deleted`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ManifestResult<T = Outcome<StoredManifest>> {
    /// The manifest.
    pub manifest: Manifest,
    /// The outcome. A manifest that was applied is created, replaced or left unchanged.
    pub outcome: Result<T, Error>,
}

impl<T> ManifestResult<T> {
    fn subject(&self) -> String {
        format!("{} {}", self.manifest.kind(), self.manifest.name())
    }

    /// Writes the line of the result, in which a word says what was done.
    fn write(&self, f: &mut fmt::Formatter<'_>, word: fn(&T) -> &'static str) -> fmt::Result {
        write!(f, "{}: ", self.subject())?;
        match &self.outcome {
            Ok(done) => f.write_str(word(done)),
            Err(error) => write!(f, "failed: {error}"),
        }
    }
}

impl fmt::Display for ManifestResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, |outcome| match outcome {
            Outcome::Created(_) => "created",
            Outcome::Replaced(_) => "configured",
            Outcome::Unchanged(_) => "unchanged",
        })
    }
}

impl fmt::Display for ManifestResult<ManifestDeletion> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, |deletion| match deletion {
            ManifestDeletion::Deleted => "deleted",
            ManifestDeletion::Absent => "absent",
        })
    }
}
