//! Reading of the resource of a workload, for its own address.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use super::address::WorkloadAddress;
use crate::description::OperationInfo;
use crate::error::Error;
use crate::operation::Operation;
use crate::request::RequestWriter;
use crate::response;
use crate::secret::Secret;
use crate::service::{HttpService, call};
use crate::source::Source;

/// The members of a resource that are needed to call its workload.
#[derive(Debug, Default, Deserialize)]
pub struct Resource {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Spec {
    runtime: Option<Runtime>,
}

/// The runtime of a model.
#[derive(Debug, Default, Deserialize)]
pub struct Runtime {
    /// The generation, such as `mk3`.
    pub generation: Option<String>,
    /// The provider's name of the model.
    pub model: Option<String>,
}

impl Resource {
    /// Returns the resource's own address, if the platform has assigned one.
    #[must_use]
    pub fn address(&self) -> Option<WorkloadAddress> {
        let url = self.metadata.url.as_deref()?.trim();
        (!url.is_empty()).then(|| WorkloadAddress {
            url: Secret::from(url),
            source: Source::Response("metadata.url".into()),
        })
    }

    /// Returns `spec.runtime`.
    #[must_use]
    pub fn runtime(&self) -> Option<&Runtime> {
        self.spec.runtime.as_ref()
    }
}

/// Reads an agent (`GET /agents/{agentName}`).
///
/// # Errors
///
/// [`Error::is_not_found`] if there is no such agent, and the other errors of [`call`].
pub async fn get_agent(service: &impl HttpService, name: &str) -> Result<Resource, Error> {
    call(service, &GetAgent { name }).await
}

/// Reads a model (`GET /models/{modelName}`).
///
/// # Errors
///
/// [`Error::is_not_found`] if there is no such model, and the other errors of [`call`].
pub async fn get_model(service: &impl HttpService, name: &str) -> Result<Resource, Error> {
    call(service, &GetModel { name }).await
}

/// Reads a function (`GET /functions/{functionName}`).
///
/// # Errors
///
/// [`Error::is_not_found`] if there is no such function, and the other errors of [`call`].
pub async fn get_function(service: &impl HttpService, name: &str) -> Result<Resource, Error> {
    call(service, &GetFunction { name }).await
}

/// Reads a sandbox (`GET /sandboxes/{sandboxName}`).
///
/// # Errors
///
/// [`Error::is_not_found`] if there is no such sandbox, and the other errors of [`call`].
pub async fn get_sandbox(service: &impl HttpService, name: &str) -> Result<Resource, Error> {
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
lookup!(GetFunction, "/functions/{functionName}");
lookup!(GetSandbox, "/sandboxes/{sandboxName}");
