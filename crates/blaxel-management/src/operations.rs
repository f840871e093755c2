//! The operations of the API as values.
//!
//! What is done alike with many kinds is an operation over the kind: [`List`], [`Get`], [`Create`] and
//! so on. What only one kind can do is an [`Action`], which [`Perform`] performs.

use std::borrow::Cow;
use std::marker::PhantomData;

use blaxel_core::{Error, ListParams, Operation, OperationInfo, Page, RequestWriter, response};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::kind::{Created, Deleted, ExternallyNamed, Fetched, Listed, Replaced, Revised};
use crate::resource::Document;
use crate::scope::Scope;

/// Lets operations be performed in a collection that lies under other resources.
macro_rules! within {
    ($([$($generics:tt)*] $name:ty;)+) => { $(
        impl<$($generics)*> $name {
            /// The same in the collection that lies there.
            #[must_use]
            pub fn within(mut self, scope: &Scope) -> Self {
                self.scope = scope.clone();
                self
            }
        }
    )+ };
}

within! {
    [R] List<R>;
    ['a, R: Created] Create<'a, R>;
    ['a, R, Output] Get<'a, R, Output>;
    ['a, R, Document] Replace<'a, R, Document>;
    ['a, R] Delete<'a, R>;
}

/// Lists a page of a kind: `ListAgents`, `ListVPCs` ...
#[derive(Clone, Debug)]
pub struct List<R> {
    scope: Scope,
    params: ListParams,
    kind: PhantomData<fn() -> R>,
}

impl<R> List<R> {
    /// Creates the operation with the parameters of the page.
    #[must_use]
    pub fn new(params: ListParams) -> Self {
        Self {
            scope: Scope::top(),
            params,
            kind: PhantomData,
        }
    }
}

impl<R: Listed> Operation for List<R> {
    type Output = Page<R::Item>;
    const INFO: &'static OperationInfo = &R::LIST;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path(self.scope.names())?;
        self.params.write(request)
    }

    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        response::json(response)
    }
}

/// Makes a resource: `CreateAgent`, `CreateModel` ...
#[derive(Debug)]
pub struct Create<'a, R: Created> {
    scope: Scope,
    draft: &'a R::Draft,
}

impl<'a, R: Created> Create<'a, R> {
    /// One as drafted.
    #[must_use]
    pub fn new(draft: &'a R::Draft) -> Self {
        Self {
            scope: Scope::top(),
            draft,
        }
    }
}

impl<R: Created> Operation for Create<'_, R> {
    type Output = R::Made;
    const INFO: &'static OperationInfo = &R::CREATE;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path(self.scope.names())?;
        request.json(self.draft)
    }

    fn read(response: &http::Response<Bytes>) -> Result<R::Made, Error> {
        response::json(response)
    }
}

/// Reads a resource by name, into its type or into bare JSON: `GetAgent`, `GetModel` ...
#[derive(Clone, Debug)]
pub struct Get<'a, R, Output = R> {
    scope: Scope,
    name: &'a str,
    secrets: bool,
    kind: PhantomData<fn() -> (R, Output)>,
}

impl<'a, R, Output> Get<'a, R, Output> {
    /// The resource of that name.
    #[must_use]
    pub fn new(name: &'a str) -> Self {
        Self {
            scope: Scope::top(),
            name,
            secrets: false,
            kind: PhantomData,
        }
    }

    /// With its secrets unmasked, which only an admin may see.
    #[must_use]
    pub fn showing_secrets(mut self, shown: bool) -> Self {
        self.secrets = shown;
        self
    }
}

impl<R: Fetched, Output: DeserializeOwned> Operation for Get<'_, R, Output> {
    type Output = Output;
    const INFO: &'static OperationInfo = &R::GET;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path(self.scope.names().chain([self.name]))?;
        request.query_opt("show_secrets", self.secrets.then_some(true));
        Ok(())
    }

    fn read(response: &http::Response<Bytes>) -> Result<Output, Error> {
        response::json(response)
    }
}

/// Replaces all of a resource by a document: `UpdateAgent`, `UpdateModel` ...
#[derive(Clone, Debug)]
pub struct Replace<'a, R, Document = Value> {
    scope: Scope,
    name: &'a str,
    document: &'a Document,
    kind: PhantomData<fn() -> R>,
}

impl<'a, R, Document> Replace<'a, R, Document> {
    /// The resource of that name becomes what the document says.
    #[must_use]
    pub fn new(name: &'a str, document: &'a Document) -> Self {
        Self {
            scope: Scope::top(),
            name,
            document,
            kind: PhantomData,
        }
    }
}

impl<R: Replaced, Document: Serialize> Operation for Replace<'_, R, Document> {
    type Output = R;
    const INFO: &'static OperationInfo = &R::REPLACE;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path(self.scope.names().chain([self.name]))?;
        request.json(self.document)
    }

    fn read(response: &http::Response<Bytes>) -> Result<R, Error> {
        response::json(response)
    }
}

/// Deletes a resource by name: `DeleteAgent`, `DeleteModel` ...
#[derive(Clone, Debug)]
pub struct Delete<'a, R> {
    scope: Scope,
    name: &'a str,
    kind: PhantomData<fn() -> R>,
}

impl<'a, R> Delete<'a, R> {
    /// The resource of that name.
    #[must_use]
    pub fn new(name: &'a str) -> Self {
        Self {
            scope: Scope::top(),
            name,
            kind: PhantomData,
        }
    }
}

impl<R: Deleted> Operation for Delete<'_, R> {
    type Output = R::Answer;
    const INFO: &'static OperationInfo = &R::DELETE;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path(self.scope.names().chain([self.name]))
    }

    fn read(response: &http::Response<Bytes>) -> Result<R::Answer, Error> {
        R::read(response)
    }
}

/// Lists the revisions of a resource: `ListAgentRevisions`, `ListModelRevisions` ...
#[derive(Clone, Debug)]
pub struct Revisions<'a, R> {
    name: &'a str,
    kind: PhantomData<fn() -> R>,
}

impl<'a, R> Revisions<'a, R> {
    /// Those of the resource of that name.
    #[must_use]
    pub fn new(name: &'a str) -> Self {
        Self {
            name,
            kind: PhantomData,
        }
    }
}

impl<R: Revised> Operation for Revisions<'_, R> {
    type Output = Vec<R::Revision>;
    const INFO: &'static OperationInfo = &R::REVISIONS;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.name])
    }

    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        json_or_default(response)
    }
}

/// Reads a resource by an id in a system of the user's own: `GetSandboxByExternalId` ...
#[derive(Clone, Debug)]
pub struct GetByExternalId<'a, R> {
    id: &'a str,
    kind: PhantomData<fn() -> R>,
}

impl<'a, R> GetByExternalId<'a, R> {
    /// The newest one with that id.
    #[must_use]
    pub fn new(id: &'a str) -> Self {
        Self {
            id,
            kind: PhantomData,
        }
    }
}

impl<R: ExternallyNamed> Operation for GetByExternalId<'_, R> {
    type Output = R;
    const INFO: &'static OperationInfo = &R::BY_EXTERNAL_ID;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.id])
    }

    fn read(response: &http::Response<Bytes>) -> Result<R, Error> {
        response::json(response)
    }
}

/// Reads a list or a map; a `null` is what some servers send where there is nothing in it.
pub(crate) fn json_or_default<T: DeserializeOwned + Default>(
    response: &http::Response<Bytes>,
) -> Result<T, Error> {
    response::json::<Option<T>>(response).map(Option::unwrap_or_default)
}

/// Something that only one kind can do.
pub trait Action: Send + Sync + 'static {
    /// What is fixed about it.
    const INFO: OperationInfo;
    /// What is sent as the body; `()` where nothing is.
    type Input: Serialize + ?Sized + Sync;
    /// What comes back; `()` where nothing does.
    type Output: Document;

    /// Reads what comes back.
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if it is not what was expected.
    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        response::json(response)
    }
}

/// An [`Action`] with its arguments.
#[derive(Debug)]
pub struct Perform<'a, A: Action> {
    path: Vec<Cow<'a, str>>,
    query: Vec<(&'static str, Cow<'a, str>)>,
    input: Option<&'a A::Input>,
}

impl<'a, A: Action> Perform<'a, A> {
    /// The action with these parameters of its path, in their order.
    pub fn on<N: Into<Cow<'a, str>>>(path: impl IntoIterator<Item = N>) -> Self {
        Self {
            path: path.into_iter().map(Into::into).collect(),
            query: Vec::new(),
            input: None,
        }
    }

    /// The action whose path has no parameters.
    #[must_use]
    pub fn new() -> Self {
        Self::on::<&str>([])
    }

    /// With a query parameter.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// With a query parameter, if there is a value.
    #[must_use]
    pub fn query_opt(self, name: &'static str, value: Option<impl Into<Cow<'a, str>>>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// With a query parameter that says yes; without it if the answer is no.
    #[must_use]
    pub fn flag(self, name: &'static str, set: bool) -> Self {
        self.query_opt(name, set.then_some("true"))
    }

    /// With a body.
    #[must_use]
    pub fn input(mut self, input: &'a A::Input) -> Self {
        self.input = Some(input);
        self
    }
}

impl<A: Action> Default for Perform<'_, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Action> Operation for Perform<'_, A> {
    type Output = A::Output;
    const INFO: &'static OperationInfo = &A::INFO;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path(self.path.iter().map(AsRef::as_ref))?;
        for (name, value) in &self.query {
            request.query(name, value);
        }
        match self.input {
            Some(input) => request.json(input),
            None => Ok(()),
        }
    }

    fn read(response: &http::Response<Bytes>) -> Result<A::Output, Error> {
        A::read(response)
    }
}
