//! The operations on a kind of resource, as values.

use std::marker::PhantomData;

use blaxel_core::{Error, ListParams, Operation, OperationInfo, Page, RequestWriter, response};
use bytes::Bytes;
use serde_json::Value;

use crate::kind::Resource;

/// Lists one page of a kind: `ListAgents`, `ListModels` ...
#[derive(Clone, Debug)]
pub struct List<R> {
    params: ListParams,
    kind: PhantomData<fn() -> R>,
}

impl<R> List<R> {
    /// The page that the parameters name.
    #[must_use]
    pub fn new(params: ListParams) -> Self {
        Self {
            params,
            kind: PhantomData,
        }
    }
}

impl<R: Resource> Operation for List<R> {
    type Output = Page<R>;
    const INFO: &'static OperationInfo = &R::KIND.list;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.params.write(request)
    }

    fn read(response: &http::Response<Bytes>) -> Result<Page<R>, Error> {
        response::json(response)
    }
}

/// Makes a resource: `CreateAgent`, `CreateModel` ...
#[derive(Clone, Copy, Debug)]
pub struct Create<'a, R>(pub &'a R);

impl<R: Resource> Operation for Create<'_, R> {
    type Output = R;
    const INFO: &'static OperationInfo = &R::KIND.create;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.json(self.0)
    }

    fn read(response: &http::Response<Bytes>) -> Result<R, Error> {
        response::json(response)
    }
}

/// Reads a resource by name, into its type or into bare JSON: `GetAgent`, `GetModel` ...
#[derive(Clone, Copy, Debug)]
pub struct Get<'a, R, Output = R> {
    name: &'a str,
    kind: PhantomData<fn() -> (R, Output)>,
}

impl<'a, R, Output> Get<'a, R, Output> {
    /// The resource of that name.
    #[must_use]
    pub fn new(name: &'a str) -> Self {
        Self {
            name,
            kind: PhantomData,
        }
    }
}

impl<R: Resource, Output: serde::de::DeserializeOwned> Operation for Get<'_, R, Output> {
    type Output = Output;
    const INFO: &'static OperationInfo = &R::KIND.get;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.name])
    }

    fn read(response: &http::Response<Bytes>) -> Result<Output, Error> {
        response::json(response)
    }
}

/// Replaces all of a resource by a document: `UpdateAgent`, `UpdateModel` ...
#[derive(Clone, Copy, Debug)]
pub struct Replace<'a, R> {
    name: &'a str,
    document: &'a Value,
    kind: PhantomData<fn() -> R>,
}

impl<'a, R> Replace<'a, R> {
    /// The resource of that name becomes what the document says.
    #[must_use]
    pub fn new(name: &'a str, document: &'a Value) -> Self {
        Self {
            name,
            document,
            kind: PhantomData,
        }
    }
}

impl<R: Resource> Operation for Replace<'_, R> {
    type Output = R;
    const INFO: &'static OperationInfo = &R::KIND.replace;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.name])?;
        request.json(self.document)
    }

    fn read(response: &http::Response<Bytes>) -> Result<R, Error> {
        response::json(response)
    }
}

/// Deletes a resource by name: `DeleteAgent`, `DeleteModel` ...
#[derive(Clone, Copy, Debug)]
pub struct Delete<'a, R> {
    name: &'a str,
    kind: PhantomData<fn() -> R>,
}

impl<'a, R> Delete<'a, R> {
    /// The resource of that name.
    #[must_use]
    pub fn new(name: &'a str) -> Self {
        Self {
            name,
            kind: PhantomData,
        }
    }
}

impl<R: Resource> Operation for Delete<'_, R> {
    type Output = R;
    const INFO: &'static OperationInfo = &R::KIND.delete;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.name])
    }

    fn read(response: &http::Response<Bytes>) -> Result<R, Error> {
        response::json(response)
    }
}
