//! The upload of an archive to presigned addresses.
//!
//! A simulated sandbox reaches this machine only: the addresses are `http://` on a loopback host.
//! No error names them, because they are secrets.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::{Body, Bytes};
use blaxel_core::__private::is_loopback;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HOST};
use http::{HeaderMap, Method, Request, Uri};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::options::{Multipart, Target};
use crate::clock::Clock;

/// The limit on the time of an upload.
const TIME_LIMIT: Duration = Duration::from_secs(3600);

impl Target {
    /// Uploads an archive.
    pub(super) async fn send(&self, clock: &Clock, archive: Vec<u8>) -> Result<(), String> {
        let archive = Bytes::from(archive);
        let sending = async {
            match self {
                Self::Url { url, headers } => {
                    let mut sent = HeaderMap::new();
                    for (name, value) in headers {
                        let name = name.parse::<http::HeaderName>();
                        let value = value.parse::<http::HeaderValue>();
                        match (name, value) {
                            (Ok(name), Ok(value)) => sent.insert(name, value),
                            _ => return Err("a header of the upload is malformed".to_owned()),
                        };
                    }
                    call(Method::PUT, url, sent, archive).await.map(drop)
                }
                Self::Parts(parts) => send_parts(parts, archive).await,
            }
        };
        let sent = clock.timeout(TIME_LIMIT, sending).await;
        sent.unwrap_or_else(|| Err("the upload took more than an hour".to_owned()))
    }
}

async fn send_parts(parts: &Multipart, archive: Bytes) -> Result<(), String> {
    let sent = upload_parts(parts, archive).await;
    if sent.is_err() && !parts.abort_url.is_empty() {
        // The error of the upload says more than one of its abortion.
        let _ = call(
            Method::DELETE,
            &parts.abort_url,
            HeaderMap::new(),
            Bytes::new(),
        )
        .await;
    }
    sent
}

async fn upload_parts(parts: &Multipart, mut archive: Bytes) -> Result<(), String> {
    let needed = archive.len().div_ceil(parts.part_size);
    if needed > parts.part_urls.len() {
        let given = parts.part_urls.len();
        return Err(format!(
            "the archive needs {needed} parts, and there are {given} addresses"
        ));
    }
    let mut list = String::from("<CompleteMultipartUpload>");
    for (index, url) in parts.part_urls.iter().take(needed).enumerate() {
        let part = archive.split_to(parts.part_size.min(archive.len()));
        let headers = call(Method::PUT, url, HeaderMap::new(), part).await?;
        let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
        let tag = tag.ok_or("the response to a part has no ETag")?;
        // Writing to a text does not fail.
        let _ = write!(
            list,
            "<Part><PartNumber>{}</PartNumber><ETag>{tag}</ETag></Part>",
            index + 1
        );
    }
    list.push_str("</CompleteMultipartUpload>");
    let xml = [(
        CONTENT_TYPE,
        http::HeaderValue::from_static("application/xml"),
    )];
    let headers = HeaderMap::from_iter(xml);
    call(
        Method::POST,
        &parts.complete_url,
        headers,
        Bytes::from(list),
    )
    .await
    .map(drop)
}

/// Sends a request, and returns the headers of a successful response.
async fn call(
    method: Method,
    url: &str,
    headers: HeaderMap,
    body: Bytes,
) -> Result<HeaderMap, String> {
    let uri: Uri = url
        .parse()
        .map_err(|_| "the address of the upload is malformed")?;
    let host = uri.host().unwrap_or_default();
    if uri.scheme_str() != Some("http") || !is_loopback(host) {
        let only = "a simulated sandbox uploads only to http:// on this machine";
        return Err(only.to_owned());
    }
    let failed = |error: &dyn std::fmt::Display| format!("upload failed: {error}");
    let address = (
        host.trim_matches(['[', ']']).to_owned(),
        uri.port_u16().unwrap_or(80),
    );
    let stream = TcpStream::connect(address)
        .await
        .map_err(|error| failed(&error))?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| failed(&error))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().map_or(host, |authority| authority.as_str());
    let mut request = Request::new(Body::from(body.clone()));
    *request.method_mut() = method;
    *request.uri_mut() = path
        .parse()
        .map_err(|_| "the address of the upload is malformed")?;
    *request.headers_mut() = headers;
    let authority = authority
        .parse()
        .map_err(|_| "the address of the upload is malformed")?;
    request.headers_mut().insert(HOST, authority);
    request
        .headers_mut()
        .insert(CONTENT_LENGTH, body.len().into());
    let sending = sender.send_request(request);
    let response = tokio::select! {
        response = sending => response.map_err(|error| failed(&error))?,
        ended = connection => match ended {
            Ok(()) => return Err("upload failed: the connection was closed".to_owned()),
            Err(error) => return Err(failed(&error)),
        },
    };
    match response.status() {
        status if status.is_success() => Ok(response.headers().clone()),
        status => Err(format!("upload failed: the store answered {status}")),
    }
}
