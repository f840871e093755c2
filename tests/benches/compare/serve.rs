//! The server that the clients call: it sends an agent, a page of agents, or the reply of an agent,
//! all of which are prepared.

use std::convert::Infallible;
use std::io::{self, Read};

use bytes::{Buf, Bytes};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;

use super::document::DOCUMENT;
use super::list;
use super::process::{listen, runtime, serve_all};
use super::work::{AGENT, PAGE};

const REPLY: &str = r#"{"output":"Your parcel left the warehouse this morning. It arrives tomorrow between 9 and 11.","thread":"t-42","usage":{"input":21,"output":18}}"#;

/// Serves until the input ends. Prints the variables of its clients and an empty line.
pub fn serve() {
    std::thread::spawn(|| {
        runtime().block_on(async {
            let listener = listen().await;
            let address = listener.local_addr().expect("a bound socket");
            println!("BL_API_URL=http://{address}/v0\nBL_RUN_URL=http://{address}");
            println!("BL_WORKSPACE=benchmark");
            println!("BL_API_KEY=bl_a_key_as_long_as_the_platform_s_own_are\n");
            let mut page = list::Page::of(PAGE).before(None);
            let page = page.copy_to_bytes(page.remaining());
            let service = service_fn(move |request| respond(request, page.clone()));
            serve_all(listener, service).await;
        });
    });
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

async fn respond(
    request: Request<Incoming>,
    page: Bytes,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let _ = body.collect().await;
    let (mut status, agent) = (StatusCode::OK, Bytes::from_static(DOCUMENT.as_bytes()));
    let body = match (head.method, head.uri.path().strip_prefix("/v0/agents")) {
        (Method::GET, Some("")) => page,
        (Method::GET, Some(name)) if name.strip_prefix('/') == Some(AGENT) => agent,
        (Method::POST, Some("")) => agent,
        (Method::POST, None) => Bytes::from_static(REPLY.as_bytes()),
        _ => {
            status = StatusCode::NOT_FOUND;
            Bytes::new()
        }
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}
