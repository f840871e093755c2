//! The export of a sandbox's changed files to an archive.

mod options;
mod report;

use std::fmt;

use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, Plane, RequestWriter, response};
use bytes::Bytes;
use http::{Method, StatusCode};

use self::options::Export;
pub use self::options::{ExportMultipart, ExportOptions};
pub use self::report::{
    ArchiveChange, ArchiveManifest, ArchiveState, ArchiveStatus, ChangeKind, ExportProgress,
    ExportReport, ExportState, RestoreProgress, RestoreState,
};
use crate::remote::{DataOperation, Remote};
use crate::sandbox::SandboxHandle;

/// The archive of a sandbox: the files that differ from its image, and its processes. [`SandboxHandle::archive`]
/// returns it.
///
/// An export stops the processes, freezes the sandbox and uploads the archive to a presigned URL. The sandbox
/// stays frozen after a successful export: it refuses writes until [`resume`](Self::resume). A failed export
/// lifts this by itself. To restore an archive, create a sandbox from the same image with the variable
/// `BL_ARCHIVE_IMPORT_URL`, whose value is a presigned URL to download it from.
///
/// The servers of older sandboxes do not have these calls, so they fail with [`Error::is_not_found`].
#[derive(Clone)]
pub struct Archive<S> {
    remote: Remote<S>,
}

impl<S: HttpService> SandboxHandle<S> {
    /// Returns a handle for the export of the sandbox to an archive.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_sandbox::archive::ExportOptions;
    ///
    /// let archive = sandbox.archive();
    /// let upload_url = std::env::var("UPLOAD_URL").unwrap_or_default();
    /// archive.start_export(&ExportOptions::to(upload_url).exclude("/tmp")).await?;
    /// println!("{:?}", archive.status().await?.export);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn archive(&self) -> Archive<S> {
        Archive {
            remote: self.remote().clone(),
        }
    }
}

impl<S: HttpService> Archive<S> {
    /// Exports the sandbox, and returns when the upload is complete (`POST /archive/export`).
    ///
    /// The platform ends a call after about a minute, while the export goes on. So this is for small sandboxes and
    /// for [dry runs](ExportOptions::dry_run); for others, use [`start_export`](Self::start_export).
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if an export is in progress; otherwise the error of the call.
    pub async fn export(&self, options: &ExportOptions) -> Result<ExportReport, Error> {
        let body = Export::new(options, false);
        self.remote.call(&ExportArchive { body }).await
    }

    /// Starts an export and returns at once (`POST /archive/export`). [`status`](Self::status) reports its
    /// progress.
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if an export is in progress; otherwise the error of the call.
    pub async fn start_export(&self, options: &ExportOptions) -> Result<ExportProgress, Error> {
        let body = Export::new(options, true);
        self.remote.call(&StartExport { body }).await
    }

    /// Returns the state of the sandbox, and the progress of an export or a restore (`GET /archive/status`).
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn status(&self) -> Result<ArchiveStatus, Error> {
        self.remote.call(&GetArchiveStatus).await
    }

    /// Lets a sandbox accept writes again after an export (`POST /archive/resume`). The stopped processes are not
    /// started again.
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if the sandbox cannot be resumed now, such as during an export; otherwise the error
    /// of the call.
    pub async fn resume(&self) -> Result<ArchiveStatus, Error> {
        self.remote.call(&ResumeArchive).await
    }
}

#[cfg(feature = "wait")]
impl<S: HttpService> Archive<S> {
    /// Waits until the export in progress has ended, and returns its result (`GET /archive/status`, every second).
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(
    /// #     archive: blaxel_sandbox::Archive<impl HttpService>,
    /// #     options: blaxel_sandbox::archive::ExportOptions,
    /// # ) -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// archive.start_export(&options).await?;
    /// let export = archive.wait_for_export(Duration::from_secs(3600)).await?;
    /// println!("{:?} bytes", export.uploaded);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_failed`] if the export failed or none was started; [`Error::is_timeout`] after the limit, with
    /// the last transient error as its cause, if there was one; otherwise the error of a call that is not transient.
    pub async fn wait_for_export(
        &self,
        limit: std::time::Duration,
    ) -> Result<ExportProgress, Error> {
        use blaxel_core::__private::{ErrorParts, later};
        use tokio::time::{Instant, sleep, timeout_at};

        const POLL: std::time::Duration = std::time::Duration::from_secs(1);
        let mut last = None;
        let follow = async {
            loop {
                match self.status().await {
                    Ok(status) => {
                        let Some(export) = status.export else {
                            return Err(Error::failed("no export was started"));
                        };
                        match &export.state {
                            ExportState::Succeeded => return Ok(export),
                            ExportState::Failed => {
                                let reason = export.error.as_deref();
                                let reason = reason.unwrap_or("the server gives no reason");
                                return Err(Error::failed(format!("the export failed: {reason}")));
                            }
                            _ => {}
                        }
                    }
                    Err(error) if error.is_transient() => last = Some(error),
                    Err(error) => return Err(error),
                }
                sleep(POLL).await;
            }
        };
        match timeout_at(later(Instant::now(), limit), follow).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let error = Error::timeout("export", limit);
                Err(match last {
                    Some(cause) => error.caused_by(cause),
                    None => error,
                })
            }
        }
    }
}

impl<S> fmt::Debug for Archive<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Archive").field(&self.remote).finish()
    }
}

/// Exports the sandbox, and waits for the end: `POST /archive/export`.
struct ExportArchive<'a> {
    body: Export<'a>,
}

impl DataOperation for ExportArchive<'_> {
    type Output = ExportReport;
    // A second request stops the processes and uploads the files again.
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ExportArchive", Method::POST, "/archive/export")
            .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.body.check()?;
        request.path([])?;
        request.json(&self.body)
    }

    fn read(response: &http::Response<Bytes>) -> Result<ExportReport, Error> {
        response::json(response)
    }
}

/// Starts an export: `POST /archive/export`.
struct StartExport<'a> {
    body: Export<'a>,
}

impl DataOperation for StartExport<'_> {
    type Output = ExportProgress;
    const INFO: &'static OperationInfo = ExportArchive::INFO;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.body.check()?;
        request.path([])?;
        request.json(&self.body)
    }

    fn read(response: &http::Response<Bytes>) -> Result<ExportProgress, Error> {
        if response.status() == StatusCode::ACCEPTED {
            return response::json(response);
        }
        // The export is complete already.
        response::json(response).map(|report: ExportReport| report.into_progress())
    }
}

/// Reads the state: `GET /archive/status`.
struct GetArchiveStatus;

impl DataOperation for GetArchiveStatus {
    type Output = ArchiveStatus;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("GetArchiveStatus", Method::GET, "/archive/status")
            .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([])
    }

    fn read(response: &http::Response<Bytes>) -> Result<ArchiveStatus, Error> {
        response::json(response)
    }
}

/// Resumes a frozen sandbox: `POST /archive/resume`.
struct ResumeArchive;

impl DataOperation for ResumeArchive {
    type Output = ArchiveStatus;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ResumeArchive", Method::POST, "/archive/resume")
            .with_plane(Plane::Run)
            .with_idempotency(Idempotency::Idempotent);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([])
    }

    fn read(response: &http::Response<Bytes>) -> Result<ArchiveStatus, Error> {
        response::json(response)
    }
}
