//! Presigned requests carry no credential and no default header, and operations are sent in an API
//! version that supports them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_core::{
    ApiVersion, Body, BoxFuture, Error, Idempotency, OperationInfo, Plane, RequestWriter, Source,
    open,
};
use blaxel_transport::{Client, TimeLimits};
use http::{HeaderValue, Method};
use tokio::time::Instant;

const ADDRESS: &str = "https://storage.example/bucket/%7Ba%7D?signature=a%2Fb&part=1";

static UPLOAD: OperationInfo = OperationInfo::new("UploadThing", Method::PUT, "/upload")
    .with_plane(Plane::Presigned)
    .with_idempotency(Idempotency::None);
static OLD: OperationInfo = OperationInfo::new("GetThing", Method::GET, "/things");
static NEW: OperationInfo =
    OperationInfo::new("ListNews", Method::GET, "/news").with_since(ApiVersion::V2026_09_22);

/// The requests that reached the transport.
type Seen = Arc<Mutex<Vec<http::Request<Body>>>>;

/// Returns a client on a transport that records requests and, if `responds` is false, never
/// responds.
fn client(limits: TimeLimits, responds: bool) -> (Client, Seen) {
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    let transport = tower::service_fn(move |request: http::Request<Body>| -> BoxFuture<_> {
        log.lock().unwrap().push(request);
        Box::pin(async move {
            if !responds {
                std::future::pending::<()>().await;
            }
            Ok::<_, Error>(http::Response::new(Body::empty()))
        })
    });
    let client = Client::builder()
        .api_key("bl_key")
        .workspace("demo")
        .time_limits(limits)
        .transport(transport)
        .build()
        .unwrap();
    (client, seen)
}

fn upload() -> http::Request<Body> {
    let mut writer = RequestWriter::new(&UPLOAD);
    writer.presigned(ADDRESS, &Source::Code).unwrap();
    let kind = HeaderValue::from_static("application/zip");
    writer.body(Body::from("zip"), kind);
    writer.finish().unwrap()
}

#[tokio::test]
async fn a_presigned_upload_carries_no_credential_or_default_header() {
    let (client, seen) = client(TimeLimits::default(), true);
    let mut request = upload();
    let stray = HeaderValue::from_static("Bearer stray");
    request.headers_mut().insert("authorization", stray.clone());
    request
        .headers_mut()
        .insert("x-blaxel-authorization", stray);
    open(&client, request).await.unwrap();

    let seen = seen.lock().unwrap();
    assert_eq!(seen[0].uri(), ADDRESS);
    let names: Vec<_> = seen[0]
        .headers()
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    assert_eq!(names, ["content-type"]);
}

#[tokio::test]
async fn an_upload_without_an_address_is_not_sent() {
    let (client, seen) = client(TimeLimits::default(), true);
    let request = RequestWriter::new(&UPLOAD).finish().unwrap();
    assert!(open(&client, request).await.unwrap_err().is_input());
    assert!(seen.lock().unwrap().is_empty());
}

#[test]
fn an_unsafe_address_is_rejected_and_not_shown() {
    for address in [
        "http://storage.example/x?signature=s3cret",
        "/x?signature=s3cret",
        "",
    ] {
        let mut writer = RequestWriter::new(&UPLOAD);
        let error = writer.presigned(address, &Source::Code).unwrap_err();
        assert!(
            error.is_input() && !format!("{error:?}").contains("s3cret"),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_has_a_longer_time_limit() {
    let limits = TimeLimits::default();
    let (client, _) = client(limits, false);
    for (request, limit) in [
        (upload(), Duration::from_secs(3600)),
        (
            RequestWriter::new(&OLD).finish().unwrap(),
            Duration::from_secs(90),
        ),
    ] {
        let start = Instant::now();
        assert!(open(&client, request).await.unwrap_err().is_timeout());
        assert_eq!(start.elapsed().as_secs(), limit.as_secs());
    }
}

#[tokio::test]
async fn an_operation_is_sent_in_a_version_that_supports_it() {
    let (client, seen) = client(TimeLimits::default(), true);
    for info in [&OLD, &NEW] {
        let request = RequestWriter::new(info).finish().unwrap();
        open(&client, request).await.unwrap();
    }
    let mut pinned = RequestWriter::new(&NEW).finish().unwrap();
    let version = HeaderValue::from_static("2026-04-16");
    pinned.headers_mut().insert("blaxel-version", version);
    open(&client, pinned).await.unwrap();
    let seen = seen.lock().unwrap();
    let versions: Vec<_> = seen
        .iter()
        .map(|request| request.headers()["blaxel-version"].to_str().unwrap())
        .collect();
    assert_eq!(versions, ["2026-04-28", "2026-09-22", "2026-04-16"]);
}
