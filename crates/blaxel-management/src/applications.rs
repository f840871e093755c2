//! Applications: programs of any kind that run on and are open to everybody, under addresses of the
//! user's own if need be.

use std::collections::BTreeMap;

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

/// The extension by which an application stands before a sandbox.
const BIND_TO_SANDBOX: &str = "ai.blaxel.experimental/bind-to-sandbox";

document! {
    /// An application.
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
        /// The generation of the machine it runs on, such as `mk3.1`.
        #[server]
        pub node_generation: Option<String>,
    }
}

record! {
    /// What an application is to be. From the image, the memory, the port and the variables the server
    /// makes a new revision whenever it is created or replaced.
    pub struct ApplicationSpec {
        /// Whether it answers. The server takes `true` by default.
        pub enabled: Option<bool>,
        /// The region it runs in.
        pub region: Option<String>,
        /// The container image.
        pub image: Option<String>,
        /// Its memory, 2048 MB by default. The platform gives one processor for each 2048 MB.
        pub memory: Option<Megabytes>,
        /// The port it listens on, 8080 by default.
        pub port: Option<u32>,
        /// Its environment variables.
        pub envs: Option<Vec<EnvVariable>>,
        /// The addresses of the user's own under which it is called.
        pub urls: Option<Vec<AppUrl>>,
        /// Which revisions answer.
        pub revision: Option<RevisionRouting>,
        /// The revisions that are kept.
        #[server]
        pub revisions: Option<Vec<AppRevision>>,
        /// Whether it only stands before a sandbox, whose name is the image of the active revision. The
        /// server takes `false` by default. It is on its way out: see
        /// [`bound_to`](Application::bound_to).
        pub proxy: Option<bool>,
        /// What is still being tried out, by the full name of the extension.
        pub extensions: Option<BTreeMap<String, ApplicationExtension>>,
    }

    /// An address of the user's own under which an application is called. The domain has to be a
    /// verified custom domain of the workspace.
    pub struct AppUrl {
        /// The custom domain, a whole one or the one below a wildcard.
        pub domain: String,
        /// The name before a domain with a wildcard.
        pub subdomain: Option<String>,
    }

    /// A revision of an application: what it ran at a time.
    pub struct AppRevision {
        /// The container image.
        pub image: String,
        /// Its id.
        #[server]
        pub id: Option<String>,
        /// Its memory.
        #[server]
        pub memory: Option<Megabytes>,
        /// The port it listens on; that of the application if there is none.
        #[server]
        pub port: Option<u32>,
        /// Its environment variables.
        #[server]
        pub envs: Option<Vec<EnvVariable>>,
        /// The id of the snapshot it was forked from, if it was.
        #[server]
        pub snapshot: Option<String>,
        /// When it was made.
        #[server]
        pub created_at: Option<Timestamp>,
        /// Who made it.
        #[server]
        pub created_by: Option<String>,
    }

    /// The particulars of an extension.
    pub struct ApplicationExtension {
        /// The sandbox that the application stands before.
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
    /// Has it stand before a sandbox instead of running an image of its own. The platform counts that
    /// as an experiment.
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
    /// The applications of the workspace.
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
    fn what_an_application_runs_stands_in_the_spec_itself() {
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
    fn a_status_without_a_name_here_and_the_revisions_survive() {
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
