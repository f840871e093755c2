//! Watching a directory for changes.

use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use blaxel_core::__private::{DecodedParts, ErrorParts, decoded};
use blaxel_core::stream::{Decode, DecodeError, Decoded, Text, lines};
use blaxel_core::{
    Body, BoxFuture, Error, HttpService, OperationInfo, Plane, RequestWriter, Source, open_enum,
};
use bytes::Bytes;
use futures_core::Stream;
use http::{Method, StatusCode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::time::timeout;

use super::exclude::comma_list;
use super::locate::Place;
use super::path::RemotePath;
use super::problem::about;
use super::stat::stat;
use crate::remote::{DataOperation, Remote};

/// The line that the server sends every 30 seconds.
const KEEPALIVE: &str = "[keepalive]";

/// Maximum size of an event: names are limited to 255 bytes, and paths to 4096.
const EVENT_LIMIT: usize = 1024 * 1024;

/// The time for which the confirmation of a watch is awaited. Some servers send it with the first event only.
const CONFIRMATION: Duration = Duration::from_millis(500);

open_enum! {
    /// The kind of a change.
    pub enum FileOp {
        /// A file or directory was created, or moved here.
        Create = "CREATE",
        /// A file was written to.
        Write = "WRITE",
        /// A file or directory was removed.
        Remove = "REMOVE",
        /// A file or directory was renamed or moved away. The new name has an event of its own, if it is watched.
        Rename = "RENAME",
        /// The permissions or times changed.
        Chmod = "CHMOD",
    }
}

/// A change in a watched directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileEvent {
    /// The kinds of the change: usually one.
    #[serde(
        rename = "op",
        serialize_with = "join_ops",
        deserialize_with = "split_ops"
    )]
    pub ops: Vec<FileOp>,
    /// The absolute path of the directory.
    #[serde(rename = "path")]
    pub directory: String,
    /// The name of the file in the directory.
    pub name: String,
}

impl FileEvent {
    /// Returns the absolute path of the file.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.directory.trim_end_matches('/'), self.name)
    }

    /// Returns `true` if the change is of this kind, among others.
    #[must_use]
    pub fn is(&self, op: &FileOp) -> bool {
        self.ops.contains(op)
    }
}

fn split_ops<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<FileOp>, D::Error> {
    let joined = String::deserialize(deserializer)?;
    Ok(joined.split('|').map(FileOp::from).collect())
}

fn join_ops<S: Serializer>(ops: &[FileOp], serializer: S) -> Result<S::Ok, S::Error> {
    let names: Vec<_> = ops.iter().map(FileOp::as_str).collect();
    serializer.serialize_str(&names.join("|"))
}

/// A watch that is about to begin, created by [`Files::watch`](super::Files::watch). Await it for the
/// [`FileEvents`].
///
/// Some servers confirm a watch with its first event only. So at most half a second is waited for the
/// confirmation; a refusal can then be the first thing that the events return.
#[must_use = "nothing is sent until it is awaited"]
pub struct Watch<S> {
    place: Place<S>,
    path: String,
    recursive: bool,
    ignored: Vec<String>,
}

impl<S: HttpService> Watch<S> {
    pub(crate) fn new(place: Place<S>, path: &str) -> Self {
        Self {
            place,
            path: path.to_owned(),
            recursive: false,
            ignored: Vec::new(),
        }
    }

    /// Sets whether the directories below are watched as well. The default is `false`.
    ///
    /// A new directory is watched from its creation on; for what it contains by then, there are events of the kind
    /// [`FileOp::Create`].
    pub fn recursive(mut self, recursive: bool) -> Self {
        self.recursive = recursive;
        self
    }

    /// Sets texts that are looked for in the absolute path of each change; a change with one of them is not
    /// reported.
    pub fn ignore<T: Into<String>>(mut self, texts: impl IntoIterator<Item = T>) -> Self {
        self.ignored = texts.into_iter().map(Into::into).collect();
        self
    }

    async fn begin(self) -> Result<FileEvents, Error> {
        let path = self.place.locate(&self.path).await?;
        if path.name() == Some("**") && !self.recursive {
            let problem = "the server takes the name `**` for a recursive watch";
            return Err(Error::input("path", &Source::Code, problem));
        }
        let mut opening: Opening = Box::pin(open(
            self.place,
            path,
            self.path,
            self.recursive,
            self.ignored,
        ));
        let state = match timeout(CONFIRMATION, &mut opening).await {
            Ok(response) => State::Reading(events(response?)),
            Err(_) => State::Opening(opening),
        };
        Ok(FileEvents { state })
    }
}

type Opening = BoxFuture<Result<http::Response<Body>, Error>>;

/// Sends the request.
async fn open<S: HttpService>(
    place: Place<S>,
    path: RemotePath,
    name: String,
    recursive: bool,
    ignored: Vec<String>,
) -> Result<http::Response<Body>, Error> {
    let pattern = if recursive {
        RemotePath::parse(&path.join("**"))?
    } else {
        path.clone()
    };
    let operation = WatchDirectory {
        path: &pattern,
        ignored: &ignored,
    };
    match place.remote.open(&operation).await {
        Ok(response) => Ok(response),
        Err(error) if error.status() == Some(StatusCode::BAD_REQUEST) => {
            // The server refuses a missing directory and a file with the same words.
            stat(&place.remote, &path).await.map_err(about(&name))?;
            Err(about(&name)(error))
        }
        Err(error) => Err(about(&name)(error)),
    }
}

/// Opens the stream of the changes in the root directory, which keeps the sandbox awake.
pub(crate) fn watch_root<S: HttpService>(
    remote: &Remote<S>,
) -> BoxFuture<Result<http::Response<Body>, Error>> {
    remote.open(&WatchDirectory {
        path: &RemotePath::Absolute("/".to_owned()),
        ignored: &[],
    })
}

fn events(response: http::Response<Body>) -> Box<Decoded<EventDecoder>> {
    let decoder = EventDecoder(lines::Decoder::with_limit(EVENT_LIMIT));
    Box::new(decoded(response, WatchDirectory::INFO, decoder, true))
}

impl<S: HttpService> IntoFuture for Watch<S> {
    type Output = Result<FileEvents, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.begin())
    }
}

impl<S> fmt::Debug for Watch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("path", &self.path)
            .field("recursive", &self.recursive)
            .finish_non_exhaustive()
    }
}

struct WatchDirectory<'a> {
    path: &'a RemotePath,
    ignored: &'a [String],
}

impl DataOperation for WatchDirectory<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &OperationInfo::new("WatchDirectory", Method::GET, "/watch/filesystem/{path}")
            .with_plane(Plane::Run)
            .streaming();

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.path.write(request)?;
        if !self.ignored.is_empty() {
            let ignored = self.ignored.iter().map(String::as_str);
            request.query("ignore", comma_list("text to ignore", ignored)?);
        }
        Ok(())
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// The changes in a watched directory, as they happen.
///
/// The server neither repeats changes nor ends a watch by itself. So its end is always an error, and changes may
/// have been missed by the time a new watch begins: list the directory again then. Dropping the stream ends the
/// watch.
#[must_use = "the changes are read only when they are asked for"]
pub struct FileEvents {
    state: State,
}

enum State {
    Opening(Opening),
    Reading(Box<Decoded<EventDecoder>>),
    Ended,
}

impl FileEvents {
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<FileEvent, Error>>> {
        loop {
            match &mut self.state {
                State::Ended => return Poll::Ready(None),
                State::Opening(opening) => match ready!(opening.as_mut().poll(cx)) {
                    Ok(response) => self.state = State::Reading(events(response)),
                    Err(error) => {
                        self.state = State::Ended;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
                State::Reading(events) => {
                    let event = ready!(Pin::new(&mut **events).poll_next(cx));
                    if let Some(Ok(event)) = event {
                        return Poll::Ready(Some(Ok(event)));
                    }
                    let error = match event {
                        Some(Err(error)) => error,
                        _ => events.annotate(Error::truncated(
                            "the watch has ended, so changes may be missed from now on",
                        )),
                    };
                    self.state = State::Ended;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }

    /// Waits for the next change and returns it. Only after an error it returns `None`.
    ///
    /// It is cancel safe: a future that is dropped before it completes loses no change.
    ///
    /// # Errors
    ///
    /// [`Error::is_truncated`] if the server or a proxy ended the watch, and the error of the connection if that
    /// broke: in both cases start a new watch. [`Error::is_not_found`] if there is no such directory and the
    /// server confirmed the watch late.
    pub async fn try_next(&mut self) -> Result<Option<FileEvent>, Error> {
        poll_fn(|cx| self.poll_event(cx)).await.transpose()
    }
}

impl Stream for FileEvents {
    type Item = Result<FileEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(cx)
    }
}

impl fmt::Debug for FileEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileEvents")
            .field("open", &!matches!(self.state, State::Ended))
            .finish_non_exhaustive()
    }
}

/// Decodes the lines of a watch. Keep-alives are skipped.
struct EventDecoder(lines::Decoder);

impl EventDecoder {
    /// Reads a line, which is `None` for a keep-alive.
    fn read(line: Result<Text, DecodeError>) -> Option<Result<FileEvent, Error>> {
        let line = match line {
            Ok(line) => line,
            Err(problem) => {
                return Some(Err(
                    Error::decode("the watch cannot be read").caused_by(problem)
                ));
            }
        };
        let mut text = line.trim();
        while let Some(rest) = text.strip_prefix(KEEPALIVE) {
            text = rest.trim_start();
        }
        if text.is_empty() {
            return None;
        }
        let event = serde_json::from_str(text).map_err(|problem| {
            Error::decode("a line of the watch is not an event").caused_by(problem)
        });
        Some(event)
    }
}

impl Decode for EventDecoder {
    type Item = FileEvent;

    fn push(&mut self, chunk: Bytes) {
        self.0.push(chunk);
    }

    fn next_item(&mut self) -> Option<Result<FileEvent, Error>> {
        std::iter::from_fn(|| self.0.next_line()).find_map(Self::read)
    }

    fn finish(&mut self) -> Option<Result<FileEvent, Error>> {
        let last = std::iter::from_fn(|| self.0.finish()).find_map(Self::read)?;
        // A line that was cut off is part of the broken end, and not an error of its own.
        last.ok().map(Ok)
    }

    fn is_foreign(&self, start: &[u8]) -> bool {
        start.starts_with(b"<")
    }
}
