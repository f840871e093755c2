//! Walks over the entries of directories.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::{BoxFuture, Error, HttpService};
use futures_core::Stream;

use super::basics::ListDirectory;
use super::entry::DirEntry;
use super::locate::Place;
use super::path::RemotePath;
use super::problem::{about, is_missing, not_a_directory};

/// A walk over the entries of a directory, created by [`Files::read_dir`](super::Files::read_dir).
///
/// Nothing is sent before the first entry is asked for. Memory holds the entries of one directory.
#[must_use = "nothing is read until it is asked for an entry"]
pub struct ReadDir<S> {
    place: Place<S>,
    recursive: bool,
    entries: std::vec::IntoIter<DirEntry>,
    /// The directories that are still to be read, the next one last.
    pending: Vec<Pending>,
    reading: Option<BoxFuture<Result<Vec<DirEntry>, Error>>>,
}

struct Pending {
    path: String,
    /// Set for the directory that the walk was started with.
    is_root: bool,
}

impl<S: HttpService> ReadDir<S> {
    pub(crate) fn new(place: Place<S>, path: &str) -> Self {
        Self {
            place,
            recursive: false,
            entries: Vec::new().into_iter(),
            pending: vec![Pending {
                path: path.to_owned(),
                is_root: true,
            }],
            reading: None,
        }
    }

    /// Sets whether the directories below are read as well. The default is `false`.
    ///
    /// Each directory is one request. An entry comes after the directory that it is in. Symbolic links are not
    /// followed. A directory that was removed in the meantime is skipped.
    pub fn recursive(mut self, recursive: bool) -> Self {
        self.recursive = recursive;
        self
    }

    fn poll_entry(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<DirEntry, Error>>> {
        loop {
            if let Some(reading) = &mut self.reading {
                let outcome = ready!(reading.as_mut().poll(cx));
                self.reading = None;
                let directory = self.pending.pop();
                match outcome {
                    Ok(entries) => {
                        if self.recursive {
                            let below = entries.iter().rev().filter(|entry| entry.is_dir());
                            self.pending.extend(below.map(|entry| Pending {
                                path: entry.path.clone(),
                                is_root: false,
                            }));
                        }
                        self.entries = entries.into_iter();
                    }
                    Err(error) => {
                        let is_root = directory.is_none_or(|directory| directory.is_root);
                        if is_root || !is_missing(&error) {
                            self.pending.clear();
                            return Poll::Ready(Some(Err(error)));
                        }
                    }
                }
            }
            if let Some(entry) = self.entries.next() {
                return Poll::Ready(Some(Ok(entry)));
            }
            let Some(next) = self.pending.last() else {
                return Poll::Ready(None);
            };
            self.reading = Some(Box::pin(list(self.place.clone(), next.path.clone())));
        }
    }

    /// Returns the next entry, or `None` at the end.
    ///
    /// It is cancel safe: a future that is dropped before it completes loses no entry.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such directory; a [`FileError`](super::FileError) of the kind
    /// `NotADirectory` for a file. After an error the walk has ended.
    pub async fn try_next(&mut self) -> Result<Option<DirEntry>, Error> {
        poll_fn(|cx| self.poll_entry(cx)).await.transpose()
    }
}

/// Reads one directory.
async fn list<S: HttpService>(place: Place<S>, name: String) -> Result<Vec<DirEntry>, Error> {
    let given = RemotePath::parse(&name)?;
    let path = place.locate(&name).await?;
    let listing = place.remote.call(&ListDirectory(&path)).await;
    let listing = listing.map_err(about(&name))?;
    if !listing.is_directory() {
        return Err(not_a_directory(&name));
    }
    Ok(listing.entries(&given))
}

impl<S: HttpService> Stream for ReadDir<S> {
    type Item = Result<DirEntry, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_entry(cx)
    }
}

/// A service need not be `Unpin`, but it is never pinned here.
impl<S> Unpin for ReadDir<S> {}

impl<S> fmt::Debug for ReadDir<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadDir")
            .field("next", &self.pending.last().map(|next| &next.path))
            .field("recursive", &self.recursive)
            .finish_non_exhaustive()
    }
}
