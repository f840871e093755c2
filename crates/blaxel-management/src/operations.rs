//! The operations of the API as values, for use with [`blaxel_core::call`] over a service of your own.
//!
//! Operations that many kinds share are generic over the kind: [`List`], [`Get`], [`Create`] and so on.
//! An operation of a single kind is an [`Action`], wrapped in [`Perform`]. The methods of
//! [`Collection`](crate::Collection) cover the same operations and need none of these types.
//!
//! ```no_run
//! # async fn example(client: impl blaxel_core::HttpService) -> Result<(), blaxel_core::Error> {
//! use blaxel_core::call;
//! use blaxel_management::agents::Agent;
//! use blaxel_management::operations::Get;
//!
//! let agent = call(&client, &Get::<Agent>::new("support-bot")).await?;
//! println!("{:?}", agent.status);
//! # Ok(())
//! # }
//! ```

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use blaxel_core::{Error, ListParams, Operation, OperationInfo, Page, RequestWriter, response};
use bytes::Bytes;
use http::HeaderName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::kind::{Created, Deleted, ExternallyNamed, Fetched, Listed, Replaced, Revised};
use crate::parent_path::ParentPath;
use crate::resource::Document;

/// Adds `within` to operations, for nested collections.
macro_rules! within {
    ($([$($generics:tt)*] $name:ty;)+) => { $(
        impl<$($generics)*> $name {
            /// Sets the parent path of a nested collection. The default is the empty path.
            #[must_use]
            pub fn within(mut self, parent: &ParentPath) -> Self {
                self.parent = parent.clone();
                self
            }
        }
    )+ };
}

within! {
    [R] List<R>;
    ['a, R: Created, Document] Create<'a, R, Document>;
    ['a, R, Output] Get<'a, R, Output>;
    ['a, R, Document] Replace<'a, R, Document>;
    ['a, R] Delete<'a, R>;
}

/// Lists one page of resources: `ListAgents`, `ListVPCs` ...
#[derive(Clone, Debug)]
pub struct List<R> {
    parent: ParentPath,
    params: ListParams,
    kind: PhantomData<fn() -> R>,
}

impl<R> List<R> {
    /// Creates the operation from the parameters that select the page.
    #[must_use]
    pub fn new(params: ListParams) -> Self {
        Self {
            parent: ParentPath::root(),
            params,
            kind: PhantomData,
        }
    }
}

impl<R: Listed> Operation for List<R> {
    type Output = Page<R::Item>;
    const INFO: &'static OperationInfo = &R::LIST;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path(self.parent.names())?;
        self.params.write(request)
    }

    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        response::json(response)
    }
}

/// Creates a resource from a document: `CreateAgent`, `CreateModel` ...
///
/// The `Debug` output does not contain the document, which may contain secrets.
#[derive(Clone)]
pub struct Create<'a, R: Created, Document = <R as Created>::Draft> {
    parent: ParentPath,
    draft: &'a Document,
    kind: PhantomData<fn() -> R>,
}

impl<'a, R: Created, Document> Create<'a, R, Document> {
    /// Creates the operation from the request body.
    #[must_use]
    pub fn new(draft: &'a Document) -> Self {
        Self {
            parent: ParentPath::root(),
            draft,
            kind: PhantomData,
        }
    }
}

impl<R: Created, Document: Serialize> Operation for Create<'_, R, Document> {
    type Output = R::Made;
    const INFO: &'static OperationInfo = &R::CREATE;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path(self.parent.names())?;
        request.json(self.draft)
    }

    fn read(response: &http::Response<Bytes>) -> Result<R::Made, Error> {
        resource(response)
    }
}

impl<R: Created, Document> fmt::Debug for Create<'_, R, Document> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Create")
            .field("parent", &self.parent)
            .finish_non_exhaustive()
    }
}

/// Reads a resource by name: `GetAgent`, `GetModel` ...
///
/// `Output` is the type of the decoded response: the resource type by default, or
/// [`serde_json::Value`] for untyped JSON.
#[derive(Clone, Debug)]
pub struct Get<'a, R, Output = R> {
    parent: ParentPath,
    name: &'a str,
    secrets: bool,
    kind: PhantomData<fn() -> (R, Output)>,
}

impl<'a, R, Output> Get<'a, R, Output> {
    /// Creates the operation for the resource named `name`.
    #[must_use]
    pub fn new(name: &'a str) -> Self {
        Self {
            parent: ParentPath::root(),
            name,
            secrets: false,
            kind: PhantomData,
        }
    }

    /// Sets whether secrets are returned in plain text rather than masked. Only an admin may request them.
    /// The default is `false`.
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
        request.path(self.parent.names().chain([self.name]))?;
        request.query_opt("show_secrets", self.secrets.then_some(true));
        Ok(())
    }

    fn read(response: &http::Response<Bytes>) -> Result<Output, Error> {
        resource(response)
    }
}

/// Replaces a whole resource by a document: `UpdateAgent`, `UpdateModel` ...
///
/// The `Debug` output does not contain the document, which may contain secrets.
#[derive(Clone)]
pub struct Replace<'a, R, Document = Value> {
    parent: ParentPath,
    name: &'a str,
    document: &'a Document,
    kind: PhantomData<fn() -> R>,
}

impl<'a, R, Document> Replace<'a, R, Document> {
    /// Creates the operation that replaces the resource named `name` by `document`.
    #[must_use]
    pub fn new(name: &'a str, document: &'a Document) -> Self {
        Self {
            parent: ParentPath::root(),
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
        request.path(self.parent.names().chain([self.name]))?;
        request.json(self.document)
    }

    fn read(response: &http::Response<Bytes>) -> Result<R, Error> {
        resource(response)
    }
}

impl<R, Document> fmt::Debug for Replace<'_, R, Document> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replace")
            .field("parent", &self.parent)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Deletes a resource by name: `DeleteAgent`, `DeleteModel` ...
#[derive(Clone, Debug)]
pub struct Delete<'a, R> {
    parent: ParentPath,
    name: &'a str,
    kind: PhantomData<fn() -> R>,
}

impl<'a, R> Delete<'a, R> {
    /// Creates the operation for the resource named `name`.
    #[must_use]
    pub fn new(name: &'a str) -> Self {
        Self {
            parent: ParentPath::root(),
            name,
            kind: PhantomData,
        }
    }
}

impl<R: Deleted> Operation for Delete<'_, R> {
    type Output = R::Response;
    const INFO: &'static OperationInfo = &R::DELETE;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path(self.parent.names().chain([self.name]))
    }

    fn read(response: &http::Response<Bytes>) -> Result<R::Response, Error> {
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
    /// Creates the operation for the resource named `name`.
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

/// Reads the newest resource with an external id: `GetSandboxByExternalId` ...
#[derive(Clone, Debug)]
pub struct GetByExternalId<'a, R> {
    id: &'a str,
    kind: PhantomData<fn() -> R>,
}

impl<'a, R> GetByExternalId<'a, R> {
    /// Creates the operation for the external id `id`.
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
        resource(response)
    }
}

/// Decodes one resource. A list is refused: the derived decoder of a struct takes one for its members in order.
fn resource<T: DeserializeOwned>(response: &http::Response<Bytes>) -> Result<T, Error> {
    let first = response
        .body()
        .iter()
        .find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        return Err(Error::decode(
            "the response is a list; expected one resource",
        ));
    }
    response::json(response)
}

/// Decodes a list or a map. `null`, which some servers send for an empty one, is decoded as empty.
pub(crate) fn json_or_default<T: DeserializeOwned + Default>(
    response: &http::Response<Bytes>,
) -> Result<T, Error> {
    response::json::<Option<T>>(response).map(Option::unwrap_or_default)
}

/// An operation that only one kind has.
pub trait Action: Send + Sync + 'static {
    /// The description of the operation: name, method, path, idempotency.
    const INFO: OperationInfo;
    /// The type of the request body; `()` if there is none.
    type Input: Serialize + ?Sized + Sync;
    /// The type of the response; `()` if the response has no body.
    type Output: Document;

    /// Decodes the response.
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if the body is not a document of the expected type.
    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        response::json(response)
    }
}

/// An [`Action`] with its arguments: path parameters, query parameters and body.
///
/// ```
/// use blaxel_core::{Error, Operation};
/// use blaxel_management::operations::Perform;
/// use blaxel_management::sandboxes::{CreatePreview, Preview};
///
/// let preview = Preview::of_port("web", 3000);
/// let create = Perform::<CreatePreview>::on(["code-runner"]).flag("force", true).input(&preview);
/// let uri = create.encode()?.uri().to_string();
/// assert_eq!(uri, "blaxel://control/sandboxes/code-runner/previews?force=true");
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Perform<'a, A: Action> {
    path: Vec<Cow<'a, str>>,
    query: Vec<(&'static str, Cow<'a, str>)>,
    headers: Vec<(HeaderName, Cow<'a, str>)>,
    input: Option<&'a A::Input>,
}

impl<'a, A: Action> Perform<'a, A> {
    /// Creates the operation with the parameters of its path, in order.
    pub fn on<N: Into<Cow<'a, str>>>(path: impl IntoIterator<Item = N>) -> Self {
        Self {
            path: path.into_iter().map(Into::into).collect(),
            query: Vec::new(),
            headers: Vec::new(),
            input: None,
        }
    }

    /// Creates the operation for a path without parameters.
    #[must_use]
    pub fn new() -> Self {
        Self::on::<&str>([])
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a query parameter if there is a value.
    #[must_use]
    pub fn query_opt(self, name: &'static str, value: Option<impl Into<Cow<'a, str>>>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds the query parameter `name=true` if `set` is `true`.
    #[must_use]
    pub fn flag(self, name: &'static str, set: bool) -> Self {
        self.query_opt(name, set.then_some("true"))
    }

    /// Sets a request header. A credential does not belong here: headers are part of the `Debug` output.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl Into<Cow<'a, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets the request body. No body by default.
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
        for (name, value) in &self.headers {
            request.header(name.clone(), value)?;
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
