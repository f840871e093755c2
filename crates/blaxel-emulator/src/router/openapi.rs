//! The operation that returns the OpenAPI document of the served operations.

use std::sync::OnceLock;

use axum::response::IntoResponse;
use bytes::Bytes;
use http::{Method, header};

use super::access::VERSIONS;
use super::access_level::AccessLevel;
use super::route::Route;
use crate::openapi::{Served, document};

/// The path of the document, on the origin.
const PATH: &str = "/openapi.json";

/// Created once: it is the same for every emulator.
static DOCUMENT: OnceLock<Bytes> = OnceLock::new();

/// Creates the route. `all` returns the routes for the document when it is first requested.
pub(crate) fn route(all: fn() -> Vec<Route>) -> Route {
    Route::new(
        "GetOpenApiDocument",
        Method::GET,
        [PATH],
        AccessLevel::Open,
        move |_| {
            let document = DOCUMENT.get_or_init(|| {
                let document = document(&served(&all()), &VERSIONS);
                document.to_string().into()
            });
            let headers = [(header::CONTENT_TYPE, "application/json")];
            Ok((headers, document.clone()).into_response())
        },
    )
}

fn served(routes: &[Route]) -> Vec<Served> {
    let served = routes.iter().map(|route| Served {
        operation: route.operation,
        is_versioned: route.access != AccessLevel::Open,
        is_protected: !matches!(route.access, AccessLevel::Open | AccessLevel::Public),
    });
    served.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::openapi;
    use crate::router::routes;

    /// The base path of the documented operations.
    const BASE: &str = "/v0";

    /// Returns a path without the names of its parameters.
    fn outline(path: &str) -> String {
        let parts = path.split('/');
        let parts = parts.map(|part| if part.starts_with('{') { "{}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Signing in is not part of the Management API.
    const OTHERS: [&str; 2] = ["CreateToken", "StartDeviceLogin"];

    #[test]
    fn the_document_has_exactly_the_routes_of_the_control_plane() {
        let routes = routes();
        let mut served = BTreeSet::new();
        for route in &routes {
            for path in route
                .paths
                .iter()
                .filter_map(|path| path.strip_prefix(BASE))
            {
                if !OTHERS.contains(&route.operation) {
                    served.insert((route.operation.to_owned(), outline(path)));
                }
            }
        }
        let document = document(&super::served(&routes), &VERSIONS);
        let mut documented = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, described) in methods.as_object().unwrap() {
                let name = described["operationId"].as_str().unwrap();
                documented.insert((name.to_owned(), outline(path)));
                let route = routes.iter().find(|route| route.operation == name).unwrap();
                let method: Method = method.to_uppercase().parse().unwrap();
                assert_eq!(route.method, Some(method), "{name}");
            }
        }
        assert!(served.len() > 10);
        assert_eq!(documented, served);
    }

    #[test]
    fn every_described_operation_is_served() {
        let routes = routes();
        let served: BTreeSet<_> = routes.iter().map(|route| route.operation).collect();
        let missing = openapi::operations();
        let missing: Vec<_> = missing.filter(|name| !served.contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
