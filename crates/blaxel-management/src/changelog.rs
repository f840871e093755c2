//! The changelog of the platform.

use blaxel_core::{Error, HttpService, OperationInfo, call};
use http::Method;

use crate::Management;
use crate::operations::{Action, Perform};

response! {
    /// What is new on the platform.
    #[doc(alias = "ChangelogResponse")]
    pub struct Changelog {
        /// What is new, the newest first.
        pub entries: Option<Vec<ChangelogEntry>>,
    }

    /// Something that is new.
    pub struct ChangelogEntry {
        /// What it is, in a line.
        pub title: Option<String>,
        /// What it is, at length, in Markdown.
        pub content: Option<String>,
        /// The day it came, such as `2026-07-07`.
        pub date: Option<String>,
    }
}

impl<S: HttpService> Management<S> {
    /// What is new on the platform: `GET /changelog`. Anybody may read it.
    ///
    /// # Errors
    ///
    /// What the call failed with.
    pub async fn changelog(&self) -> Result<Changelog, Error> {
        call(&self.service, &Perform::<GetChangelog>::new()).await
    }
}

/// Reads what is new on the platform: `GetChangelog`.
#[derive(Clone, Copy, Debug)]
pub struct GetChangelog;

impl Action for GetChangelog {
    const INFO: OperationInfo = OperationInfo::new("GetChangelog", Method::GET, "/changelog");
    type Input = ();
    type Output = Changelog;
}
