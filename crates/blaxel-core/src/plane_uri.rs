//! URIs that name a plane instead of an origin: `blaxel://run/agents/a`.
//!
//! The planes have paths in common, so a path alone does not tell which plane a request belongs to.
//! A URI does, and a layer cannot lose the URI without losing the request.

use std::sync::LazyLock;

use http::uri::{Authority, InvalidUriParts, Parts, PathAndQuery, Scheme, Uri};

use crate::description::Plane;

/// The scheme of these URIs. No HTTP client connects to it, so an unresolved request goes nowhere.
const SCHEME: &str = "blaxel";

/// The scheme and the authorities, parsed once. `None` never occurs: the texts are valid.
static PARSED: LazyLock<Option<(Scheme, [Authority; 2])>> = LazyLock::new(|| {
    let authority = |plane| authority_of(plane)?.parse().ok();
    let authorities = [authority(Plane::Control)?, authority(Plane::Run)?];
    Some((SCHEME.parse().ok()?, authorities))
});

/// Returns the authority that stands for a plane in a URI.
const fn authority_of(plane: Plane) -> Option<&'static str> {
    match plane {
        Plane::Control => Some("control"),
        Plane::Run => Some("run"),
        // A presigned URL has an origin, so it never names a plane.
        Plane::Presigned => None,
    }
}

/// Returns the URI of a path on a plane. For [`Plane::Presigned`] it is the path alone.
pub(crate) fn uri_on(plane: Plane, target: PathAndQuery) -> Result<Uri, InvalidUriParts> {
    let mut parts = Parts::default();
    parts.path_and_query = Some(target);
    if let Some((scheme, [control, run])) = &*PARSED {
        let authority = match plane {
            Plane::Control => Some(control),
            Plane::Run => Some(run),
            Plane::Presigned => None,
        };
        if let Some(authority) = authority {
            parts.scheme = Some(scheme.clone());
            parts.authority = Some(authority.clone());
        }
    }
    Uri::from_parts(parts)
}

/// Returns `true` if a URI has no origin yet: it is a path alone, or names a plane.
pub(crate) fn is_unresolved(uri: &Uri) -> bool {
    uri.authority().is_none() || uri.scheme_str() == Some(SCHEME)
}

/// Returns the plane that a URI names, or `None` if it names none.
pub(crate) fn plane_of(uri: &Uri) -> Option<Plane> {
    let authority = uri
        .authority()
        .filter(|_| uri.scheme_str() == Some(SCHEME))?;
    [Plane::Control, Plane::Run]
        .into_iter()
        .find(|plane| authority_of(*plane) == Some(authority.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_round_trips_through_a_uri() {
        for plane in [Plane::Control, Plane::Run] {
            let uri = uri_on(plane, PathAndQuery::from_static("/agents/a?b=c")).unwrap();
            let again: Uri = uri.to_string().parse().unwrap();
            assert_eq!(plane_of(&again), Some(plane), "{uri}");
            assert!(is_unresolved(&again), "{uri}");
            assert_eq!(again.path_and_query().unwrap(), "/agents/a?b=c");
        }
        let uri = uri_on(Plane::Presigned, PathAndQuery::from_static("/x")).unwrap();
        assert_eq!(uri, "/x");
    }

    #[test]
    fn other_uris_name_no_plane() {
        for (text, unresolved) in [
            ("/agents/a", true),
            ("https://run/agents/a", false),
            ("blaxel://elsewhere/agents/a", true),
            ("blaxel://run:80/agents/a", true),
        ] {
            let uri: Uri = text.parse().unwrap();
            assert_eq!(plane_of(&uri), None, "{text}");
            assert_eq!(is_unresolved(&uri), unresolved, "{text}");
        }
    }
}
