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

/// Maximum number of consecutive empty pages.
const MAX_EMPTY_PAGES: u32 = 16;

/// A function that fetches the page at a cursor.
type Fetch<P> = Box<dyn FnMut(Option<Cursor>) -> BoxFuture<Result<P, Error>> + Send>;

/// A function that runs a future as a task and returns a future for its output.
type Background<P> =
    Box<dyn FnMut(BoxFuture<Result<P, Error>>) -> BoxFuture<Result<P, Error>> + Send>;

/// A walk over the pages of a list. Each page is fetched when it is requested.
///
/// [`try_next`](Self::try_next) returns the pages one by one; the walk also implements
/// `futures_core::Stream`. An error of a fetch does not move the walk: the next call fetches the same
/// page again.
///
/// The walk always ends. It fails with [`ErrorKind::Pagination`](crate::ErrorKind::Pagination) if
/// the server repeats a cursor, sends a 17th consecutive empty page, or says that more items follow
/// but gives no cursor.
///
/// ```
/// use blaxel_core::{Error, Page, Pages};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let mut pages = Pages::new(None, |_cursor| {
///     let page = serde_json::from_str::<Page<u32>>("[1, 2]");
///     Box::pin(async { page.map_err(|problem| Error::decode(problem.to_string())) })
/// });
/// while let Some(page) = pages.try_next().await? {
///     assert_eq!(page.items, [1, 2]);
/// }
/// # Ok::<(), Error>(())
/// # }).unwrap();
/// ```
#[must_use = "nothing is fetched until it is asked for a page"]
pub struct Pages<P> {
    fetch: Fetch<P>,
    background: Option<Background<P>>,
    pending: Option<BoxFuture<Result<P, Error>>>,
    position: Position,
    seen: HashSet<u64>,
    empty_pages: u32,
}

/// The position of a walk.
enum Position {
    /// The walk continues at this cursor; `None` is the beginning of the list.
    At(Option<Cursor>),
    /// The list cannot be read further, for this reason.
    Stuck(&'static str),
    /// The last page was returned.
    End,
}

impl<P: Paged> Pages<P> {
    /// Creates a walk that starts at a cursor and fetches each page with a function of its cursor.
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

    /// Creates a walk that fetches pages with an operation. `operation` returns the operation for
    /// the page at a cursor.
    ///
    /// ```
    /// use blaxel_core::{Cursor, HttpService, Operation, Page, Pages};
    ///
    /// # fn example<O>(service: impl HttpService, list: impl Fn(Option<Cursor>) -> O + Send + 'static)
    /// # where O: Operation<Output = Page<String>> + Send + Sync + 'static {
    /// let pages = Pages::of(service, None, list);
    /// # }
    /// ```
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

    /// Fetches the next page while the current one is being processed. At most one page is fetched
    /// ahead.
    ///
    /// A future that is not polled makes no progress, so the fetch has to run as a separate task.
    /// `spawn` starts that task and returns a future for its output; dropping that future must stop
    /// the task. `blaxel_transport::in_background` does this on a tokio runtime.
    ///
    /// ```
    /// # use blaxel_core::{Page, Pages};
    /// # fn example(pages: Pages<Page<String>>) -> Pages<Page<String>> {
    /// pages.read_ahead(|page| {
    ///     // Dropping the set aborts the task.
    ///     let mut tasks = tokio::task::JoinSet::new();
    ///     tasks.spawn(page);
    ///     Box::pin(async move { tasks.join_next().await.expect("one task").expect("no panic") })
    /// })
    /// # }
    /// ```
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

    /// Returns the cursor of the next page, or `None` before the first page and after the last.
    #[must_use]
    pub fn cursor(&self) -> Option<&Cursor> {
        match &self.position {
            Position::At(cursor) => cursor.as_ref(),
            Position::Stuck(_) | Position::End => None,
        }
    }

    /// Moves the walk to a cursor; `None` is the beginning of the list.
    pub(super) fn seek(&mut self, cursor: Option<Cursor>) {
        self.position = Position::At(cursor);
        self.pending = None;
        self.seen.clear();
        self.empty_pages = 0;
    }

    /// Polls the fetch of the next page, starting it if necessary.
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
            self.start_read_ahead();
        }
        Poll::Ready(Some(outcome))
    }

    /// Starts fetching the next page, if reading ahead is enabled and there is a next page.
    fn start_read_ahead(&mut self) {
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
        if page.meta().is_truncated() {
            return Position::Stuck(
                "the list is incomplete: the server says that more items follow but sent no cursor",
            );
        }
        let Some(next) = page.meta().next_cursor() else {
            return Position::End;
        };
        if !self.seen.insert(fingerprint(next)) {
            return Position::Stuck("the list does not end: the server sent the same cursor twice");
        }
        if self.empty_pages > MAX_EMPTY_PAGES {
            return Position::Stuck(
                "the list does not end: the server sent too many consecutive empty pages",
            );
        }
        Position::At(Some(next.clone()))
    }
}

/// Hashes a cursor for the set of known ones, which keeps the memory of a long walk small.
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
