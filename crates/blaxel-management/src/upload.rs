//! Uploads: archives from which the platform builds what runs.
//!
//! The archive does not go to the API itself. A request that makes or replaces a resource asks for an
//! upload; its answer names an address for it, an [`UploadUrl`], and the archive goes there: the code of a
//! workload as a zip, the content of a volume template as a tar. An address is good for one try only, so
//! each further try begins with a request for another one.
//!
//! [`Collection::deploy`](crate::Collection::deploy) does all of it for a resource; [`upload`] is the part
//! below it, for whatever else gives out such addresses.

mod deploy;
mod metered;
mod progress;
mod source;
mod url;

use std::future::Future;
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{
    Attempts, Body, Error, HttpService, Idempotency, OperationInfo, Plane, RequestWriter, open,
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
use crate::pause::Pauses;

/// How often an upload is tried.
const TRIES: u32 = 5;

/// The longest rest between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// An archive goes to the address that was given out for it. After a failure the address is dead, so the
/// same request cannot be sent again.
static PUT_ARCHIVE: OperationInfo = OperationInfo::new("PutArchive", Method::PUT, "/")
    .with_plane(Plane::Presigned)
    .with_idempotency(Idempotency::None);

/// Uploads an archive, in up to five tries with rests of 1, 2, 4 and 8 seconds between them.
///
/// `offer` is called before each try. It makes or replaces the resource once more, and returns what the
/// server said of it along with the address that came with it, as an operation [`ForUpload`] does. What it
/// returned for the try that succeeded is returned here.
///
/// Time is tokio's, so this needs a tokio runtime. It may be dropped at any time; nothing goes on behind
/// it.
///
/// # Errors
///
/// At once, [`Error::is_input`] if the source cannot be read or is not as long as it said, and whatever
/// `offer` failed with that cannot pass by itself; else what the last try failed with, and its
/// [`Error::attempts`] are the number of tries. No error shows the address.
pub async fn upload<T, S, F>(
    service: &S,
    source: &UploadSource,
    mut offer: impl FnMut() -> F,
) -> Result<T, Error>
where
    S: HttpService,
    F: Future<Output = Result<(T, UploadUrl), Error>>,
{
    let first = offer().await;
    upload_from(service, source, first, offer).await
}

/// The same where the first address was asked for already.
async fn upload_from<T, S, F>(
    service: &S,
    source: &UploadSource,
    first: Result<(T, UploadUrl), Error>,
    mut offer: impl FnMut() -> F,
) -> Result<T, Error>
where
    S: HttpService,
    F: Future<Output = Result<(T, UploadUrl), Error>>,
{
    let mut pauses = Pauses::up_to(LONGEST_PAUSE);
    let mut offered = first;
    let mut attempt = 1;
    loop {
        let error = match offered {
            Ok((answer, url)) => match put(service, source, &url, attempt).await {
                Ok(()) => return Ok(answer),
                Err(error) if error.is_input() => return Err(error),
                Err(error) => error.with_attempts(Attempts::new(attempt)),
            },
            Err(error) if error.is_transient() => error,
            Err(error) => return Err(error),
        };
        if attempt == TRIES {
            return Err(error);
        }
        sleep(pauses.next()).await;
        attempt += 1;
        offered = offer().await;
    }
}

/// One try.
async fn put<S: HttpService>(
    service: &S,
    source: &UploadSource,
    url: &UploadUrl,
    attempt: u32,
) -> Result<(), Error> {
    let (archive, fault) = source.open(attempt).await?;
    let mut request = RequestWriter::new(&PUT_ARCHIVE);
    url.write(&mut request)?;
    request.body(Body::new(archive), source.archive().content_type());
    let outcome = open(service, request.finish()?).await;
    // What the source failed with says more than the broken request that came of it.
    if let Some(fault) = fault.get() {
        return Err(fault.clone());
    }
    let response = outcome?;
    if response.status() == StatusCode::OK {
        return Ok(());
    }
    // The storage takes an archive with 200 and nothing else.
    let (head, _) = response.into_parts();
    Err(Error::from_response(Some(&PUT_ARCHIVE), &head, b""))
}

#[cfg(all(test, feature = "workloads", feature = "sandboxes"))]
mod tests;
