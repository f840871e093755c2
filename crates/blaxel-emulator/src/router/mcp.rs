//! The route to the MCP servers of functions.

use axum::body::Body;
use axum::response::Response;
use http::header::HOST;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Full;
use tokio::runtime::Handle;

use super::access_level::AccessLevel;
use super::call::Call;
use super::route::{HandlerResult, Route};
use super::workload::{NAME, require_running};
use crate::errors::ErrorResponse;
use crate::state::FUNCTIONS;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new_async(
        "CallMcpServer",
        None,
        ["/run/{workspace}/functions/{name}/mcp"],
        AccessLevel::Workload,
        call_server,
    )]
}

async fn call_server(call: Call) -> HandlerResult {
    require_running(&call, &FUNCTIONS)?;
    if Handle::try_current().is_err() {
        let message = "MCP servers run on a tokio runtime, and there is none.";
        return Err(ErrorResponse::envelope(
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
    // The server requires a host, which a request without a socket lacks.
    let host = HeaderValue::from_static("localhost");
    request.headers_mut().entry(HOST).or_insert(host);
    let response: Response<_> = server.handle(request).await;
    Ok(response.map(Body::new))
}
