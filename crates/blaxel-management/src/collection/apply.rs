//! Bringing a resource to be as a document says, whether it is there or not.

use std::future::Future;

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

#[cfg(feature = "upload")]
impl<R, T> Outcome<(R, T)> {
    /// What was done with the resource, and what came along.
    pub(crate) fn unzip(self) -> (Outcome<R>, T) {
        match self {
            Self::Created((resource, other)) => (Outcome::Created(resource), other),
            Self::Replaced((resource, other)) => (Outcome::Replaced(resource), other),
            Self::Kept((resource, other)) => (Outcome::Kept(resource), other),
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
        match R::ORDER {
            ApplyOrder::KeepExisting => match self.keep_or_create(resource).await {
                Err(error) if has_crossed(&error) => self.keep_or_create(resource).await,
                outcome => outcome,
            },
            order => apply_in(order, || self.create(resource), || self.replace(resource)).await,
        }
    }

    async fn keep_or_create(&self, resource: &R) -> Result<Outcome<R>, Error> {
        match self.find(resource.name()).await? {
            Some(present) => Ok(Outcome::Kept(present)),
            None => self.create(resource).await.map(Outcome::Created),
        }
    }
}

/// Creates or replaces in the order that a kind needs, and once more if the resource came or went by
/// another hand between the two. A kind that is kept is created first.
pub(crate) async fn apply_in<T, C, P>(
    order: ApplyOrder,
    create: impl Fn() -> C,
    replace: impl Fn() -> P,
) -> Result<Outcome<T>, Error>
where
    C: Future<Output = Result<T, Error>>,
    P: Future<Output = Result<T, Error>>,
{
    match apply_once(order, &create, &replace).await {
        Err(error) if has_crossed(&error) => apply_once(order, &create, &replace).await,
        outcome => outcome,
    }
}

async fn apply_once<T, C, P>(
    order: ApplyOrder,
    create: &impl Fn() -> C,
    replace: &impl Fn() -> P,
) -> Result<Outcome<T>, Error>
where
    C: Future<Output = Result<T, Error>>,
    P: Future<Output = Result<T, Error>>,
{
    match order {
        ApplyOrder::ReplaceFirst => match replace().await {
            Err(error) if is_nothing_to_replace(&error) => create().await.map(Outcome::Created),
            outcome => outcome.map(Outcome::Replaced),
        },
        ApplyOrder::CreateFirst | ApplyOrder::KeepExisting => match create().await {
            Err(error) if error.is_conflict() => replace().await.map(Outcome::Replaced),
            outcome => outcome.map(Outcome::Created),
        },
    }
}

fn has_crossed(error: &Error) -> bool {
    error.is_not_found() || error.is_conflict()
}

/// Some kinds answer a replacement of what is not there with 405.
fn is_nothing_to_replace(error: &Error) -> bool {
    error.is_not_found() || error.status() == Some(StatusCode::METHOD_NOT_ALLOWED)
}
