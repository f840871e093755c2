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
use crate::operation::Operation;
use crate::page::{Cursor, Paged};
use crate::service::{BoxFuture, HttpService, call};

/// Maximum number of empty pages in a row.
const EMPTY_PAGES_ALLOWED: u32 = 16;

/// Fetches the page that begins at a cursor.
type Fetch<P> = Box<dyn FnMut(Option<Cursor>) -> BoxFuture<Result<P, Error>> + Send>;

/// Runs a future as a task, and returns a future for its output.
type Background<P> =
    Box<dyn FnMut(BoxFuture<Result<P, Error>>) -> BoxFuture<Result<P, Error>> + Send>;

/// A walk over the pages of a list. Each page is fetched when it is asked for.
///
/// [`try_next`](Self::try_next) returns the pages one by one; the walk is a [`Stream`] as well.
/// After an error the walk keeps its place: the next call fetches the same page again.
///
/// The walk always ends. It fails with [`ErrorKind::Pagination`](crate::ErrorKind::Pagination) at a
/// cursor that was seen before, at the 17th empty page in a row, and at a page that says that more
/// items follow but gives no cursor.
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
    /// The list cannot be walked further, for this reason.
    Stuck(&'static str),
    End,
}

impl<P: Paged> Pages<P> {
    /// Creates a walk whose pages are fetched by a function of the cursor that they begin at.
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

    /// Creates a walk whose pages are fetched by an operation. `operation` returns the one that
    /// fetches the page at a cursor.
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

    /// Fetches the next page while the current one is being processed: one page ahead, never more.
    ///
    /// A future that is not polled makes no progress, so the fetch has to run as a task of its own.
    /// `spawn` starts that task and returns a future for its output; dropping that future has to
    /// stop the task. `blaxel_transport::in_background` does so on a tokio runtime.
    pub fn read_ahead<F>(mut self, spawn: F) -> Self
    where
        F: FnMut(BoxFuture<Result<P, Error>>) -> BoxFuture<Result<P, Error>> + Send + 'static,
    {
        self.background = Some(Box::new(spawn));
        self
    }

    /// Returns the next page, or `None` at the end of the list.
    ///
    /// It is cancel safe: if the future is dropped, the next call continues the same request.
    ///
    /// # Errors
    ///
    /// The error of the fetch, or a pagination error; see the type's documentation.
    pub async fn try_next(&mut self) -> Result<Option<P>, Error> {
        poll_fn(|cx| self.poll_page(cx)).await.transpose()
    }

    /// Returns the cursor of the next page; `None` before the first page and after the last.
    #[must_use]
    pub fn cursor(&self) -> Option<&Cursor> {
        match &self.position {
            Position::At(cursor) => cursor.as_ref(),
            Position::Stuck(_) | Position::End => None,
        }
    }

    /// Moves the walk to a place in the list.
    pub(super) fn go_to(&mut self, cursor: Option<Cursor>) {
        self.position = Position::At(cursor);
        self.pending = None;
        self.seen.clear();
        self.empty_pages = 0;
    }

    pub(super) fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<P, Error>>> {
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

    /// Starts the fetch of the next page, if reading ahead is on and there is a next page.
    fn fetch_ahead(&mut self) {
        if let (Some(background), Position::At(cursor)) = (&mut self.background, &self.position) {
            self.pending = Some(background((self.fetch)(cursor.clone())));
        }
    }

    /// Returns the position after a page.
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
        let Some(next) = page.meta().next_cursor() else {
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

/// Hashes a cursor for the set of those seen, so that a long walk stays small.
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
