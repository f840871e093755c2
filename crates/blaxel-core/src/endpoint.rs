//! The base URLs of the platform's planes.

use http::uri::{PathAndQuery, Uri};

use crate::address::check;
use crate::base_url::BaseUrl;
use crate::body::Body;
use crate::description::Plane;
use crate::error::Error;
use crate::plane_uri::is_unresolved;
use crate::raw::restore;
use crate::source::Source;
use crate::workspace::Workspace;

/// The base URLs of the two planes.
///
/// ```
/// use blaxel_core::{Endpoints, Error, Plane, Workspace, raw_request};
///
/// let endpoints = Endpoints::new("https://api.blaxel.ai/v0".parse()?, "https://run.blaxel.ai".parse()?);
/// let workspace: Workspace = "my-team".parse()?;
/// let mut request = raw_request(Plane::Run, http::Request::get("/agents/a").body("").unwrap())?;
/// endpoints.resolve(&mut request, Some(&workspace))?;
/// assert_eq!(request.uri(), "https://run.blaxel.ai/my-team/agents/a");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Endpoints {
    /// The control plane, including the version segment: `https://api.blaxel.ai/v0`.
    pub control: BaseUrl,
    /// The run plane, which serves the workloads: `https://run.blaxel.ai`.
    pub run: BaseUrl,
}

impl Endpoints {
    /// Creates the endpoints from two base URLs.
    #[must_use]
    pub fn new(control: BaseUrl, run: BaseUrl) -> Self {
        Self { control, run }
    }

    /// Puts the path of a request under the base URL of its plane, and returns `true`. A request
    /// with an absolute address keeps it, and `false` is returned.
    ///
    /// The plane is that of the request's [context](crate::CallContext), or the one that its URI
    /// names. Paths of the run plane are below the workspace, so it is required there.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if an absolute address has an invalid host or port, if the run plane needs a workspace and none is given, if nothing names
    /// the plane of the request, or if its URI names another plane than its context.
    pub fn resolve(
        &self,
        request: &mut http::Request<Body>,
        workspace: Option<&Workspace>,
    ) -> Result<bool, Error> {
        // An absolute address needs no plane, so such a request may have lost its own.
        let plane = if is_unresolved(request.uri()) {
            restore(request)?.plane()
        } else {
            Plane::Presigned
        };
        let resolved = resolve_on(self, plane, request.uri(), workspace)?;
        Ok(resolved.map(|uri| *request.uri_mut() = uri).is_some())
    }
}

/// Returns the URI that [`Endpoints::resolve`] would give a request on a plane that is known, or `None` if the URI
/// is an absolute address already.
///
/// # Errors
///
/// Those of [`Endpoints::resolve`] about the address and the workspace.
pub fn resolve_on(
    endpoints: &Endpoints,
    plane: Plane,
    uri: &Uri,
    workspace: Option<&Workspace>,
) -> Result<Option<Uri>, Error> {
    if !is_unresolved(uri) {
        // A layer may have put an address there that no other check has seen.
        return match check(uri) {
            Ok(()) => Ok(None),
            Err(problem) => Err(Error::input("address", &Source::Code, problem)),
        };
    }
    let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let resolved = match plane {
        Plane::Run => {
            let workspace = workspace.ok_or_else(no_workspace)?;
            endpoints.run.join_all(&["/", workspace.as_str(), target])?
        }
        Plane::Control => endpoints.control.join(target)?,
        Plane::Presigned => return Err(no_address()),
    };
    Ok(Some(resolved))
}

/// Creates the error of a presigned operation without a URL.
fn no_address() -> Error {
    Error::input(
        "address",
        &Source::Code,
        "the operation needs a presigned URL from the control plane, and none was given",
    )
}

/// Creates the error of a call to a workload without a workspace.
fn no_workspace() -> Error {
    Error::input(
        "workspace",
        &Source::Code,
        "a call to a workload needs a workspace; set it on the client or in BL_WORKSPACE",
    )
}
