//! The handle for the resources of one kind, with the methods that many kinds share.

mod apply;
mod list;
mod modify;
mod outcome;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use blaxel_core::{Error, HttpService, call};

#[cfg(feature = "upload")]
pub(crate) use self::apply::apply_in;
pub use self::outcome::Outcome;
use crate::kind::{Created, Deleted, ExternallyNamed, Fetched, Replaced, Revised, Secretive};
use crate::operations::{Create, Delete, Get, GetByExternalId, Replace, Revisions};
use crate::parent_path::ParentPath;

/// A handle for the resources of one kind: those of a workspace, or those nested under another resource.
///
/// [`Management`](crate::Management) returns the collections of a workspace, and a collection returns the
/// nested ones: `management.sandboxes().previews("code-runner")`. A collection is as cheap to clone as its
/// service. It has a method for each operation that the API has for the kind; the API operations are named
/// after the kind, for agents `ListAgents` (`GET /agents`), `CreateAgent` (`POST /agents`) and so on.
///
/// ```no_run
/// # async fn example(client: impl blaxel_core::HttpService) -> Result<(), blaxel_core::Error> {
/// use blaxel_management::Management;
/// use blaxel_management::agents::Agent;
///
/// let agents = Management::new(client).agents();
/// agents.apply(&Agent::new("support-bot").image("my-team/support-bot:1")).await?;
/// agents.modify("support-bot", |agent| agent.metadata.add_label("team", "care")).await?;
/// println!("{:?}", agents.get("support-bot").await?.status);
/// agents.delete("support-bot").await?;
/// # Ok(())
/// # }
/// ```
pub struct Collection<R, S> {
    pub(crate) service: S,
    pub(crate) parent: ParentPath,
    secrets: bool,
    /// The default region of new resources.
    region: Option<Arc<str>>,
    kind: PhantomData<fn() -> R>,
}

impl<R, S: HttpService> Collection<R, S> {
    /// Creates a handle for the collection under `parent`, without a default region.
    pub(crate) fn new(service: S, parent: ParentPath) -> Self {
        Self {
            service,
            parent,
            secrets: false,
            region: None,
            kind: PhantomData,
        }
    }

    /// Sets the default region of new resources.
    #[allow(dead_code, reason = "the features decide which kinds have a region")]
    pub(crate) fn in_region(mut self, region: Option<Arc<str>>) -> Self {
        self.region = region;
        self
    }

    /// Returns the collection of kind `N` that is nested under the resource named `name`.
    #[allow(
        dead_code,
        reason = "the features decide which kinds have nested collections"
    )]
    pub(crate) fn under<N>(&self, name: &str) -> Collection<N, S> {
        Collection::new(self.service.clone(), self.parent.join(name)).in_region(self.region.clone())
    }
}

impl<R: Secretive, S: HttpService> Collection<R, S> {
    /// Returns this handle with secrets unmasked in [`get`](Self::get), [`find`](Self::find) and
    /// [`modify`](Self::modify). Only an admin may read them.
    ///
    /// Lists and the other methods still mask secrets.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     sandboxes: blaxel_management::Collection<
    /// #         blaxel_management::sandboxes::Sandbox, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let sandbox = sandboxes.showing_secrets().get("code-runner").await?;
    /// for variable in sandbox.spec.runtime.unwrap_or_default().envs.unwrap_or_default() {
    ///     println!("{:?}: {}", variable.name, variable.value.unwrap_or_default().expose());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn showing_secrets(mut self) -> Self {
        self.secrets = true;
        self
    }
}

impl<R: Fetched, S: HttpService> Collection<R, S> {
    /// Returns the resource named `name` (`GET /agents/{agentName}` for agents).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let agent = agents.get("support-bot").await?;
    /// println!("{} is {:?}", agent.metadata.name, agent.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none; otherwise the error of the call.
    pub async fn get(&self, name: &str) -> Result<R, Error> {
        call(&self.service, &self.get_as::<R>(name)).await
    }

    /// Returns the resource named `name`, or `None` if there is none.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// match agents.find("support-bot").await? {
    ///     Some(agent) => println!("{:?}", agent.status),
    ///     None => println!("not deployed yet"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call, except "not found", which is reported as `Ok(None)`.
    pub async fn find(&self, name: &str) -> Result<Option<R>, Error> {
        absent_as_none(self.get(name).await)
    }

    /// Creates the operation that reads a resource as an `Output`.
    fn get_as<'a, Output>(&self, name: &'a str) -> Get<'a, R, Output> {
        Get::new(name)
            .within(&self.parent)
            .showing_secrets(self.secrets)
    }
}

impl<R: ExternallyNamed, S: HttpService> Collection<R, S> {
    /// Returns the newest resource with the external id `id`: an id from a system of your own
    /// (`GET /sandboxes/by-external-id/{externalId}` for sandboxes).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     sandboxes: blaxel_management::Collection<
    /// #         blaxel_management::sandboxes::Sandbox, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let sandbox = sandboxes.get_by_external_id("order-4711").await?;
    /// println!("{}", sandbox.metadata.name);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none; otherwise the error of the call.
    pub async fn get_by_external_id(&self, id: &str) -> Result<R, Error> {
        call(&self.service, &GetByExternalId::new(id)).await
    }

    /// Returns the newest resource with the external id `id`, or `None` if there is none.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     sandboxes: blaxel_management::Collection<
    /// #         blaxel_management::sandboxes::Sandbox, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// if sandboxes.find_by_external_id("order-4711").await?.is_none() {
    ///     println!("no sandbox for this order");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call, except "not found", which is reported as `Ok(None)`.
    pub async fn find_by_external_id(&self, id: &str) -> Result<Option<R>, Error> {
        absent_as_none(self.get_by_external_id(id).await)
    }
}

impl<R: Created, S: HttpService> Collection<R, S> {
    /// Creates a resource, and returns the stored version (`POST /agents` for agents).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::agents::Agent;
    ///
    /// let draft = Agent::new("support-bot").image("my-team/support-bot:1");
    /// let agent = agents.create(&draft).await?;
    /// println!("created at {:?}", agent.metadata.created_at);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if the name is taken; otherwise the error of the call.
    pub async fn create(&self, draft: &R::Draft) -> Result<R::Made, Error> {
        let draft = self.with_default_region(draft);
        call(
            &self.service,
            &Create::<R>::new(&draft).within(&self.parent),
        )
        .await
    }

    /// Returns the draft in the default region, unless it names a region.
    pub(crate) fn with_default_region<'a>(&self, draft: &'a R::Draft) -> Cow<'a, R::Draft> {
        let region = self.region.as_deref();
        match region.and_then(|region| R::with_region(draft, region)) {
            Some(with_region) => Cow::Owned(with_region),
            None => Cow::Borrowed(draft),
        }
    }
}

impl<R: Replaced, S: HttpService> Collection<R, S> {
    /// Replaces the whole resource of the same name, and returns the stored version
    /// (`PUT /agents/{agentName}` for agents).
    ///
    /// Members missing from `resource` are removed on the server, and so are members without a type in this
    /// SDK. To change a part of a resource, use [`modify`](Self::modify).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::agents::Agent;
    ///
    /// agents.replace(&Agent::new("support-bot").image("my-team/support-bot:2")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no resource of that name; otherwise the error of the call.
    pub async fn replace(&self, resource: &R) -> Result<R, Error> {
        let replace = Replace::<R, R>::new(resource.name(), resource).within(&self.parent);
        call(&self.service, &replace).await
    }
}

impl<R: Deleted, S: HttpService> Collection<R, S> {
    /// Deletes the resource named `name`, and returns the server's response: for most kinds the deleted
    /// resource (`DELETE /agents/{agentName}` for agents).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let deleted = agents.delete("support-bot").await?;
    /// println!("{} is {:?}", deleted.metadata.name, deleted.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none; otherwise the error of the call.
    pub async fn delete(&self, name: &str) -> Result<R::Response, Error> {
        call(&self.service, &Delete::<R>::new(name).within(&self.parent)).await
    }

    /// Deletes the resource named `name`, or returns `None` if there is none.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let existed = agents.delete_if_present("support-bot").await?.is_some();
    /// println!("{existed}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call, except "not found", which is reported as `Ok(None)`.
    pub async fn delete_if_present(&self, name: &str) -> Result<Option<R::Response>, Error> {
        absent_as_none(self.delete(name).await)
    }
}

impl<R: Revised, S: HttpService> Collection<R, S> {
    /// Returns the revisions of the resource named `name` (`GET /agents/{agentName}/revisions` for agents).
    /// The server keeps the last five.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for revision in agents.revisions("support-bot").await? {
    ///     println!("{:?} {:?}", revision.id, revision.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no resource of that name; otherwise the error of the call.
    pub async fn revisions(&self, name: &str) -> Result<Vec<R::Revision>, Error> {
        call(&self.service, &Revisions::<R>::new(name)).await
    }
}

/// Maps a "not found" error to `Ok(None)`.
pub(crate) fn absent_as_none<R>(outcome: Result<R, Error>) -> Result<Option<R>, Error> {
    match outcome {
        Ok(resource) => Ok(Some(resource)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

impl<R, S: Clone> Clone for Collection<R, S> {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            parent: self.parent.clone(),
            secrets: self.secrets,
            region: self.region.clone(),
            kind: PhantomData,
        }
    }
}

impl<R, S> fmt::Debug for Collection<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection")
            .field("of", &std::any::type_name::<R>())
            .field("under", &self.parent)
            .finish_non_exhaustive()
    }
}
