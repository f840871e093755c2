//! The operations on multipart uploads, and their types.

use std::collections::BTreeMap;

use blaxel_core::__private::lenient;
use blaxel_core::{Error, Idempotency, OperationInfo, Plane, RequestWriter, Timestamp, response};
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::entry::time;
use super::form::FilledForm;
use super::mode::{ServerMode, octal};
use super::path::RemotePath;
use crate::remote::DataOperation;

/// An upload that was begun, and neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Upload {
    /// The id.
    #[serde(rename = "uploadId")]
    pub id: String,
    /// The absolute path of the file that it will become.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub path: String,
    /// The permissions of the file, such as `0o644`.
    #[serde(
        default,
        rename = "permissions",
        deserialize_with = "mode",
        skip_serializing_if = "Option::is_none"
    )]
    pub mode: Option<u32>,
    /// The time at which it was begun.
    #[serde(
        default,
        deserialize_with = "time",
        skip_serializing_if = "Option::is_none"
    )]
    pub initiated_at: Option<Timestamp>,
    /// The parts that were received, by their numbers.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub parts: BTreeMap<u32, UploadedPart>,
}

/// A part of an upload that the server has received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UploadedPart {
    /// The number, from 1 to 10,000.
    pub part_number: u32,
    /// The MD5 hash of its bytes in hexadecimal.
    pub etag: String,
    /// The size in bytes.
    #[serde(default, deserialize_with = "lenient::count")]
    pub size: u64,
    /// The time at which it was received. The response to the upload of a part does not have it.
    #[serde(
        default,
        deserialize_with = "time",
        skip_serializing_if = "Option::is_none"
    )]
    pub uploaded_at: Option<Timestamp>,
}

fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(ServerMode::from_json(&value).map(ServerMode::permissions))
}

/// Begins an upload, and returns its id.
pub(crate) struct InitiateUpload {
    pub(crate) path: RemotePath,
    pub(crate) mode: Option<u32>,
}

impl DataOperation for InitiateUpload {
    type Output = String;
    const INFO: &'static OperationInfo = &OperationInfo::new(
        "InitiateUpload",
        Method::POST,
        "/filesystem-multipart/initiate/{path}",
    )
    .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.json(&match self.mode {
            Some(mode) => json!({ "permissions": octal(mode) }),
            None => json!({}),
        })?;
        self.path.write(request)
    }

    fn read(response: &http::Response<Bytes>) -> Result<String, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Initiated {
            upload_id: String,
        }
        Ok(response::json::<Initiated>(response)?.upload_id)
    }
}

/// Sends a part, or sends it again.
pub(crate) struct UploadPart<'a> {
    pub(crate) id: &'a str,
    pub(crate) number: u32,
    pub(crate) form: FilledForm,
}

impl DataOperation for UploadPart<'_> {
    type Output = UploadedPart;
    /// Sending a part again replaces it. But the upload has a number of retries of its own, which those of the
    /// client would multiply.
    const INFO: &'static OperationInfo = &OperationInfo::new(
        "UploadPart",
        Method::PUT,
        "/filesystem-multipart/{uploadId}/part",
    )
    .with_plane(Plane::Run)
    .with_idempotency(Idempotency::None);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.form.write(request);
        request.path([self.id])?;
        request.query("partNumber", self.number);
        Ok(())
    }

    fn read(response: &http::Response<Bytes>) -> Result<UploadedPart, Error> {
        response::json(response)
    }
}

/// Makes the parts one file.
pub(crate) struct CompleteUpload<'a> {
    pub(crate) id: &'a str,
    pub(crate) parts: &'a [UploadedPart],
}

impl DataOperation for CompleteUpload<'_> {
    type Output = ();
    const INFO: &'static OperationInfo = &OperationInfo::new(
        "CompleteUpload",
        Method::POST,
        "/filesystem-multipart/{uploadId}/complete",
    )
    .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        let part =
            |part: &UploadedPart| json!({ "partNumber": part.part_number, "etag": part.etag });
        let parts: Vec<_> = self.parts.iter().map(part).collect();
        request.json(&json!({ "parts": parts }))?;
        request.path([self.id])
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Ends an upload and removes its parts.
pub(crate) struct AbortUpload<'a>(pub(crate) &'a str);

impl DataOperation for AbortUpload<'_> {
    type Output = ();
    const INFO: &'static OperationInfo = &OperationInfo::new(
        "AbortUpload",
        Method::DELETE,
        "/filesystem-multipart/{uploadId}/abort",
    )
    .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.0])
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Lists the parts of an upload.
pub(crate) struct ListUploadParts<'a>(pub(crate) &'a str);

impl DataOperation for ListUploadParts<'_> {
    type Output = Vec<UploadedPart>;
    const INFO: &'static OperationInfo = &OperationInfo::new(
        "ListUploadParts",
        Method::GET,
        "/filesystem-multipart/{uploadId}/parts",
    )
    .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.0])
    }

    fn read(response: &http::Response<Bytes>) -> Result<Vec<UploadedPart>, Error> {
        #[derive(Deserialize)]
        struct List {
            #[serde(default, deserialize_with = "lenient::null_as_default")]
            parts: Vec<UploadedPart>,
        }
        Ok(response::json::<List>(response)?.parts)
    }
}

/// Lists all uploads.
pub(crate) struct ListUploads;

impl DataOperation for ListUploads {
    type Output = Vec<Upload>;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ListUploads", Method::GET, "/filesystem-multipart")
            .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([])
    }

    fn read(response: &http::Response<Bytes>) -> Result<Vec<Upload>, Error> {
        #[derive(Deserialize)]
        struct List {
            #[serde(default, deserialize_with = "lenient::null_as_default")]
            uploads: Vec<Upload>,
        }
        Ok(response::json::<List>(response)?.uploads)
    }
}
