//! Requests outside of an operation: raw requests, and requests that have lost their context.

use http::uri::PathAndQuery;

use crate::address::check;
use crate::body::Body;
use crate::context::{CallContext, record_original};
use crate::description::Plane;
use crate::error::Error;
use crate::plane_uri::{is_unresolved, plane_of, uri_on};
use crate::source::Source;

/// Prepares a request that belongs to no described operation.
///
/// The URI is a path below the origin of `plane`, or an absolute address. A transport rejects a
/// request that neither carries a context nor names its plane, because the planes have paths in
/// common.
///
/// ```
/// use blaxel_core::{Plane, raw_request};
///
/// let request = raw_request(Plane::Control, http::Request::get("/agents").body("")?)?;
/// assert_eq!(request.uri(), "blaxel://control/agents");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::is_input`] if the URI is neither an absolute address nor a path that begins with `/`, or
/// if its address has user information, an invalid host, or a port that is not a number from 1 to
/// 65535.
pub fn raw_request(
    plane: Plane,
    request: http::Request<impl Into<Body>>,
) -> Result<http::Request<Body>, Error> {
    let mut request = request.map(Into::into);
    if request.uri().scheme().is_none() && request.uri().authority().is_some() {
        // The URI parser takes `agents` for a host.
        let problem = "a path must begin with `/`, as in `/agents`";
        return Err(Error::input("request path", &Source::Code, problem));
    }
    if is_unresolved(request.uri()) {
        let target = request.uri().path_and_query().cloned();
        let target = target.unwrap_or(PathAndQuery::from_static("/"));
        *request.uri_mut() = uri_on(plane, target)
            .map_err(|problem| Error::input("request path", &Source::Code, problem))?;
    } else {
        check(request.uri()).map_err(|problem| Error::input("address", &Source::Code, problem))?;
    }
    attach(&mut request, CallContext::raw(plane));
    Ok(request)
}

/// Puts a context into both of its carriers, the extensions and the body.
pub fn attach(request: &mut http::Request<Body>, context: CallContext) {
    record_original(&context, request.method(), request.body().bytes().as_ref());
    request.body_mut().set_context(context.clone());
    request.extensions_mut().insert(context);
}

/// Gives a response the context of its call. The body needs it for its errors; the extensions get
/// it only if `in_extensions`, for user-supplied layers that may read it.
pub fn attach_to_response(
    response: &mut http::Response<Body>,
    context: &CallContext,
    in_extensions: bool,
) {
    response.body_mut().set_context(context.clone());
    if in_extensions {
        response.extensions_mut().insert(context.clone());
    }
}

/// Returns the context of a request, and puts it back into a carrier that a layer dropped.
///
/// A layer that maps a body keeps the extensions, and one that builds a new request from parts
/// mostly keeps the body. If both carriers are lost, the URI still names the plane, and the request
/// goes on as a raw one.
///
/// # Errors
///
/// [`Error::is_input`] if nothing names the plane that the request belongs to, or if the carriers
/// contradict one another.
pub fn restore(request: &mut http::Request<Body>) -> Result<CallContext, Error> {
    let named = plane_of(request.uri());
    let context = match CallContext::of(request.extensions()) {
        Some(context) => {
            let context = context.clone();
            if !request.body().context().is_some_and(|own| own.is(&context)) {
                request.body_mut().set_context(context.clone());
            }
            context
        }
        None => {
            let context = match (request.body().context(), named) {
                (Some(context), _) => context.clone(),
                (None, Some(plane)) => CallContext::raw(plane),
                (None, None) => return Err(undescribed(request)),
            };
            attach(request, context.clone());
            context
        }
    };
    match named {
        Some(plane) if plane != context.plane() => Err(contradictory(request)),
        _ => Ok(context),
    }
}

/// Creates the error of a request whose plane is unknown.
fn undescribed(request: &http::Request<Body>) -> Error {
    // Only the path is shown: a query may contain a token.
    let (method, path) = (request.method(), request.uri().path());
    Error::input(
        "request",
        &Source::Code,
        format_args!(
            "`{method} {path}` belongs to no operation and names no plane; a layer may have dropped \
             its extensions; create a request of your own with `raw_request`"
        ),
    )
}

/// Creates the error of a request whose URI and context name different planes.
fn contradictory(request: &http::Request<Body>) -> Error {
    Error::input(
        "request",
        &Source::Code,
        format_args!(
            "its address `{}` names another plane than its operation; a layer must not move a request \
             to another plane",
            // Only the path is shown: a query may contain a token.
            request.uri().path()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::OperationInfo;
    use crate::request::RequestWriter;
    use http::Method;

    static CALL: OperationInfo =
        OperationInfo::new("CallAgent", Method::DELETE, "/agents/a").with_plane(Plane::Run);

    fn call() -> http::Request<Body> {
        RequestWriter::new(&CALL).finish().unwrap()
    }

    fn rebuilt(request: http::Request<Body>, map: fn(Body) -> Body) -> http::Request<Body> {
        let (head, body) = request.into_parts();
        let mut request = http::Request::new(map(body));
        *request.method_mut() = head.method;
        *request.uri_mut() = head.uri;
        request
    }

    fn wrapped(body: Body) -> Body {
        Body::new(http_body_util::combinators::UnsyncBoxBody::new(body))
    }

    #[test]
    fn each_carrier_alone_keeps_the_context() {
        let mapped = call().map(wrapped);
        for mut request in [mapped, rebuilt(call(), |body| body)] {
            let context = restore(&mut request).unwrap();
            assert_eq!(context.operation().unwrap().name(), "CallAgent");
            assert_eq!(crate::operation(&request).unwrap().name(), "CallAgent");
            assert!(request.body().context().is_some());
        }
    }

    #[test]
    fn without_both_carriers_the_uri_keeps_the_plane() {
        let mut request = rebuilt(call(), wrapped);
        let context = restore(&mut request).unwrap();
        assert_eq!(
            (context.plane(), context.operation().is_none()),
            (Plane::Run, true)
        );
    }

    #[test]
    fn a_request_without_a_plane_is_rejected() {
        for uri in [
            "/agents/a",
            "https://api.blaxel.ai/v0/agents/a",
            "blaxel://x/agents/a",
        ] {
            let mut request = http::Request::delete(uri).body(Body::empty()).unwrap();
            let error = restore(&mut request).unwrap_err();
            assert!(
                error.is_input() && error.to_string().contains("raw_request"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_request_moved_to_another_plane_is_rejected() {
        let mut request = call();
        *request.uri_mut() = "blaxel://control/agents/a".parse().unwrap();
        assert!(restore(&mut request).unwrap_err().is_input());
    }

    #[test]
    fn a_path_without_a_leading_slash_is_rejected() {
        let request = http::Request::get("agents").body("").unwrap();
        let error = raw_request(Plane::Control, request).unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains("/agents"),
            "{error}"
        );
    }

    #[test]
    fn an_address_with_a_bad_host_or_port_is_rejected() {
        for address in ["https://a.bl.run:99999/x", "https://me:canary@a.bl.run/x"] {
            let request = http::Request::get(address).body("").unwrap();
            let error = raw_request(Plane::Run, request).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(error.is_input() && !shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn an_absolute_address_is_kept() {
        let request = http::Request::get("https://a.bl.run/x").body("").unwrap();
        let mut request = raw_request(Plane::Run, request).unwrap();
        assert_eq!(request.uri(), "https://a.bl.run/x");
        assert_eq!(restore(&mut request).unwrap().plane(), Plane::Run);
    }
}
