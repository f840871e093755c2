//! Bringing a resource to be as a document says, whether it is there or not.

use blaxel_core::{Error, HttpService};
use http::StatusCode;

use super::Collection;
use crate::kind::{Applied, ApplyOrder, Fetched};

/// What [`Collection::apply`] did.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome<R> {
    /// There was none: it was made.
    Created(R),
    /// There was one: it was replaced.
    Replaced(R),
    /// There was one, and its kind is left as it is.
    Kept(R),
}

impl<R> Outcome<R> {
    /// The resource as the server has it now.
    #[must_use]
    pub fn into_inner(self) -> R {
        match self {
            Self::Created(resource) | Self::Replaced(resource) | Self::Kept(resource) => resource,
        }
    }
}

impl<R: Applied + Fetched, S: HttpService> Collection<R, S> {
    /// Makes a resource, or replaces all of the one of its name: in the order that the kind needs.
    ///
    /// If it comes or goes by another hand between the two steps, they are tried once more.
    ///
    /// # Errors
    ///
    /// What the last step failed with.
    pub async fn apply(&self, resource: &R) -> Result<Outcome<R>, Error> {
        match self.apply_once(resource).await {
            Err(error) if error.is_not_found() || error.is_conflict() => {
                self.apply_once(resource).await
            }
            outcome => outcome,
        }
    }

    async fn apply_once(&self, resource: &R) -> Result<Outcome<R>, Error> {
        match R::ORDER {
            ApplyOrder::ReplaceFirst => match self.replace(resource).await {
                Err(error) if is_nothing_to_replace(&error) => {
                    self.create(resource).await.map(Outcome::Created)
                }
                outcome => outcome.map(Outcome::Replaced),
            },
            ApplyOrder::CreateFirst => match self.create(resource).await {
                Err(error) if error.is_conflict() => {
                    self.replace(resource).await.map(Outcome::Replaced)
                }
                outcome => outcome.map(Outcome::Created),
            },
            ApplyOrder::KeepExisting => match self.find(resource.name()).await? {
                Some(present) => Ok(Outcome::Kept(present)),
                None => self.create(resource).await.map(Outcome::Created),
            },
        }
    }
}

/// Some kinds answer a replacement of what is not there with 405.
fn is_nothing_to_replace(error: &Error) -> bool {
    error.is_not_found() || error.status() == Some(StatusCode::METHOD_NOT_ALLOWED)
}
