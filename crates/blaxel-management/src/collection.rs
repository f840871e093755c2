//! The handle for the resources of a kind.

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
use crate::scope::Scope;

/// A handle for the resources of one kind: those of a workspace, or those under another resource.
/// [`Management`](crate::Management) returns it, or the collection of the parent.
///
/// It has a method for each operation that the API has for the kind. The operations are named after
/// the kind: for agents `ListAgents`, `CreateAgent` and so on.
pub struct Collection<R, S> {
    pub(crate) service: S,
    pub(crate) scope: Scope,
    secrets: bool,
    /// The region of new resources that name none.
    region: Option<Arc<str>>,
    kind: PhantomData<fn() -> R>,
}

impl<R, S: HttpService> Collection<R, S> {
    pub(crate) fn new(service: S, scope: Scope) -> Self {
        Self {
            service,
            scope,
            secrets: false,
            region: None,
            kind: PhantomData,
        }
    }

    /// Sets the region of new resources that name none.
    #[allow(
        dead_code,
        reason = "which kinds have a region is a matter of features"
    )]
    pub(crate) fn in_region(mut self, region: Option<Arc<str>>) -> Self {
        self.region = region;
        self
    }

    /// Returns the collection of another kind under a resource of this one.
    #[allow(
        dead_code,
        reason = "which kinds have others under them is a matter of features"
    )]
    pub(crate) fn under<N>(&self, name: &str) -> Collection<N, S> {
        Collection::new(self.service.clone(), self.scope.and(name)).in_region(self.region.clone())
    }
}

impl<R: Secretive, S: HttpService> Collection<R, S> {
    /// Unmasks secrets in resources that are read one by one. Only an admin may read them.
    #[must_use]
    pub fn showing_secrets(mut self) -> Self {
        self.secrets = true;
        self
    }
}

impl<R: Fetched, S: HttpService> Collection<R, S> {
    /// Returns the resource of that name.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none.
    pub async fn get(&self, name: &str) -> Result<R, Error> {
        call(&self.service, &self.get_as::<R>(name)).await
    }

    /// Returns the resource of that name, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// The error of the call otherwise.
    pub async fn find(&self, name: &str) -> Result<Option<R>, Error> {
        absent_as_none(self.get(name).await)
    }

    fn get_as<'a, Output>(&self, name: &'a str) -> Get<'a, R, Output> {
        Get::new(name)
            .within(&self.scope)
            .showing_secrets(self.secrets)
    }
}

impl<R: ExternallyNamed, S: HttpService> Collection<R, S> {
    /// Returns the newest resource with that external id: an id in a system of the user's own.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none.
    pub async fn get_by_external_id(&self, id: &str) -> Result<R, Error> {
        call(&self.service, &GetByExternalId::new(id)).await
    }

    /// Returns the newest resource with that external id, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// The error of the call otherwise.
    pub async fn find_by_external_id(&self, id: &str) -> Result<Option<R>, Error> {
        absent_as_none(self.get_by_external_id(id).await)
    }
}

impl<R: Created, S: HttpService> Collection<R, S> {
    /// Creates a resource, and returns it as the server stored it.
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if there is one of that name.
    pub async fn create(&self, draft: &R::Draft) -> Result<R::Made, Error> {
        let draft = self.placed(draft);
        call(&self.service, &Create::<R>::new(&draft).within(&self.scope)).await
    }

    /// Returns the draft, with the default region if it names none.
    pub(crate) fn placed<'a>(&self, draft: &'a R::Draft) -> Cow<'a, R::Draft> {
        let region = self.region.as_deref();
        match region.and_then(|region| R::with_region(draft, region)) {
            Some(placed) => Cow::Owned(placed),
            None => Cow::Borrowed(draft),
        }
    }
}

impl<R: Replaced, S: HttpService> Collection<R, S> {
    /// Replaces the whole resource of the same name, and returns it as the server stored it.
    ///
    /// Members that the new one leaves out are removed, and so are members without a type in this SDK;
    /// to change a part, use [`modify`](Self::modify).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none of that name.
    pub async fn replace(&self, resource: &R) -> Result<R, Error> {
        let replace = Replace::<R, R>::new(resource.name(), resource).within(&self.scope);
        call(&self.service, &replace).await
    }
}

impl<R: Deleted, S: HttpService> Collection<R, S> {
    /// Deletes the resource of that name, and returns the server's response: mostly the resource as it
    /// was.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none.
    pub async fn delete(&self, name: &str) -> Result<R::Answer, Error> {
        call(&self.service, &Delete::<R>::new(name).within(&self.scope)).await
    }

    /// Deletes the resource of that name, or returns `None` if there was none.
    ///
    /// # Errors
    ///
    /// The error of the call otherwise.
    pub async fn delete_if_present(&self, name: &str) -> Result<Option<R::Answer>, Error> {
        absent_as_none(self.delete(name).await)
    }
}

impl<R: Revised, S: HttpService> Collection<R, S> {
    /// Returns the revisions of a resource. The server keeps the last five.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no resource of that name.
    pub async fn revisions(&self, name: &str) -> Result<Vec<R::Revision>, Error> {
        call(&self.service, &Revisions::<R>::new(name)).await
    }
}

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
            scope: self.scope.clone(),
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
            .field("under", &self.scope)
            .finish_non_exhaustive()
    }
}
