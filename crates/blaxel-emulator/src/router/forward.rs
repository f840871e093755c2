//! Forwarding calls to the server of a workload.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};

use super::access::{CREDENTIALS, Identity};
use super::call::Call;
use super::route::HandlerResult;
use crate::errors::ErrorResponse;
use crate::journal::CredentialKind;
use crate::workload::{SendError, Target};

/// Hop-by-hop headers. Those that `Connection` names are added to them.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The headers with which the gateway identifies the caller. Values from clients are ignored.
const IDENTITY: [HeaderName; 6] = [
    HeaderName::from_static("x-blaxel-subject-id"),
    HeaderName::from_static("x-blaxel-subject-type"),
    HeaderName::from_static("x-blaxel-auth-method"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-subject-id"),
    HeaderName::from_static("x-subject-type"),
];

/// The platform's own headers, which a workload cannot set.
const PLATFORM_HEADERS: [HeaderName; 2] = [
    HeaderName::from_static("x-blaxel-source"),
    HeaderName::from_static("x-blaxel-error-code"),
];

/// Forwards a call and streams the response back.
pub(super) async fn forward(target: &Target, call: &Call, body: Body) -> HandlerResult {
    let refuse = |why: String| {
        let message = format!("The server behind this workload did not respond: {target}: {why}.");
        ErrorResponse::envelope(
            StatusCode::BAD_GATEWAY,
            "BAD_GATEWAY",
            &message,
            true,
            call.now().as_str(),
        )
    };
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(refuse("there is no tokio runtime".to_owned()));
    }
    let uri = target.uri(&call.below, call.raw_query.as_deref());
    let uri = uri.map_err(|problem| refuse(problem.to_string()))?;
    let mut request = Request::new(body);
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = forwarded_headers(call);
    let sent = target.send(request).await;
    let mut response: Response = sent.map_err(|why: SendError| refuse(why.to_string()))?;
    let headers = response.headers_mut();
    remove_hop_by_hop(headers);
    remove(headers, &PLATFORM_HEADERS);
    Ok(response)
}

/// Returns the headers for the workload.
pub(super) fn forwarded_headers(call: &Call) -> HeaderMap {
    let mut headers = without_credentials(call.headers.clone());
    remove_hop_by_hop(&mut headers);
    remove(&mut headers, &IDENTITY);
    let subject = match call.identity {
        Identity::ServiceAccount(_) | Identity::Client(_) => "service_account",
        _ => "user",
    };
    let method = match call.identity.kind() {
        CredentialKind::AccessToken => "oauth",
        _ => "api_key",
    };
    let request_id = call.request_id.to_string();
    let own = [call.identity.name(), subject, method, &request_id];
    for (name, text) in IDENTITY.into_iter().zip(own) {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
    headers
}

/// Removes the gateway's credentials from headers.
pub(super) fn without_credentials(mut headers: HeaderMap) -> HeaderMap {
    for name in CREDENTIALS {
        headers.remove(name);
    }
    headers
}

pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    remove(headers, &named);
    remove(headers, &HOP_BY_HOP);
}

fn remove(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        headers.remove(name);
    }
}
