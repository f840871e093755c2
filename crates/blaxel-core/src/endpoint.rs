//! The origins of the platform's planes.

use http::uri::PathAndQuery;

use crate::base_url::BaseUrl;
use crate::body::Body;
use crate::description::{OperationInfo, Plane};
use crate::error::Error;
use crate::source::Source;
use crate::workspace::Workspace;

/// The origins of the two planes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Endpoints {
    /// The control plane, version segment included: `https://api.blaxel.ai/v0`.
    pub control: BaseUrl,
    /// The workloads: `https://run.blaxel.ai`.
    pub run: BaseUrl,
}

impl Endpoints {
    /// The given origins.
    #[must_use]
    pub fn new(control: BaseUrl, run: BaseUrl) -> Self {
        Self { control, run }
    }

    /// Puts a request's path under the origin of its plane. A request without a description counts
    /// as one to the control plane, and one that has an absolute address keeps it; whether it had
    /// none is returned.
    ///
    /// Operations of the run plane lie under the workspace, so they need one.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if a workspace is needed and none is given.
    pub fn resolve(
        &self,
        request: &mut http::Request<Body>,
        workspace: Option<&Workspace>,
    ) -> Result<bool, Error> {
        if request.uri().authority().is_some() {
            return Ok(false);
        }
        let target = request
            .uri()
            .path_and_query()
            .map_or("/", PathAndQuery::as_str);
        *request.uri_mut() = match request.body().operation().map(OperationInfo::plane) {
            Some(Plane::Run) => {
                let workspace = workspace.ok_or_else(no_workspace)?;
                self.run.join(&format!("/{workspace}{target}"))?
            }
            Some(Plane::Presigned) => return Err(no_address()),
            Some(Plane::Control) | None => self.control.join(target)?,
        };
        Ok(true)
    }
}

fn no_address() -> Error {
    Error::input(
        "address",
        &Source::Code,
        "the operation goes to an address that the control plane gave out, and none was given",
    )
}

fn no_workspace() -> Error {
    Error::input(
        "workspace",
        &Source::Code,
        "a call to a workload needs one; set it on the client or in BL_WORKSPACE",
    )
}
