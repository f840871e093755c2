//! The address of a workload.
//!
//! In order of precedence: the one set by `url`; the one of an environment variable, if overrides are
//! enabled; the `metadata.url` of the resource, if it was looked up; and the origin of the run plane
//! with workspace, kind and name as the path. Host names are never parsed or composed.

use std::fmt;
use std::sync::Arc;

use blaxel_core::__private::trim_setting;
use blaxel_core::{
    Error, HttpService, Operation, OperationInfo, RequestWriter, Secret, Source, call, response,
};
use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use crate::target::Address;

/// A kind of workload, by the names used in variables.
pub(crate) struct Kind {
    pub(crate) singular: &'static str,
    pub(crate) plural: &'static str,
}

pub(crate) const AGENT: Kind = Kind {
    singular: "AGENT",
    plural: "AGENTS",
};
pub(crate) const MODEL: Kind = Kind {
    singular: "MODEL",
    plural: "MODELS",
};

#[cfg(feature = "mcp")]
pub(crate) const FUNCTION: Kind = Kind {
    singular: "FUNCTION",
    plural: "FUNCTIONS",
};
#[cfg(feature = "mcp")]
pub(crate) const SANDBOX: Kind = Kind {
    singular: "SANDBOX",
    plural: "SANDBOXES",
};

/// A source of variables that override addresses.
#[derive(Clone)]
pub(crate) struct Overrides(Arc<Variables>);

type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Overrides {
    pub(crate) fn new(variables: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(variables))
    }

    /// Returns the address that a variable sets for a workload; an empty variable sets none.
    pub(crate) fn address(&self, kind: &Kind, name: &str) -> Option<Address> {
        let name = name.to_uppercase().replace('-', "_");
        [kind.plural, kind.singular].into_iter().find_map(|kind| {
            let variable = format!("BL_{kind}_{name}_URL");
            let text = self.0(&variable)?;
            let url = trim_setting(&text);
            (!url.is_empty()).then(|| Address {
                url: Secret::from(url),
                source: Source::variable(variable),
            })
        })
    }
}

impl fmt::Debug for Overrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Overrides")
    }
}

/// The members of a resource that are needed to call its workload.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Resource {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    pub(crate) spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Spec {
    pub(crate) runtime: Option<Runtime>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Runtime {
    pub(crate) generation: Option<String>,
    pub(crate) model: Option<String>,
}

impl Resource {
    /// Returns the resource's own address, if the platform has assigned one.
    pub(crate) fn address(&self) -> Option<Address> {
        let url = self.metadata.url.as_deref()?.trim();
        (!url.is_empty()).then(|| Address {
            url: Secret::from(url),
            source: Source::Response("metadata.url".into()),
        })
    }

    pub(crate) fn runtime(&self) -> Option<&Runtime> {
        self.spec.runtime.as_ref()
    }
}

/// Reads an agent (`GET /agents/{agentName}`).
pub(crate) async fn agent(service: &impl HttpService, name: &str) -> Result<Resource, Error> {
    call(service, &GetAgent { name }).await
}

/// Reads a model (`GET /models/{modelName}`).
pub(crate) async fn model(service: &impl HttpService, name: &str) -> Result<Resource, Error> {
    call(service, &GetModel { name }).await
}

/// Reads a function (`GET /functions/{functionName}`).
#[cfg(feature = "mcp")]
pub(crate) async fn function(service: &impl HttpService, name: &str) -> Result<Resource, Error> {
    call(service, &GetFunction { name }).await
}

/// Reads a sandbox (`GET /sandboxes/{sandboxName}`).
#[cfg(feature = "mcp")]
pub(crate) async fn sandbox(service: &impl HttpService, name: &str) -> Result<Resource, Error> {
    call(service, &GetSandbox { name }).await
}

/// Declares the operation that reads a resource of one kind.
macro_rules! lookup {
    ($operation:ident, $path:literal) => {
        struct $operation<'a> {
            name: &'a str,
        }

        impl Operation for $operation<'_> {
            type Output = Resource;
            const INFO: &'static OperationInfo =
                &OperationInfo::new(stringify!($operation), Method::GET, $path)
                    .with_parameters(&[]);

            fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
                request.path([self.name])
            }

            fn read(response: &http::Response<Bytes>) -> Result<Resource, Error> {
                response::json(response)
            }
        }
    };
}

lookup!(GetAgent, "/agents/{agentName}");
lookup!(GetModel, "/models/{modelName}");
#[cfg(feature = "mcp")]
lookup!(GetFunction, "/functions/{functionName}");
#[cfg(feature = "mcp")]
lookup!(GetSandbox, "/sandboxes/{sandboxName}");
