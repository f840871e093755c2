//! The way to the MCP servers of functions.

use axum::body::Body;
use axum::response::Response;
use http::header::HOST;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Full;
use tokio::runtime::Handle;

use super::call::Call;
use super::gate::Gate;
use super::route::{Outcome, Route};
use super::workload::{NAME, reach};
use crate::errors::Refusal;
use crate::state::FUNCTIONS;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::later(
        "CallMcpServer",
        None,
        ["/run/{workspace}/functions/{name}/mcp"],
        Gate::Workload,
        call_server,
    )]
}

async fn call_server(call: Call) -> Outcome {
    reach(&call, &FUNCTIONS)?;
    if Handle::try_current().is_err() {
        let message = "MCP servers run on a tokio runtime, and there is none.";
        return Err(Refusal::envelope(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL_ERROR",
            message,
            false,
            call.now().as_str(),
        ));
    }
    let server = call.engine.mcp.of(call.path(NAME));
    let mut request = Request::new(Full::new(call.body));
    *request.method_mut() = call.method;
    *request.headers_mut() = call.headers;
    // The server insists on one, and there is none without a socket.
    let host = HeaderValue::from_static("localhost");
    request.headers_mut().entry(HOST).or_insert(host);
    let response: Response<_> = server.handle(request).await;
    Ok(response.map(Body::new))
}
