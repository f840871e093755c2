//! Create-or-replace of a resource, and creation unless it exists.

#[cfg(feature = "manifests")]
use std::borrow::Cow;
use std::future::Future;

use blaxel_core::{Error, HttpService};
#[cfg(feature = "manifests")]
use blaxel_core::{Source, call};
use http::StatusCode;
#[cfg(feature = "manifests")]
use serde_json::Value;

use super::Collection;
use super::outcome::Outcome;
use crate::kind::{Applied, ApplyOrder, Created, Fetched};
#[cfg(feature = "manifests")]
use crate::operations::{Create, Replace};

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
        let (create, replace) = (|| self.create(resource), || self.replace(resource));
        self.apply_by(resource.name(), create, replace).await
    }

    /// Applies a resource as [`apply`](Self::apply) does, by requests of the caller.
    async fn apply_by<C, P>(
        &self,
        name: &str,
        create: impl Fn() -> C,
        replace: impl Fn() -> P,
    ) -> Result<Outcome<R>, Error>
    where
        C: Future<Output = Result<R, Error>>,
        P: Future<Output = Result<R, Error>>,
    {
        match R::ORDER {
            ApplyOrder::KeepExisting => self.create_or_keep(name, create).await,
            order => apply_in(order, create, replace).await,
        }
    }
}

impl<R: Fetched, S: HttpService> Collection<R, S> {
    /// Creates a resource by a request of the caller, or reads the existing one. This is repeated once if another
    /// client deletes the resource between the two requests.
    async fn create_or_keep<C: Future<Output = Result<R, Error>>>(
        &self,
        name: &str,
        create: impl Fn() -> C,
    ) -> Result<Outcome<R>, Error> {
        let attempt = async || match create().await {
            Err(error) if is_already_exists(&error) => self.get(name).await.map(Outcome::Unchanged),
            outcome => outcome.map(Outcome::Created),
        };
        match attempt().await {
            Err(error) if error.is_not_found() => attempt().await,
            outcome => outcome,
        }
    }
}

impl<R, S> Collection<R, S>
where
    R: Created<Draft = R, Made = R> + Fetched,
    S: HttpService,
{
    /// Returns the resource of that name, creating it as drafted if it does not exist (`POST /drives`, then
    /// `GET /drives/{driveName}` for drives).
    ///
    /// The outcome is [`Created`](Outcome::Created) or [`Unchanged`](Outcome::Unchanged). An existing resource may
    /// differ from the draft; [`apply`](Self::apply) replaces it instead. If another client deletes the resource between
    /// the two requests, they are repeated once.
    ///
    /// Sandboxes have `create_if_absent`, which is one request, and `ensure`, which waits until the sandbox is ready.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     drives: blaxel_management::Collection<
    /// #         blaxel_management::drives::Drive, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::drives::Drive;
    ///
    /// let drive = drives.get_or_create(&Drive::new("handbook")).await?;
    /// println!("created: {}, in {:?}", drive.is_created(), drive.resource().spec.region);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the last request. If it [may have been applied](Error::maybe_applied), the resource may exist, and
    /// the call can be repeated.
    pub async fn get_or_create(&self, draft: &R) -> Result<Outcome<R>, Error> {
        self.create_or_keep(draft.name(), || self.create(draft))
            .await
    }
}

/// Returns `true` if a resource was not created because there is one of its name.
fn is_already_exists(error: &Error) -> bool {
    let by_code = |code: &str| code.ends_with("_ALREADY_EXISTS");
    error.is_conflict() || error.code().is_some_and(by_code)
}

#[cfg(feature = "manifests")]
#[allow(dead_code, reason = "the features decide which kinds are applied")]
impl<R: Applied + Fetched, S: HttpService> Collection<R, S> {
    /// Applies a document as [`apply`](Self::apply) does a resource. Members without a type are sent as they are.
    pub(crate) async fn apply_document(
        &self,
        name: &str,
        document: &Value,
    ) -> Result<Outcome<R>, Error> {
        let draft = self.document_in_region(name, document)?;
        let create = || async {
            let create = Create::<R, Value>::new(&draft).within(&self.parent);
            call(&self.service, &create).await
        };
        let replace = || async {
            let replace = Replace::<R>::new(name, document).within(&self.parent);
            call(&self.service, &replace).await
        };
        self.apply_by(name, create, replace).await
    }

    /// Returns the document in the default region, unless it names a region or its kind has none.
    fn document_in_region<'a>(
        &self,
        name: &str,
        document: &'a Value,
    ) -> Result<Cow<'a, Value>, Error> {
        let region = |document: &Value| {
            document
                .pointer("/spec/region")
                .cloned()
                .unwrap_or_default()
        };
        if !region(document).is_null() {
            return Ok(Cow::Borrowed(document));
        }
        // The kind knows whether it has a region.
        let bare = serde_json::json!({"metadata": {"name": name}, "spec": {}});
        let invalid = |problem| Error::input("manifest", &Source::Code, problem);
        let bare = R::deserialize(bare).map_err(invalid)?;
        let named = serde_json::to_value(self.with_default_region(&bare)).map_err(invalid)?;
        let region = region(&named);
        let mut document = Cow::Borrowed(document);
        if !region.is_null()
            && let Some(members) = document.to_mut().as_object_mut()
        {
            let spec = members
                .entry("spec")
                .or_insert_with(|| serde_json::json!({}));
            if let Some(spec) = spec.as_object_mut() {
                spec.insert("region".to_owned(), region);
            }
        }
        Ok(document)
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
