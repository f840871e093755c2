//! A drive to mount in a sandbox that is being launched.

use blaxel_core::{Error, Source};
use blaxel_management::Resource;
use blaxel_management::drives::Drive;

use crate::drives::MountOptions;
use crate::process::unique_name;

/// A drive that is mounted in a sandbox while it is launched: an existing drive, or one that is created for it.
///
/// ```
/// use blaxel_management::drives::Drive;
/// use blaxel_sandbox::DriveMount;
/// use blaxel_sandbox::drives::MountOptions;
///
/// let data = DriveMount::existing(MountOptions::new("datasets", "/mnt/data").read_only(true));
/// let results = DriveMount::created(Drive::new("results"), "/mnt/results");
/// let scratch = DriveMount::created(Drive::default(), "/mnt/scratch"); // with a random name
/// # let _ = (data, results, scratch);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct DriveMount {
    options: MountOptions,
    /// The drive to create, with its name.
    new: Option<Drive>,
    /// `true` if the name is a random one.
    generated: bool,
}

impl DriveMount {
    /// Creates a mount of an existing drive.
    pub fn existing(options: MountOptions) -> Self {
        Self {
            options,
            new: None,
            generated: false,
        }
    }

    /// Creates a mount of a drive that is created as drafted (`POST /drives`), at the directory `mount_path`.
    ///
    /// A draft without a region is created in that of the sandbox. A draft without a name, such as
    /// `Drive::default()`, gets a random one; such a drive is deleted again if the launch fails. A drive with a name of
    /// your own is never deleted, and one that exists already is used as it is.
    pub fn created(drive: Drive, mount_path: impl Into<String>) -> Self {
        let generated = drive.name().is_empty();
        let mut drive = drive;
        if generated {
            // Chosen before the request, so that the drive is found if the response is lost.
            drive.metadata.name = unique_name("drive");
        }
        Self {
            options: MountOptions::new(drive.name(), mount_path),
            new: Some(drive),
            generated,
        }
    }

    /// Changes the options of the mount, such as [`read_only`](MountOptions::read_only).
    ///
    /// ```
    /// use blaxel_management::drives::Drive;
    /// use blaxel_sandbox::DriveMount;
    ///
    /// let mount = DriveMount::created(Drive::new("results"), "/mnt/results").map(|options| options.uid_map(1000));
    /// # let _ = mount;
    /// ```
    pub fn map(mut self, change: impl FnOnce(MountOptions) -> MountOptions) -> Self {
        self.options = change(self.options);
        self
    }

    pub(super) fn options(&self) -> &MountOptions {
        &self.options
    }

    pub(super) fn name(&self) -> &str {
        self.options.drive_name()
    }

    pub(super) fn new_drive(&self) -> Option<&Drive> {
        self.new.as_ref()
    }

    pub(super) fn is_generated(&self) -> bool {
        self.generated
    }

    /// Checks the mount before anything is sent.
    pub(super) fn check(&self, ensures: bool) -> Result<(), Error> {
        self.options.check()?;
        if ensures && self.generated {
            // Each call would create another one, and find the mount path taken.
            let problem =
                "it has no name, so that the next call could not find it again; give it one";
            return Err(Error::input("new drive", &Source::Code, problem));
        }
        if let Some(new) = &self.new
            && new.name() != self.name()
        {
            let problem = "the options of the mount name another drive than the draft";
            return Err(Error::input("new drive", &Source::Code, problem));
        }
        Ok(())
    }
}

impl From<MountOptions> for DriveMount {
    fn from(options: MountOptions) -> Self {
        Self::existing(options)
    }
}
