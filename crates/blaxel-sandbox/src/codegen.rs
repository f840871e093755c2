//! Edits and searches of code by models.

use std::fmt;

use blaxel_core::__private::{ErrorParts, lenient};
use blaxel_core::{
    Error, HttpService, Idempotency, OperationInfo, Plane, RequestWriter, Source, response,
};
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};

use crate::remote::{DataOperation, Remote};
use crate::sandbox::SandboxHandle;

/// Edits and searches of code in a sandbox by models. [`SandboxHandle::codegen`] returns it.
///
/// They need the key of a provider in the environment of the sandbox: `RELACE_API_KEY`, or `MORPH_API_KEY` for
/// edits only. Paths that begin with `/` are absolute, and all other ones are relative to the sandbox's working
/// directory, which is `.` itself.
#[derive(Clone)]
pub struct Codegen<S> {
    remote: Remote<S>,
}

impl<S: HttpService> SandboxHandle<S> {
    /// Returns a handle for edits and searches of code by models.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_sandbox::codegen::{CodeEdit, RankOptions};
    ///
    /// let codegen = sandbox.codegen();
    /// let found = codegen.rank("/app", &RankOptions::new("where is the port set?")).await?;
    /// if let Some(file) = found.first() {
    ///     let edit = CodeEdit::new("// ... existing code ...\nserver.listen(8000);");
    ///     codegen.apply_edit(&file.path, &edit).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn codegen(&self) -> Codegen<S> {
        Codegen {
            remote: self.remote().clone(),
        }
    }
}

impl<S: HttpService> Codegen<S> {
    /// Applies an edit to a file with the provider's model, and returns the file before and after it
    /// (`PUT /codegen/fastapply/{path}`). A file that does not exist is created.
    ///
    /// The call is never repeated by itself: a second edit would be applied to the result of the first one. A call
    /// that takes longer than a minute is ended by the platform, but the edit is still applied.
    ///
    /// # Errors
    ///
    /// The error of the call: 400 if no provider has a key or the path is a directory, 422 if the provider fails.
    /// [`Error::is_failed`] if the server reports a failure inside of a successful response.
    pub async fn apply_edit(&self, path: &str, edit: &CodeEdit) -> Result<AppliedEdit, Error> {
        let applied = self.remote.call(&ApplyEdit { path, edit }).await?;
        succeeded(applied.success, applied.message.as_deref())?;
        Ok(applied)
    }

    /// Returns the files below a directory that are most relevant for a question, most relevant first
    /// (`GET /codegen/reranking/{path}`).
    ///
    /// # Errors
    ///
    /// The error of the call: 400 if no provider has a key or the path is no directory, 503 if the provider has no
    /// model for it, 422 if the provider fails. [`Error::is_failed`] if the server reports a failure inside of a
    /// successful response.
    pub async fn rank(&self, path: &str, options: &RankOptions) -> Result<Vec<RankedFile>, Error> {
        let ranked = self.remote.call(&RankFiles { path, options }).await?;
        succeeded(ranked.success, ranked.message.as_deref())?;
        Ok(ranked.files)
    }
}

impl<S> fmt::Debug for Codegen<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Codegen").field(&self.remote).finish()
    }
}

/// An edit of a file: the changed parts, with the comment `// ... existing code ...` for unchanged code between
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct CodeEdit {
    code_edit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
}

impl CodeEdit {
    /// Creates an edit that the provider's default model applies.
    pub fn new(code: impl Into<String>) -> Self {
        Self {
            code_edit: code.into(),
            model: None,
        }
    }

    /// Sets the model. By default the provider chooses it.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }
}

/// A file to which an edit was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AppliedEdit {
    /// `true` if the edit was applied.
    #[serde(default, deserialize_with = "crate::lenient::flag")]
    pub success: Option<bool>,
    /// The path of the file.
    #[serde(default, deserialize_with = "lenient::text")]
    pub path: Option<String>,
    /// The content before the edit; empty for a new file.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub original_content: String,
    /// The content after the edit.
    pub updated_content: String,
    /// The provider whose model applied the edit.
    #[serde(default, deserialize_with = "lenient::text")]
    pub provider: Option<String>,
    /// The message of the server.
    #[serde(default, deserialize_with = "lenient::text")]
    pub message: Option<String>,
}

/// The options of [`Codegen::rank`].
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct RankOptions {
    query: String,
    score_threshold: Option<f64>,
    token_limit: Option<u32>,
    file_pattern: Option<String>,
}

impl RankOptions {
    /// Creates the options of a search for a question in natural language.
    pub fn new(query: impl Into<String>) -> Self {
        Self {
            query: query.into(),
            score_threshold: None,
            token_limit: None,
            file_pattern: None,
        }
    }

    /// Sets the minimum relevance of a file, from 0 to 1. The default is 0.5, also for 0.
    pub fn score_threshold(mut self, score: f64) -> Self {
        self.score_threshold = Some(score);
        self
    }

    /// Sets the maximum number of tokens of all files together. The default is 30,000, also for 0.
    pub fn token_limit(mut self, tokens: u32) -> Self {
        self.token_limit = Some(tokens);
        self
    }

    /// Sets a regular expression that the path or the name of a file matches, such as `.*\.ts$`. By default all
    /// files are searched.
    pub fn file_pattern(mut self, pattern: impl Into<String>) -> Self {
        self.file_pattern = Some(pattern.into());
        self
    }
}

/// A file and its relevance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RankedFile {
    /// The path of the file.
    pub path: String,
    /// The content of the file.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub content: String,
    /// The relevance, from 0 to 1.
    #[serde(default, deserialize_with = "crate::lenient::float")]
    pub score: Option<f64>,
}

/// Returns an error if the server reports a failure.
fn succeeded(success: Option<bool>, message: Option<&str>) -> Result<(), Error> {
    match success {
        Some(false) => Err(Error::failed(format!(
            "the server reports a failure: {}",
            message.unwrap_or("it gives no reason")
        ))),
        _ => Ok(()),
    }
}

/// Writes the path of a file below the path of an operation.
///
/// The server treats a path as absolute if one of its slashes is escaped. So those of an absolute path are
/// escaped, and those of a relative path are not.
fn write_path(request: &mut RequestWriter, prefix: &str, path: &str) -> Result<(), Error> {
    let problem = match path {
        "" => "it is empty; the working directory is `.`",
        "." => return request.below(&format!("{prefix}/")),
        _ if path.starts_with('/') => return request.path([path]),
        _ if path.starts_with('~') => "a leading `~` is not expanded; write an absolute path",
        _ if path.contains("%2F") => "it contains `%2F`; write an absolute path",
        _ => {
            let path = path.trim_start_matches("./");
            return request.below(&format!("{prefix}/{path}"));
        }
    };
    Err(Error::input("path", &Source::Code, problem))
}

/// Applies an edit: `PUT /codegen/fastapply/{path}`.
struct ApplyEdit<'a> {
    path: &'a str,
    edit: &'a CodeEdit,
}

impl DataOperation for ApplyEdit<'_> {
    type Output = AppliedEdit;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ApplyEdit", Method::PUT, "/codegen/fastapply/{path}")
            .with_plane(Plane::Run)
            .with_idempotency(Idempotency::None);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        write_path(request, "codegen/fastapply", self.path)?;
        request.json(self.edit)
    }

    fn read(response: &http::Response<Bytes>) -> Result<AppliedEdit, Error> {
        response::json(response)
    }
}

/// Ranks files: `GET /codegen/reranking/{path}`.
struct RankFiles<'a> {
    path: &'a str,
    options: &'a RankOptions,
}

/// The answer to a search.
#[derive(Deserialize)]
struct Ranked {
    #[serde(default, deserialize_with = "crate::lenient::flag")]
    success: Option<bool>,
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    files: Vec<RankedFile>,
    #[serde(default, deserialize_with = "lenient::text")]
    message: Option<String>,
}

impl DataOperation for RankFiles<'_> {
    type Output = Ranked;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("RankFiles", Method::GET, "/codegen/reranking/{path}")
            .with_plane(Plane::Run)
            .with_parameters(&["query", "scoreThreshold", "tokenLimit", "filePattern"]);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        write_path(request, "codegen/reranking", self.path)?;
        let options = self.options;
        request.query("query", &options.query);
        request.query_opt("scoreThreshold", options.score_threshold);
        request.query_opt("tokenLimit", options.token_limit);
        request.query_opt("filePattern", options.file_pattern.as_deref());
        Ok(())
    }

    fn read(response: &http::Response<Bytes>) -> Result<Ranked, Error> {
        response::json(response)
    }
}
