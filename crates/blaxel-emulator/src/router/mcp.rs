//! The MCP servers of functions, over streamable HTTP and by WebSocket.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use tokio::runtime::Handle;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::access_level::AccessLevel;
use super::call::Call;
use super::route::{HandlerResult, Route};
use super::workload::{NAME, require_running};
use crate::errors::{ErrorResponse, Gateway};
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
    if asks_for_websocket(&call) {
        return open_websocket(&call);
    }
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

/// Returns `true` if a request asks to continue by WebSocket.
pub(super) fn asks_for_websocket(call: &Call) -> bool {
    let protocol = call.headers.get(UPGRADE).map(HeaderValue::as_bytes);
    call.method == Method::GET
        && protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
}

/// Opens a session by WebSocket. The platform's servers accept one at any path below their address.
pub(super) fn open_websocket(call: &Call) -> HandlerResult {
    require_running(call, &FUNCTIONS)?;
    let now = call.now();
    let refuse = |message| ErrorResponse::gateway(Gateway::BadRequest, message, &now);
    if call.header("sec-websocket-version") != Some("13") {
        return Err(refuse("The version of the WebSocket protocol is not 13."));
    }
    let key = call.headers.get(SEC_WEBSOCKET_KEY);
    let key = key.ok_or_else(|| refuse("There is no key of a WebSocket."))?;
    let accept = derive_accept_key(key.as_bytes());
    let connection = call.upgrade.clone();
    let connection =
        connection.ok_or_else(|| refuse("A WebSocket needs a connection over a socket."))?;
    let engine = &call.engine;
    let session = engine.mcp.websocket(call.path(NAME), connection);
    if !engine.workloads.tasks.spawn(session) {
        let message = "The emulator runs too much in the background.";
        return Err(ErrorResponse::gateway(
            Gateway::WorkloadUnavailable,
            message,
            &now,
        ));
    }
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_ACCEPT, accept)
        .body(Body::empty());
    response.map_err(|_| refuse("The key of the WebSocket is malformed."))
}
