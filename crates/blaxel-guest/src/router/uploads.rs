//! Uploads in parts. The parts are files in the sandbox until the upload is complete or aborted.

use std::collections::BTreeMap;
use std::sync::Arc;

use blaxel_core::__private::lenient::null_as_default;
use http::Method;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use super::call::{Call, into_response};
use super::form::{Form, PartialFile};
use super::path::{Paths, parent, requested};
use super::permissions::{self, DIRECTORY, FILE, masked};
use super::respond::{HandlerResult, Refusal, ok, success};
use super::route::Route;
use crate::clock::timestamp;
use crate::errno::Errno;
use crate::files::{FileError, Files, OpenFile, OpenOptions};
use crate::state::{Part, Upload};
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[
    Route {
        operation: "ListUploads",
        method: Method::GET,
        pattern: "/filesystem-multipart",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(list_uploads(&call)) }),
    },
    Route {
        operation: "InitiateUpload",
        method: Method::POST,
        pattern: "/filesystem-multipart/initiate/*path",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(initiate(call).await) }),
    },
    Route {
        operation: "UploadPart",
        method: Method::PUT,
        pattern: "/filesystem-multipart/:id/part",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(upload_part(call).await) }),
    },
    Route {
        operation: "CompleteUpload",
        method: Method::POST,
        pattern: "/filesystem-multipart/:id/complete",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(complete(call).await) }),
    },
    Route {
        operation: "AbortUpload",
        method: Method::DELETE,
        pattern: "/filesystem-multipart/:id/abort",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(abort(call).await) }),
    },
    Route {
        operation: "ListUploadParts",
        method: Method::GET,
        pattern: "/filesystem-multipart/:id/parts",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(list_parts(&call)) }),
    },
];

/// The directory of the parts.
const DIRECTORY_OF_PARTS: &str = "/tmp/multipart-uploads";

const MAX_PART: i64 = 10_000;

fn directory_of(id: &str) -> String {
    format!("{DIRECTORY_OF_PARTS}/{id}")
}

/// Returns the id that a request names.
fn id_of(call: &Call) -> Result<String, Refusal> {
    match call.param("id") {
        "" => Err(Refusal::bad_request("uploadId is required")),
        id => Ok(id.to_owned()),
    }
}

fn unknown(id: &str) -> String {
    format!("upload not found: {id}")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PartInfo {
    part_number: u32,
    etag: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    uploaded_at: Option<String>,
}

impl PartInfo {
    fn of(number: u32, part: &Part) -> Self {
        Self {
            part_number: number,
            etag: part.etag.clone(),
            size: part.size,
            uploaded_at: Some(timestamp(part.uploaded).to_string()),
        }
    }
}

fn list_uploads(call: &Call) -> HandlerResult {
    #[derive(Serialize)]
    struct All {
        uploads: Vec<UploadInfo>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct UploadInfo {
        upload_id: String,
        path: String,
        permissions: u32,
        initiated_at: String,
        parts: BTreeMap<u32, PartInfo>,
    }
    let info = |(upload_id, upload): (String, Upload)| UploadInfo {
        upload_id,
        path: upload.path,
        permissions: upload.mode,
        initiated_at: timestamp(upload.initiated).to_string(),
        parts: upload
            .parts
            .iter()
            .map(|(number, part)| (*number, PartInfo::of(*number, part)))
            .collect(),
    };
    ok(&All {
        uploads: call.state.uploads.all().into_iter().map(info).collect(),
    })
}

fn list_parts(call: &Call) -> HandlerResult {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Parts<'a> {
        upload_id: &'a str,
        parts: Vec<PartInfo>,
    }
    let id = id_of(call)?;
    let upload = call.state.uploads.get(&id);
    let upload = upload.ok_or_else(|| Refusal::not_found(unknown(&id)))?;
    let parts = upload
        .parts
        .iter()
        .map(|(number, part)| PartInfo::of(*number, part))
        .collect();
    ok(&Parts {
        upload_id: &id,
        parts,
    })
}

async fn initiate(mut call: Call) -> HandlerResult {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Request {
        #[serde(deserialize_with = "null_as_default")]
        permissions: String,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Initiated {
        upload_id: String,
        path: String,
    }
    let paths = Paths::of(&call.state);
    let path = paths.absolute(&paths.format(&requested(&call))?);
    // A body that cannot be read counts as none.
    let request: Request = call.take_json().await.unwrap_or_default();
    let mode = match request.permissions.as_str() {
        "" => FILE,
        text => permissions::parse(text).map_err(|problem| {
            Refusal::bad_request(format!(
                "invalid permissions format: strconv.ParseUint: {problem}"
            ))
        })?,
    };
    let initiated = call.state.guest.clock().since_epoch();
    let upload = Upload {
        path: path.clone(),
        mode,
        initiated,
        parts: BTreeMap::new(),
    };
    let upload_id = call.state.uploads.add(upload);
    let directory = directory_of(&upload_id);
    let created = Call::with_files(&call.state, move |files| {
        files
            .create_dir_all(&directory, masked(DIRECTORY))
            .map_err(|error| {
                Refusal::internal(format!(
                    "failed to initiate upload: failed to create upload directory: {error}"
                ))
            })
    });
    if let Err(refusal) = created.await {
        call.state.uploads.remove(&upload_id);
        return Err(refusal);
    }
    ok(&Initiated { upload_id, path })
}

async fn upload_part(mut call: Call) -> HandlerResult {
    let id = id_of(&call)?;
    let number = match call.query("partNumber").as_str() {
        "" => return Err(Refusal::bad_request("partNumber is required")),
        text => text.parse::<i64>().map_err(|_| {
            let problem = format!("strconv.Atoi: parsing \"{text}\": invalid syntax");
            Refusal::bad_request(format!("invalid partNumber: {problem}"))
        })?,
    };
    let mut form = Form::of(&mut call)?;
    let failed = |problem: String| Refusal::internal(format!("failed to upload part: {problem}"));
    while let Some(mut field) = form.next_field().await? {
        if field.name() != Some("file") {
            continue;
        }
        if call.state.uploads.get(&id).is_none() {
            return Err(failed(unknown(&id)));
        }
        let Some(number) = u32::try_from(number)
            .ok()
            .filter(|_| (1..=MAX_PART).contains(&number))
        else {
            return Err(failed("part number must be between 1 and 10000".to_owned()));
        };
        let path = format!("{}/part-{number}", directory_of(&id));
        // Another request may send the same part at the same time.
        let own_path = format!("{path}.{}", call.state.uploads.next_part());
        let (file, _) = PartialFile::create(&call.state, &own_path, masked(FILE))
            .await
            .map_err(|error| failed(format!("failed to create part file: {error}")))?;
        let (mut sum, mut size) = (Md5::new(), 0);
        while let Some(chunk) = form.chunk(&mut field).await? {
            sum.update(&chunk);
            let length = chunk.len() as u64;
            file.write(size, chunk)
                .await
                .map_err(|error| failed(format!("failed to write part: {error}")))?;
            size += length;
        }
        let etag: String = sum
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let uploaded = call.state.guest.clock().since_epoch();
        let part = Part {
            etag: etag.clone(),
            size,
            uploaded,
        };
        let (state, upload) = (Arc::clone(&call.state), id.clone());
        Call::with_files(&call.state, move |files| {
            let placed = state
                .uploads
                .add_part(&upload, number, part, || files.rename(&own_path, &path));
            placed.map_err(|errno| failed(FileError::new("rename", &path, errno).to_string()))
        })
        .await?;
        file.keep();
        return ok(&PartInfo {
            part_number: number,
            etag,
            size,
            uploaded_at: None,
        });
    }
    Err(Refusal::bad_request(
        "missing 'file' field in multipart form",
    ))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CompleteRequest {
    #[serde(deserialize_with = "null_as_default")]
    parts: Vec<CompletePart>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CompletePart {
    #[serde(deserialize_with = "null_as_default")]
    part_number: u32,
    #[serde(deserialize_with = "null_as_default")]
    etag: String,
}

async fn complete(mut call: Call) -> HandlerResult {
    let id = id_of(&call)?;
    let mut request: CompleteRequest = call.take_json().await?;
    if request.parts.is_empty() {
        return Err(Refusal::bad_request("at least one part is required"));
    }
    let upload = call.state.uploads.get(&id);
    let upload = upload.ok_or_else(|| Refusal::not_found(unknown(&id)))?;
    let failed =
        |problem: String| Refusal::internal(format!("failed to complete upload: {problem}"));
    for CompletePart { part_number, etag } in &request.parts {
        match upload.parts.get(part_number) {
            None => return Err(failed(format!("part {part_number} not found"))),
            Some(part) if part.etag != *etag => {
                return Err(failed(format!("etag mismatch for part {part_number}")));
            }
            Some(_) => {}
        }
    }
    request.parts.sort_by_key(|part| part.part_number);
    let numbers: Vec<u32> = request.parts.iter().map(|part| part.part_number).collect();
    let path = upload.path.clone();
    let state = Arc::clone(&call.state);
    Call::with_files(&call.state, move |files| {
        assemble(files, &id, &upload, &numbers).map_err(failed)?;
        // The file is there, so a part that cannot be removed is no failure.
        let _ = files.remove_all(&directory_of(&id));
        state.uploads.remove(&id);
        Ok(())
    })
    .await?;
    success(&path, "Multipart upload completed successfully")
}

/// Writes the parts one after the other into the file.
fn assemble(files: &dyn Files, id: &str, upload: &Upload, numbers: &[u32]) -> Result<(), String> {
    files
        .create_dir_all(parent(&upload.path), masked(DIRECTORY))
        .map_err(|error| format!("failed to create parent directory: {error}"))?;
    let target = open(
        files,
        &upload.path,
        &OpenOptions::replacing(masked(upload.mode)),
    )
    .map_err(|error| format!("failed to create final file: {error}"))?;
    let mut offset = 0;
    let mut buffer = vec![0; 64 << 10];
    for number in numbers {
        let path = format!("{}/part-{number}", directory_of(id));
        let part = open(files, &path, &OpenOptions::reading())
            .map_err(|error| format!("failed to open part {number}: {error}"))?;
        let copied = copy(&*part, &*target, &mut offset, &mut buffer);
        copied.map_err(|errno| {
            let error = FileError::new("write", &upload.path, errno);
            format!("failed to copy part {number}: {error}")
        })?;
    }
    Ok(())
}

fn open(
    files: &dyn Files,
    path: &str,
    options: &OpenOptions,
) -> Result<Arc<dyn OpenFile>, FileError> {
    files
        .open(path, options)
        .map_err(|errno| FileError::new("open", path, errno))
}

/// Copies all of `from` to `offset`, and moves `offset` behind it.
fn copy(
    from: &dyn OpenFile,
    to: &dyn OpenFile,
    offset: &mut u64,
    buffer: &mut [u8],
) -> Result<(), Errno> {
    let mut read = 0;
    loop {
        let count = from.read_at(read, buffer)?;
        let chunk = buffer.get(..count).unwrap_or_default();
        if chunk.is_empty() {
            return Ok(());
        }
        to.write_all_at(*offset, chunk)?;
        read += count as u64;
        *offset += count as u64;
    }
}

async fn abort(call: Call) -> HandlerResult {
    let id = id_of(&call)?;
    if !call.state.uploads.remove(&id) {
        return Err(Refusal::not_found(unknown(&id)));
    }
    Call::with_files(&call.state, move |files| {
        files.remove_all(&directory_of(&id)).map_err(|error| {
            Refusal::not_found(format!("failed to remove upload directory: {error}"))
        })
    })
    .await?;
    success("", "Multipart upload aborted successfully")
}
