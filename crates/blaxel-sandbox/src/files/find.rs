//! Finding files by their names.

use std::fmt;
use std::future::IntoFuture;

use blaxel_core::__private::lenient;
use blaxel_core::{BoxFuture, Error, HttpService, OperationInfo, Plane, RequestWriter, response};
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};

use super::exclude::{Excluded, comma_list};
use super::locate::Place;
use super::mode::FileType;
use super::path::RemotePath;
use super::problem::about;
use crate::remote::DataOperation;

/// The largest number of results that the server limits itself to.
const MAX_LIMIT: usize = 1000;

/// A file or directory that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FoundFile {
    /// The path: that of the searched directory as it was given, and the path below it.
    pub path: String,
    /// The type: a file or a directory.
    #[serde(rename = "type", default = "file")]
    pub file_type: FileType,
}

fn file() -> FileType {
    FileType::File
}

#[derive(Deserialize)]
pub(crate) struct Found {
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    matches: Vec<FoundFile>,
}

/// A search for files by their names, created by [`Files::find`](super::Files::find). Await it for the result.
///
/// By default it finds regular files, none of them hidden, outside of
/// [`DEFAULT_EXCLUDED_DIRS`](super::DEFAULT_EXCLUDED_DIRS).
#[must_use = "nothing is sent until it is awaited"]
pub struct Find<S> {
    place: Place<S>,
    path: String,
    directories: bool,
    patterns: Vec<String>,
    limit: Option<usize>,
    excluded: Excluded,
    hidden: bool,
}

impl<S: HttpService> Find<S> {
    pub(crate) fn new(place: Place<S>, path: &str) -> Self {
        Self {
            place,
            path: path.to_owned(),
            directories: false,
            patterns: Vec::new(),
            limit: None,
            excluded: Excluded::default(),
            hidden: false,
        }
    }

    /// Finds directories instead of files. Patterns do not apply to them.
    pub fn directories(mut self) -> Self {
        self.directories = true;
        self
    }

    /// Sets the patterns of which a file's name must match one, such as `*.rs`. `*` and `?` stand for characters
    /// of a name, and `[a-z]` for one of a class. By default every name matches.
    pub fn patterns<T: Into<String>>(mut self, patterns: impl IntoIterator<Item = T>) -> Self {
        self.patterns = patterns.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the maximum number of results. By default there is none.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sets the names of the directories to skip, wherever they are. The searched directory itself is never
    /// skipped.
    pub fn exclude_dirs<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.excluded = Excluded::new(names);
        self
    }

    /// Sets whether files and directories whose names begin with `.` are found. The default is `false`.
    pub fn hidden(mut self, hidden: bool) -> Self {
        self.hidden = hidden;
        self
    }

    async fn run(self) -> Result<Vec<FoundFile>, Error> {
        let path = self.place.locate(&self.path).await?;
        let given = RemotePath::parse(&self.path)?;
        // The server would skip a hidden directory that is searched.
        let starts_hidden = path.name().is_some_and(|name| name.starts_with('.'));
        let filters = !self.hidden && starts_hidden;
        // It limits itself to a thousand, and before the results are filtered here.
        let limit = self
            .limit
            .filter(|limit| !filters && (1..=MAX_LIMIT).contains(limit));
        let operation = FindFiles {
            path: &path,
            query: &self,
            limit,
            include_hidden: self.hidden || filters,
        };
        let found = self.place.remote.call(&operation).await;
        let found = found.map_err(about(&self.path))?.matches.into_iter();
        let found = found
            // A search for directories finds the searched one too. A file is found by its own path.
            .filter(|found| found.path != "." || found.file_type == FileType::File)
            .filter(|found| !filters || !is_hidden(&found.path))
            .take(self.limit.unwrap_or(usize::MAX))
            .map(|found| FoundFile {
                path: match found.path.as_str() {
                    "." => given.as_str().to_owned(),
                    below => given.join(below),
                },
                ..found
            });
        Ok(found.collect())
    }
}

/// Returns `true` if a part of a path is hidden.
fn is_hidden(path: &str) -> bool {
    path != "." && path.split('/').any(|name| name.starts_with('.'))
}

impl<S: HttpService> IntoFuture for Find<S> {
    type Output = Result<Vec<FoundFile>, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<S> fmt::Debug for Find<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Find")
            .field("path", &self.path)
            .field("patterns", &self.patterns)
            .finish_non_exhaustive()
    }
}

struct FindFiles<'a, S> {
    path: &'a RemotePath,
    query: &'a Find<S>,
    limit: Option<usize>,
    include_hidden: bool,
}

impl<S> DataOperation for FindFiles<'_, S> {
    type Output = Found;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("FindFiles", Method::GET, "/filesystem-find/{path}")
            .with_plane(Plane::Run);
    const RESPONSE_LIMIT: usize = 128 * 1024 * 1024;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.path.write(request)?;
        let query = self.query;
        request.query(
            "type",
            if query.directories {
                "directory"
            } else {
                "file"
            },
        );
        if !query.patterns.is_empty() {
            let patterns = query.patterns.iter().map(String::as_str);
            request.query("patterns", comma_list("pattern", patterns)?);
        }
        // Zero stands for all results; without it there would be 20.
        request.query("maxResults", self.limit.unwrap_or(0));
        query.excluded.write(request, self.path)?;
        request.query("excludeHidden", !self.include_hidden);
        Ok(())
    }

    fn read(response: &http::Response<Bytes>) -> Result<Found, Error> {
        response::json(response)
    }
}
