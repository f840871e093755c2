//! Finding paths that resemble a text.

use std::fmt;
use std::future::IntoFuture;

use blaxel_core::__private::lenient;
use blaxel_core::{
    BoxFuture, Error, HttpService, OperationInfo, Plane, RequestWriter, Source, response,
};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::exclude::Excluded;
use super::locate::Place;
use super::mode::FileType;
use super::path::RemotePath;
use super::problem::about;
use crate::remote::DataOperation;

/// The number of results unless another one is set.
const LIMIT: usize = 20;

/// The largest number of results that the server limits itself to.
const MAX_LIMIT: usize = 1000;

/// A path that resembles the text that was searched for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PathMatch {
    /// The path: that of the searched directory as it was given, and the path below it.
    pub path: String,
    /// The rank; higher is better. Only scores of the same search can be compared.
    #[serde(default, deserialize_with = "score")]
    pub score: i64,
    /// The type: a file or a directory.
    #[serde(rename = "type", default = "file")]
    pub file_type: FileType,
}

fn file() -> FileType {
    FileType::File
}

fn score<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(Value::deserialize(deserializer)?
        .as_i64()
        .unwrap_or_default())
}

#[derive(Deserialize)]
pub(crate) struct Ranked {
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    matches: Vec<PathMatch>,
}

/// A search for paths that resemble a text, created by [`Files::search`](super::Files::search). Await it for the
/// result, best first.
///
/// Hidden files and files in [`DEFAULT_EXCLUDED_DIRS`](super::DEFAULT_EXCLUDED_DIRS) are skipped.
#[must_use = "nothing is sent until it is awaited"]
pub struct Search<S> {
    place: Place<S>,
    path: String,
    query: String,
    limit: usize,
    excluded: Excluded,
    hidden: bool,
}

impl<S: HttpService> Search<S> {
    pub(crate) fn new(place: Place<S>, path: &str, query: &str) -> Self {
        Self {
            place,
            path: path.to_owned(),
            query: query.to_owned(),
            limit: LIMIT,
            excluded: Excluded::default(),
            hidden: false,
        }
    }

    /// Sets the maximum number of results, up to 1000. The default is 20.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
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

    async fn run(self) -> Result<Vec<PathMatch>, Error> {
        let invalid = |what, problem: &str| Err(Error::input(what, &Source::Code, problem));
        if self.query.is_empty() {
            return invalid("search text", "it is empty");
        }
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            return invalid("limit", "it is not between 1 and 1000");
        }
        let given = RemotePath::parse(&self.path)?;
        let path = self.place.locate(&self.path).await?;
        let operation = SearchPaths {
            path: &path,
            query: &self,
        };
        let found = self.place.remote.call(&operation).await;
        let found = found.map_err(about(&self.path))?.matches;
        // Older servers take the path for the text, and ignore the text.
        let plausible = !found.is_empty()
            && found
                .iter()
                .all(|found| resembles(&found.path, &self.query));
        if !plausible {
            self.check_server().await?;
        }
        let found = found.into_iter().map(|found| PathMatch {
            path: given.join(&found.path),
            ..found
        });
        Ok(found.collect())
    }

    /// Fails if the server does not know the parameter of the text. Such a server refuses a search without a path
    /// before it looks at any file.
    async fn check_server(&self) -> Result<(), Error> {
        match self.place.remote.call(&ProbeSearch(&self.query)).await {
            Err(error) if error.status() == Some(StatusCode::BAD_REQUEST) => Err(Error::input(
                "search",
                &Source::Code,
                "the server of this sandbox is too old for it; use `find`, or upgrade the sandbox",
            )),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Returns `true` if the letters and digits of the first word of the query appear in the path in this order.
fn resembles(path: &str, query: &str) -> bool {
    let lower = |text: &str| text.to_lowercase();
    let word = query.split_whitespace().next().unwrap_or_default();
    if word.starts_with('!') {
        return true;
    }
    let path = lower(path);
    let mut rest = path.chars();
    let word = lower(word);
    let mut wanted = word.chars().filter(|letter| letter.is_alphanumeric());
    wanted.all(|letter| rest.any(|found| found == letter))
}

impl<S: HttpService> IntoFuture for Search<S> {
    type Output = Result<Vec<PathMatch>, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<S> fmt::Debug for Search<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search")
            .field("path", &self.path)
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}

struct SearchPaths<'a, S> {
    path: &'a RemotePath,
    query: &'a Search<S>,
}

impl<S> DataOperation for SearchPaths<'_, S> {
    type Output = Ranked;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("SearchPaths", Method::GET, "/filesystem-search/{path}")
            .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.path.write(request)?;
        request.query("query", &self.query.query);
        request.query("maxResults", self.query.limit);
        self.query.excluded.write(request, self.path)?;
        request.query("excludeHidden", !self.query.hidden);
        Ok(())
    }

    fn read(response: &http::Response<Bytes>) -> Result<Ranked, Error> {
        response::json(response)
    }
}

struct ProbeSearch<'a>(&'a str);

impl DataOperation for ProbeSearch<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ProbeSearch", Method::GET, "/filesystem-search/")
            .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([])?;
        request.query("query", self.0);
        request.query("maxResults", 1);
        Ok(())
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}
