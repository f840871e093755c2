//! Templates: repositories from which agents and other workloads are begun.

use blaxel_core::{HttpService, OperationInfo};
use http::Method;

use crate::Management;
use crate::collection::Collection;
use crate::kind::{Fetched, Listed};
use crate::parent_path::ParentPath;

response! {
    /// A repository to begin with.
    pub struct Template {
        /// What it is called.
        pub name: Option<String>,
        /// What it is for.
        pub description: Option<String>,
        /// What it is about.
        pub topics: Option<Vec<String>>,
        /// The address of the repository.
        pub url: Option<String>,
        /// The branch to begin with.
        pub default_branch: Option<String>,
        /// The commit to begin with.
        pub sha: Option<String>,
        /// What has to be filled in.
        pub variables: Option<Vec<TemplateVariable>>,
        /// The address of its picture.
        pub icon: Option<String>,
        /// The address of its picture for a dark background.
        pub icon_dark: Option<String>,
        /// How often it was downloaded.
        pub download_count: Option<u32>,
        /// How often it was forked.
        pub forks_count: Option<u32>,
        /// How many stars it has.
        pub star_count: Option<u32>,
    }

    /// Something that has to be filled in before a template runs.
    pub struct TemplateVariable {
        /// The name of the variable.
        pub name: Option<String>,
        /// What it is for.
        pub description: Option<String>,
        /// The integration whose credential it holds.
        pub integration: Option<String>,
        /// The file it stands in, within the repository.
        pub path: Option<String>,
        /// Whether it is a secret.
        pub secret: Option<bool>,
    }
}

resource! { Template { name: name } }

impl<S: HttpService> Management<S> {
    /// The templates that the platform offers.
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
