//! Uploads of archives from which the platform builds a resource.
//!
//! The archive is not sent to the API itself. A request that creates or replaces a resource asks for an
//! upload ([`ForUpload`]), and its response has a presigned URL ([`UploadUrl`]). The archive
//! ([`UploadSource`]) is sent to this URL: the code of a workload as a zip, the content of a volume
//! template as a tar. A URL is valid for one attempt, so each further attempt requests another one.
//!
//! [`Collection::deploy`](crate::Collection::deploy) does all of this for a resource. [`upload`] is the lower
//! level, for URLs from another source. [`Progress`] reports the bytes that were sent.

mod deploy;
mod labels;
mod metered;
mod progress;
mod source;
mod url;

use std::future::Future;
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{
    ApiError, Attempts, Body, Error, HttpService, Idempotency, OperationInfo, Plane, RequestWriter,
    open,
};
use http::{Method, StatusCode};
use tokio::time::sleep;

pub use self::deploy::Uploadable;
#[allow(
    unused_imports,
    reason = "which kinds there are is a matter of features"
)]
pub(crate) use self::deploy::uploadable;
pub use self::progress::Progress;
pub use self::source::{Archive, UploadSource};
pub use self::url::{ForUpload, UploadUrl};
use crate::backoff::Backoff;

/// The maximum number of attempts of an upload.
const MAX_ATTEMPTS: u32 = 5;

/// The maximum delay between two attempts.
const MAX_DELAY: Duration = Duration::from_secs(8);

/// Sends an archive to a presigned URL. The URL is invalid after a failure, so the request is not idempotent.
static PUT_ARCHIVE: OperationInfo = OperationInfo::new("PutArchive", Method::PUT, "/")
    .with_plane(Plane::Presigned)
    .with_idempotency(Idempotency::None);

/// Uploads an archive, in up to five attempts with delays of 1, 2, 4 and 8 seconds between them.
///
/// An attempt follows a lost connection, a time limit, a 5xx, a 408 and a 429, and once an expired URL. Any
/// other response is final, such as a 403 or 413 of the storage.
///
/// `request_url` is called before each attempt. It creates or replaces the resource again, and returns the
/// response together with its upload URL, as an operation [`ForUpload`] does. The response that belongs to
/// the successful attempt is returned.
///
/// It needs a tokio runtime with timers. The future can be dropped at any time; no background task remains.
///
/// ```no_run
/// # async fn example(
/// #     client: impl blaxel_core::HttpService, zipped: Vec<u8>,
/// # ) -> Result<(), blaxel_core::Error> {
/// use blaxel_management::Management;
/// use blaxel_management::agents::Agent;
/// use blaxel_management::upload::{Archive, UploadSource, upload};
///
/// let agents = Management::new(client.clone()).agents();
/// let agent = Agent::new("support-bot");
/// let code = UploadSource::bytes(Archive::Zip, zipped);
/// let outcome = upload(&client, &code, || agents.apply_for_upload(&agent)).await?;
/// println!("{:?}", outcome.into_resource().status);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Without a further attempt: [`Error::is_input`] if the source cannot be read or does not have the announced
/// length, and a permanent error of the storage or of `request_url`. Otherwise the error of the last attempt; its
/// [`Error::attempts`] is the number of attempts. No error shows the URL.
pub async fn upload<T, S, F>(
    service: &S,
    source: &UploadSource,
    mut request_url: impl FnMut() -> F,
) -> Result<T, Error>
where
    S: HttpService,
    F: Future<Output = Result<(T, UploadUrl), Error>>,
{
    let first = request_url().await;
    upload_from(service, source, first, request_url).await
}

/// Uploads an archive like [`upload`], with a first URL that was already requested.
async fn upload_from<T, S, F>(
    service: &S,
    source: &UploadSource,
    first: Result<(T, UploadUrl), Error>,
    mut request_url: impl FnMut() -> F,
) -> Result<T, Error>
where
    S: HttpService,
    F: Future<Output = Result<(T, UploadUrl), Error>>,
{
    let mut backoff = Backoff::up_to(MAX_DELAY);
    let mut requested = first;
    let mut attempt = 1;
    let mut was_expired = false;
    loop {
        let error = match requested {
            Ok((response, url)) => match put(service, source, &url, attempt).await {
                Ok(()) => return Ok(response),
                Err(error) => {
                    let expired = is_expired(&error);
                    let error = error.with_attempts(Attempts::new(attempt));
                    // The next URL is new, so one that has expired too tells of a wrong clock.
                    let renewable = expired && !std::mem::replace(&mut was_expired, expired);
                    if !renewable && !is_temporary(&error) {
                        return Err(error);
                    }
                    error
                }
            },
            Err(error) if error.is_transient() => error,
            Err(error) => return Err(error),
        };
        if attempt == MAX_ATTEMPTS {
            return Err(error);
        }
        sleep(backoff.next()).await;
        attempt += 1;
        requested = request_url().await;
    }
}

/// Returns `true` if an attempt failed for a reason that may be gone at the next one.
fn is_temporary(error: &Error) -> bool {
    let server_error = error
        .status()
        .is_some_and(|status| status.is_server_error());
    // The storage reports an interrupted upload as 400.
    error.is_transient() || server_error || error.code() == Some("RequestTimeout")
}

/// Returns `true` if the storage refused a URL because its time is over.
fn is_expired(error: &Error) -> bool {
    let message = error.api().and_then(ApiError::message).unwrap_or_default();
    error.code() == Some("ExpiredToken")
        || (error.is_forbidden() && message.to_ascii_lowercase().contains("expired"))
}

/// Sends the archive once.
async fn put<S: HttpService>(
    service: &S,
    source: &UploadSource,
    url: &UploadUrl,
    attempt: u32,
) -> Result<(), Error> {
    let (archive, source_error) = source.open(attempt).await?;
    let mut request = RequestWriter::new(&PUT_ARCHIVE);
    url.write(&mut request)?;
    request.body(Body::new(archive), source.archive().content_type());
    let outcome = open(service, request.finish()?).await;
    // An error of the source explains more than the aborted request that it caused.
    if let Some(error) = source_error.get() {
        return Err(error.clone());
    }
    let response = outcome?;
    if response.status() == StatusCode::OK {
        return Ok(());
    }
    // The storage confirms an upload with 200, and with no other status.
    let (head, _) = response.into_parts();
    Err(Error::from_response(Some(&PUT_ARCHIVE), &head, b""))
}

#[cfg(all(test, feature = "workloads", feature = "sandboxes"))]
mod tests;
