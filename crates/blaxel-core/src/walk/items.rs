//! The walk over the items of a list.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use serde::{Deserialize, Serialize};

use super::pages::Pages;
use super::recent::Recent;
use crate::error::Error;
use crate::page::{Cursor, Paged};
use crate::service::BoxFuture;

/// A walk over the items of a list. A page is fetched when the one before it is used up.
///
/// [`try_next`](Self::try_next) returns the items one by one; the walk is a [`Stream`] as well. It
/// fails and ends as [`Pages`] does.
#[must_use = "nothing is fetched until it is asked for an item"]
pub struct Items<P: Paged> {
    pages: Pages<P>,
    current: std::vec::IntoIter<P::Item>,
    /// The cursor of the current page.
    page_start: Option<Cursor>,
    /// The items of the current page that were returned.
    taken: Taken,
    /// The items that were returned before the walk was resumed.
    to_skip: Skip,
    identity: Option<Identity<P::Item>>,
    recent: Option<Recent>,
    filter: Option<Filter<P::Item>>,
}

/// Returns `true` for an item that is wanted.
type Filter<T> = Box<dyn Fn(&T) -> bool + Send>;

/// Returns a hash of an item's id; `None` for an item without one.
type Identity<T> = Box<dyn Fn(&T) -> Option<u64> + Send>;

/// Items that were returned: their number, and the hashes of their ids where they have ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Taken {
    count: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ids: Vec<u64>,
}

/// Items that must not be returned again.
#[derive(Default)]
struct Skip {
    count: usize,
    ids: HashSet<u64>,
}

/// A place between two items of a list. It can be saved with serde, and [`Items::resume`] continues
/// from it within the 24 hours that a cursor is valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    cursor: Option<Cursor>,
    taken: Taken,
}

/// Hashes an id, with the same result in every process: FNV-1a of 64 bits.
fn fingerprint(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl<P: Paged> Pages<P> {
    /// Turns the walk over pages into a walk over their items.
    pub fn items(self) -> Items<P> {
        Items::new(self)
    }
}

impl<P: Paged> Items<P> {
    fn new(pages: Pages<P>) -> Self {
        Self {
            current: Vec::new().into_iter(),
            page_start: pages.cursor().cloned(),
            pages,
            taken: Taken::default(),
            to_skip: Skip::default(),
            identity: None,
            recent: None,
            filter: None,
        }
    }

    /// Fetches the next page while the items of the current one are being processed; see
    /// [`Pages::read_ahead`].
    pub fn read_ahead<F>(mut self, spawn: F) -> Self
    where
        F: FnMut(BoxFuture<Result<P, Error>>) -> BoxFuture<Result<P, Error>> + Send + 'static,
    {
        self.pages = self.pages.read_ahead(spawn);
        self
    }

    /// Identifies items by an id, so that a walk resumed from a [`Checkpoint`] skips exactly the items
    /// that were returned before, even if others were added or deleted since. Without ids the walk
    /// can only count. An item with an empty id is never skipped.
    pub fn identified_by<F>(mut self, id: F) -> Self
    where
        F: Fn(&P::Item) -> Cow<'_, str> + Send + 'static,
    {
        self.identity = Some(Box::new(move |item| {
            let id = id(item);
            (!id.is_empty()).then(|| fingerprint(&id))
        }));
        self
    }

    /// Skips an item whose id is one of the last `window` ids returned. The ids are those of
    /// [`identified_by`](Self::identified_by), without which this has no effect.
    ///
    /// A list that grows during the walk can show an item on two pages. `window` bounds the memory;
    /// one or two pages of ids suffice for most lists.
    pub fn distinct(mut self, window: usize) -> Self {
        self.recent = Some(Recent::new(window));
        self
    }

    /// Skips the items that do not fulfil a condition. Called again, it adds a condition.
    ///
    /// The server does not know the condition: every page is still fetched. A skipped item counts as
    /// returned, so a [`Checkpoint`] is the same with and without the filter.
    pub fn filter<F>(mut self, wanted: F) -> Self
    where
        F: Fn(&P::Item) -> bool + Send + 'static,
        P::Item: 'static,
    {
        self.filter = Some(match self.filter.take() {
            None => Box::new(wanted),
            Some(earlier) => Box::new(move |item| earlier(item) && wanted(item)),
        });
        self
    }

    /// Returns the next item, or `None` at the end of the list.
    ///
    /// It is cancel safe: if the future is dropped, no item is lost.
    ///
    /// # Errors
    ///
    /// The error of the fetch of a page, or a pagination error; see [`Pages`].
    pub async fn try_next(&mut self) -> Result<Option<P::Item>, Error> {
        // An item can be large: one that is there is returned at once, not through the layers of a poll.
        loop {
            if let Some(item) = self.next_here() {
                return Ok(Some(item));
            }
            if !poll_fn(|cx| self.poll_turn(cx)).await? {
                return Ok(None);
            }
        }
    }

    /// Collects the remaining items.
    ///
    /// The memory this takes is not bounded: it grows with the list.
    ///
    /// # Errors
    ///
    /// As [`try_next`](Self::try_next). The items read before the error are dropped; to keep them,
    /// call `try_next` in a loop.
    pub async fn into_vec(mut self) -> Result<Vec<P::Item>, Error> {
        let mut items = Vec::new();
        while let Some(item) = self.try_next().await? {
            items.push(item);
        }
        Ok(items)
    }

    /// Returns the place before the next item. Resuming from it fetches its page again and skips the
    /// items that were returned.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let mut taken = self.taken.clone();
        taken.count += self.to_skip.count;
        taken.ids.extend(&self.to_skip.ids);
        Checkpoint {
            cursor: self.page_start.clone(),
            taken,
        }
    }

    /// Continues from a saved place. The query has to be the same.
    pub fn resume(mut self, checkpoint: Checkpoint) -> Self {
        self.pages.go_to(checkpoint.cursor.clone());
        self.current = Vec::new().into_iter();
        self.page_start = checkpoint.cursor;
        self.taken = Taken::default();
        let Taken { count, ids } = checkpoint.taken;
        self.to_skip = Skip {
            // Where both walks identify items by id, their number means nothing.
            count: if ids.is_empty() { count } else { 0 },
            ids: ids.into_iter().collect(),
        };
        self
    }

    /// Returns the next item of the current page.
    fn next_here(&mut self) -> Option<P::Item> {
        loop {
            let item = self.current.next()?;
            // What is not wanted is noted as taken all the same.
            let is_new = self.is_new(&item);
            if is_new && self.filter.as_ref().is_none_or(|wanted| wanted(&item)) {
                return Some(item);
            }
        }
    }

    /// Fetches the next page and makes it the current one. Returns `false` if there is none.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        // The used-up page's allocation is not needed while the next page is fetched.
        self.current = Vec::new().into_iter();
        let start = self.pages.cursor().cloned();
        Poll::Ready(match ready!(self.pages.poll_page(cx)) {
            None => Ok(false),
            Some(Err(error)) => Err(error),
            Some(Ok(page)) => {
                self.turn(start, page);
                Ok(true)
            }
        })
    }

    /// Counts an item as taken. Returns `false` if it was returned before.
    fn is_new(&mut self, item: &P::Item) -> bool {
        self.taken.count += 1;
        if self.to_skip.count > 0 {
            self.to_skip.count -= 1;
            return false;
        }
        let Some(id) = self.identity.as_ref().and_then(|identity| identity(item)) else {
            return true;
        };
        self.taken.ids.push(id);
        // There is rarely anything to skip, and then no need for a look-up.
        let skipped = !self.to_skip.ids.is_empty() && self.to_skip.ids.remove(&id);
        !skipped && self.recent.as_mut().is_none_or(|recent| recent.add(id))
    }

    /// Makes a fetched page the current one.
    fn turn(&mut self, start: Option<Cursor>, page: P) {
        self.page_start = start;
        self.taken.count = 0;
        self.taken.ids.clear();
        // Counting is for the page that the walk resumes in alone; ids are looked up in later pages
        // too, where new items may have pushed the old ones.
        self.to_skip.count = self.to_skip.count.min(page.count());
        self.current = page.into_items().into_iter();
    }
}

impl<P: Paged> Stream for Items<P>
where
    P::Item: Unpin,
{
    type Item = Result<P::Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.next_here() {
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(self.poll_turn(cx)) {
                Ok(true) => {}
                Ok(false) => return Poll::Ready(None),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

impl<P: Paged> fmt::Debug for Items<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("taken", &self.taken.count)
            .finish_non_exhaustive()
    }
}
