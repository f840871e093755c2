//! Lists of a collection: by page, by item and all at once.

use blaxel_core::{Error, HttpService, Items, ListParams, Page, Pages, call};

use super::Collection;
use crate::kind::Listed;
use crate::operations::List;
use crate::resource::Resource;

/// Lists of a collection.
///
/// | method | returns | requests |
/// | --- | --- | --- |
/// | [`list`](Self::list) | one page | one |
/// | [`pages`](Self::pages) | a walk over the pages | one for each page, when it is asked for |
/// | [`items`](Self::items) | a walk over the items | one for each page, when it is needed |
/// | [`all`](Self::all) | all items in a `Vec` | all, one after the other |
///
/// Each of them takes no argument, and has a twin that takes [`ListParams`]: filters, order and page
/// size. Some lists come in a single page and take no parameters.
///
/// ```
/// use blaxel_core::{Error, HttpService, ListParams, Sort};
/// use blaxel_management::Management;
///
/// async fn print_names(management: &Management<impl HttpService>) -> Result<(), Error> {
///     let mut agents = management.agents().items();
///     while let Some(agent) = agents.try_next().await? {
///         println!("{}", agent.metadata.name);
///     }
///     let failed = ListParams::new().status("FAILED").sort(Sort::NameAscending);
///     for agent in management.agents().all_with(&failed).await? {
///         println!("{} has failed", agent.metadata.name);
///     }
///     Ok(())
/// }
/// ```
impl<R: Listed, S: HttpService> Collection<R, S> {
    /// Returns the first page. The list may have more pages: see [`items`](Self::items) and
    /// [`all`](Self::all).
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn list(&self) -> Result<Page<R::Item>, Error> {
        self.list_with(&ListParams::new()).await
    }

    /// Returns the page that the parameters select.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a limit of 0 or a filter that this list does not take; otherwise the
    /// error of the call.
    pub async fn list_with(&self, params: &ListParams) -> Result<Page<R::Item>, Error> {
        let list = List::<R>::new(params.clone()).within(&self.scope);
        call(&self.service, &list).await
    }

    /// Returns a walk over all pages.
    pub fn pages(&self) -> Pages<Page<R::Item>> {
        self.pages_with(&ListParams::new())
    }

    /// Returns a walk over the pages that the parameters select. It starts at their cursor, if they
    /// have one, and fails as [`list_with`](Self::list_with) does.
    pub fn pages_with(&self, params: &ListParams) -> Pages<Page<R::Item>> {
        let mut params = params.clone();
        let start = params.take_cursor();
        let scope = self.scope.clone();
        Pages::of(self.service.clone(), start, move |cursor| {
            List::<R>::new(params.clone().cursor(cursor)).within(&scope)
        })
    }

    /// Returns a walk over all resources.
    ///
    /// Items are identified by name, so a walk that is resumed from its
    /// [checkpoint](Items::checkpoint) continues where it stopped, even if resources were created or
    /// deleted since.
    pub fn items(&self) -> Items<Page<R::Item>> {
        self.items_with(&ListParams::new())
    }

    /// Returns a walk over the resources that the parameters select; see [`items`](Self::items).
    pub fn items_with(&self, params: &ListParams) -> Items<Page<R::Item>> {
        self.pages_with(params).items().identified_by(Resource::key)
    }

    /// Collects all resources.
    ///
    /// The memory this takes grows with the list, without a bound. For a list that may be long, use
    /// [`items`](Self::items).
    ///
    /// # Errors
    ///
    /// The error of any page, or a pagination error; see [`Pages`]. The list is never incomplete.
    pub async fn all(&self) -> Result<Vec<R::Item>, Error> {
        self.all_with(&ListParams::new()).await
    }

    /// Collects the resources that the parameters select; see [`all`](Self::all).
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all) and [`list_with`](Self::list_with).
    pub async fn all_with(&self, params: &ListParams) -> Result<Vec<R::Item>, Error> {
        self.items_with(params).into_vec().await
    }
}
