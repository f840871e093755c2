//! Lists of a collection: by page, by item, and collected.

use blaxel_core::{Error, HttpService, Items, ListParams, Page, Pages, call};

use super::Collection;
use crate::kind::Listed;
use crate::operations::List;
use crate::resource::Resource;

/// # Lists
///
/// | method | returns | requests |
/// | --- | --- | --- |
/// | [`list`](Self::list) | one page | one |
/// | [`pages`](Self::pages) | a walk over the pages | one per page, when the page is requested |
/// | [`items`](Self::items) | a walk over the items | one per page, when its first item is requested |
/// | [`all`](Self::all) | all items in a `Vec` | one per page, one after the other |
///
/// These methods take no argument. Each has a variant that takes [`ListParams`]: filters, order and page size.
/// Some lists consist of a single page and take no parameters.
///
/// ```no_run
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
    /// Returns the first page (`GET /agents` for agents). The list may have more pages: see
    /// [`items`](Self::items) and [`all`](Self::all).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let page = agents.list().await?;
    /// if let Some(total) = page.meta.total() {
    ///     println!("{} of {total} agents", page.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn list(&self) -> Result<Page<R::Item>, Error> {
        self.list_with(&ListParams::new()).await
    }

    /// Returns the page that the parameters select.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_core::{ListParams, Sort};
    ///
    /// let newest = ListParams::new().limit(5).sort(Sort::CreatedDescending);
    /// for agent in agents.list_with(&newest).await? {
    ///     println!("{}", agent.metadata.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a limit of 0 or a filter that this list does not take; otherwise the
    /// error of the call.
    pub async fn list_with(&self, params: &ListParams) -> Result<Page<R::Item>, Error> {
        let list = List::<R>::new(params.clone()).within(&self.parent);
        call(&self.service, &list).await
    }

    /// Returns a walk over all pages.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let mut pages = agents.pages();
    /// while let Some(page) = pages.try_next().await? {
    ///     println!("{} agents", page.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn pages(&self) -> Pages<Page<R::Item>> {
        self.pages_with(&ListParams::new())
    }

    /// Returns a walk over the pages that the parameters select. It starts at their cursor, if they
    /// have one. Its errors are those of [`list_with`](Self::list_with). See [`pages`](Self::pages) for an
    /// example.
    pub fn pages_with(&self, params: &ListParams) -> Pages<Page<R::Item>> {
        let mut params = params.clone();
        let start = params.take_cursor();
        let parent = self.parent.clone();
        Pages::of(self.service.clone(), start, move |cursor| {
            List::<R>::new(params.clone().cursor(cursor)).within(&parent)
        })
    }

    /// Returns a walk over all resources.
    ///
    /// Items are identified by name, so a walk that is resumed from its
    /// [checkpoint](Items::checkpoint) continues where it stopped, even if resources were created or
    /// deleted since.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let mut items = agents.items();
    /// while let Some(agent) = items.try_next().await? {
    ///     println!("{}", agent.metadata.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn items(&self) -> Items<Page<R::Item>> {
        self.items_with(&ListParams::new())
    }

    /// Returns a walk over the resources that the parameters select; see [`items`](Self::items).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_core::ListParams;
    ///
    /// let mut failed = agents.items_with(&ListParams::new().status("FAILED"));
    /// while let Some(agent) = failed.try_next().await? {
    ///     println!("{} has failed", agent.metadata.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn items_with(&self, params: &ListParams) -> Items<Page<R::Item>> {
        self.pages_with(params).items().identified_by(Resource::key)
    }

    /// Collects all resources.
    ///
    /// The memory use grows with the list, without a limit. For a list that may be long, use
    /// [`items`](Self::items).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let agents = agents.all().await?;
    /// println!("{} agents", agents.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of any page, or a pagination error; see [`Pages`]. The list is never incomplete.
    pub async fn all(&self) -> Result<Vec<R::Item>, Error> {
        self.all_with(&ListParams::new()).await
    }

    /// Collects the resources that the parameters select; see [`all`](Self::all).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_core::{ListParams, Sort};
    ///
    /// let by_name = ListParams::new().sort(Sort::NameAscending);
    /// let agents = agents.all_with(&by_name).await?;
    /// println!("{} agents", agents.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`all`](Self::all) and [`list_with`](Self::list_with).
    pub async fn all_with(&self, params: &ListParams) -> Result<Vec<R::Item>, Error> {
        self.items_with(params).into_vec().await
    }
}
