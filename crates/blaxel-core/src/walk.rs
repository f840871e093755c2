//! The walk over the pages of a list.

use std::collections::HashSet;
use std::fmt;
use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::error::Error;
use crate::error::ErrorParts;
use crate::items::Items;
use crate::operation::Operation;
use crate::page::{Cursor, Paged};
use crate::service::{BoxFuture, HttpService, call};

/// How many empty pages in a row are walked through before the list is taken for broken.
const EMPTY_PAGES_ALLOWED: u32 = 16;

/// Fetches the page that begins at a cursor.
type Fetch<P> = Box<dyn FnMut(Option<Cursor>) -> BoxFuture<Result<P, Error>> + Send>;

/// Sets a future going somewhere else, and gives one that waits for it.
type Background<P> =
    Box<dyn FnMut(BoxFuture<Result<P, Error>>) -> BoxFuture<Result<P, Error>> + Send>;

/// A list, page by page, fetched one after the other as they are asked for.
///
/// It is a [`Stream`], and has [`next`](Self::next) for those who have no stream library at hand.
/// After an error it stands where it stood: asking again fetches the same page again. It ends, or
/// fails with [`ErrorKind::Pagination`](crate::ErrorKind::Pagination), but it never goes in circles:
/// a cursor that comes a second time, the 17th empty page in a row, and a page that promises more
/// without saying where are errors.
#[must_use = "nothing is fetched until it is asked for a page"]
pub struct Pages<P> {
    fetch: Fetch<P>,
    background: Option<Background<P>>,
    pending: Option<BoxFuture<Result<P, Error>>>,
    position: Position,
    seen: HashSet<u64>,
    empty_pages: u32,
}

enum Position {
    /// The next page begins here.
    At(Option<Cursor>),
    /// The list does not lead on, for this reason.
    Stuck(&'static str),
    End,
}

impl<P: Paged> Pages<P> {
    /// A list whose pages are fetched by a function from the cursor they begin at.
    pub fn new<F>(start: Option<Cursor>, fetch: F) -> Self
    where
        F: FnMut(Option<Cursor>) -> BoxFuture<Result<P, Error>> + Send + 'static,
    {
        Self {
            fetch: Box::new(fetch),
            background: None,
            pending: None,
            position: Position::At(start),
            seen: HashSet::new(),
            empty_pages: 0,
        }
    }

    /// A list whose pages an operation gives, called on a service; `operation` makes the one for the
    /// page that begins at a cursor.
    pub fn of<S, O>(
        service: S,
        start: Option<Cursor>,
        operation: impl Fn(Option<Cursor>) -> O + Send + 'static,
    ) -> Self
    where
        S: HttpService,
        O: Operation<Output = P> + Send + Sync + 'static,
    {
        Self::new(start, move |cursor| {
            let service = service.clone();
            let operation = operation(cursor);
            Box::pin(async move { call(&service, &operation).await })
        })
    }

    /// Fetches the next page while the current one is worked on: one page ahead, never more.
    ///
    /// A future that nobody polls does not move, so the fetch has to run somewhere else. `spawn` sets
    /// it going there and returns a future for its outcome, which stops it when it is dropped.
    /// `blaxel_transport::in_background` does so on a tokio runtime.
    pub fn read_ahead<F>(mut self, spawn: F) -> Self
    where
        F: FnMut(BoxFuture<Result<P, Error>>) -> BoxFuture<Result<P, Error>> + Send + 'static,
    {
        self.background = Some(Box::new(spawn));
        self
    }

    /// The next page, or `None` at the end of the list.
    ///
    /// It may be dropped while it waits: the request goes on with the next call.
    ///
    /// # Errors
    ///
    /// What the fetch failed with; and a pagination error when the list does not lead on.
    pub async fn next(&mut self) -> Option<Result<P, Error>> {
        poll_fn(|cx| self.poll_page(cx)).await
    }

    /// Where the next page begins; `None` before the first page and after the last.
    #[must_use]
    pub fn cursor(&self) -> Option<&Cursor> {
        match &self.position {
            Position::At(cursor) => cursor.as_ref(),
            Position::Stuck(_) | Position::End => None,
        }
    }

    /// The same list, item by item.
    pub fn items(self) -> Items<P> {
        Items::new(self)
    }

    /// Goes to a place in the list, wherever it stands now.
    pub(crate) fn go_to(&mut self, cursor: Option<Cursor>) {
        self.position = Position::At(cursor);
        self.pending = None;
        self.seen.clear();
        self.empty_pages = 0;
    }

    pub(crate) fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<P, Error>>> {
        let cursor = match &self.position {
            Position::End => return Poll::Ready(None),
            Position::Stuck(reason) => {
                return Poll::Ready(Some(Err(Error::pagination(*reason))));
            }
            Position::At(cursor) => cursor,
        };
        let pending = self
            .pending
            .get_or_insert_with(|| (self.fetch)(cursor.clone()));
        let outcome = ready!(pending.as_mut().poll(cx));
        self.pending = None;
        if let Ok(page) = &outcome {
            self.position = self.after(page);
            self.fetch_ahead();
        }
        Poll::Ready(Some(outcome))
    }

    /// Sets the fetch of the next page going, if that was asked for and there is one.
    fn fetch_ahead(&mut self) {
        if let (Some(background), Position::At(cursor)) = (&mut self.background, &self.position) {
            self.pending = Some(background((self.fetch)(cursor.clone())));
        }
    }

    /// Where the walk stands after a page.
    fn after(&mut self, page: &P) -> Position {
        self.empty_pages = if page.count() == 0 {
            self.empty_pages + 1
        } else {
            0
        };
        if page.meta().is_cut() {
            return Position::Stuck(
                "the server says that more items follow, but not where; the list is incomplete",
            );
        }
        let Some(next) = page.meta().next() else {
            return Position::End;
        };
        if !self.seen.insert(fingerprint(next)) {
            return Position::Stuck(
                "the server gave the same cursor twice; the list would not end",
            );
        }
        if self.empty_pages > EMPTY_PAGES_ALLOWED {
            return Position::Stuck("the server sent too many empty pages in a row");
        }
        Position::At(Some(next.clone()))
    }
}

/// Stands for a cursor in the set of those seen, so that a long walk stays small.
fn fingerprint(cursor: &Cursor) -> u64 {
    let mut hasher = DefaultHasher::new();
    cursor.hash(&mut hasher);
    hasher.finish()
}

impl<P: Paged> Stream for Pages<P> {
    type Item = Result<P, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_page(cx)
    }
}

impl<P> fmt::Debug for Pages<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("fetching", &self.pending.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
