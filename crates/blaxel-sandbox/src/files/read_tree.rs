//! Reading all files of a directory with few requests.

use std::collections::BTreeMap;
use std::fmt;
use std::future::IntoFuture;

use blaxel_core::{
    BoxFuture, Error, HttpService, OperationInfo, Plane, RequestWriter, Source, response,
};
use bytes::Bytes;
use http::{Method, StatusCode};

use super::basics::ListDirectory;
use super::entry::{Listing, is_exact};
use super::exclude::{Excluded, comma_list};
use super::glob;
use super::locate::Place;
use super::path::RemotePath;
use super::problem::{about, is_missing};
use super::read::ReadStream;
use super::stat::stat;
use crate::remote::DataOperation;

/// The number of files unless another one is set.
const MAX_FILES: usize = 10_000;

/// The number of bytes unless another one is set.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Maximum number of directories that are listed on an old server, or the maximum number of files if that is larger. A
/// sandbox that is not trusted could list directories without end.
const MIN_DIRECTORIES: usize = 10_000;

/// Maximum size of the path of a directory, which is that of the system.
const MAX_PATH: usize = 4096;

/// A directory that is about to be read, created by [`Files::read_tree`](super::Files::read_tree). Await it for the
/// contents of its files by their paths below it.
#[must_use = "nothing is sent until it is awaited"]
pub struct ReadTree<S> {
    place: Place<S>,
    path: String,
    patterns: Vec<String>,
    excluded: Excluded,
    hidden: bool,
    max_files: usize,
    max_bytes: usize,
}

impl<S: HttpService> ReadTree<S> {
    pub(crate) fn new(place: Place<S>, path: &str) -> Self {
        Self {
            place,
            path: path.to_owned(),
            patterns: Vec::new(),
            excluded: Excluded::new::<String>([]),
            hidden: true,
            max_files: MAX_FILES,
            max_bytes: MAX_BYTES,
        }
    }

    /// Sets the patterns of which a file's name must match one, such as `*.rs`. By default every name matches.
    pub fn patterns<T: Into<String>>(mut self, patterns: impl IntoIterator<Item = T>) -> Self {
        self.patterns = patterns.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the names of the directories to skip, wherever they are. By default none is skipped.
    pub fn exclude_dirs<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.excluded = Excluded::new(names);
        self
    }

    /// Sets whether files and directories whose names begin with `.` are read. The default is `true`.
    pub fn hidden(mut self, hidden: bool) -> Self {
        self.hidden = hidden;
        self
    }

    /// Sets the maximum number of files, up to 100,000. The default is 10,000. More are an error.
    pub fn max_files(mut self, files: usize) -> Self {
        self.max_files = files;
        self
    }

    /// Sets the maximum number of bytes of all files together, up to 256 MiB. The default is 32 MiB. More are an
    /// error.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    async fn run(self) -> Result<BTreeMap<String, Bytes>, Error> {
        let root = self.place.absolute(&self.path).await?;
        let operation = GetTree {
            root: &root,
            query: &self,
        };
        let tree = match self.place.remote.call(&operation).await {
            Ok(tree) => tree,
            Err(error) if error.status() == Some(StatusCode::BAD_REQUEST) => {
                // The server refuses a missing directory and a file with the same words.
                stat(&self.place.remote, &root)
                    .await
                    .map_err(about(&self.path))?;
                return Err(about(&self.path)(error));
            }
            Err(error) => return Err(about(&self.path)(error)),
        };
        let mut contents = Contents::new(&self);
        if !tree.is_recursive() {
            self.walk(&root, &mut contents).await?;
            return Ok(contents.files);
        }
        let mut unread = Vec::new();
        let mut exceeded = Ok(());
        tree.visit_contents(root.as_str(), "", &mut |path, text, size| {
            // Bytes that are not UTF-8 were replaced.
            let has_size = |text: &str| size.is_none_or(|size| size == text.len() as u64);
            let text = text.filter(|text| is_exact(text) && has_size(text));
            match text {
                Some(text) if exceeded.is_ok() => exceeded = contents.add(path, text.into()),
                Some(_) => {}
                None => unread.push(path),
            }
        });
        exceeded?;
        for path in unread {
            self.read(&root, path, &mut contents).await?;
        }
        Ok(contents.files)
    }

    /// Reads the tree directory by directory and file by file, from servers that cannot do it at once.
    async fn walk(&self, root: &RemotePath, contents: &mut Contents) -> Result<(), Error> {
        let mut pending = vec![String::new()];
        let limit = self.max_files.max(MIN_DIRECTORIES);
        let mut count = 0_usize;
        while let Some(below) = pending.pop() {
            count = count.saturating_add(1);
            if count > limit {
                let message = format!("`{}` has more than {limit} directories", self.path);
                return Err(Error::decode(message));
            }
            if below.len() > MAX_PATH {
                let message = format!("`{}` is deeper than a path can be", self.path);
                return Err(Error::decode(message));
            }
            let path = match below.as_str() {
                "" => root.clone(),
                below => RemotePath::parse(&root.join(below))?,
            };
            let listing = match self.place.remote.call(&ListDirectory(&path)).await {
                // It was removed in the meantime.
                Err(error) if !below.is_empty() && is_missing(&error) => continue,
                outcome => outcome.map_err(about(path.as_str()))?,
            };
            let entries = listing.entries(&path).into_iter();
            for entry in entries.filter(|entry| self.hidden || !entry.name.starts_with('.')) {
                let name = match below.as_str() {
                    "" => entry.name.clone(),
                    below => format!("{below}/{}", entry.name),
                };
                if entry.is_dir() {
                    if !self.excluded.contains(&entry.name) {
                        pending.push(name);
                    }
                } else if entry.is_file() && self.is_wanted(&entry.name) {
                    contents.check_size(entry.len.unwrap_or(0))?;
                    self.read(root, name, contents).await?;
                }
            }
        }
        Ok(())
    }

    fn is_wanted(&self, name: &str) -> bool {
        let mut patterns = self.patterns.iter();
        self.patterns.is_empty() || patterns.any(|pattern| glob::matches(pattern, name))
    }

    /// Reads one file.
    async fn read(
        &self,
        root: &RemotePath,
        name: String,
        contents: &mut Contents,
    ) -> Result<(), Error> {
        let stream = match ReadStream::new(self.place.clone(), &root.join(&name)).await {
            Err(error) if is_missing(&error) => return Ok(()),
            outcome => outcome?,
        };
        let content = stream.collect(contents.bytes_left).await?;
        contents.add(name, content)
    }
}

/// The files that were read, and what may still be read.
struct Contents {
    files: BTreeMap<String, Bytes>,
    files_left: usize,
    bytes_left: usize,
    limits: String,
}

impl Contents {
    fn new<S>(query: &ReadTree<S>) -> Self {
        Self {
            files: BTreeMap::new(),
            files_left: query.max_files,
            bytes_left: query.max_bytes,
            limits: format!(
                "`{}` has more than {} files or {} bytes",
                query.path, query.max_files, query.max_bytes
            ),
        }
    }

    fn check_size(&self, size: u64) -> Result<(), Error> {
        if self.files_left == 0 || size > self.bytes_left as u64 {
            return Err(Error::decode(self.limits.as_str()));
        }
        Ok(())
    }

    fn add(&mut self, name: String, content: Bytes) -> Result<(), Error> {
        self.check_size(content.len() as u64)?;
        self.files_left -= 1;
        self.bytes_left -= content.len();
        self.files.insert(name, content);
        Ok(())
    }
}

impl<S: HttpService> IntoFuture for ReadTree<S> {
    type Output = Result<BTreeMap<String, Bytes>, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<S> fmt::Debug for ReadTree<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadTree")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

struct GetTree<'a, S> {
    root: &'a RemotePath,
    query: &'a ReadTree<S>,
}

impl<S> DataOperation for GetTree<'_, S> {
    type Output = Listing;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ReadTree", Method::GET, "/filesystem/tree/{path}")
            .with_plane(Plane::Run);
    const RESPONSE_LIMIT: usize = 320 * 1024 * 1024;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        let query = self.query;
        if !(1..=100_000).contains(&query.max_files) {
            let problem = "it is not between 1 and 100000";
            return Err(Error::input(
                "maximum number of files",
                &Source::Code,
                problem,
            ));
        }
        if !(1..=256 * 1024 * 1024).contains(&query.max_bytes) {
            let problem = "it is not between 1 byte and 256 MiB";
            return Err(Error::input(
                "maximum number of bytes",
                &Source::Code,
                problem,
            ));
        }
        self.root.write_segments(request)?;
        request.query("recursive", true);
        request.query("content", true);
        if !query.patterns.is_empty() {
            let patterns = query.patterns.iter().map(String::as_str);
            request.query("patterns", comma_list("pattern", patterns)?);
        }
        query.excluded.write(request, self.root)?;
        request.query("excludeHidden", !query.hidden);
        request.query("maxFiles", query.max_files);
        request.query("maxBytes", query.max_bytes);
        Ok(())
    }

    fn read(response: &http::Response<Bytes>) -> Result<Listing, Error> {
        response::json(response)
    }
}
