//! Finding lines in files.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use blaxel_core::__private::{ErrorParts, lenient};
use blaxel_core::{
    BoxFuture, Error, HttpService, OperationInfo, Plane, RequestWriter, Source, response,
};
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::exclude::Excluded;
use super::locate::Place;
use super::path::RemotePath;
use super::problem::about;
use crate::remote::DataOperation;

/// The number of results that the server is asked for, which is the largest that it accepts.
///
/// With fewer, or with zero, which stands for none, the request never ends if there are many more matches.
const SERVER_LIMIT: usize = 1000;

/// The time limit unless another one is set.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// A line that contains the text that was searched for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LineMatch {
    /// The path of the file: that of the searched directory as it was given, and the path below it.
    pub path: String,
    /// The number of the line, from 1.
    pub line: u64,
    /// The position of the first match in the line, in bytes from 1. If case is ignored, it is that in the
    /// lower-case line.
    #[serde(default, deserialize_with = "lenient::count")]
    pub column: u64,
    /// The line, without its end. Bytes that are not UTF-8 are replaced.
    pub text: String,
    /// The line and those around it, if [`Grep::context`] asked for them.
    #[serde(
        default,
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub context: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Lines {
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    matches: Vec<LineMatch>,
}

/// A search for lines that contain a text, created by [`Files::grep`](super::Files::grep). Await it for the
/// result.
///
/// The text is no regular expression. Files in [`DEFAULT_EXCLUDED_DIRS`](super::DEFAULT_EXCLUDED_DIRS) are
/// skipped.
///
/// # Limits
///
/// The server returns at most 1000 lines. If several hundred more match, some versions never respond, so there
/// is a [time limit](Self::timeout).
#[must_use = "nothing is sent until it is awaited"]
pub struct Grep<S> {
    place: Place<S>,
    path: String,
    query: String,
    ignore_case: bool,
    limit: usize,
    file_pattern: Option<String>,
    excluded: Excluded,
    context: Option<u8>,
    timeout: Duration,
}

impl<S: HttpService> Grep<S> {
    pub(crate) fn new(place: Place<S>, path: &str, query: &str) -> Self {
        Self {
            place,
            path: path.to_owned(),
            query: query.to_owned(),
            ignore_case: false,
            limit: SERVER_LIMIT,
            file_pattern: None,
            excluded: Excluded::default(),
            context: None,
            timeout: TIME_LIMIT,
        }
    }

    /// Sets whether the case of letters is ignored. The default is `false`.
    pub fn ignore_case(mut self, ignore: bool) -> Self {
        self.ignore_case = ignore;
        self
    }

    /// Sets the maximum number of results, up to 1000, which is the default.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Sets the pattern of the names of the files to search, such as `*.rs`. By default all are searched.
    pub fn file_pattern(mut self, pattern: impl Into<String>) -> Self {
        self.file_pattern = Some(pattern.into());
        self
    }

    /// Sets the names of the directories to skip, wherever they are. The searched directory itself is never
    /// skipped.
    pub fn exclude_dirs<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.excluded = Excluded::new(names);
        self
    }

    /// Sets the number of lines before and after each match to return, up to 20. The default is 0. Older
    /// servers ignore it.
    pub fn context(mut self, lines: u8) -> Self {
        self.context = Some(lines);
        self
    }

    /// Sets the time limit on the search. The default is 60 seconds.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    async fn run(self) -> Result<Vec<LineMatch>, Error> {
        let invalid = |what, problem: &str| Err(Error::input(what, &Source::Code, problem));
        if self.query.is_empty() {
            return invalid("search text", "it is empty");
        }
        if self.context.is_some_and(|lines| lines > 20) {
            return invalid("number of context lines", "it is larger than 20");
        }
        let given = RemotePath::parse(&self.path)?;
        let path = self.place.locate(&self.path).await?;
        let operation = SearchContents {
            path: &path,
            query: &self,
        };
        let searching = self.place.remote.call(&operation);
        let Ok(found) = timeout(self.timeout, searching).await else {
            let error = Error::timeout("search", self.timeout)
                .in_operation(Some(<SearchContents<'_, S> as DataOperation>::INFO));
            return Err(error.caused_by(
                "some servers never respond if more than about 1100 lines match; search for a longer text, or \
                 in fewer files",
            ));
        };
        let found = found.map_err(about(&self.path))?.matches.into_iter();
        let found = found.take(self.limit).map(|found| LineMatch {
            path: given.join(&found.path),
            ..found
        });
        Ok(found.collect())
    }
}

impl<S: HttpService> IntoFuture for Grep<S> {
    type Output = Result<Vec<LineMatch>, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<S> fmt::Debug for Grep<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grep")
            .field("path", &self.path)
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}

struct SearchContents<'a, S> {
    path: &'a RemotePath,
    query: &'a Grep<S>,
}

impl<S> DataOperation for SearchContents<'_, S> {
    type Output = Lines;
    const INFO: &'static OperationInfo = &OperationInfo::new(
        "SearchContents",
        Method::GET,
        "/filesystem-content-search/{path}",
    )
    .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.path.write(request)?;
        let query = self.query;
        request.query("query", &query.query);
        request.query("caseSensitive", !query.ignore_case);
        request.query("maxResults", SERVER_LIMIT);
        request.query_opt("filePattern", query.file_pattern.as_ref());
        query.excluded.write(request, self.path)?;
        request.query_opt("contextLines", query.context);
        Ok(())
    }

    fn read(response: &http::Response<Bytes>) -> Result<Lines, Error> {
        response::json(response)
    }
}
