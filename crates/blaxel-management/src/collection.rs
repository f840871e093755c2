//! The handle on all resources of a kind.

use std::fmt;
use std::marker::PhantomData;

use blaxel_core::{Error, HttpService, Items, ListParams, Page, Pages, Source, call};
use serde_json::Value;

use crate::kind::Resource;
use crate::operations::{Create, Delete, Get, List, Replace};
use crate::patch::carry_over;

/// The resources of one kind in a workspace. It is got from [`Management`](crate::Management).
///
/// Every method runs one operation of the API, named after the kind: for agents `ListAgents`,
/// `CreateAgent` and so on.
pub struct Collection<R, S> {
    service: S,
    kind: PhantomData<fn() -> R>,
}

impl<R: Resource, S: HttpService> Collection<R, S> {
    pub(crate) fn new(service: S) -> Self {
        Self {
            service,
            kind: PhantomData,
        }
    }

    /// One page. It need not be all there is: see [`items`](Self::items).
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a limit of 0, else what the call failed with.
    pub async fn list(&self, params: ListParams) -> Result<Page<R>, Error> {
        call(&self.service, &List::new(params)).await
    }

    /// All pages, fetched one after the other as they are asked for.
    pub fn pages(&self, mut params: ListParams) -> Pages<Page<R>> {
        let start = params.take_cursor();
        Pages::of(self.service.clone(), start, move |cursor| {
            List::new(params.clone().cursor(cursor))
        })
    }

    /// All resources, one after the other; pages are fetched as they are needed.
    pub fn items(&self, params: ListParams) -> Items<Page<R>> {
        self.pages(params).items()
    }

    /// The resource of that name.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none.
    pub async fn get(&self, name: &str) -> Result<R, Error> {
        call(&self.service, &Get::<R>::new(name)).await
    }

    /// The resource of that name, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// What the call failed with otherwise.
    pub async fn find(&self, name: &str) -> Result<Option<R>, Error> {
        absent_as_none(self.get(name).await)
    }

    /// Makes a resource, and returns it as the server has it.
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if there is one of that name.
    pub async fn create(&self, resource: &R) -> Result<R, Error> {
        call(&self.service, &Create(resource)).await
    }

    /// Replaces all of the resource of the same name, and returns it as the server has it.
    ///
    /// What the new one leaves out is gone, and so is what this version of the SDK has no type for;
    /// to change a part, use [`modify`](Self::modify).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none of that name.
    pub async fn replace(&self, resource: &R) -> Result<R, Error> {
        let document = to_json(resource)?;
        call(
            &self.service,
            &Replace::<R>::new(resource.name(), &document),
        )
        .await
    }

    /// Reads a resource, lets a function change it, and writes back what it changed; everything else
    /// goes back as the server sent it, members without a type here included. If the function
    /// changes nothing, nothing is written.
    ///
    /// The API has no way to notice a change by somebody else in between: the last one wins.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none of that name; [`Error::is_input`] if the function
    /// changed the name, which is what the resource is kept under.
    pub async fn modify(&self, name: &str, change: impl FnOnce(&mut R)) -> Result<R, Error> {
        let document: Value = call(&self.service, &Get::<R, Value>::new(name)).await?;
        let mut resource: R = from_json(&document)?;
        let before = to_json(&resource)?;
        change(&mut resource);
        if resource.name() != name {
            let problem = "a name cannot be changed; create a second one and delete the first";
            return Err(Error::input("name", &Source::Code, problem));
        }
        let after = to_json(&resource)?;
        if before == after {
            return Ok(resource);
        }
        let document = carry_over(document, &before, after);
        call(&self.service, &Replace::<R>::new(name, &document)).await
    }

    /// Deletes the resource of that name, and returns it as it was.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none.
    pub async fn delete(&self, name: &str) -> Result<R, Error> {
        call(&self.service, &Delete::<R>::new(name)).await
    }

    /// Deletes the resource of that name, or returns `None` if there was none.
    ///
    /// # Errors
    ///
    /// What the call failed with otherwise.
    pub async fn delete_if_present(&self, name: &str) -> Result<Option<R>, Error> {
        absent_as_none(self.delete(name).await)
    }
}

fn absent_as_none<R>(outcome: Result<R, Error>) -> Result<Option<R>, Error> {
    match outcome {
        Ok(resource) => Ok(Some(resource)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn to_json<R: Resource>(resource: &R) -> Result<Value, Error> {
    serde_json::to_value(resource)
        .map_err(|problem| Error::input("resource", &Source::Code, problem))
}

fn from_json<R: Resource>(document: &Value) -> Result<R, Error> {
    R::deserialize(document)
        .map_err(|problem| Error::decode("the answer is not the expected JSON").caused_by(problem))
}

impl<R, S: Clone> Clone for Collection<R, S> {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            kind: PhantomData,
        }
    }
}

impl<R: Resource, S> fmt::Debug for Collection<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Collection")
            .field(&R::KIND.list.path())
            .finish()
    }
}
