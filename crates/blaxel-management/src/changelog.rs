//! Reads the changelog of the platform.

use blaxel_core::{Error, HttpService, OperationInfo, call};
use http::Method;

use crate::Management;
use crate::operations::{Action, Perform};

response! {
    /// The changelog of the platform.
    #[doc(alias = "ChangelogResponse")]
    pub struct Changelog {
        /// The entries, the newest first.
        pub entries: Option<Vec<ChangelogEntry>>,
    }

    /// An entry of the changelog.
    pub struct ChangelogEntry {
        /// The title, in one line.
        pub title: Option<String>,
        /// The full text, in Markdown.
        pub content: Option<String>,
        /// The release date, such as `2026-07-07`.
        pub date: Option<String>,
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the changelog of the platform (`GET /changelog`). Every caller may read it.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for entry in management.changelog().await?.entries.unwrap_or_default() {
    ///     println!("{:?}: {:?}", entry.date, entry.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn changelog(&self) -> Result<Changelog, Error> {
        call(&self.service, &Perform::<GetChangelog>::new()).await
    }
}

/// Reads the changelog: the operation `GetChangelog`.
#[derive(Clone, Copy, Debug)]
pub struct GetChangelog;

impl Action for GetChangelog {
    const INFO: OperationInfo = OperationInfo::new("GetChangelog", Method::GET, "/changelog");
    type Input = ();
    type Output = Changelog;
}
