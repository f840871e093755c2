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

/// A walk over the items of a list. The next page is fetched when the current one is used up.
///
/// [`try_next`](Self::try_next) returns the items one by one; the walk also implements
/// `futures_core::Stream`. It fails and ends as [`Pages`] does.
///
/// ```
/// use blaxel_core::{Error, Items, Page};
///
/// # #[derive(serde::Deserialize)]
/// # struct Agent { name: String }
/// async fn print_names(mut agents: Items<Page<Agent>>) -> Result<(), Error> {
///     while let Some(agent) = agents.try_next().await? {
///         println!("{}", agent.name);
///     }
///     Ok(())
/// }
/// ```
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

/// A function that returns `true` for an item to be returned.
type Filter<T> = Box<dyn Fn(&T) -> bool + Send>;

/// A function that returns a hash of an item's id, or `None` for an item without an id.
type Identity<T> = Box<dyn Fn(&T) -> Option<u64> + Send>;

/// The number of items that were returned, and the hashes of their ids, if they have ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Taken {
    count: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ids: Vec<u64>,
}

/// The items that must not be returned again.
#[derive(Default)]
struct Skip {
    count: usize,
    ids: HashSet<u64>,
}

/// A position between two items of a list. It can be saved with serde; [`Items::resume`] continues
/// from it within the 24 hours that a cursor is valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    cursor: Option<Cursor>,
    taken: Taken,
}

/// Hashes an id with 64-bit FNV-1a, which gives the same result in every process.
fn fingerprint(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl<P: Paged> Pages<P> {
    /// Converts the walk over pages into a walk over their items.
    pub fn items(self) -> Items<P> {
        Items::new(self)
    }
}

impl<P: Paged> Items<P> {
    /// Creates a walk that has returned no item.
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

    /// Sets the function that returns an item's id.
    ///
    /// A walk resumed from a [`Checkpoint`] then skips exactly the items that were returned before,
    /// even if others were added or deleted since. Without ids the walk can only count items. An
    /// item with an empty id is never skipped.
    ///
    /// ```
    /// use std::borrow::Cow;
    /// use blaxel_core::{Items, Page};
    ///
    /// # struct Agent { name: String }
    /// fn unique(agents: Items<Page<Agent>>) -> Items<Page<Agent>> {
    ///     agents.identified_by(|agent| Cow::Borrowed(agent.name.as_str())).distinct(100)
    /// }
    /// ```
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

    /// Skips an item whose id is one of the last `window` ids returned. It needs
    /// [`identified_by`](Self::identified_by) and has no effect without it.
    ///
    /// A list that grows during the walk can contain an item on two pages. `window` bounds the
    /// memory; one or two pages of ids suffice for most lists.
    pub fn distinct(mut self, window: usize) -> Self {
        self.recent = Some(Recent::new(window));
        self
    }

    /// Skips the items for which `wanted` returns `false`. Calling it again adds a condition.
    ///
    /// The server does not know the condition, so every page is still fetched. A skipped item
    /// counts as returned, so a [`Checkpoint`] is the same with and without the filter.
    ///
    /// ```
    /// use blaxel_core::{Items, Page};
    ///
    /// # struct Agent { name: String }
    /// fn support(agents: Items<Page<Agent>>) -> Items<Page<Agent>> {
    ///     agents.filter(|agent| agent.name.starts_with("support-"))
    /// }
    /// ```
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
    /// The error of fetching a page, or a pagination error; see [`Pages`].
    pub async fn try_next(&mut self) -> Result<Option<P::Item>, Error> {
        // An item can be large, so one that is available is returned directly rather than through `Poll`.
        loop {
            if let Some(item) = self.next_in_page() {
                return Ok(Some(item));
            }
            if !poll_fn(|cx| self.poll_next_page(cx)).await? {
                return Ok(None);
            }
        }
    }

    /// Collects the remaining items into a vector.
    ///
    /// The memory use is not bounded: it grows with the list.
    ///
    /// ```
    /// use blaxel_core::{Error, Page, Pages};
    ///
    /// async fn names(pages: Pages<Page<String>>) -> Result<Vec<String>, Error> {
    ///     pages.items().into_vec().await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The same as for [`try_next`](Self::try_next). The items read before the error are dropped;
    /// to keep them, call `try_next` in a loop.
    pub async fn into_vec(mut self) -> Result<Vec<P::Item>, Error> {
        let mut items = Vec::new();
        while let Some(item) = self.try_next().await? {
            items.push(item);
        }
        Ok(items)
    }

    /// Returns the position before the next item. Resuming from it fetches its page again and skips
    /// the items that were already returned.
    ///
    /// ```
    /// use blaxel_core::{Error, Items, Page};
    ///
    /// # struct Agent;
    /// async fn interrupted(
    ///     mut agents: Items<Page<Agent>>,
    ///     again: impl Fn() -> Items<Page<Agent>>,
    /// ) -> Result<(), Error> {
    ///     agents.try_next().await?;
    ///     let checkpoint = agents.checkpoint();
    ///     // Later, with the same query:
    ///     let mut rest = again().resume(checkpoint);
    ///     rest.try_next().await?;
    ///     Ok(())
    /// }
    /// ```
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

    /// Continues from a saved position. The query must be the same.
    pub fn resume(mut self, checkpoint: Checkpoint) -> Self {
        self.pages.seek(checkpoint.cursor.clone());
        self.current = Vec::new().into_iter();
        self.page_start = checkpoint.cursor;
        self.taken = Taken::default();
        let Taken { count, ids } = checkpoint.taken;
        self.to_skip = Skip {
            // With ids the number is not needed: they tell exactly which items to skip.
            count: if ids.is_empty() { count } else { 0 },
            ids: ids.into_iter().collect(),
        };
        self
    }

    /// Returns the next item of the current page that is neither skipped nor filtered out.
    fn next_in_page(&mut self) -> Option<P::Item> {
        loop {
            let item = self.current.next()?;
            // A filtered item counts as returned all the same.
            let is_new = self.is_new(&item);
            if is_new && self.filter.as_ref().is_none_or(|wanted| wanted(&item)) {
                return Some(item);
            }
        }
    }

    /// Fetches the next page and makes it the current one. Returns `false` if there is none.
    fn poll_next_page(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        // Frees the used-up page while the next one is fetched.
        self.current = Vec::new().into_iter();
        let start = self.pages.cursor().cloned();
        Poll::Ready(match ready!(self.pages.poll_page(cx)) {
            None => Ok(false),
            Some(Err(error)) => Err(error),
            Some(Ok(page)) => {
                self.set_page(start, page);
                Ok(true)
            }
        })
    }

    /// Counts an item as returned. Returns `false` if it was returned before.
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
        // Usually there is nothing to skip, so the lookup is avoided.
        let skipped = !self.to_skip.ids.is_empty() && self.to_skip.ids.remove(&id);
        !skipped && self.recent.as_mut().is_none_or(|recent| recent.add(id))
    }

    /// Makes a fetched page the current one.
    fn set_page(&mut self, start: Option<Cursor>, page: P) {
        self.page_start = start;
        self.taken.count = 0;
        self.taken.ids.clear();
        // A count applies only to the page in which the walk resumes. Ids apply to later pages too, to
        // which new items may have moved the old ones.
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
            if let Some(item) = self.next_in_page() {
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(self.poll_next_page(cx)) {
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
