//! Templates: repositories to start agents and other workloads from.

use blaxel_core::{HttpService, OperationInfo};
use http::Method;

use crate::Management;
use crate::collection::Collection;
use crate::kind::{Fetched, Listed};
use crate::parent_path::ParentPath;

response! {
    /// A template repository.
    pub struct Template {
        /// The name.
        pub name: Option<String>,
        /// The description.
        pub description: Option<String>,
        /// The topics.
        pub topics: Option<Vec<String>>,
        /// The URL of the repository.
        pub url: Option<String>,
        /// The branch to start from.
        pub default_branch: Option<String>,
        /// The commit to start from.
        pub sha: Option<String>,
        /// The variables that the user has to set.
        pub variables: Option<Vec<TemplateVariable>>,
        /// The URL of the icon.
        pub icon: Option<String>,
        /// The URL of the icon for dark backgrounds.
        pub icon_dark: Option<String>,
        /// The number of downloads.
        pub download_count: Option<u32>,
        /// The number of forks.
        pub forks_count: Option<u32>,
        /// The number of stars.
        pub star_count: Option<u32>,
    }

    /// A variable that must be set before a template runs.
    pub struct TemplateVariable {
        /// The name.
        pub name: Option<String>,
        /// The description.
        pub description: Option<String>,
        /// The integration that provides the credential.
        pub integration: Option<String>,
        /// The file that holds the variable, within the repository.
        pub path: Option<String>,
        /// `true` if the value is secret.
        pub secret: Option<bool>,
    }
}

resource! { Template { name: name } }

impl<S: HttpService> Management<S> {
    /// Returns the handle for the templates that the platform offers.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for template in management.templates().all().await? {
    ///     println!("{:?}: {:?}", template.name, template.url);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn templates(&self) -> Collection<Template, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl Listed for Template {
    const LIST: OperationInfo =
        OperationInfo::new("ListTemplates", Method::GET, "/templates").with_parameters(&[]);
    type Item = Self;
}

impl Fetched for Template {
    const GET: OperationInfo =
        OperationInfo::new("GetTemplate", Method::GET, "/templates/{templateName}");
}
