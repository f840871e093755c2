//! The drives that are mounted in the sandbox.

use std::sync::Arc;

use blaxel_core::__private::lenient::null_as_default;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::call::{Call, into_response};
use super::path::{clean, parent};
use super::permissions::{DIRECTORY, masked};
use super::respond::{HandlerResult, Refusal, missing, ok};
use super::route::Route;
use crate::drives::{DriveError, DriveMount};
use crate::errno::Errno;
use crate::files::{FileError, FileKind, Files};
use crate::lock::lock;
use crate::state::{MountedDrive, State};
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[
    Route {
        operation: "ListMounts",
        method: Method::GET,
        pattern: "/drives/mount",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(list(&call)) }),
    },
    Route {
        operation: "MountDrive",
        method: Method::POST,
        pattern: "/drives/mount",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(mount(call).await) }),
    },
    Route {
        operation: "UnmountDrive",
        method: Method::DELETE,
        pattern: "/drives/mount/*path",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(unmount(call).await) }),
    },
];

const MAX_NAME: usize = 128;
const MAX_PATH: usize = 512;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MountInfo {
    drive_name: String,
    mount_path: String,
    drive_path: String,
    read_only: bool,
    uid_map: String,
    gid_map: String,
}

fn list(call: &Call) -> HandlerResult {
    #[derive(Serialize)]
    struct Mounts {
        mounts: Vec<MountInfo>,
    }
    let info = |mounted: &MountedDrive| MountInfo {
        drive_name: mounted.mount.drive_name.clone(),
        mount_path: mounted.mount.mount_path.clone(),
        drive_path: mounted.mount.drive_path.clone(),
        read_only: mounted.mount.read_only,
        uid_map: mounted.user_map.clone(),
        gid_map: mounted.group_map.clone(),
    };
    ok(&Mounts {
        mounts: lock(&call.state.mounts).iter().map(info).collect(),
    })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MountRequest {
    #[serde(deserialize_with = "null_as_default")]
    drive_name: String,
    #[serde(deserialize_with = "null_as_default")]
    mount_path: String,
    #[serde(deserialize_with = "null_as_default")]
    drive_path: String,
    #[serde(deserialize_with = "null_as_default")]
    read_only: bool,
    #[serde(deserialize_with = "null_as_default")]
    uid_map: String,
    #[serde(deserialize_with = "null_as_default")]
    gid_map: String,
}

async fn mount(mut call: Call) -> HandlerResult {
    #[derive(Serialize)]
    struct Mounted {
        success: bool,
        message: &'static str,
        #[serde(flatten)]
        info: MountInfo,
    }
    let request: MountRequest = call.take_json().await?;
    let request = check(request).map_err(Refusal::bad_request)?;
    let uid_map =
        id_map(&call.state, "uidMap", &request.uid_map, "BLFS_UID_MAP").map_err(failed)?;
    let gid_map =
        id_map(&call.state, "gidMap", &request.gid_map, "BLFS_GID_MAP").map_err(failed)?;
    let info = MountInfo {
        drive_name: request.drive_name,
        mount_path: request.mount_path,
        drive_path: request.drive_path,
        read_only: request.read_only,
        uid_map,
        gid_map,
    };
    let state = Arc::clone(&call.state);
    Call::with_files(&call.state, move |files| {
        mount_once(&state, files, &info)?;
        ok(&Mounted {
            success: true,
            message: "Drive mounted successfully",
            info,
        })
    })
    .await
}

/// Mounts a drive, unless it is mounted there already.
fn mount_once(state: &State, files: &dyn Files, info: &MountInfo) -> Result<(), Refusal> {
    let (mount_path, drive_path) = (clean(&info.mount_path), clean(&info.drive_path));
    // Two requests for one path must not both find it free.
    let mut mounts = lock(&state.mounts);
    if let Some(found) = mounts
        .iter()
        .find(|found| found.mount.mount_path == mount_path)
    {
        let DriveMount {
            drive_name,
            drive_path: path,
            ..
        } = &found.mount;
        if *drive_name == info.drive_name && *path == drive_path {
            return Ok(());
        }
        return Err(busy(&format!(
            "{drive_name} (drivePath={path}) is already mounted at {mount_path}"
        )));
    }
    let drives = state.drives.as_ref();
    let opened = drives.map_or(Err(DriveError::NotFound), |drives| {
        drives.open(&info.drive_name, &drive_path, info.read_only)
    });
    let volume = opened.map_err(|error| match error {
        DriveError::Forbidden => Refusal::new(
            StatusCode::FORBIDDEN,
            format!("Failed to mount drive: {error}"),
        ),
        _ => failed(error.to_string()),
    })?;
    create_mount_point(files, &mount_path)
        .map_err(|problem| failed(format!("failed to create mount directory: {problem}")))?;
    let drive_name = info.drive_name.clone();
    let mount = DriveMount {
        drive_name,
        mount_path,
        drive_path,
        read_only: info.read_only,
        volume,
    };
    state.guest.mount(&mount).map_err(|errno| match errno {
        Errno::Busy => busy(&format!(
            "{} is occupied by a non-blfs mount",
            mount.mount_path
        )),
        errno => failed(errno.to_string()),
    })?;
    let (user_map, group_map) = (info.uid_map.clone(), info.gid_map.clone());
    mounts.push(MountedDrive {
        mount,
        user_map,
        group_map,
    });
    Ok(())
}

fn failed(problem: String) -> Refusal {
    Refusal::internal(format!("Failed to mount drive: {problem}"))
}

fn busy(problem: &str) -> Refusal {
    let message = format!("Failed to mount drive: mount path already in use: {problem}");
    Refusal::new(StatusCode::CONFLICT, message)
}

/// Checks a request and completes its paths.
fn check(mut request: MountRequest) -> Result<MountRequest, String> {
    let members = [
        ("DriveName", &request.drive_name),
        ("MountPath", &request.mount_path),
    ];
    let empty = members.iter().filter(|(_, value)| value.is_empty());
    let problems: Vec<_> = empty
        .map(|(name, _)| missing("DriveMountRequest", name))
        .collect();
    if !problems.is_empty() {
        return Err(format!("Invalid request body: {}", problems.join("\n")));
    }
    if request.drive_path.is_empty() {
        request.drive_path = "/".to_owned();
    }
    if !request.mount_path.starts_with('/') {
        request.mount_path.insert(0, '/');
    }
    let name = &request.drive_name;
    if name.len() > MAX_NAME {
        return Err(format!("drive name too long (max {MAX_NAME})"));
    }
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !name.bytes().all(is_usual) || name.starts_with(['-', '_']) {
        return Err(
            "drive name must contain only letters, numbers, hyphens and underscores".to_owned(),
        );
    }
    check_mount_path(&request.mount_path)?;
    if !request.drive_path.starts_with('/') {
        return Err("Invalid drive path: Drive path must start with /".to_owned());
    }
    Ok(request)
}

fn check_mount_path(path: &str) -> Result<(), String> {
    if path.len() > MAX_PATH {
        return Err(format!("mount path too long (max {MAX_PATH})"));
    }
    if path.contains("..") {
        return Err("mount path must not contain '..'".to_owned());
    }
    Ok(())
}

/// Returns the id that the files of a drive have in the sandbox; empty if none is given.
fn id_map(state: &State, name: &str, given: &str, variable: &str) -> Result<String, String> {
    let value = match given {
        "" => lock(&state.environment)
            .get(variable)
            .unwrap_or_default()
            .to_owned(),
        given => given.to_owned(),
    };
    if !value.is_empty() && value.parse::<u32>().is_err() {
        return Err(format!(
            "invalid {name}: invalid {name} \"{value}\": must be a non-negative integer"
        ));
    }
    Ok(value)
}

fn create_mount_point(files: &dyn Files, path: &str) -> Result<(), String> {
    let mode = masked(DIRECTORY);
    files
        .create_dir_all(parent(path), mode)
        .map_err(|error| error.to_string())?;
    match files.create_dir(path, mode) {
        Ok(()) => Ok(()),
        Err(Errno::Exists) => match files.metadata(path) {
            Ok(facts) if facts.kind == FileKind::Directory => Ok(()),
            Ok(_) => Err(format!("{path} exists and is not a directory")),
            Err(errno) => Err(FileError::new("stat", path, errno).to_string()),
        },
        Err(errno) => Err(FileError::new("mkdir", path, errno).to_string()),
    }
}

async fn unmount(call: Call) -> HandlerResult {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Unmounted {
        success: bool,
        message: &'static str,
        mount_path: String,
    }
    let mount_path = call.param("path").to_owned();
    if mount_path == "/" {
        return Err(Refusal::bad_request(
            "Mount path is required (must start with /)",
        ));
    }
    let failed = |problem: String| Refusal::internal(format!("Failed to unmount drive: {problem}"));
    check_mount_path(&mount_path)
        .map_err(|problem| failed(format!("invalid mount path: {problem}")))?;
    let path = clean(&mount_path);
    let (state, shown) = (Arc::clone(&call.state), mount_path.clone());
    Call::with_files(&call.state, move |files| {
        if files.metadata(&path) == Err(Errno::NotFound) {
            return Err(failed(format!("mount path does not exist: {shown}")));
        }
        let mut mounts = lock(&state.mounts);
        state.guest.unmount(&path).map_err(|errno| match errno {
            Errno::Invalid => failed(format!("path is not a mount point: {shown}")),
            errno => failed(format!("failed to unmount drive: {errno}")),
        })?;
        mounts.retain(|mounted| mounted.mount.mount_path != path);
        Ok(())
    })
    .await?;
    ok(&Unmounted {
        success: true,
        message: "Drive unmounted successfully",
        mount_path,
    })
}
