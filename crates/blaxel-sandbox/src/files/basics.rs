//! The operations on single files and directories.

use blaxel_core::{Error, OperationInfo, Plane, RequestWriter, response};
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, IF_RANGE, RANGE};
use http::{HeaderMap, Method};
use serde_json::json;

use super::entry::{Listing, Metadata, parse_time};
use super::form::FilledForm;
use super::mode::{FileType, ServerMode};
use super::path::RemotePath;
use crate::remote::DataOperation;

const JSON: &str = "application/json";

/// Maximum size of a listing: that of about 500,000 files.
const LISTING_LIMIT: usize = 128 * 1024 * 1024;

/// Lists the working directory, for its path.
pub(crate) struct GetWorkingDirectory;

impl DataOperation for GetWorkingDirectory {
    type Output = Listing;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("GetWorkingDirectory", Method::GET, "/filesystem/")
            .with_plane(Plane::Run);
    const RESPONSE_LIMIT: usize = LISTING_LIMIT;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.header(ACCEPT, JSON)?;
        request.path([])
    }

    fn read(response: &http::Response<Bytes>) -> Result<Listing, Error> {
        response::json(response)
    }
}

/// Reads a directory.
pub(crate) struct ListDirectory<'a>(pub(crate) &'a RemotePath);

impl DataOperation for ListDirectory<'_> {
    type Output = Listing;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ListDirectory", Method::GET, "/filesystem/{path}")
            .with_plane(Plane::Run);
    const RESPONSE_LIMIT: usize = LISTING_LIMIT;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.header(ACCEPT, JSON)?;
        self.0.write(request)
    }

    fn read(response: &http::Response<Bytes>) -> Result<Listing, Error> {
        response::json(response)
    }
}

/// Reads the bytes of a file, or a part of them.
pub(crate) struct ReadFile<'a> {
    pub(crate) path: &'a RemotePath,
    /// The value of the header `Range`.
    pub(crate) range: Option<String>,
    /// The version of the file that the range is of.
    pub(crate) if_range: Option<&'a str>,
}

impl DataOperation for ReadFile<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ReadFile", Method::GET, "/filesystem/{path}")
            .with_plane(Plane::Run)
            .streaming();

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.header(ACCEPT, "application/octet-stream")?;
        // Positions are those of the file, and not of its compressed form.
        request.header(ACCEPT_ENCODING, "identity")?;
        if let Some(range) = &self.range {
            request.header(RANGE, range)?;
        }
        if let Some(version) = self.if_range {
            request.header(IF_RANGE, version)?;
        }
        self.path.write(request)
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Returns the metadata of a file. Servers that are too old for it return none, as do newer ones for a path
/// that does not exist.
pub(crate) struct StatFile<'a>(pub(crate) &'a RemotePath);

impl DataOperation for StatFile<'_> {
    type Output = Option<Metadata>;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("StatFile", Method::HEAD, "/filesystem/{path}").with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.0.write(request)
    }

    fn read(response: &http::Response<Bytes>) -> Result<Option<Metadata>, Error> {
        let header = |name: &str| text(response.headers(), name);
        let Some(file_type) = header("x-file-type") else {
            return Ok(None);
        };
        let file_type = FileType::from(file_type);
        let mode = header("x-file-mode").and_then(ServerMode::from_octal);
        Ok(Some(Metadata {
            len: header("content-length")
                .and_then(|len| len.parse().ok())
                .filter(|_| file_type != FileType::Directory),
            file_type,
            mode: mode.map(ServerMode::permissions),
            modified: header("last-modified").and_then(parse_time),
        }))
    }
}

/// Returns a header as text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Creates or replaces a file.
pub(crate) struct WriteFile<'a> {
    pub(crate) path: &'a RemotePath,
    pub(crate) form: FilledForm,
}

impl DataOperation for WriteFile<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &OperationInfo::new("WriteFile", Method::PUT, "/filesystem/{path}").with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.form.write(request);
        self.path.write(request)
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Creates a directory and its parents.
pub(crate) struct CreateDirectory<'a>(pub(crate) &'a RemotePath);

impl DataOperation for CreateDirectory<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &OperationInfo::new("CreateDirectory", Method::PUT, "/filesystem/{path}")
            .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.json(&json!({ "isDirectory": true }))?;
        self.0.write(request)
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Removes a file, or a directory with all that it contains.
pub(crate) struct Remove<'a> {
    pub(crate) path: &'a RemotePath,
    pub(crate) recursive: bool,
}

impl DataOperation for Remove<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &OperationInfo::new("RemoveFile", Method::DELETE, "/filesystem/{path}")
            .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.path.write(request)?;
        if self.recursive {
            request.query("recursive", true);
        }
        Ok(())
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Removes an empty directory, and no file.
pub(crate) struct RemoveDirectory<'a>(pub(crate) &'a RemotePath);

impl DataOperation for RemoveDirectory<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &OperationInfo::new("RemoveDirectory", Method::DELETE, "/filesystem/tree/{path}")
            .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.0.write_segments(request)
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}
