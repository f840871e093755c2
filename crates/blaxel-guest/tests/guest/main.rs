//! Requests to the router of a simulated sandbox, and their responses.

mod routes;
mod support;
