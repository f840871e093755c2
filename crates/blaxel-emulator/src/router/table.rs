//! [`Table`], the routes by their paths and methods.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderValue, Method};
use percent_encoding::percent_decode_str;

use super::route::Route;
use crate::params::Params;

/// The routes by their paths and methods.
pub(super) struct Table(matchit::Router<Vec<Arc<Route>>>);

/// The route of a request, and its path.
pub(super) struct Found<'t> {
    pub(super) route: &'t Arc<Route>,
    /// The parameters of the path, or the reason why they cannot be read.
    pub(super) parameters: Result<Params, String>,
}

/// The reason why a request has no route.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoRoute {
    Path,
    /// With the value of the header `Allow`.
    Method(HeaderValue),
}

impl Table {
    pub(super) fn new(routes: Vec<Route>) -> Self {
        let mut by_path: BTreeMap<String, Vec<Arc<Route>>> = BTreeMap::new();
        for route in routes.into_iter().map(Arc::new) {
            for path in &route.paths {
                let others = by_path.entry(path.clone()).or_default();
                others.push(Arc::clone(&route));
            }
        }
        let mut table = matchit::Router::new();
        for (path, routes) in by_path {
            // A path that contradicts another one has no route then, which the test below finds out.
            let _ = table.insert(path, routes);
        }
        Self(table)
    }

    /// Finds the route of a request.
    pub(super) fn find(&self, method: &Method, path: &str) -> Result<Found<'_>, NoRoute> {
        let found = self.0.at(path).map_err(|_| NoRoute::Path)?;
        let routes = found.value;
        let accepting = |wanted: Option<&Method>| {
            let mut accepting = routes.iter();
            accepting.find(|route| route.method.as_ref() == wanted)
        };
        let own = accepting(Some(method));
        let head = || accepting(Some(&Method::GET).filter(|_| method == Method::HEAD));
        let route = own.or_else(head).or_else(|| accepting(None));
        Ok(Found {
            route: route.ok_or_else(|| NoRoute::Method(allowed(routes)))?,
            parameters: decoded(found.params.iter()),
        })
    }
}

/// Returns the value of the header `Allow`.
fn allowed(routes: &[Arc<Route>]) -> HeaderValue {
    let methods = routes.iter().filter_map(|route| route.method.as_ref());
    let methods = methods.map(|method| match *method {
        Method::GET => "GET,HEAD",
        _ => method.as_str(),
    });
    let methods = methods.collect::<Vec<_>>().join(",");
    // Methods are always a value.
    HeaderValue::try_from(methods).unwrap_or(HeaderValue::from_static(""))
}

/// Decodes the parameters of a path.
fn decoded<'p>(parameters: impl Iterator<Item = (&'p str, &'p str)>) -> Result<Params, String> {
    let decoded = parameters.map(
        |(name, value)| match percent_decode_str(value).decode_utf8() {
            Ok(value) => Ok((name.to_owned(), value.into_owned())),
            Err(_) => Err(format!("Invalid URL: Invalid UTF-8 in `{name}`")),
        },
    );
    decoded.collect::<Result<_, _>>().map(Params::of_path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::routes;

    #[test]
    fn each_path_of_a_route_leads_to_it_by_its_method() {
        let table = Table::new(routes());
        for route in routes() {
            for path in &route.paths {
                let filled: Vec<_> = path
                    .split('/')
                    .map(|part| part.replace(['{', '}', '*'], ""))
                    .collect();
                let method = route.method.clone().unwrap_or(Method::PATCH);
                let found = table.find(&method, &filled.join("/"));
                let found = found.map(|found| found.route.operation);
                assert_eq!(found, Ok(route.operation), "{method} {path}");
            }
        }
    }
}
