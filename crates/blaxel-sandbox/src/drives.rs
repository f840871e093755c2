//! Drives mounted in a running sandbox.

mod mount;

use std::fmt;

use blaxel_core::__private::{ErrorParts, lenient};
use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, Plane, RequestWriter, response};
use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use self::mount::check_mount_path;
pub(crate) use self::mount::same_path;
pub use self::mount::{Mount, MountOptions};
use crate::remote::{DataOperation, Remote};
use crate::sandbox::SandboxHandle;

/// The drives that are mounted in a sandbox. [`SandboxHandle::drives`] returns it.
///
/// Drives are created and deleted with the Management API.
#[derive(Clone)]
pub struct Drives<S> {
    remote: Remote<S>,
}

impl<S: HttpService> SandboxHandle<S> {
    /// Returns a handle on the drives that are mounted in the sandbox.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_sandbox::drives::MountOptions;
    ///
    /// let drives = sandbox.drives();
    /// drives.mount(&MountOptions::new("datasets", "/mnt/data").read_only(true)).await?;
    /// for mount in drives.list().await? {
    ///     println!("{} at {}", mount.drive_name, mount.mount_path);
    /// }
    /// drives.unmount("/mnt/data").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn drives(&self) -> Drives<S> {
        Drives {
            remote: self.remote().clone(),
        }
    }
}

impl<S: HttpService> Drives<S> {
    /// Mounts a drive, and returns the mount (`POST /drives/mount`, then `GET /drives/mount`).
    ///
    /// A drive that is mounted in the same way already is a success. The server reports one, too, if the
    /// existing mount differs in [`read_only`](MountOptions::read_only) and stays as it is; so the mount is read
    /// back, and such a difference is an error.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a name or path that the server does not accept; [`Error::is_forbidden`] if the
    /// permissions of the drive exclude the sandbox; [`Error::is_conflict`] if the path has another mount;
    /// [`Error::is_failed`] if the mount is not the requested one. If the mount cannot be read back, the error is
    /// that of `GET /drives/mount`, and the drive may be mounted.
    pub async fn mount(&self, options: &MountOptions) -> Result<Mount, Error> {
        let reported = self.remote.call(&MountDrive { options }).await?;
        let path = options.mount_path();
        if reported.success == Some(false) {
            let reason = reported.message.unwrap_or_default();
            return Err(Error::failed(format!(
                "the drive was not mounted at `{path}`: {reason}"
            )));
        }
        let mounts = self.list().await?;
        let Some(mount) = mounts
            .into_iter()
            .find(|mount| same_path(&mount.mount_path, path))
        else {
            return Err(Error::failed(format!(
                "the server reported a success, but nothing is mounted at `{path}`"
            )));
        };
        let drive_path = mount.drive_path.as_deref().unwrap_or("/");
        if mount.drive_name != options.drive_name() || !same_path(drive_path, options.directory()) {
            return Err(Error::failed(format!(
                "`{path}` has another mount, of `{drive_path}` of the drive `{}`: unmount it first",
                mount.drive_name
            )));
        }
        if mount.read_only != options.is_read_only() {
            let existing = if mount.read_only {
                "read-only"
            } else {
                "writable"
            };
            return Err(Error::failed(format!(
                "`{path}` is mounted already, and is {existing}: unmount it first"
            )));
        }
        // The list does not contain the mapping.
        Ok(Mount {
            uid_map: mount.uid_map.or(reported.uid_map),
            gid_map: mount.gid_map.or(reported.gid_map),
            ..mount
        })
    }

    /// Unmounts the drive at a path (`DELETE /drives/mount/{mountPath}`).
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a path that the server does not accept; otherwise the error of the call, which has
    /// the status 500 if nothing is mounted there.
    pub async fn unmount(&self, mount_path: &str) -> Result<(), Error> {
        self.remote.call(&UnmountDrive { mount_path }).await
    }

    /// Returns the mounted drives (`GET /drives/mount`).
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn list(&self) -> Result<Vec<Mount>, Error> {
        self.remote.call(&ListMounts).await
    }
}

impl<S> fmt::Debug for Drives<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Drives").field(&self.remote).finish()
    }
}

/// The answer to a mount.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reported {
    #[serde(default, deserialize_with = "crate::lenient::flag")]
    success: Option<bool>,
    #[serde(default, deserialize_with = "lenient::text")]
    message: Option<String>,
    #[serde(default, deserialize_with = "mount::mapping")]
    uid_map: Option<u32>,
    #[serde(default, deserialize_with = "mount::mapping")]
    gid_map: Option<u32>,
}

/// Mounts a drive: `POST /drives/mount`.
struct MountDrive<'a> {
    options: &'a MountOptions,
}

impl DataOperation for MountDrive<'_> {
    type Output = Reported;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("MountDrive", Method::POST, "/drives/mount")
            .with_plane(Plane::Run)
            .with_idempotency(Idempotency::Idempotent);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.options.check()?;
        request.path([])?;
        request.json(self.options)
    }

    fn read(response: &http::Response<Bytes>) -> Result<Reported, Error> {
        response::json(response)
    }
}

/// Unmounts a drive: `DELETE /drives/mount/{mountPath}`.
struct UnmountDrive<'a> {
    mount_path: &'a str,
}

impl DataOperation for UnmountDrive<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &OperationInfo::new("UnmountDrive", Method::DELETE, "/drives/mount/{mountPath}")
            .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        let path = self.mount_path.trim_matches('/');
        check_mount_path(path)?;
        // The server adds the leading slash.
        request.path([path])
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Lists the mounted drives: `GET /drives/mount`.
struct ListMounts;

impl DataOperation for ListMounts {
    type Output = Vec<Mount>;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ListMounts", Method::GET, "/drives/mount").with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([])
    }

    fn read(response: &http::Response<Bytes>) -> Result<Vec<Mount>, Error> {
        #[derive(Deserialize)]
        struct Mounts {
            #[serde(default, deserialize_with = "lenient::null_as_default")]
            mounts: Vec<Mount>,
        }
        response::json::<Mounts>(response).map(|list| list.mounts)
    }
}
