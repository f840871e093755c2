//! Creates a resource, or replaces the one of its name.

use std::future::Future;

use blaxel_core::{Error, HttpService};
use http::StatusCode;

use super::Collection;
use super::outcome::Outcome;
use crate::kind::{Applied, ApplyOrder, Fetched};

impl<R: Applied + Fetched, S: HttpService> Collection<R, S> {
    /// Creates a resource, or replaces the whole one of its name, in the order that the kind needs.
    ///
    /// If another client creates or deletes it between the two steps, they are tried once more.
    ///
    /// # Errors
    ///
    /// The error of the last step.
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

/// Creates or replaces in the order that a kind needs, and once more if another client created or
/// deleted the resource between the two. A kind that is kept is created first.
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
