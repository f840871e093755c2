//! The upload of an archive to presigned addresses.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Bytes;
use http::header::{CONTENT_TYPE, ETAG};
use http::{HeaderMap, Method};

use super::options::{Multipart, Target};
use super::store::Exchange;
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

/// Sends a part of an upload, and returns the headers of the response.
async fn call(
    method: Method,
    url: &str,
    headers: HeaderMap,
    body: Bytes,
) -> Result<HeaderMap, String> {
    let sent = Exchange {
        purpose: "upload",
        method,
        url,
        headers,
        body,
    };
    // The body of the response is of no use.
    sent.run(|_, _| Ok(())).await
}
