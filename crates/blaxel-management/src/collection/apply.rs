//! Create-or-replace of a resource.

use std::future::Future;

use blaxel_core::{Error, HttpService};
use http::StatusCode;

use super::Collection;
use super::outcome::Outcome;
use crate::kind::{Applied, ApplyOrder, Fetched};

impl<R: Applied + Fetched, S: HttpService> Collection<R, S> {
    /// Creates a resource, or replaces the whole existing one of the same name.
    ///
    /// The order of the requests depends on the kind: see [`ApplyOrder`]. If another client creates or deletes
    /// the resource between the two requests, they are repeated once.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::agents::Agent;
    ///
    /// let agent = Agent::new("support-bot").image("my-team/support-bot:1");
    /// let outcome = agents.apply(&agent).await?;
    /// println!("created: {}", outcome.is_created());
    /// println!("{:?}", outcome.into_resource().status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the last request.
    pub async fn apply(&self, resource: &R) -> Result<Outcome<R>, Error> {
        match R::ORDER {
            ApplyOrder::KeepExisting => match self.keep_or_create(resource).await {
                Err(error) if is_race(&error) => self.keep_or_create(resource).await,
                outcome => outcome,
            },
            order => apply_in(order, || self.create(resource), || self.replace(resource)).await,
        }
    }

    /// Returns the existing resource, or creates it.
    async fn keep_or_create(&self, resource: &R) -> Result<Outcome<R>, Error> {
        match self.find(resource.name()).await? {
            Some(existing) => Ok(Outcome::Unchanged(existing)),
            None => self.create(resource).await.map(Outcome::Created),
        }
    }
}

/// Creates or replaces a resource in the given order, and repeats this once if another client created or
/// deleted the resource in between. [`ApplyOrder::KeepExisting`] is treated as
/// [`ApplyOrder::CreateFirst`].
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
        Err(error) if is_race(&error) => apply_once(order, &create, &replace).await,
        outcome => outcome,
    }
}

/// Creates or replaces a resource in the given order.
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
            Err(error) if is_missing(&error) => create().await.map(Outcome::Created),
            outcome => outcome.map(Outcome::Replaced),
        },
        ApplyOrder::CreateFirst | ApplyOrder::KeepExisting => match create().await {
            Err(error) if error.is_conflict() => replace().await.map(Outcome::Replaced),
            outcome => outcome.map(Outcome::Created),
        },
    }
}

/// Returns `true` if another client may have created or deleted the resource between the two requests.
fn is_race(error: &Error) -> bool {
    error.is_not_found() || error.is_conflict()
}

/// Returns `true` if there is no resource to replace. For some kinds the server responds with 405 in this case.
fn is_missing(error: &Error) -> bool {
    error.is_not_found() || error.status() == Some(StatusCode::METHOD_NOT_ALLOWED)
}
