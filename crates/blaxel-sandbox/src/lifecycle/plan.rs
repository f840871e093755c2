//! The settings of a launch.

use blaxel_core::{Error, Source};
use blaxel_management::sandboxes::{Creation, Ensure, Sandbox};

use super::drive_mount::DriveMount;
use crate::drives::same_path;
use crate::sandboxes::Sandboxes;

/// The settings of a launch.
pub(super) struct Plan<S> {
    pub(super) sandboxes: Sandboxes<S>,
    pub(super) draft: Sandbox,
    pub(super) mode: Mode,
    pub(super) mounts: Vec<DriveMount>,
    pub(super) probes: bool,
    pub(super) on_failure: OnSetupFailure,
}

/// The way in which the sandbox is obtained.
#[derive(Clone, Debug)]
pub(super) enum Mode {
    Create(Creation),
    Ensure(Ensure),
}

/// The fate of a new sandbox whose [`Launch`](super::Launch) fails after the sandbox was created.
///
/// A sandbox that existed before is never deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnSetupFailure {
    /// The sandbox is deleted, and so are new drives with random names.
    #[default]
    Delete,
    /// The sandbox is kept as it is, with the drives that are mounted. New drives with random names that are not mounted
    /// are deleted.
    Keep,
}

impl<S> Plan<S> {
    /// Checks the settings before anything is sent.
    pub(super) fn check(&self) -> Result<(), Error> {
        match &self.mode {
            Mode::Create(creation) => creation.check()?,
            Mode::Ensure(ensure) => ensure.check()?,
        }
        let ensures = matches!(self.mode, Mode::Ensure(_));
        for (index, mount) in self.mounts.iter().enumerate() {
            mount.check(ensures)?;
            let path = mount.options().mount_path();
            let is_same = |other: &DriveMount| same_path(other.options().mount_path(), path);
            if self.mounts.iter().take(index).any(is_same) {
                let problem = format!("two drives are to be mounted at `{path}`");
                return Err(Error::input("mount path", &Source::Code, problem));
            }
        }
        Ok(())
    }
}
