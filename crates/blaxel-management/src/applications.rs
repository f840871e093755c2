//! Applications: long-running programs of any kind that are publicly reachable, optionally at custom domains.
//!
//! [`Application`] has the desired state in an [`ApplicationSpec`]; its [`AppUrl`]s are the custom domains.
//! [`Management::applications`] returns the collection.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};

use blaxel_core::{HttpService, Idempotency, OperationInfo, Timestamp};
use http::Method;

use crate::Management;
use crate::collection::Collection;
use crate::kind::{
    Applied, ApplyOrder, Created, Deleted, Fetched, Listed, PAGE_QUERY, Replaced, Revised,
};
use crate::metadata::{Event, Metadata, Status};
use crate::parent_path::ParentPath;
use crate::size::Megabytes;
use crate::workload::runtime_setters;
use crate::workload::{EnvVariable, RevisionRouting};

/// The extension that makes an application a proxy of a sandbox.
const BIND_TO_SANDBOX: &str = "ai.blaxel.experimental/bind-to-sandbox";

document! {
    /// An application: a long-running program that is publicly reachable.
    ///
    /// ```
    /// use blaxel_management::Megabytes;
    /// use blaxel_management::applications::{AppUrl, Application};
    ///
    /// let shop = Application::new("shop")
    ///     .image("my-team/shop:latest")
    ///     .memory(Megabytes::gigabytes(2))
    ///     .url(AppUrl::new("shop.example.com"));
    /// assert_eq!(shop.spec.urls.unwrap().len(), 1);
    /// ```
    pub struct Application {
        pub metadata: Metadata,
        pub spec: ApplicationSpec,
        pub status: Option<Status>,
        pub events: Option<Vec<Event>>,
        /// The generation of the infrastructure that the application runs on, such as `mk3.1`.
        #[server]
        pub node_generation: Option<String>,
    }
}

record! {
    /// The desired state of an application.
    ///
    /// Whenever the application is created or replaced, the server creates a new revision from the image, the
    /// memory, the port and the environment variables.
    pub struct ApplicationSpec {
        /// `true` if the application serves requests. The server's default is `true`.
        pub enabled: Option<bool>,
        /// The region that the application runs in.
        pub region: Option<String>,
        /// The container image.
        pub image: Option<String>,
        /// The memory. The default is 2048 MB. The platform assigns one CPU per 2048 MB.
        pub memory: Option<Megabytes>,
        /// The port that the application listens on. The default is 8080.
        pub port: Option<u32>,
        /// The environment variables.
        pub envs: Option<Vec<EnvVariable>>,
        /// The custom domains at which the application is reachable.
        pub urls: Option<Vec<AppUrl>>,
        /// The distribution of requests among revisions.
        pub revision: Option<RevisionRouting>,
        /// The stored revisions.
        #[server]
        pub revisions: Option<Vec<AppRevision>>,
        /// `true` if the application is only a proxy of a sandbox, whose name is the image of the active
        /// revision. The server's default is `false`. Being phased out: use
        /// [`bound_to`](Application::bound_to) instead.
        pub proxy: Option<bool>,
        /// The settings of experimental extensions, by the full name of the extension.
        pub extensions: Option<BTreeMap<String, ApplicationExtension>>,
    }

    /// A custom domain at which an application is reachable. The domain must be a verified custom domain of the
    /// workspace.
    pub struct AppUrl {
        /// The custom domain, either an exact one or the one below a wildcard.
        pub domain: String,
        /// The subdomain, for a wildcard domain.
        pub subdomain: Option<String>,
    }

    /// A revision of an application: the image and settings of one deployment.
    pub struct AppRevision {
        /// The container image.
        pub image: String,
        /// The id of the revision.
        #[server]
        pub id: Option<String>,
        /// The memory.
        #[server]
        pub memory: Option<Megabytes>,
        /// The port that the revision listens on. If there is none, it is the port of the application.
        #[server]
        pub port: Option<u32>,
        /// The environment variables.
        #[server]
        pub envs: Option<Vec<EnvVariable>>,
        /// The id of the snapshot that the revision was forked from, if any.
        #[server]
        pub snapshot: Option<String>,
        /// The time of creation.
        #[server]
        pub created_at: Option<Timestamp>,
        /// The user or service account that created the revision.
        #[server]
        pub created_by: Option<String>,
    }

    /// The settings of an extension.
    pub struct ApplicationExtension {
        /// The name of the sandbox that the application is a proxy of.
        pub sandbox: Option<String>,
    }
}

resource! { Application { metadata: metadata, labels: metadata.labels, status: status } }

resource! { AppRevision { name: id, created_at: created_at } }

runtime_setters! { Application }

deep_setters! { Application:
    spec ApplicationSpec {
        enabled: bool,
        port: u32,
        revision: RevisionRouting,
        url: [AppUrl urls],
    }
}

impl Application {
    /// Creates a draft with a random name, such as `app-3f9a1c0b7d52e684`. The platform names no applications itself.
    ///
    /// The draft keeps its name, so its creation can be repeated if the outcome is unknown.
    ///
    /// ```
    /// use blaxel_management::applications::Application;
    ///
    /// let application = Application::randomly_named().image("my-team/shop:latest");
    /// assert!(application.metadata.name.starts_with("app-"));
    /// ```
    #[must_use]
    pub fn randomly_named() -> Self {
        // The standard library seeds its hashers from the system's random numbers.
        let random = RandomState::new().hash_one(());
        Self::new(format!("app-{random:016x}"))
    }

    /// Makes the application a proxy of a sandbox instead of running an image of its own. The platform considers
    /// this experimental.
    ///
    /// ```
    /// use blaxel_management::applications::Application;
    ///
    /// let shop = Application::new("shop").bound_to("code-runner");
    /// assert_eq!(shop.spec.extensions.unwrap().len(), 1);
    /// ```
    #[must_use]
    pub fn bound_to(mut self, sandbox: impl Into<String>) -> Self {
        let extension = ApplicationExtension::new().sandbox(sandbox);
        self.spec
            .extensions
            .get_or_insert_default()
            .insert(BIND_TO_SANDBOX.to_owned(), extension);
        self
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the collection of the workspace's applications (`/applications`).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for application in management.applications().all().await? {
    ///     println!("{} is {:?}", application.metadata.name, application.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn applications(&self) -> Collection<Application, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl Listed for Application {
    const LIST: OperationInfo =
        OperationInfo::new("ListApplications", Method::GET, "/applications")
            .with_parameters(PAGE_QUERY);
    type Item = Self;
}

impl Created for Application {
    const CREATE: OperationInfo =
        OperationInfo::new("CreateApplication", Method::POST, "/applications")
            .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;
}

impl Fetched for Application {
    const GET: OperationInfo = OperationInfo::new(
        "GetApplication",
        Method::GET,
        "/applications/{applicationName}",
    );
}

impl Replaced for Application {
    const REPLACE: OperationInfo = OperationInfo::new(
        "UpdateApplication",
        Method::PUT,
        "/applications/{applicationName}",
    );
}

impl Applied for Application {
    const ORDER: ApplyOrder = ApplyOrder::CreateFirst;
}

impl Deleted for Application {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteApplication",
        Method::DELETE,
        "/applications/{applicationName}",
    );
    type Response = Self;
}

impl Revised for Application {
    const REVISIONS: OperationInfo = OperationInfo::new(
        "ListApplicationRevisions",
        Method::GET,
        "/applications/{applicationName}/revisions",
    );
    type Revision = AppRevision;
}

#[cfg(feature = "wait")]
crate::wait::watched! { Application }

#[cfg(feature = "upload")]
crate::upload::uploadable! { Application }

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_runtime_setters_of_an_application_set_members_of_the_spec() {
        let application = Application::new("shop")
            .region("us-pdx-1")
            .image("shop:1")
            .memory(Megabytes::new(1024))
            .env(EnvVariable::plain("MODE", "fast"))
            .url(AppUrl::new("example.com").subdomain("shop"))
            .bound_to("box");
        let expected = json!({
            "metadata": {"name": "shop"},
            "spec": {
                "region": "us-pdx-1",
                "image": "shop:1",
                "memory": 1024,
                "envs": [{"name": "MODE", "value": "fast"}],
                "urls": [{"domain": "example.com", "subdomain": "shop"}],
                "extensions": {"ai.blaxel.experimental/bind-to-sandbox": {"sandbox": "box"}},
            },
        });
        assert_eq!(serde_json::to_value(&application).unwrap(), expected);
    }

    #[test]
    fn a_random_name_is_valid_and_another_one_each_time() {
        let names: Vec<String> = (0..100)
            .map(|_| Application::randomly_named().metadata.name)
            .collect();
        for (place, name) in names.iter().enumerate() {
            assert!(name.len() == 20 && !names[..place].contains(name), "{name}");
        }
    }

    #[test]
    fn an_unknown_status_and_the_revisions_survive_a_round_trip() {
        let document = json!({
            "metadata": {"name": "shop"},
            "spec": {"revisions": [{"id": "r1", "image": "shop:1", "port": 3000, "snapshot": "s"}]},
            "status": "HIBERNATING",
            "nodeGeneration": "mk3.1",
        });
        let application: Application = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(application.status.as_ref().unwrap().as_str(), "HIBERNATING");
        assert_eq!(
            application.spec.revisions.as_ref().unwrap()[0].port,
            Some(3000)
        );
        assert_eq!(serde_json::to_value(&application).unwrap(), document);
    }
}
