//! The walk over the items of a list.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::page::{Cursor, Paged};
use crate::recent::Recent;
use crate::service::BoxFuture;
use crate::walk::Pages;

/// A list, item by item; pages are fetched as they are needed.
///
/// What is said of [`Pages`] about errors and ends holds here too.
#[must_use = "nothing is fetched until it is asked for an item"]
pub struct Items<P: Paged> {
    pages: Pages<P>,
    current: std::vec::IntoIter<P::Item>,
    /// Where the current page began.
    page_start: Option<Cursor>,
    /// What was given out of the current page.
    taken: Taken,
    /// What a resumed walk had been given before.
    to_skip: Skip,
    identity: Option<Identity<P::Item>>,
    recent: Option<Recent>,
}

/// Finds what stands for the id of an item.
type Identity<T> = Box<dyn Fn(&T) -> Option<u64> + Send>;

/// Items that were given out: how many, and which, where they can be told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Taken {
    count: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ids: Vec<u64>,
}

/// Items that are not to be given out again.
#[derive(Default)]
struct Skip {
    count: usize,
    ids: HashSet<u64>,
}

/// A place between two items of a list, which can be saved, and resumed by
/// [`Items::resume`] within the 24 hours that a cursor lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    cursor: Option<Cursor>,
    taken: Taken,
}

/// A number that stands for an id and is the same in every process: FNV-1a of 64 bits.
fn stands_for(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl<P: Paged> Items<P> {
    pub(crate) fn new(pages: Pages<P>) -> Self {
        Self {
            current: Vec::new().into_iter(),
            page_start: pages.cursor().cloned(),
            pages,
            taken: Taken::default(),
            to_skip: Skip::default(),
            identity: None,
            recent: None,
        }
    }

    /// Fetches the next page while the items of the current one are worked on; see
    /// [`Pages::read_ahead`].
    pub fn read_ahead<F>(mut self, spawn: F) -> Self
    where
        F: FnMut(BoxFuture<Result<P, Error>>) -> BoxFuture<Result<P, Error>> + Send + 'static,
    {
        self.pages = self.pages.read_ahead(spawn);
        self
    }

    /// Tells items apart by an id, so that a walk resumed from a [`Checkpoint`] knows which ones it was
    /// given, whatever has come and gone since. Without one it can only count them. An item whose id is
    /// empty is like no other.
    pub fn identified_by<F>(mut self, id: F) -> Self
    where
        F: Fn(&P::Item) -> Cow<'_, str> + Send + 'static,
    {
        self.identity = Some(Box::new(move |item| {
            let id = id(item);
            (!id.is_empty()).then(|| stands_for(&id))
        }));
        self
    }

    /// Leaves out an item whose id was among the last `window` ones given out; the ids are those of
    /// [`identified_by`](Self::identified_by), without which this does nothing.
    ///
    /// A list that grows while it is walked can show an item on two pages. How many ids are
    /// remembered bounds the memory; a page or two of them is enough for most lists.
    pub fn distinct(mut self, window: usize) -> Self {
        self.recent = Some(Recent::new(window));
        self
    }

    /// The next item, or `None` at the end of the list.
    ///
    /// It may be dropped while it waits: no item is lost.
    ///
    /// # Errors
    ///
    /// What the fetch of a page failed with; and a pagination error when the list does not lead on.
    pub async fn try_next(&mut self) -> Result<Option<P::Item>, Error> {
        // An item can be large: one that is there is handed on at once, not through the layers of a poll.
        loop {
            if let Some(item) = self.next_here() {
                return Ok(Some(item));
            }
            if !poll_fn(|cx| self.poll_turn(cx)).await? {
                return Ok(None);
            }
        }
    }

    /// The place before the next item. To resume from it refetches a page and skips what was taken.
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

    /// Goes on from a saved place, with the same query.
    pub fn resume(mut self, checkpoint: Checkpoint) -> Self {
        self.pages.go_to(checkpoint.cursor.clone());
        self.current = Vec::new().into_iter();
        self.page_start = checkpoint.cursor;
        self.taken = Taken::default();
        let Taken { count, ids } = checkpoint.taken;
        self.to_skip = Skip {
            // Where both walks can tell items apart, their number says nothing.
            count: if ids.is_empty() { count } else { 0 },
            ids: ids.into_iter().collect(),
        };
        self
    }

    /// The next item of the current page.
    fn next_here(&mut self) -> Option<P::Item> {
        loop {
            let item = self.current.next()?;
            if self.is_new(&item) {
                return Some(item);
            }
        }
    }

    /// Fetches the next page and makes it the current one. `false` if there is none.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        // All that is left of the page is its room, which need not be held while the next one comes.
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

    /// Notes an item as taken. `false` if it was given out before.
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
        // Mostly there is nothing to be skipped, and then no place to be looked up.
        let skipped = !self.to_skip.ids.is_empty() && self.to_skip.ids.remove(&id);
        !skipped && self.recent.as_mut().is_none_or(|recent| recent.add(id))
    }

    /// Makes a fetched page the current one.
    fn turn(&mut self, start: Option<Cursor>, page: P) {
        self.page_start = start;
        self.taken.count = 0;
        self.taken.ids.clear();
        // Items are counted off from the page that the walk is resumed in alone; ids are looked for in
        // the later ones too, where new items may have pushed the old ones.
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
