//! Contexts: the kernels of a code interpreter.

use blaxel_core::__private::lenient::text;
use blaxel_core::{Error, HttpService, OperationInfo, Plane, RequestWriter, response};
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};

use super::CodeInterpreter;
use crate::remote::DataOperation;

/// A context: a kernel of one language, with its own variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InterpreterContext {
    /// The id of the context.
    pub id: String,
    /// The language, such as `python`.
    #[serde(default, deserialize_with = "text")]
    pub language: Option<String>,
    /// The working directory at the start.
    #[serde(default, deserialize_with = "text")]
    pub cwd: Option<String>,
}

/// The options of a new context.
///
/// ```
/// use blaxel_sandbox::interpreter::ContextOptions;
///
/// let options = ContextOptions::new().language("javascript").cwd("/app/src");
/// # let _ = options;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[must_use]
pub struct ContextOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cwd: Option<String>,
}

impl ContextOptions {
    /// Creates the options of a context for Python in the directory `/app`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the language: `python`, `javascript`, `typescript`, `bash`, or another one of the image. The default is
    /// `python`.
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    /// Sets the working directory. The default is `/app`.
    pub fn cwd(mut self, path: impl Into<String>) -> Self {
        self.cwd = Some(path.into());
        self
    }
}

impl<S: HttpService> CodeInterpreter<S> {
    /// Returns the contexts (`GET /port/8888/contexts`). Those that runs without a context use are among them.
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn contexts(&self) -> Result<Vec<InterpreterContext>, Error> {
        self.remote.call(&ListContexts).await
    }

    /// Creates a context (`POST /port/8888/contexts`).
    ///
    /// With the feature `wait`, the call waits for a kernel that is still starting; see `start_limit`.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(interpreter: blaxel_sandbox::CodeInterpreter<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_sandbox::interpreter::ContextOptions;
    ///
    /// let context = interpreter.create_context(&ContextOptions::new()).await?;
    /// interpreter.run("x = 1").context(&context.id).output().await?;
    /// let execution = interpreter.run("x + 1").context(&context.id).output().await?;
    /// assert_eq!(execution.text(), Some("2"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call: 400 for a language without a kernel, 503 for a kernel that has not started in time.
    pub async fn create_context(
        &self,
        options: &ContextOptions,
    ) -> Result<InterpreterContext, Error> {
        let create = CreateContext { options };
        self.patience.call(|| self.remote.call(&create)).await
    }

    /// Restarts the kernel of a context, which ends a run in it and forgets its variables
    /// (`POST /port/8888/contexts/{contextId}/restart`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such context; otherwise the error of the call.
    pub async fn restart_context(&self, id: &str) -> Result<(), Error> {
        self.remote.call(&RestartContext { id }).await
    }

    /// Deletes a context, and ends a run in it (`DELETE /port/8888/contexts/{contextId}`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such context; otherwise the error of the call.
    pub async fn delete_context(&self, id: &str) -> Result<(), Error> {
        self.remote.call(&DeleteContext { id }).await
    }
}

/// Lists the contexts: `GET /port/8888/contexts`.
struct ListContexts;

impl DataOperation for ListContexts {
    type Output = Vec<InterpreterContext>;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ListContexts", Method::GET, "/port/8888/contexts")
            .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([])
    }

    fn read(response: &http::Response<Bytes>) -> Result<Vec<InterpreterContext>, Error> {
        response::json(response)
    }
}

/// Creates a context: `POST /port/8888/contexts`.
struct CreateContext<'a> {
    options: &'a ContextOptions,
}

impl DataOperation for CreateContext<'_> {
    type Output = InterpreterContext;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("CreateContext", Method::POST, "/port/8888/contexts")
            .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([])?;
        request.json(self.options)
    }

    fn read(response: &http::Response<Bytes>) -> Result<InterpreterContext, Error> {
        response::json(response)
    }
}

/// Restarts a context: `POST /port/8888/contexts/{contextId}/restart`.
struct RestartContext<'a> {
    id: &'a str,
}

impl DataOperation for RestartContext<'_> {
    type Output = ();
    // A second request would end what was run after the first one.
    const INFO: &'static OperationInfo = &OperationInfo::new(
        "RestartContext",
        Method::POST,
        "/port/8888/contexts/{contextId}/restart",
    )
    .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.id])
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Deletes a context: `DELETE /port/8888/contexts/{contextId}`.
struct DeleteContext<'a> {
    id: &'a str,
}

impl DataOperation for DeleteContext<'_> {
    type Output = ();
    const INFO: &'static OperationInfo = &OperationInfo::new(
        "DeleteContext",
        Method::DELETE,
        "/port/8888/contexts/{contextId}",
    )
    .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.id])
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}
