//! The origins of the platform's planes.

use http::uri::PathAndQuery;

use crate::base_url::BaseUrl;
use crate::body::Body;
use crate::description::Plane;
use crate::error::Error;
use crate::plane_uri::is_unresolved;
use crate::raw::restore;
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

    /// Puts the path of a request under the origin of its plane, and returns `true`; a request that
    /// has an absolute address keeps it, and `false` is returned.
    ///
    /// The plane is that of the request's [context](crate::CallContext), or the one that its URI names.
    /// Operations of the run plane lie under the workspace, so they need one.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if a workspace is needed and none is given, if nothing says which plane the
    /// request belongs to, or if its URI names another plane than its context.
    pub fn resolve(
        &self,
        request: &mut http::Request<Body>,
        workspace: Option<&Workspace>,
    ) -> Result<bool, Error> {
        if !is_unresolved(request.uri()) {
            return Ok(false);
        }
        let plane = restore(request)?.plane();
        let target = request
            .uri()
            .path_and_query()
            .map_or("/", PathAndQuery::as_str);
        *request.uri_mut() = match plane {
            Plane::Run => {
                let workspace = workspace.ok_or_else(no_workspace)?;
                self.run.join(&format!("/{workspace}{target}"))?
            }
            Plane::Control => self.control.join(target)?,
            Plane::Presigned => return Err(no_address()),
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
